"""The nights of all zones as arrays: one pass of SQL over the readings, then sensors judged and nights cleaned."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.analysis.question import Question
from cityctl.analysis.water import sensors
from cityctl.analysis.water.events import Seen
from cityctl.analysis.water.expected import Array, day_use, trailing
from cityctl.analysis.water.sensors import Fault, Shown
from cityctl.analysis.water.zones import Asked

INFLOW_NIGHTS = 56
COURSE = 8  # parts of three hours of the 24 that end with a night
COARSE = 1.5  # windows that a single reading stands for, from which it says nothing of this one
MANY = 8  # readings of a window of which a single one that stands alone is left out ...
SPIKES = 0.1  # ... or this share of more
RARE, LEAST_NIGHT = 0.7, 0.1  # share of nights with few of them, and of the mean inflow that a night flow is


@dataclass
class Nights:
    """Arrays are (zones x nights); a night bears the date on which its window ends.

    `flow` [m³/h] is nan where the night cannot be judged and `measured` what was there all the same; `mean` is the
    window's, without spikes, and where these are many its median; `present` is the share of the window's readings
    (0 where there are none); `use`, `kinds`, `inflow`, `by_day` and `parts` are what events.Seen takes; `closed`
    rows have customer meters that close their balance.
    """

    zones: list[Asked]
    dates: list[date]
    flow: Array
    measured: Array
    mean: Array
    present: Array
    use: Array
    kinds: npt.NDArray[np.int64]
    inflow: Array
    by_day: Array
    parts: Array
    faults: dict[str, list[Fault]]
    closed: set[int] = field(default_factory=set)

    @property
    def seen(self) -> Seen:
        """What the watch takes."""
        return Seen(self.flow, self.use, self.kinds, self.inflow, self.by_day, self.parts)


def read(question: Question, zones: list[Asked], dates: list[date], extra: Sequence[str] = ()) -> Nights:
    """Nights of these zones on these dates, from the first that has readings on.

    `question.engine` holds readings and calendar; `extra` points are reduced to parts of nights beside them.
    """
    _reduce(question, zones, extra)
    ((first,),) = question.engine.rows("select min(night) from night_parts")
    dates = [day for day in dates if first is None or day >= first] or dates[-1:]
    shape = (len(zones), len(dates))
    told = question.engine.arrow(question.sql("nights"))
    place = _Places(told["point"], told["night"].to_numpy(), zones, dates)
    mean, median, lowest = (place.spread(told[key], shape) for key in ("mean", "median", "lowest_hour"))
    error, by_day, whole = (place.spread(told[key], shape) for key in ("median_error", "by_day", "inflow"))
    covered = np.nan_to_num(place.spread(told["present"], shape))
    present = np.minimum(covered, 1.0)
    by_day[~(place.spread(told["day_present"], shape) >= 0.75)] = np.nan
    usual = np.nan_to_num(trailing(whole, INFLOW_NIGHTS, 7))
    counted, spiked, spikes = (place.spread(told[key], shape) for key in ("counted", "spiked", "spikes"))
    smooth = np.array([not zone.stepped for zone in zones])[:, None]
    with np.errstate(invalid="ignore"):
        few_spikes = (counted >= MANY) & (spikes <= np.maximum(SPIKES * counted, 1))
        lone = (smooth | _switched(few_spikes, counted, median, usual)) & few_spikes & (spikes >= 1)
        mean = np.where(lone, (mean * counted - spiked) / np.maximum(counted - spikes, 1), mean)
        usual_gap = np.maximum(np.maximum(0.5 * np.abs(median), 0.1 * np.abs(usual)), 3 * error)
        spiky = np.abs(mean - median) > usual_gap
    spiky &= smooth
    least = place.spread(told["least"], shape)
    # Of two or three readings the middle tells no spike: where they lie far apart, the lowest is believed.
    with np.errstate(invalid="ignore"):
        few = (counted <= 3) & (mean - least > np.maximum(np.abs(least), 0.1 * np.abs(usual)))
    median, spiky = np.where(few, least, median), spiky | few
    mean = np.where(spiky, median, mean)
    measured = lowest if question.parameters["method"] == "lowest_hour" else mean
    measured = np.where(present >= question.parameters["night_share"], measured, np.nan)
    # One reading of far more time than the window, such as a day's, happens to bear a stamp within it.
    measured = np.where((counted <= 1) & (covered >= COARSE), np.nan, measured)
    faults = _faults(question, zones, dates)
    flow = measured.copy()
    for row, zone in enumerate(zones):
        own = [fault for sensor in zone.sensors for fault in faults.get(sensor, ())]
        if own:
            flow[row, sensors.masked(own, len(dates))] = np.nan
    by_day = np.where(np.isnan(flow), np.nan, by_day)
    parts = np.where(np.isnan(flow)[..., None], np.nan, _courses(question, zones, dates))
    holidays = question.city.holidays(dates[0].year, dates[-1].year)
    kinds = np.array([6 if day in holidays else day.weekday() for day in dates], dtype=np.int64)
    use = day_use(by_day, flow)
    return Nights(zones, dates, flow, measured, mean, present, use, kinds, usual, by_day, parts, faults)


def _switched(
    few: npt.NDArray[np.bool_], counted: Array, median: Array, usual: Array
) -> npt.NDArray[np.bool_]:
    """Where readings of an inflow that a level is part of stand alone as a pump was switched: (zones x nights).

    A pump's flow shows a reading before the level does. The last digit of a level makes such readings in most nights,
    or, where it hardly moves, leaves nothing beside them that could be a night flow.
    """
    known = np.cumsum(counted >= MANY, axis=1)
    rare = np.cumsum(few, axis=1) >= RARE * np.maximum(known, 1)
    told: npt.NDArray[np.bool_] = rare & (median > LEAST_NIGHT * usual) & (median < usual)
    return told


def _courses(question: Question, zones: list[Asked], dates: list[date]) -> Array:
    """(zones x nights x parts) [m³/h]: the means of the parts of each night's 24 hours."""
    told = question.engine.arrow(question.sql("courses"))
    part, flow = told["part"].to_numpy(), told["flow"].to_numpy()
    place = _Places(told["point"], told["night"].to_numpy(), zones, dates)
    course = np.full((len(zones), len(dates), COURSE), np.nan)
    for row, at, columns in place.places:
        course[row, columns, part[at]] = flow[at]
    return course


