"""Nights of zones with all that night flow is made of: two minima, customers' use, pressure by night and by hour."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from cityctl import arrow
from cityctl.analysis.question import Parameter, Question
from cityctl.analysis.water import night_flow
from cityctl.analysis.water.balancing.formulas import night_day_factor
from cityctl.analysis.water.basis.zones import Asked, asked, by_zone, customers
from cityctl.analysis.water.nights.dry import untold
from cityctl.analysis.water.pressures.together import Night, by_sensor, heads_of
from cityctl.analysis.water.wandering import moved
from cityctl.city.model import City
from cityctl.units import convert
from cityctl.wording import counted

HISTORY = timedelta(days=28)
_TAKEN = ("zones", "window_start", "window_end", "method", "history", "night_share")
PARAMETERS: tuple[Parameter, ...] = tuple(
    replace(one, default=HISTORY) if one.name == "history" else one
    for one in night_flow.PARAMETERS
    if one.name in _TAKEN
)
FEWEST, VARIED = 10, 0.05  # nights, and share by which pressure differs, from which N1 is told
COVERED = 0.5  # customer meters for each connection from which they tell the zone's night use


@dataclass
class ZoneNights:
    """Of one zone, by the date on which a night ends; only nights that can be judged are there [m³/h, m of head].

    `gauges`: pressure sensors with readings; `heads`: what those of them show that can be believed; `hours`: pressure
    in each hour of the local day, over that of the day's night; `untold`: why nights tell nothing of leaks, where they
    do not.
    """

    zone: Asked
    mean: dict[date, float] = field(default_factory=dict)
    lowest: dict[date, float] = field(default_factory=dict)
    metered: dict[date, float] = field(default_factory=dict)
    meters: int = 0
    gauges: int = 0
    heads: dict[date, float] = field(default_factory=dict)
    hours: dict[int, float] = field(default_factory=dict)
    untold: str = ""

    def night_use(self, share: float | None) -> tuple[float | None, str]:
        """(legitimate use [m³/h], where it is from): a given share of night flow, meters, city.yaml or people."""
        entry = self.zone.entry
        if share is not None:
            usual = median(self.mean.values())
            return (None if usual is None else share * usual), f"{100 * share:g} % of night flow"
        if self.metered and self.meters >= COVERED * (entry.connections or 0):
            return median(self.metered.values()), counted(self.meters, "customer meter")
        if entry.night_use is not None:
            return entry.night_use, "city.yaml"
        if entry.people is not None:
            return self.zone.night_use, f"{entry.people} people"
        return None, "not known"

    def night_day(self, exponent: float) -> float:
        """Hours by which leakage by night becomes that of the day [h/d]; 24 where not every hour has a pressure."""
        if len(self.hours) < 24:
            return 24.0
        return night_day_factor([self.hours[hour] for hour in range(24)], 1.0, exponent)

    def exponent(self, use: float | None) -> tuple[float, float, float] | None:
        """(N1, low, high) from nights whose pressure differed; None where it did not."""
        leakage = {
            day: flow - self.metered.get(day, use or 0.0)
            for day, flow in self.mean.items()
            if day in self.heads
        }
        return exponent_of(self.heads, leakage)


def exponent_of(
    heads: Mapping[date, float], leakage: Mapping[date, float]
) -> tuple[float, float, float] | None:
    """(N1, low, high) of leakage ~ P^N1 by the logarithms of both, with its 95 % interval.

    None where both are above zero in fewer than ten nights, or pressure varied by less than a twentieth (its 5th to its
    95th percentile): a slope would be noise. Leakage may wander meanwhile, see wandering.moved.
    """
    days = [day for day in sorted(leakage) if leakage[day] > 0 and heads[day] > 0]
    if len(days) < FEWEST:
        return None
    pressure = [math.log(heads[day]) for day in days]
    order = sorted(pressure)
    if order[int(0.95 * len(order))] - order[int(0.05 * len(order))] < math.log(1 + VARIED):
        return None
    told = moved(days, [math.log(leakage[day]) for day in days], pressure)
    return told.effect, told.effect - told.half, told.effect + told.half


def median(values: Any) -> float | None:
    """The middle of the values; None where there is none."""
    known = sorted(value for value in values if value is not None and not math.isnan(value))
    if not known:
        return None
    half = len(known) // 2
    return float(known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2)


def _own(city: City, zones: list[Asked]) -> dict[str, str]:
    """Pressure sensor -> the asked zone that it stands in; the innermost of several."""
    within = {zone.zone: city.zones_within(zone.zone) for zone in zones}
    innermost = {
        inner: zone for zone, below in sorted(within.items(), key=lambda one: -len(one[1])) for inner in below
    }
    return {
        name: innermost[point.zone]
        for name, point in city.points().items()
        if point.quantity == "pressure" and point.zone in innermost
    }


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Inflows with the sensors behind them, customer meters and pressure sensors of the zones."""
    zones = asked(city, parameters)
    own = night_flow.points(city, parameters)
    return list(dict.fromkeys([*own, *customers(city, zones), *_own(city, zones)]))


