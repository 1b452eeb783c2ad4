"""Which zones a question about night flow is about, their inflow point and the sensors behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cityctl import arrow
from cityctl.analysis.patterns import matching
from cityctl.city.formula import Call, signed, walk
from cityctl.city.model import City
from cityctl.city.things import Zone

if TYPE_CHECKING:
    import pyarrow as pa

_CHANGES = ("rate", "delta", "prev")
METRED = ("dma", "supply")
FINE = timedelta(hours=3)  # readings of customer meters that tell the parts of a day
NIGHT_USERS = 0.06  # share of people who use water in an hour of the night ...
NIGHT_LITRES = 10.0  # ... and how much each of them [L]: UKWIR (1994), Managing Leakage, report E


@dataclass(frozen=True)
class Asked:
    """A zone to be judged; `sensors` are the measured points that its inflow is worked out from.

    `stepped`: the inflow has the change of a level in it, whose last digit makes single readings jump far.
    """

    zone: str
    entry: Zone
    inflow: str | None
    sensors: tuple[str, ...]
    stepped: bool

    @property
    def name(self) -> str:
        """What people call the zone."""
        return self.entry.name or self.zone

    @property
    def night_use(self) -> float | None:
        """Legitimate night use [m³/h]: as city.yaml gives it, or 6 % of the people at 10 L an hour."""
        if self.entry.night_use is not None:
            return self.entry.night_use
        if self.entry.people is not None:
            return self.entry.people * NIGHT_USERS * NIGHT_LITRES / 1000
        return None


def zones_of(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Every water zone that is asked for. Raises UsageProblem for a pattern that matches none."""
    water = {
        name: zone.name or name for name, zone in city.zones.items() if city.network_kind(name) == "water"
    }
    chosen = matching(parameters.get("zones"), water, "water zone")
    return [name for name in water if name in chosen]


def asked(city: City, parameters: Mapping[str, Any]) -> list[Asked]:
    """The water zones that have an inflow, or should have one, in the order of city.yaml."""
    found = []
    for name in zones_of(city, parameters):
        zone = city.zones[name]
        inflow = city.inflow_point(name)
        if inflow is not None or zone.kind in METRED:
            sensors, stepped = _behind(city, inflow)
            found.append(Asked(name, zone, inflow, sensors, stepped))
    return found


def _behind(city: City, point: str | None) -> tuple[tuple[str, ...], bool]:
    """The measured points that a point's formula comes down to, and whether any formula takes a change."""
    known = city.points()
    found: dict[str, None] = {}
    stepped = False
    path = [point] if point is not None else []
    seen: set[str] = set()
    while path:
        name = path.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        formula = known[name].formula
        if formula is None:
            found[name] = None
        else:
            path.extend(formula.names)
            stepped |= any(
                isinstance(node, Call) and node.function in _CHANGES for node in walk(formula.tree)
            )
    return tuple(sorted(found)), stepped


def sensor_label(city: City, point: str) -> str:
    """A sensor as people find it: device/point where a device holds it, else the point."""
    return city.points()[point].device or point


def customers(city: City, zones: list[Asked]) -> dict[str, list[str]]:
    """Customer meters of the zones and of those within them: point -> every one of the zones that it lies in.

    What flows into a zone is used in all that lies within it. What feeds an inflow is no customer's meter; those that
    tell a day at a time say nothing of its parts, and are left out.
    """
    feeding = {sensor for zone in zones for sensor in zone.sensors}
    around: dict[str, list[str]] = {}
    for zone in zones:
        for inner in fed(city, zone.zone):
            around.setdefault(inner, []).append(zone.zone)
    return {
        name: around[point.zone]
        for name, point in city.points().items()
        if point.role == "consumption" and point.zone in around and point.quantity in ("flow", "volume")
        and name not in feeding and (point.every is None or point.every <= FINE)
    }  # fmt: skip


def by_zone(meters: Mapping[str, Sequence[str]]) -> pa.Table:
    """The table (point, zone) of meters and the zones that they lie in, a row a pair."""
    pairs = [(name, zone) for name, zones in meters.items() for zone in zones]
    return arrow.table(
        point=arrow.texts([name for name, _ in pairs]), zone=arrow.texts([zone for _, zone in pairs])
    )


def outermost(city: City, zones: list[Asked]) -> list[Asked]:
    """The zones that lie in no other one of them: what flows into these counts once."""
    inside = {inner for zone in zones for inner in fed(city, zone.zone)[1:]}
    return [zone for zone in zones if zone.zone not in inside]


def fed(city: City, zone: str) -> list[str]:
    """A zone and those below it that its inflow feeds: what its formula takes off for one of these flows past it."""
    came, went = _signs(city, zone)
    found = [zone]
    for below in city.zones_below(zone):
        added, taken_off = _signs(city, below)
        meters = {*added, *taken_off, city.inflow_point(below)}
        if not meters & went or meters & came:
            found += fed(city, below)
    return found


def _signs(city: City, zone: str) -> tuple[set[str], set[str]]:
    """(points that a zone's inflow adds up, points that it takes off)."""
    point = city.inflow_point(zone)
    formula = None if point is None or point not in city.points() else city.points()[point].formula
    if formula is None:
        return (set() if point is None else {point}), set()
    signs = list(signed(formula.tree))
    return {name for name, sign in signs if sign > 0}, {name for name, sign in signs if sign < 0}


def gauges(city: City, zones: list[Asked]) -> list[str]:
    """Pressure sensors in the zones, and those of their networks that stand in none."""
    within = {inner for zone in zones for inner in city.zones_within(zone.zone)}
    networks = {zone.entry.network for zone in zones}
    return [
        name
        for name, point in city.points().items()
        if point.quantity == "pressure"
        and (point.zone in within or (point.zone is None and point.network in networks))
    ]