class _Places:
    """Where the rows of a query about inflows and nights stand in arrays of (zones x nights)."""

    def __init__(self, points: Any, nights: npt.NDArray[Any], zones: list[Asked], dates: list[date]) -> None:
        codes, names = _coded(points)
        column = (nights.astype("datetime64[D]") - np.datetime64(dates[0], "D")).astype(np.int64)
        inside = (column >= 0) & (column < len(dates))
        self.places: list[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]]] = []
        together = np.flatnonzero(inside)
        together = together[np.argsort(codes[together], kind="stable")]  # rows of a point side by side
        edges = np.searchsorted(codes[together], np.arange(len(names) + 1))
        by_name = {name: together[edges[code] : edges[code + 1]] for code, name in enumerate(names)}
        for row, zone in enumerate(zones):
            if zone.inflow in by_name:
                at = by_name[zone.inflow]
                self.places.append((row, at, column[at]))

    def spread(self, values: Any, shape: tuple[int, int]) -> Array:
        """One column as an array; nan where no row stands."""
        figures = values.to_numpy().astype(float)
        told = np.full(shape, np.nan)
        for row, at, columns in self.places:
            told[row, columns] = figures[at]
        return told


def _coded(column: Any) -> tuple[npt.NDArray[np.int64], list[str]]:
    """A column of names as numbers, and the names."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()


def _reduce(question: Question, zones: list[Asked], extra: Sequence[str]) -> None:
    """Hand the points over and run the statements that make the small tables."""
    inflows = {zone.inflow for zone in zones if zone.inflow is not None}
    names = sorted(inflows | {sensor for zone in zones for sensor in zone.sensors} | set(extra))
    ask, asked = question.engine, question.parameters
    ask.execute(question.sql("slots"), {"begin": asked["window_start"], "end": asked["window_end"]})
    show_flows(question, names, inflows)
    for name in ("parts", "steps", "windows"):
        ask.execute(question.sql(name))


def show_flows(question: Question, names: Sequence[str], inflows: Collection[str]) -> None:
    """Make the view night_flows(point, at, flow): every reading of these points as a flow [m³/h], a head as it is."""
    import pyarrow as pa

    known = question.city.points()
    every = [known[name].every for name in names]
    seconds = [None if one is None else one.total_seconds() for one in every]
    # A volume within an interval is a mean flow over it.
    factors = [
        3600 / (second or 3600) if known[name].kind == "interval" else 1.0
        for name, second in zip(names, seconds, strict=True)
    ]
    table = pa.table(
        {
            "point": pa.array(names, pa.string()),
            "kind": pa.array([known[name].kind for name in names], pa.string()),
            "every_s": pa.array(seconds, pa.float64()),
            "factor": pa.array(factors, pa.float64()),
            "inflow": pa.array([name in inflows for name in names]),
        }
    )
    question.engine.register("night_points", table)
    parts = ["gauges"] + (["counters"] if any(known[name].kind == "counter" for name in names) else [])
    union = " union all ".join(question.sql(part) for part in parts)
    question.engine.execute(f"create or replace view night_flows as {union}")


def _faults(question: Question, zones: list[Asked], dates: list[date]) -> dict[str, list[Fault]]:
    """sensor -> what is wrong with it, of the sensors that any zone's inflow needs."""
    known = question.city.points()
    names = sorted({sensor for zone in zones for sensor in zone.sensors})
    table = question.engine.arrow(question.sql("sensors"))
    codes, points = _coded(table["point"])
    first = np.datetime64(dates[0], "D")
    night = (table["night"].to_numpy().astype("datetime64[D]") - first).astype(np.int64)
    slot = night * COURSE + table["part"].to_numpy()
    figures = {
        key: table[key].to_numpy().astype(float) for key in ("readings", "mean", "least", "most", "negatives")
    }
    starts = np.searchsorted(codes, np.arange(len(points) + 1))  # rows of a point stand together
    edges = {name: slice(starts[at], starts[at + 1]) for at, name in enumerate(points)}
    turns = turns_of(dates, question.interval.zone)
    found = {}
    for name in names:
        if name not in edges:
            continue
        rows = edges[name]
        inside = (slot[rows] >= 0) & (slot[rows] < len(dates) * COURSE)
        shown = {}
        for key in ("readings", "mean", "least", "most", "negatives"):
            line = np.zeros(len(dates) * COURSE)
            line[slot[rows][inside]] = figures[key][rows][inside]
            shown[key] = line
        flows = known[name].quantity in ("flow", "volume")
        whole = _six_hours(**shown)
        own = sensors.faults(name, whole, flow=flows, course=_day_courses(**shown), turns=turns)
        own += sensors.seen_through(name, whole, own, flow=flows)
        if own:
            found[name] = own
    return found