def read(question: Question) -> list[ZoneNights]:
    """The nights of the zones that are asked for, the history before the interval too.

    The question's statements hold those of night_use.sql. Raises UsageProblem as night_flow.nights_of does.
    """
    zones = asked(question.city, question.parameters)
    used = customers(question.city, zones)
    gauges = _own(question.city, zones)
    nights, _ = night_flow.nights_of(question, [*used, *gauges])
    question.engine.register("night_customers", by_zone(used))
    question.engine.register("night_gauges", by_zone({point: [zone] for point, zone in gauges.items()}))
    found = {
        zone.zone: ZoneNights(zone, untold=untold(nights.flow[row], nights.by_day[row], nights.parts[row]))
        for row, zone in enumerate(nights.zones)
    }
    inflows = [zone.inflow or "" for zone in nights.zones]
    lowest = nights.digest.grid("nights", inflows, nights.dates).of("lowest_hour")
    for row, zone in enumerate(nights.zones):
        one = found[zone.zone]
        for day, flow, mean, hour in zip(
            nights.dates,
            nights.flow[row].tolist(),
            nights.mean[row].tolist(),
            lowest[row].tolist(),
            strict=True,
        ):
            if not math.isnan(flow):
                one.mean[day] = mean
                if not math.isnan(hour):
                    one.lowest[day] = hour
    _beside(question, found)
    return list(found.values())


def _beside(question: Question, found: dict[str, ZoneNights]) -> None:
    """Customers' use and pressures."""
    rows = question.engine.rows(question.sql("customers_by_night"))
    for zone, _, _, meters in rows:
        found[zone].meters = max(found[zone].meters, int(meters))
    for zone, night, flow, meters in rows:
        if meters >= 0.9 * found[zone].meters:  # meters that are silent use as much as the others do
            found[zone].metered[day_of(night)] = flow * found[zone].meters / meters
    _pressures(question, found)


def _pressures(question: Question, found: dict[str, ZoneNights]) -> None:
    """Pressures by night, and by hour over the day's night."""
    import numpy as np

    bar = convert(1.0, "bar", "mH2O")
    rows = question.engine.rows(question.sql("heads_by_night"))
    told = by_sensor(
        (zone, point, day_of(night), Night(head * bar, still)) for zone, point, night, head, still in rows
    )
    nights: list[tuple[str, date, float, float]] = []
    for zone, sensors in told.items():
        found[zone].gauges = len(sensors)
        found[zone].heads = heads_of(sensors.values())
        nights += [
            (point, day, head / bar, found[zone].heads[day] / bar)
            for point, own in sensors.items()
            for day, head in own.items()
        ]
    columns = {
        "point": arrow.texts([night[0] for night in nights]),
        "night": arrow.dates(np.array([night[1] for night in nights], dtype="datetime64[D]")),
        "own": arrow.floats([night[2] for night in nights]),
        "zone_head": arrow.floats([night[3] for night in nights]),
    }
    question.engine.register("night_heads", arrow.table(**columns))
    question.engine.execute(question.sql("quarters"))
    first, last = _days(question)
    for zone, hour, share in question.engine.rows(
        question.sql("heads_by_hour"), {"first": first, "last": last}
    ):
        found[zone].hours[int(hour)] = share


def day_of(moment: Any) -> date:
    """A date, which DuckDB may give as a datetime."""
    day: date = moment.date() if isinstance(moment, datetime) else moment
    return day


def inside(question: Question, nights: Mapping[date, float]) -> dict[date, float]:
    """Those nights that end within the question's interval."""
    first, last = _days(question)
    return {day: value for day, value in sorted(nights.items()) if first <= day <= last}


def _days(question: Question) -> tuple[date, date]:
    zone = question.interval.zone
    return question.interval.start.astimezone(zone).date(), question.interval.end.astimezone(zone).date()
