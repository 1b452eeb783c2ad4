"""The nights of all zones as arrays: one pass of SQL over the readings, then sensors judged and nights cleaned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.analysis.question import Question
from cityctl.analysis.water import sensors
from cityctl.analysis.water.expected import Array, day_use, trailing
from cityctl.analysis.water.sensors import PARTS, Fault, Shown
from cityctl.analysis.water.zones import Asked

INFLOW_NIGHTS = 56


@dataclass
class Nights:
    """Arrays are (zones x nights); a night bears the date on which its window ends.

    `flow` [m³/h] is nan where the night cannot be judged and `measured` what was there all the same; `present`
    is the share of the window's readings (0 where there are none); `spiky` says that the window's median stands
    in for its mean; `use`, `kinds` and `inflow` are what expected.Expected takes.
    """

    zones: list[Asked]
    dates: list[date]
    flow: Array
    measured: Array
    present: Array
    spiky: npt.NDArray[np.bool_]
    use: Array
    kinds: npt.NDArray[np.int64]
    inflow: Array
    faults: dict[str, list[Fault]]


def read(question: Question, zones: list[Asked], dates: list[date]) -> Nights:
    """Nights of these zones on these dates, from the first that has readings on.

    `question.engine` holds readings and calendar.
    """
    _reduce(question, zones)
    ((first,),) = question.engine.rows("select min(night) from night_parts")
    dates = [day for day in dates if first is None or day >= first] or dates[-1:]
    shape = (len(zones), len(dates))
    told = question.engine.arrow(question.sql("nights"))
    place = _Places(told["point"], told["night"].to_numpy(), zones, dates)
    mean, median, lowest = (place.spread(told[key], shape) for key in ("mean", "median", "lowest_hour"))
    error, by_day, whole = (place.spread(told[key], shape) for key in ("median_error", "by_day", "inflow"))
    present = np.minimum(np.nan_to_num(place.spread(told["present"], shape)), 1.0)
    by_day[~(place.spread(told["day_present"], shape) >= 0.75)] = np.nan
    usual = np.nan_to_num(trailing(whole, INFLOW_NIGHTS, 7))
    with np.errstate(invalid="ignore"):
        usual_gap = np.maximum(np.maximum(0.5 * np.abs(median), 0.1 * np.abs(usual)), 3 * error)
        spiky = np.abs(mean - median) > usual_gap
    spiky &= np.array([not zone.stepped for zone in zones])[:, None]
    measured = lowest if question.parameters["method"] == "lowest_hour" else np.where(spiky, median, mean)
    measured = np.where(present >= question.parameters["night_share"], measured, np.nan)
    faults = _faults(question, zones, dates)
    flow = measured.copy()
    for row, zone in enumerate(zones):
        own = [fault for sensor in zone.sensors for fault in faults.get(sensor, ())]
        if own:
            flow[row, sensors.masked(own, len(dates))] = np.nan
    by_day = np.where(np.isnan(flow), np.nan, by_day)
    holidays = question.city.holidays(dates[0].year, dates[-1].year)
    kinds = np.array([6 if day in holidays else day.weekday() for day in dates], dtype=np.int64)
    return Nights(zones, dates, flow, measured, present, spiky, day_use(by_day, flow), kinds, usual, faults)


class _Places:
    """Where the rows of a query about inflows and nights stand in arrays of (zones x nights)."""

    def __init__(self, points: Any, nights: npt.NDArray[Any], zones: list[Asked], dates: list[date]) -> None:
        codes, names = _coded(points)
        column = (nights.astype("datetime64[D]") - np.datetime64(dates[0], "D")).astype(np.int64)
        inside = (column >= 0) & (column < len(dates))
        self.places: list[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]]] = []
        by_name = {name: np.flatnonzero((codes == code) & inside) for code, name in enumerate(names)}
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


def _reduce(question: Question, zones: list[Asked]) -> None:
    """Hand the points over and run the statements that make the small tables."""
    import pyarrow as pa

    known = question.city.points()
    inflows = {zone.inflow for zone in zones if zone.inflow is not None}
    names = sorted(inflows | {sensor for zone in zones for sensor in zone.sensors})
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
    ask, asked = question.engine, question.parameters
    ask.register("night_points", table)
    ask.execute(question.sql("slots"), {"begin": asked["window_start"], "end": asked["window_end"]})
    parts = ["gauges"] + (["counters"] if any(known[name].kind == "counter" for name in names) else [])
    union = " union all ".join(question.sql(part) for part in parts)
    ask.execute(f"create or replace view night_flows as {union}")
    for name in ("parts", "steps", "windows"):
        ask.execute(question.sql(name))


def _faults(question: Question, zones: list[Asked], dates: list[date]) -> dict[str, list[Fault]]:
    """sensor -> what is wrong with it, of the sensors that any zone's inflow needs."""
    known = question.city.points()
    names = sorted({sensor for zone in zones for sensor in zone.sensors})
    table = question.engine.arrow(question.sql("sensors"))
    codes, points = _coded(table["point"])
    first = np.datetime64(dates[0], "D")
    night = (table["night"].to_numpy().astype("datetime64[D]") - first).astype(np.int64)
    slot = night * PARTS + table["part"].to_numpy()
    figures = {
        key: table[key].to_numpy().astype(float) for key in ("readings", "mean", "least", "most", "negatives")
    }
    starts = np.searchsorted(codes, np.arange(len(points) + 1))  # rows of a point stand together
    edges = {name: slice(starts[at], starts[at + 1]) for at, name in enumerate(points)}
    found = {}
    for name in names:
        if name not in edges:
            continue
        rows = edges[name]
        inside = (slot[rows] >= 0) & (slot[rows] < len(dates) * PARTS)
        shown = []
        for key in ("readings", "mean", "least", "most", "negatives"):
            line = np.zeros(len(dates) * PARTS)
            line[slot[rows][inside]] = figures[key][rows][inside]
            shown.append(line)
        own = sensors.faults(name, Shown(*shown), flow=known[name].quantity in ("flow", "volume"))
        if own:
            found[name] = own
    return found


def dates_of(first: date, last: date) -> list[date]:
    """Each date from the first to the last, both included."""
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]
