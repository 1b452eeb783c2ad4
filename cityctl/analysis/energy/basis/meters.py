"""Which meters a question about savings is about, since when, and against which weather. Knows no readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from cityctl.analysis.patterns import points_of
from cityctl.city.accounts import Intervention, NonRoutine
from cityctl.city.model import City
from cityctl.city.points import Point

USE, DRIVER = "consumption", "driver"


@dataclass(frozen=True)
class Wanted:
    """A meter, its weather point and the local day from which its use is compared with the baseline."""

    point: Point
    network: str | None
    temperature: str | None
    intervention: date | None
    earlier: date | None
    carbon: float | str | None = None  # kg CO2 for each kWh, or the point that holds it by the hour
    drivers: tuple[str, ...] = ()  # points of what its use depends on beside the weather
    stated: tuple[NonRoutine, ...] = ()  # what changed its use for another cause than the measure

    @property
    def keeps_zeros(self) -> bool:
        """Gas and heat may rest at zero in summer; an electricity meter that reads zero is missing."""
        return self.network in ("gas", "heat")


def network_of(city: City, point: Point) -> str | None:
    """power, heat, gas or water: the kind of the network that a point belongs to."""
    if point.network is not None and point.network in city.networks:
        return city.networks[point.network].kind
    return city.network_kind(point.zone)


def _measures_use(city: City, point: Point) -> bool:
    if point.role != USE:
        return False
    if point.quantity == "volume":
        return network_of(city, point) == "gas"
    return point.quantity in ("energy", "power")


def _carbon(city: City, point: Point) -> float | str | None:
    network = point.network or (city.zones[point.zone].network if point.zone is not None else None)
    return city.networks[network].carbon if network in city.networks else None


def _drivers(city: City) -> dict[str, tuple[str, ...]]:
    """Zone -> its points with `role: driver`."""
    found: dict[str, list[str]] = {}
    for point in city.points().values():
        if point.role == DRIVER and point.zone is not None:
            found.setdefault(point.zone, []).append(point.id)
    return {zone: tuple(sorted(names)) for zone, names in found.items()}


def _temperature(city: City, zone: str | None) -> str | None:
    """The outdoor temperature of a zone, of the nearest zone around it, or of the city."""
    while zone is not None:
        if (own := city.zones[zone].temperature) is not None:
            return own
        zone = city.zones[zone].parent
    return city.weather.temperature


@dataclass(frozen=True)
class _Reach:
    """The meters that a measure or an event is about: by their ids, or in zones; None stands for all."""

    patterns: tuple[str, ...]
    zones: frozenset[str] | None

    @classmethod
    def of(cls, city: City, one: Intervention | NonRoutine) -> _Reach:
        return cls(tuple(one.meters), None if one.zone is None else frozenset(city.zones_within(one.zone)))

    def holds(self, point: Point) -> bool:
        if self.patterns:
            return any(fnmatchcase(point.id, pattern) for pattern in self.patterns)
        return self.zones is None or point.zone in self.zones


def wanted(city: City, parameters: Mapping[str, Any]) -> list[Wanted]:
    """The meters that are judged, sorted by id: those with a measure, or those that `meters` names.

    A building at which nothing was done is no gap in a report on what was done; where no meter has a measure
    all of them are there, to say so.
    """
    chosen = _selected(city, parameters)
    measured = [one for one in chosen if one.intervention is not None]
    return measured if measured and str(parameters.get("meters") or "*") == "*" else chosen


def without_measure(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Meters of use that `wanted` leaves out, because city.yaml names no measure for them."""
    judged = {one.point.id for one in wanted(city, parameters)}
    return [one.point.id for one in _selected(city, parameters) if one.point.id not in judged]


def _selected(city: City, parameters: Mapping[str, Any]) -> list[Wanted]:
    known = (point for point in city.points().values() if _measures_use(city, point))
    given: date | None = parameters.get("intervention")
    measures = [(_Reach.of(city, one), one) for one in sorted(city.interventions, key=lambda one: one.date)]
    events = [(_Reach.of(city, one), one) for one in sorted(city.non_routine, key=lambda one: one.first)]
    driving = _drivers(city)
    chosen: list[Wanted] = []
    for point in points_of(parameters.get("meters"), known, "meter of use"):
        dates = [one.date for reach, one in measures if reach.holds(point)] if given is None else [given]
        chosen.append(
            Wanted(
                point=point,
                network=network_of(city, point),
                temperature=_temperature(city, point.zone),
                intervention=dates[-1] if dates else None,
                earlier=dates[-2] if len(dates) > 1 else None,
                carbon=_carbon(city, point),
                drivers=driving.get(point.zone or "", ()),
                stated=tuple(one for reach, one in events if reach.holds(point)),
            )
        )
    return sorted(chosen, key=lambda one: one.point.id)
