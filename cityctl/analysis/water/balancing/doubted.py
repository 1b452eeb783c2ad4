"""Inflow meters whose readings cannot be added up as they are: days in another unit, days at one value.

They stay in the balance, and are named: what was right nobody knows here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np
import numpy.typing as npt

from cityctl import arrow
from cityctl.analysis.question import Question
from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.sensors import units
from cityctl.arrow import numbers_of
from cityctl.result import Missing

STILL = 2  # whole days at one value, of a meter that moves on most days
FEWEST = 3  # readings of a day


def doubted(question: Question, names: Sequence[str]) -> list[Missing]:
    """The gauges and amounts among these meters that cannot be trusted on some days of the interval, and why."""
    known = question.city.points()
    kinds = [known[name].kind for name in names]
    columns = {"point": arrow.texts(list(names)), "kind": arrow.texts(kinds)}
    question.engine.register("doubted_points", arrow.table(**columns))
    start, end = question.interval.start, question.interval.end
    between = {"since": start.timestamp(), "until": end.timestamp()}
    told = question.engine.arrow(question.sql("meter_days"), between)
    points = np.array(told["point"].to_pylist())
    day, *figures = (
        numbers_of(told[key], "float64", missing=np.nan)
        for key in ("day", "readings", "mean", "least", "most")
    )
    count = int(np.ceil((end - start) / timedelta(days=1)))
    found = []
    for name in names:
        own = points == name
        shown = np.full((len(figures), count), np.nan)
        shown[:, day[own].astype(np.int64)] = [one[own] for one in figures]
        if why := "; ".join(_reasons(question, shown)):
            found.append(Missing(name, why))
    return found


def _reasons(question: Question, shown: Array) -> Iterator[str]:
    """What is wrong with a meter, by its days: readings, mean, least and most of each."""
    readings, mean, least, most = shown
    for begin, end, factor in units.other_units(mean, least, most):
        last = len(mean) if end is None else end
        yield f"values x{factor:.4g} {_days(question, begin, last - 1)}: another unit?"
    wide = most - least
    if not _moves(wide):
        return
    still = (wide == 0) & (readings >= FEWEST) & (mean != 0)
    for begin, last in _runs(still, mean):
        yield f"shows {mean[begin]:.4g} all the time {_days(question, begin, last)}: frozen?"


def _moves(wide: Array) -> bool:
    """Whether a meter shows several values on most of its days."""
    known = wide[np.isfinite(wide)]
    return bool(len(known)) and float(np.median(known)) > 0


def _runs(still: npt.NDArray[np.bool_], mean: Array) -> Iterator[tuple[int, int]]:
    """(first, last) of each stretch of days that stand still at one value."""
    days = range(len(still))
    for (stands, _), run in groupby(days, key=lambda at: (bool(still[at]), mean[at] if still[at] else 0.0)):
        stretch = list(run)
        if stands and len(stretch) >= STILL:
            yield stretch[0], stretch[-1]


def _days(question: Question, first: int, last: int) -> str:
    """`from 3 Oct to 9 Oct`, of days counted from the interval's begin."""

    def said(day: int) -> str:
        moment: datetime = question.interval.start + timedelta(days=day, hours=12)
        local = moment.astimezone(question.interval.zone)
        return f"{local.day} {local:%b}"

    return f"on {said(first)}" if first == last else f"from {said(first)} to {said(last)}"
