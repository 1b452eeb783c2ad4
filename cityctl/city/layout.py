"""The points of a city: named ones, those of its devices, meters of its registers, inflows of its zones.

Units are settled here once, so that the store and the analyses only ever see canonical ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cityctl import units
from cityctl.city import formula
from cityctl.city.connected import connected_points
from cityctl.city.derived import Formulas
from cityctl.city.kinds import kind_of
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.city.registers import read_register
from cityctl.city.sources import PointEntry
from cityctl.city.unknown import no_such
from cityctl.document import Document, read
from cityctl.errors import ConfigInvalid, UsageProblem
from cityctl.reading import Kind


def _device_points(city: City, document: Document) -> dict[str, dict[str, Any]]:
    """Of each "device/point" what its connector says (unit, kind ...), and whether it is polled."""
    connectors: dict[str, dict[str, Any]] = {}
    found: dict[str, dict[str, Any]] = {}
    for name, device in city.devices.items():
        if device.connector not in connectors:
            path = city.library.find("connectors/devices", device.connector)
            connectors[device.connector] = connected_points(read(path).data)
        points = connectors[device.connector]
        for index, wanted in enumerate(device.poll or ()):
            if wanted not in points:
                raise no_such(document, ("devices", name, "poll", index), "point", wanted, points)
        for point, fields in points.items():
            asked = point in device.poll if device.poll else fields["polled"]
            found[f"{name}/{point}"] = fields if asked == fields["polled"] else {**fields, "polled": asked}
    return found


def _measure(unit: str | None, quantity: str | None, told: dict[str, Any] | None) -> tuple[str, str, str]:
    """(quantity, canonical unit, shown unit) of a point, from city.yaml first and its connector second."""
    if unit is None and told is not None:
        unit = told.get("unit")
        if unit is None and quantity is None:
            coded = told.get("enum") or told.get("bits") or told.get("kind") == "state"
            quantity = "state" if coded else "ratio"
    if unit is None:
        if quantity is None:
            raise UsageProblem("`unit` is missing", hint="write for example `unit: m3/h`")
        unit = units.canonical(quantity).symbol
    shown = units.unit(unit)
    if quantity is not None and shown.quantity != quantity:
        raise UsageProblem(f"`{unit}` is a unit of {shown.quantity}, not of {quantity}")
    if told is not None and told.get("unit") is not None:
        units.linear(str(told["unit"]), shown.symbol)
    return shown.quantity, units.canonical(shown.quantity).symbol, shown.symbol


def lay_out(city: City, document: Document) -> dict[str, Point]:
    """Every point of a city by its name, formulas resolved. Raises ConfigInvalid with the place in its file."""
    told = _device_points(city, document)
    points = _of_the_city(city, document, told)
    points |= _of_devices(city, told)
    for point, place in _of_registers(city, document):
        if point.id in points:
            raise ConfigInvalid(f"{place}: meter `{point.id}` is there twice", hint="keep one of them")
        points[point.id] = point
    points |= _inflows(city, document, points)
    return Formulas(city, document, points).resolved()


def _of_the_city(city: City, document: Document, told: dict[str, dict[str, Any]]) -> dict[str, Point]:
    """Those under `points:`, with what the connector of their device says where city.yaml does not."""
    points: dict[str, Point] = {}
    for name, entry in city.points_by_name.items():
        if entry.device is not None and entry.device not in told:
            device = entry.device.partition("/")[0]
            known = [point for point in told if point.startswith(device + "/")]
            raise no_such(document, ("points", name, "device"), "point", entry.device, known)
        try:
            points[name] = _named(city, name, entry, told.get(entry.device) if entry.device else None)
        except UsageProblem as problem:
            raise ConfigInvalid(
                f"{document.place('points', name)}: {problem.message}", hint=problem.hint
            ) from None
    return points


def _of_devices(city: City, told: dict[str, dict[str, Any]]) -> dict[str, Point]:
    """Those that devices are polled for and that `points:` does not name."""
    taken = {entry.device for entry in city.points_by_name.values() if entry.device}
    shapes: dict[tuple[str, str], dict[str, Any]] = {}
    points: dict[str, Point] = {}
    for name, fields in told.items():
        if name in taken or not fields["polled"]:
            continue
        device, _, of_device = name.partition("/")
        owner = city.devices[device]
        model = (owner.connector, of_device)
        if model not in shapes:
            shapes[model] = _shape(fields)
        points[name] = Point(
            id=name,
            every=owner.every,
            zone=owner.zone,
            network=city.zones[owner.zone].network if owner.zone else None,
            asset=owner.asset,
            device=name,
            **shapes[model],
        )
    return points


def _of_registers(city: City, document: Document) -> Iterator[tuple[Point, str]]:
    """Those of the registers under `meters:`, each with its place in the register's file."""
    for index, register in enumerate(city.meters):
        try:
            yield from read_register(city, register)
        except ConfigInvalid as problem:
            where = f"named at {document.place('meters', index)}"
            raise ConfigInvalid(problem.message, tried=[*problem.tried, where], hint=problem.hint) from None


