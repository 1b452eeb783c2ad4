"""city.yaml -> City: found upwards, validated, its references checked, its points laid out.

Every error names file:line:column and the near match.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from cityctl import library
from cityctl.checked import validate
from cityctl.city.interruptions import read_interruptions
from cityctl.city.layout import lay_out
from cityctl.city.measures import read_measures
from cityctl.city.model import City
from cityctl.city.statements import read_statements
from cityctl.city.typical_year import read_typical_year
from cityctl.city.unknown import no_such
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


# What the entries of one section name of another: (section, key, section of what is named).
_REFERENCES = (
    ("zones", "network", "networks"),
    ("zones", "parent", "zones"),
    ("devices", "zone", "zones"),
    ("devices", "asset", "assets"),
    ("devices", "line", "lines"),
    ("services", "zone", "zones"),
    ("assets", "zone", "zones"),
    ("tariffs", "network", "networks"),
    ("interventions", "zone", "zones"),
    ("non_routine", "zone", "zones"),
    ("meters", "zone", "zones"),
    ("meters", "network", "networks"),
    ("meters", "service", "services"),
    ("points", "zone", "zones"),
    ("points", "network", "networks"),
    ("points", "asset", "assets"),
)


def _check_references(city: City, document: Document) -> None:
    def expect(keys: tuple[Key, ...], word: str, name: str | None, known: Collection[str]) -> None:
        if name is not None and name not in known:
            raise no_such(document, keys, word, name, known)

    sections: dict[str, Any] = {name: getattr(city, name) for name, *_ in _REFERENCES if name != "points"}
    sections |= {"points": city.points_by_name, "networks": city.networks, "lines": city.lines}
    for section, key, named in _REFERENCES:
        entries = sections[section]
        for name, entry in entries.items() if isinstance(entries, dict) else enumerate(entries):
            expect((section, name, key), named.removesuffix("s"), getattr(entry, key), sections[named])
    for name, entry in city.points_by_name.items():
        for key, known in (("device", city.devices), ("service", city.services)):
            source = getattr(entry, key)
            if source is not None:
                expect(("points", name, key), key, source.partition("/")[0], known)
    for name in city.zones:
        _check_above(city, document, name)
    for name, device in city.devices.items():
        _check_connector(
            city, document.place("devices", name, "connector"), "connectors/devices", device.connector
        )
    for name, service in city.services.items():
        _check_connector(
            city, document.place("services", name, "connector"), "connectors/services", service.connector
        )


def _check_connector(city: City, place: str, kind: library.Kind, connector: str) -> None:
    try:
        city.library.find(kind, connector)
    except ConfigInvalid as problem:
        raise ConfigInvalid(f"{place}: {problem.message}", tried=problem.tried, hint=problem.hint) from None


def _check_above(city: City, document: Document, name: str) -> None:
    """Refuse a zone that lies within itself."""
    seen, at = {name}, city.zones[name].parent
    while at is not None:
        if at in seen:
            place = document.place("zones", name, "parent")
            raise ConfigInvalid(f"{place}: zone `{name}` lies within itself")
        seen.add(at)
        at = city.zones[at].parent


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
