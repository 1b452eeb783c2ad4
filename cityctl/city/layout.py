"""The points of a city: named ones, those of its devices, meters of its registers, inflows of its zones.

Units are settled here once, so that the store and the analyses only ever see canonical ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from cityctl import units
from cityctl.city import formula
from cityctl.city.connected import connected_points
from cityctl.city.kinds import kind_of, kind_of_derived
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.city.registers import read_register
from cityctl.city.sources import PointEntry
from cityctl.document import Document, Key, read
from cityctl.errors import ConfigInvalid, UsageProblem, listed, near
from cityctl.reading import Kind


def no_such(
    document: Document, keys: tuple[Key, ...], word: str, name: str, known: Iterable[str]
) -> ConfigInvalid:
    """The error for a name that nothing in city.yaml bears."""
    known = list(known)
    match = near(name, known)
    hint = (
        f"did you mean `{match}`?"
        if match
        else f"there are: {listed(known)}"
        if known
        else f"add it under `{word}s:`"
    )
    return ConfigInvalid(f"{document.place(*keys)}: no {word} named `{name}`", hint=hint)


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
    points: dict[str, Point] = {}
    told = _device_points(city, document)
    taken = {entry.device for entry in city.points_by_name.values() if entry.device}
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
    shapes: dict[tuple[str, str], dict[str, Any]] = {}
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
    for index, register in enumerate(city.meters):
        try:
            for point, place in read_register(city, register):
                if point.id in points:
                    raise ConfigInvalid(
                        f"{place}: meter `{point.id}` is there twice", hint="keep one of them"
                    )
                points[point.id] = point
        except ConfigInvalid as problem:
            where = f"named at {document.place('meters', index)}"
            raise ConfigInvalid(problem.message, tried=[*problem.tried, where], hint=problem.hint) from None
    for name, zone in city.zones.items():
        if zone.inflow is not None and zone.inflow not in points:
            inflow_entry = PointEntry(formula=zone.inflow, unit="m3/h", zone=name, role="inflow")
            try:
                point = _named(city, f"{name}/inflow", inflow_entry, None)
                if point.formula is not None and isinstance(point.formula.tree, formula.Name):
                    raise no_such(document, ("zones", name, "inflow"), "point", zone.inflow, points)
                points[point.id] = point
            except UsageProblem as problem:
                place = document.place("zones", name, "inflow")
                raise ConfigInvalid(f"{place}: {problem.message}", hint=problem.hint) from None
    return _derived(city, document, points)


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
    if any(told.get(key) for key in ("scale_factor", "times", "over")):
        return None
    bits = int(found[2])
    values = 2.0**bits if found[1] in ("uint", "acc") else 10.0 ** (bits // 4)
    try:
        factor = units.linear(str(told["unit"]), unit)[0] if told.get("unit") else 1.0
    except UsageProblem:  # a unit that its connector gives in other words
        return None
    return float(values * told.get("scale", 1.0) * factor)


def _derived(city: City, document: Document, points: dict[str, Point]) -> dict[str, Point]:
    """Resolve the names in formulas, and give derived points the slowest interval of their sources."""
    done: dict[str, Point] = {}

    def place_of(name: str) -> str:
        if name in city.points_by_name:
            return document.place("points", name, "formula")
        return document.place("zones", name.removesuffix("/inflow"), "inflow")

    def resolve(name: str, below: tuple[str, ...]) -> Point:
        if name in done:
            return done[name]
        point = points[name]
        if point.formula is None:
            done[name] = point
            return point
        if name in below:
            circle = " -> ".join((*below[below.index(name) :], name))
            raise ConfigInvalid(f"{place_of(name)}: a formula that needs itself: {circle}")
        sources: list[Point] = []
        # Without a number of its own a formula holds in any units: it is worked out in the coherent ones of the store.
        # A number such as the 3.6 of `3.6 * inlet` was written for the units that city.yaml speaks.
        spoken = point.formula.has_numbers

        def exchange(word: str) -> formula.Node:
            asset, _, figure = word.rpartition(".")
            if word not in points and asset in city.assets:
                value = getattr(city.assets[asset], figure, None)
                if not isinstance(value, int | float):
                    raise ConfigInvalid(
                        f"{place_of(name)}: asset `{asset}` has no `{figure}`",
                        hint=f"add `{figure}:` to it under `assets:`",
                    )
                return formula.Number(float(value))
            if word not in points:
                raise no_such(document, _keys_of(city, name), "point", word, points)
            source = resolve(word, (*below, name))
            sources.append(source)
            scale, offset = units.linear(source.unit, source.shown_unit)
            if not (spoken or offset):
                scale = _coherent(source)
            node: formula.Node = formula.Name(word)
            if scale != 1.0:
                node = formula.Binary("*", node, formula.Number(scale))
            return formula.Binary("+", node, formula.Number(offset)) if offset else node

        assert point.formula is not None
        tree = formula.replace_names(point.formula.tree, exchange)
        if spoken:
            _one_unit(point.formula, done, place_of(name))
        scale, offset = units.linear(point.shown_unit, point.unit)
        if not (spoken or offset):
            scale = 1.0 / _coherent(point)
        if scale != 1.0:
            tree = formula.Binary("*", tree, formula.Number(scale))
        if offset:
            tree = formula.Binary("+", tree, formula.Number(offset))
        intervals = [source.every for source in sources if source.every is not None]
        every = point.every or (max(intervals) if intervals else None)
        if every is None or not sources:
            raise ConfigInvalid(
                f"{place_of(name)}: `every` is missing: how often does `{name}` have a value?",
                hint="add `every: 15m` to the point, or to the points in its formula",
            )
        entry = city.points_by_name.get(name)
        try:
            kind = kind_of_derived(point, sources, entry.kind if entry is not None else None)
        except UsageProblem as problem:
            raise ConfigInvalid(f"{place_of(name)}: {problem.message}", hint=problem.hint) from None
        done[name] = replace(point, kind=kind, every=every, formula=formula.Formula(point.formula.text, tree))
        return done[name]

    for name in points:
        resolve(name, ())
    return {name: done[name] for name in points}


def _coherent(point: Point) -> float:
    """What the store's unit of a point is in coherent ones: a share, kept in %, is a part of one in a product."""
    return 0.01 if point.quantity == "share" else 1.0


def _one_unit(written: formula.Formula, points: dict[str, Point], place: str) -> None:
    """Refuse to add what is in two units of one quantity, where numbers are taken as they are spoken."""
    for node in formula.walk(written.tree):
        added = [
            points[one.id]
            for one in formula.terms(node)
            if isinstance(one, formula.Name) and one.id in points
        ]
        for first, other in pairwise(added):
            if first.quantity == other.quantity and first.shown_unit != other.shown_unit:
                raise ConfigInvalid(
                    f"{place}: `{first.id}` is in {first.shown_unit} and `{other.id}` in {other.shown_unit}: beside a "
                    "number in the formula they are added as they stand",
                    hint="give both the same unit; a formula without numbers takes any",
                )


def _keys_of(city: City, name: str) -> tuple[Key, ...]:
    if name in city.points_by_name:
        return ("points", name, "formula")
    return ("zones", name.removesuffix("/inflow"), "inflow")
