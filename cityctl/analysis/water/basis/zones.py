"""Which zones a question about night flow is about, their inflow point and the sensors behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cityctl.analysis.patterns import matching
from cityctl.city.formula import Call, walk
from cityctl.city.model import City
from cityctl.city.things import Zone

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


def customers(city: City, zones: list[Asked]) -> dict[str, str]:
    """Customer meters of the zones and of those within them: point -> zone. What feeds an inflow is none.

    Meters that tell a day at a time say nothing of its parts, and are left out.
    """
    feeding = {sensor for zone in zones for sensor in zone.sensors}
    inside = {inner: zone.zone for zone in zones for inner in city.zones_within(zone.zone)}
    return {
        name: inside[point.zone]
        for name, point in city.points().items()
        if point.role == "consumption" and point.zone in inside and point.quantity in ("flow", "volume")
        and name not in feeding and (point.every is None or point.every <= FINE)
    }  # fmt: skip


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
