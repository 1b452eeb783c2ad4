"""Readings of pumps and tanks as arrays of windows, as short as the pumps are read. Knows no pump's figures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import Any

from cityctl import arrow
from cityctl.analysis.energy.basis.early import keep_clocks
from cityctl.analysis.energy.basis.network_balance import by_window
from cityctl.analysis.energy.basis.windowed import sum_up
from cityctl.analysis.energy.pumping.station import PumpPoints
from cityctl.analysis.question import Question
from cityctl.city.model import City

WIDTHS = (1, 2, 3, 5, 15)  # minutes
MOST_CELLS = 20_000_000  # windows x points, beyond which windows are made longer


def pace_of(pump: PumpPoints, city: City) -> float:
    """Minutes between two readings of the slowest of a pump's points; of a register a quarter of an hour at least.

    Registers count in whole steps: how much they rose in a minute tells no power.
    """
    known = [city.points()[name] for name in pump.all]
    slowest = max((one.every / timedelta(minutes=1) if one.every else WIDTHS[-1] for one in known), default=0)
    return max(slowest, WIDTHS[-1]) if any(one.kind == "counter" for one in known) else slowest


def width_of(question: Question, pumps: Iterable[PumpPoints]) -> int:
    """Minutes of the windows: as often as the fastest of the pumps is read, each quarter of an hour at least."""
    judged = [one for one in pumps if not one.lacking]
    fastest = min((pace_of(one, question.city) for one in judged), default=WIDTHS[-1])
    cells = question.interval.length / timedelta(minutes=1) * sum(len(one.all) for one in judged)
    return next((one for one in WIDTHS if one >= fastest and cells / one <= MOST_CELLS), WIDTHS[-1])


def windows(question: Question, names: list[str], width: int) -> tuple[Any, dict[str, Any]]:
    """(starts of the windows of `width` minutes, point -> its mean in each; nan where there is none).

    Counters and intervals are rates of their window, [kW] or [m³/h]; what is read more seldom holds until the next.
    """
    import numpy as np

    known = question.city.points()
    step = np.timedelta64(width, "m")
    start, end = (
        np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
        for moment in (question.interval.start, question.interval.end)
    )
    first = start - (start - np.datetime64(0, "us")) % step
    grid = np.arange(first, end, step)
    values: dict[str, Any] = {}
    summed = [name for name in names if known[name].kind in ("counter", "interval")]
    if summed:
        sum_up(question, summed, width)
        values = by_window(question, summed, width)
    others = [name for name in names if name not in values]
    question.engine.register("pump_points", arrow.table(point=arrow.texts(others)))
    keep_clocks(question, others)
    table = question.engine.arrow(question.sql("pump_windows"), {"width": width})
    owner = np.array(table["point"].to_pylist(), dtype=object)
    at = arrow.array_of(table["at"]).astype("datetime64[us]")
    mean = arrow.array_of(table["value"])
    for name in dict.fromkeys(owner.tolist()):
        mine = (owner == name) & (at >= first) & (at < end)
        place = ((at[mine] - first) // step).astype(int)
        series = np.full(len(grid), np.nan)
        series[place] = mean[mine]
        values[name] = _held(series, known[name].every, width)
    there = [np.isfinite(one) for one in values.values()]
    some = np.flatnonzero(np.logical_or.reduce(there)) if there else np.array([], int)
    if not len(some):
        return grid[:0], {}
    span = slice(int(some[0]), int(some[-1]) + 1)
    return grid[span], {name: series[span] for name, series in values.items()}


def _held(series: Any, every: timedelta | None, width: int) -> Any:
    """A mean holds for the windows until the next one, where a point is read more seldom than each window."""
    import numpy as np

    steps = round(every / timedelta(minutes=width)) if every is not None else 1
    held = series.copy()
    for shift in range(1, steps):
        later = np.concatenate([np.full(shift, np.nan), series[:-shift]])[: len(series)]
        held = np.where(np.isfinite(held), held, later)
    return held
