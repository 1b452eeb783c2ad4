"""Bills and registers that reach over an end of the interval, shared out as the water flowed in.

Use has a season, and a quarter that is shared out by time has none: what flows into the zones tells it day by day. How
far that lies from sharing out by time is how unsure it is; where inflow tells nothing, a season is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta

import numpy as np

from cityctl import arrow
from cityctl.analysis.question import Question
from cityctl.analysis.water.basis.rows import Array
from cityctl.arrow import numbers_of

LONG = timedelta(days=2)  # from such a length on what reaches over an end is shared out anew
TOLD = 0.8  # share of its days whose inflow has to be known
DAY, YEAR = 86400.0, 365.25 * 86400.0


@dataclass(frozen=True)
class Shared:
    """What sharing out by inflow moved into the interval, and what a season may have moved unseen [m³]."""

    moved: float = 0.0
    unseen: float = 0.0


ALL_INSIDE = Shared()


class Course:
    """How the inflow of a city goes from day to day, 1 on average; days of which nothing is known count as such."""

    def __init__(self, days: Array, rates: Array) -> None:
        self._first = int(days.min()) if len(days) else 0
        count = int(days.max()) - self._first + 1 if len(days) else 0
        rate = np.full(count, np.nan)
        rate[(days - self._first).astype(int)] = np.maximum(rates, 0.0)
        known = np.isfinite(rate)
        usual = float(rate[known].mean()) if known.any() else 0.0
        self._flowed = np.concatenate(
            [[0.0], np.cumsum(np.where(known & (usual > 0), rate / (usual or 1), 1.0))]
        )
        self._known = np.concatenate([[0.0], np.cumsum(known)])

    def flowed(self, begin: Array, end: Array) -> Array:
        """What flowed in between two times [d], as a number of usual days."""
        return self._at(self._flowed, end, beyond=1.0) - self._at(self._flowed, begin, beyond=1.0)

    def known(self, begin: Array, end: Array) -> Array:
        """Share of the time between that is known."""
        told: Array = self._at(self._known, end, beyond=0.0) - self._at(self._known, begin, beyond=0.0)
        return told / np.maximum(end - begin, 1e-9)

    def _at(self, line: Array, at: Array, *, beyond: float) -> Array:
        place, last = at - self._first, len(line) - 1
        out = np.minimum(place, 0.0) + np.maximum(place - last, 0.0)
        told: Array = np.interp(place, np.arange(last + 1), line) + beyond * out
        return told


def season_left(days: Array) -> Array:
    """Share of a season's swing that is lost where readings so many days apart, on any days, are shared out by time.

    A wave of a year that is averaged over readings' spans, and over where they begin, keeps (sin x / x)² of itself,
    with x = pi times the span in years.
    """
    told: Array = 1 - np.sinc(days * DAY / YEAR) ** 2
    return told


def shared(
    question: Question, course: Course, parts: Mapping[str, Mapping[str, object]], season: float
) -> dict[str, Shared]:
    """Meter -> what sharing out by `course` moves; `season`: swing that use is taken to have where that is not known.

    `parts`: statements that tell what reaches over an end of the interval, and what they are given.
    """
    since = question.interval.start.timestamp()
    length = question.interval.length.total_seconds() / DAY
    found: dict[str, Shared] = {}
    for part, given in parts.items():
        told = question.engine.arrow(question.sql(part), given)
        names = told["point"].to_pylist()
        amount, begin, done = (
            numbers_of(told[key], "float64", missing=np.nan) for key in ("amount", "begin", "done")
        )
        begin, done = (begin - since) / DAY, (done - since) / DAY
        first, last = np.maximum(begin, 0.0), np.minimum(done, length)
        by_time = amount * (last - first) / (done - begin)
        whole = course.flowed(begin, done)
        by_inflow = amount * course.flowed(first, last) / np.where(whole > 0, whole, 1.0)
        sure = (course.known(begin, done) >= TOLD) & (whole > 0)
        moved = np.where(sure, by_inflow - by_time, 0.0)
        unseen = np.where(sure, 0.0, np.abs(by_time) * season * season_left(done - begin))
        for name, one, other in zip(names, moved.tolist(), unseen.tolist(), strict=True):
            before = found.get(name, ALL_INSIDE)
            found[name] = Shared(before.moved + one, before.unseen + other)
    return found


def course_of(question: Question, inflows: Mapping[str, float]) -> Course:
    """The course of these inflows together; each has its volume in the interval as its weight."""
    known = question.city.points()
    names = [name for name, volume in inflows.items() if volume > 0]
    columns = {"point": arrow.texts(names), "kind": arrow.texts([known[name].kind for name in names])}
    question.engine.register("course_points", arrow.table(**columns))
    kinds = {known[name].kind == "counter" for name in names}
    statements = [name for name, of in (("course_read", False), ("course_counted", True)) if of in kinds]
    since = question.interval.start.astimezone(UTC).replace(tzinfo=None)
    by_point: dict[str, dict[int, float]] = {}
    for statement in statements:
        for point, day, rate in question.engine.rows(question.sql(statement), {"since": since}):
            by_point.setdefault(point, {})[int(day)] = float(rate)
    weighed: dict[int, list[tuple[float, float]]] = {}
    for point, rates in by_point.items():
        usual = sum(rates.values()) / len(rates)
        if usual > 0:
            for day, rate in rates.items():
                weighed.setdefault(day, []).append((inflows[point], rate / usual))
    days = np.array(sorted(weighed), dtype=np.float64)
    rates_ = [
        sum(weight * rate for weight, rate in weighed[day]) / sum(weight for weight, _ in weighed[day])
        for day in sorted(weighed)
    ]
    return Course(days, np.array(rates_, dtype=np.float64))