def _inflows(city: City, document: Document, points: dict[str, Point]) -> dict[str, Point]:
    """Of zones whose `inflow:` is a formula, and no point's name, the point "zone/inflow"."""
    found: dict[str, Point] = {}
    for name, zone in city.zones.items():
        if zone.inflow is None or zone.inflow in points or zone.inflow in found:
            continue
        entry = PointEntry(formula=zone.inflow, unit="m3/h", zone=name, role="inflow")
        try:
            point = _named(city, f"{name}/inflow", entry, None)
        except UsageProblem as problem:
            place = document.place("zones", name, "inflow")
            raise ConfigInvalid(f"{place}: {problem.message}", hint=problem.hint) from None
        if point.formula is not None and isinstance(point.formula.tree, formula.Name):
            raise no_such(document, ("zones", name, "inflow"), "point", zone.inflow, points)
        found[point.id] = point
    return found


def _shape(told: dict[str, Any]) -> dict[str, Any]:
    """What a point that city.yaml does not name is on every device of its model."""
    try:
        quantity, unit, shown = _measure(None, None, told)
    except UsageProblem:  # a unit that its connector gives in other words; `connectors lint` says so
        quantity, unit, shown = "ratio", "", ""
    kind: Kind = told.get("kind") or ("state" if quantity == "state" else "gauge")
    return {
        "quantity": quantity,
        "unit": unit,
        "shown_unit": shown,
        "kind": kind,
        "rollover": _register_end(told, unit),
        "states": _states(told),
    }


def _named(city: City, name: str, entry: PointEntry, told: dict[str, Any] | None) -> Point:
    quantity, unit, shown = _measure(entry.unit, entry.quantity, told)
    device = city.devices[entry.device.partition("/")[0]] if entry.device else None
    zone = entry.zone or (device.zone if device else None)
    kind = kind_of(quantity, entry.role, entry.kind or (told.get("kind") if told else None), shown)
    return Point(
        id=name,
        name=entry.name,
        quantity=quantity,
        unit=unit,
        shown_unit=shown,
        kind=kind,
        every=entry.every or (device.every if device else None),
        zone=zone,
        network=entry.network or (city.zones[zone].network if zone else None),
        asset=entry.asset or (device.asset if device else None),
        role=entry.role,
        device=entry.device,
        service=entry.service,
        series=entry.series,
        formula=formula.parse(entry.formula) if entry.formula is not None else None,
        species=entry.species,
        reference_temperature=entry.reference_temperature,
        rollover=_register_end(told, unit)
        if entry.rollover is None
        else entry.rollover * units.linear(shown, unit)[0],
        states=_states(told),
    )


def _states(told: dict[str, Any] | None) -> tuple[tuple[int, str], ...]:
    """Codes and names of a device's states."""
    named = (told or {}).get("enum")
    if not isinstance(named, dict):
        return ()
    return tuple((code, str(word)) for code, word in named.items() if isinstance(code, int))


def _register_end(told: dict[str, Any] | None, unit: str) -> float | None:
    """Where a counter of a device begins anew at zero, by the width of its registers [unit]; None: not known."""
    found = re.fullmatch(r"(uint|acc|bcd|m10k)(\d+)", str((told or {}).get("type")))
    if not told or not found or told.get("kind") != "counter":
        return None
    if any(told.get(key) for key in ("scale_factor", "times", "over", "plus")):
        return None
    bits = int(found[2])
    values = 2.0**bits if found[1] in ("uint", "acc") else 10.0 ** (bits // 4)
    try:
        factor = units.linear(str(told["unit"]), unit)[0] if told.get("unit") else 1.0
    except UsageProblem:  # a unit that its connector gives in other words
        return None
    return float(values * told.get("scale", 1.0) * factor)
