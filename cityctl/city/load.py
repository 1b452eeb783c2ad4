"""city.yaml -> City: found upwards, validated, its references checked, its points laid out.

Every error names file:line:column and the near match.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from cityctl.checked import validate
from cityctl.city.interruptions import read_interruptions
from cityctl.city.layout import lay_out, no_such
from cityctl.city.measures import read_measures
from cityctl.city.model import City
from cityctl.city.statements import read_statements
from cityctl.city.typical_year import read_typical_year
from cityctl.city.work_orders import read_work_orders
from cityctl.disk import here
from cityctl.document import Document, Key, read
from cityctl.errors import ConfigInvalid, listed, near

FILE_NAME = "city.yaml"


def find_project(start: Path | None) -> Path:
    """The folder that holds city.yaml: the one given, CITYCTL_PROJECT, or upwards from where we stand.

    Raises ConfigInvalid with the places that were looked at.
    """
    if start is None and os.environ.get("CITYCTL_PROJECT"):
        start = Path(os.environ["CITYCTL_PROJECT"])
    if start is not None:
        folder = start.parent if start.name == FILE_NAME else start
        if not (folder / FILE_NAME).is_file():
            raise ConfigInvalid(
                f"{folder / FILE_NAME}: no such file", hint="`cityctl init DIR` makes a new project"
            )
        return folder.resolve()
    stand = here()
    for folder in (stand, *stand.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise ConfigInvalid(
        f"no {FILE_NAME} in {stand} or above it",
        hint="`cityctl init DIR` makes a new project, `cityctl demo` shows a simulated one, "
        "`--project DIR` names one that is elsewhere",
    )


def load(project: Path, profile: str | None = None) -> City:
    """The city of a project folder. Raises ConfigInvalid."""
    document = read(project / FILE_NAME)
    data = _with_profile(document, profile) if profile else document.data
    city = validate(City, document, data)
    city._project = project.resolve()
    _check_references(city, document)
    for name, device in city.devices.items():
        if device.line is not None:
            city.devices[name] = device = device.on(city.lines[device.line])
        if device.transport in ("rtu", "rtu-tcp") and device.unit == 0:
            raise ConfigInvalid(
                f"{document.place('devices', name, 'unit')}: unit 0 speaks to all on a bus, and nobody answers",
                hint="a device's own address is 1 to 247",
            )
    city._points.update(lay_out(city, document))
    city.interventions.extend(read_measures(city))
    city._statements.extend(read_statements(city))
    orders, faults = read_work_orders(city)
    city._work_orders.extend(orders)
    city._work_order_faults.extend(faults)
    interruptions, unread = read_interruptions(city)
    city._interruptions.extend(interruptions)
    city._interruption_faults.extend(unread)
    city._typical_year.extend(read_typical_year(city))
    _check_points(city, document)
    return city


def _with_profile(document: Document, profile: str) -> Any:
    profiles = document.data.get("profiles") or {}
    if profile not in profiles:
        match = near(profile, profiles)
        hint = f"did you mean `{match}`?" if match else f"there are: {listed(profiles) or 'none'}"
        raise ConfigInvalid(f"{document.place('profiles')}: no profile `{profile}`", hint=hint)
    return _merged(copy.deepcopy(document.data), profiles[profile])


def _merged(base: Any, changes: Any) -> Any:
    if isinstance(base, dict) and isinstance(changes, dict):
        return {**base, **{key: _merged(base.get(key), value) for key, value in changes.items()}}
    return changes


def _check_references(city: City, document: Document) -> None:
    def expect(keys: tuple[Key, ...], word: str, name: str | None, known: Collection[str]) -> None:
        if name is not None and name not in known:
            raise no_such(document, keys, word, name, known)

    for name, zone in city.zones.items():
        expect(("zones", name, "network"), "network", zone.network, city.networks)
        expect(("zones", name, "parent"), "zone", zone.parent, city.zones)
        seen, at = {name}, zone.parent
        while at is not None:
            if at in seen:
                raise ConfigInvalid(
                    f"{document.place('zones', name, 'parent')}: zone `{name}` lies within itself"
                )
            seen.add(at)
            at = city.zones[at].parent if at in city.zones else None
    for name, device in city.devices.items():
        expect(("devices", name, "zone"), "zone", device.zone, city.zones)
        expect(("devices", name, "asset"), "asset", device.asset, city.assets)
        expect(("devices", name, "line"), "line", device.line, city.lines)
        try:
            city.library.find("connectors/devices", device.connector)
        except ConfigInvalid as problem:
            said = f"{document.place('devices', name, 'connector')}: {problem.message}"
            raise ConfigInvalid(said, tried=problem.tried, hint=problem.hint) from None
    for name, service in city.services.items():
        expect(("services", name, "zone"), "zone", service.zone, city.zones)
        try:
            city.library.find("connectors/services", service.connector)
        except ConfigInvalid as problem:
            said = f"{document.place('services', name, 'connector')}: {problem.message}"
            raise ConfigInvalid(said, tried=problem.tried, hint=problem.hint) from None
    for name, asset in city.assets.items():
        expect(("assets", name, "zone"), "zone", asset.zone, city.zones)
    for name, tariff in city.tariffs.items():
        expect(("tariffs", name, "network"), "network", tariff.network, city.networks)
    for index, intervention in enumerate(city.interventions):
        expect(("interventions", index, "zone"), "zone", intervention.zone, city.zones)
    for index, event in enumerate(city.non_routine):
        expect(("non_routine", index, "zone"), "zone", event.zone, city.zones)
    for index, register in enumerate(city.meters):
        expect(("meters", index, "zone"), "zone", register.zone, city.zones)
        expect(("meters", index, "network"), "network", register.network, city.networks)
        expect(("meters", index, "service"), "service", register.service, city.services)
    for name, entry in city.points_by_name.items():
        expect(("points", name, "zone"), "zone", entry.zone, city.zones)
        expect(("points", name, "network"), "network", entry.network, city.networks)
        expect(("points", name, "asset"), "asset", entry.asset, city.assets)
        if entry.device is not None:
            expect(("points", name, "device"), "device", entry.device.partition("/")[0], city.devices)
        if entry.service is not None:
            expect(("points", name, "service"), "service", entry.service.partition("/")[0], city.services)


def _check_points(city: City, document: Document) -> None:
    for name, network in city.networks.items():
        if isinstance(network.carbon, str) and network.carbon not in city.points():
            raise no_such(document, ("networks", name, "carbon"), "point", network.carbon, city.points())
    for name, zone in city.zones.items():
        if zone.temperature is not None and zone.temperature not in city.points():
            raise no_such(document, ("zones", name, "temperature"), "point", zone.temperature, city.points())
    temperature = city.weather.temperature
    if temperature is not None and temperature not in city.points():
        raise no_such(document, ("weather", "temperature"), "point", temperature, city.points())