def _day_courses(readings: Array, mean: Array, **_: Array) -> Array:
    """(nights x COURSE) mean flow, where most of a part's readings are there."""
    usual = float(np.median(readings[readings > 0])) if readings.any() else 0.0
    told: Array = np.where(readings >= max(2 / 3 * usual, 1.0), mean, np.nan).reshape(-1, COURSE)
    return told


def _six_hours(readings: Array, mean: Array, least: Array, most: Array, negatives: Array) -> Shown:
    """Two parts of three hours as one of six."""
    count = readings.reshape(-1, 2)
    whole = count.sum(axis=1)
    total = (mean * readings).reshape(-1, 2).sum(axis=1)
    low = np.where(count > 0, least.reshape(-1, 2), np.inf).min(axis=1)
    high = np.where(count > 0, most.reshape(-1, 2), -np.inf).max(axis=1)
    some = whole > 0
    return Shown(
        whole,
        total / np.maximum(whole, 1),
        np.where(some, low, 0.0),
        np.where(some, high, 0.0),
        negatives.reshape(-1, 2).sum(axis=1),
    )


def turns_of(dates: Sequence[date], zone: tzinfo) -> dict[int, float]:
    """Night -> hours by which the clocks were put forward in the day before it."""
    noons = [
        datetime(day.year, day.month, day.day, 12, tzinfo=zone).utcoffset() or timedelta() for day in dates
    ]
    return {
        at: (after - before) / timedelta(hours=1)
        for at, (before, after) in enumerate(itertools.pairwise(noons), 1)
        if after != before
    }


def dates_of(first: date, last: date) -> list[date]:
    """Each date from the first to the last, both included."""
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]
