"""Amounts of one point in intervals of several lengths: a month's total, its hours, its quarters. They count once.

Within a file its format tells them apart (exports/overlap.py). Here they are held against what is stored, and against
what other files of the run brought: finer ones take the place of the others, which are refused where finer ones are
stored already. Gauges and registers may be read as often as one likes. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from cityctl import arrow
from cityctl.clock import Interval
from cityctl.collect.order import grouped, moment
from cityctl.collect.steps import ALIKE, Steps
from cityctl.engine.duck import OnDemand
from cityctl.exports.meaning import micros_of

if TYPE_CHECKING:
    from cityctl.store import Store

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SECOND = 1_000_000
_OTHER = 2  # times as long
_SURELY = 5  # readings at even steps: fewer may be single readings that somebody corrects
_EVEN = 0.9  # of the steps are alike
_BILL = 20 * 86_400 * _SECOND  # as exports/table/bills.py has it
_LONGEST = 32 * 86_400 * _SECOND  # that a reading's interval may be which nothing says
_INSIDE = 3  # finer readings within an interval; fewer must fill half of it
_SUM = 0.02  # a total is this near to the sum of what it lies over
_PART = 0.5  # of that sum, at least, totals are that come at even steps
_OTHERS = 0.2  # of that sum, at least, lies behind its first reading


@dataclass
class _Stored:
    times: Ints
    values: Floats
    now: Mask
    """received in this run"""


@dataclass
class Lengths:
    """Of one run: the stores that its readings are held against, and when they are received."""

    stores: Sequence[Store]
    now: datetime
    _said: dict[str, list[tuple[int, int, int]]] = field(
        default_factory=dict
    )  # first, last, length [µs] by point
    _opened: OnDemand = field(default_factory=OnDemand)
    _steps: Steps | None = None
    remembers: bool = False  # what is judged is not stored before others of its points are
    _passing: dict[str, list[_Stored]] = field(default_factory=dict)

    def close(self) -> None:
        """Give back what it needed."""
        self._passing = {}
        self._opened.close()

    def foresee(self, points: Iterable[str], first: int, last: int) -> None:
        """What was judged is stored. Many series of these points come next, with times [µs] from `first` to `last`."""
        self._passing = {}
        last += _LONGEST + 1
        held = [store for store in self.stores if _holds(store, first, last)]
        self._steps = Steps(held, points, first, last, self._opened())

    def judge(
        self,
        points: Sequence[str],
        said: Sequence[int | None],
        whole: Sequence[bool],
        codes: npt.NDArray[np.int32],
        times: Ints,
        values: Floats,
    ) -> tuple[Ints, Mask]:
        """(the length [s] of the finer ones that are stored beneath each amount, or 0; which ones come after others).

        `codes` count in `points`, in `said`, the length [s] that the export gives each, and in `whole`, whether it
        replaces whole days; `times` in µs. Those that come after others take the place of longer ones that the same
        run brought, or of its other readings of a whole day.
        """
        beneath, after = np.zeros(len(times), np.int64), np.zeros(len(times), np.bool_)
        longest = max([every or 0 for every in said], default=0) * _SECOND
        first, last = int(times.min()), int(times.max())
        last += max(longest, min(last - first, _LONGEST)) + 1
        held = [store for store in self.stores if _holds(store, first, last)]
        if not held and not longest and not self._passing and not self.remembers:
            return beneath, after
        groups = grouped(codes)
        rows, declared, by_days = {}, {}, set()
        for start, end in zip(groups.starts.tolist(), groups.ends.tolist(), strict=True):
            some = groups.order[start:end]
            code = int(codes[some[0]])
            rows[points[code]], declared[points[code]] = some, said[code]
            if whole[code]:
                by_days.add(points[code])
        span = Interval(moment(first), moment(last), ZoneInfo("UTC"))
        beside = self._beside(held, rows, declared, times, span)
        self._add_passing(beside, rows, declared, times)
        for point, stored in beside.items():
            some = rows[point][np.argsort(times[rows[point]], kind="stable")]
            if point in by_days:
                after[some] = np.isin(times[some], stored.times[stored.now])
                continue
            length, sure = _lengths(times[some], values[some], declared[point])
            said_so = declared[point] is not None
            beneath[some] = _beneath(times[some], values[some], length, sure, stored, declared=said_so)
            after[some] = self._after(point, times[some], length, stored) & (beneath[some] == 0)
        for point, every in declared.items():
            if every is not None and (beneath[rows[point]] == 0).any():
                taken = times[rows[point]]
                self._said.setdefault(point, []).append((int(taken.min()), int(taken.max()), every * _SECOND))
        if self.remembers:
            for point, some in rows.items():
                taken = some[(beneath[some] == 0) & ~np.isnan(values[some])]
                taken = taken[np.argsort(times[taken], kind="stable")]
                one = _Stored(times[taken], values[taken], np.ones(len(taken), np.bool_))
                self._passing.setdefault(point, []).append(one)
        return beneath, after

    def _add_passing(
        self, beside: dict[str, _Stored], rows: dict[str, Ints], declared: dict[str, int | None], times: Ints
    ) -> None:
        """What this run brought at another step, and has not stored yet, counts as stored."""
        for point, some in rows.items():
            own = (declared[point] or 0) * _SECOND or _mean_step(times[some])
            first, last = int(times[some].min()) - _LONGEST, int(times[some].max()) + _LONGEST
            for one in self._passing.get(point, ()):
                if not len(one.times) or one.times[0] > last or one.times[-1] < first:
                    continue
                if not 1 / ALIKE <= _mean_step(one.times) / max(own, 1) <= ALIKE:
                    beside[point] = _both(beside[point], one) if point in beside else one

    def _beside(
        self,
        stores: Sequence[Store],
        rows: dict[str, Ints],
        declared: dict[str, int | None],
        times: Ints,
        span: Interval,
    ) -> dict[str, _Stored]:
        """What is stored of the points that are read at another step there than here."""
        found: dict[str, _Stored] = {}
        for store in stores:
            other = self._other(store, rows, declared, times, span)
            if other:
                engine = self._opened()
                store.attach(engine, None, points=other, interval=span, name="beside")
                table = engine.arrow(
                    "SELECT point, epoch_us(time) AS instant, value, epoch_us(received) AS received FROM beside "
                    "WHERE value IS NOT NULL ORDER BY point, instant"
                )
                found |= self._by_point(table)
        return found

    def _other(
        self,
        store: Store,
        rows: dict[str, Ints],
        declared: dict[str, int | None],
        times: Ints,
        span: Interval,
    ) -> list[str]:
        """The points of which readings are stored that may be of another length than those that came."""
        first, last = micros_of(span.start), micros_of(span.end)
        if self._steps is not None and self._steps.know(rows, first, last):
            return [
                point
                for point, some in rows.items()
                if self._steps.unlike(
                    point, first, last, (declared[point] or 0) * _SECOND or _mean_step(times[some])
                )
            ]
        known = [*store.list.series(list(rows))]
        if not known:
            return []
        engine = self._opened()
        store.attach(engine, None, points=known, interval=span, name="beside")
        steps = engine.rows(
            "SELECT point, count(*), epoch_us(max(time)) - epoch_us(min(time)) FROM beside "
            "WHERE value IS NOT NULL GROUP BY point"
        )
        return [
            point
            for point, count, length in steps
            if declared[point] or point in self._said or _unlike(count, length, times[rows[point]])
        ]

    def _by_point(self, table: Any) -> dict[str, _Stored]:
        names = table["point"].to_pylist()
        at, received = (arrow.numbers_of(table[name], "int64", missing=0) for name in ("instant", "received"))
        values = arrow.numbers_of(table["value"], "float64", missing=np.nan)
        mine = received == round(self.now.timestamp() * 1_000_000)
        found, start = {}, 0
        for end in range(1, len(names) + 1):
            if end == len(names) or names[end] != names[start]:
                found[names[start]] = _Stored(at[start:end], values[start:end], mine[start:end])
                start = end
        return found

    def _after(self, point: str, times: Ints, length: Ints, stored: _Stored) -> Mask:
        """Which readings stand where this run brought an amount of a longer interval."""
        if not stored.now.any() or not length.any():
            return np.zeros(len(times), np.bool_)
        own = int(np.median(length[length > 0]))
        brought = stored.times[stored.now]
        step = _even_step(brought)
        longer = step >= _OTHER * own or any(
            other >= _OTHER * own and first <= times[-1] and times[0] < last + other
            for first, last, other in self._said.get(point, ())
        )
        return np.isin(times, brought) if longer else np.zeros(len(times), np.bool_)


def lie_over(times: Ints, values: Floats, finer: Ints, finer_values: Floats) -> Mask:
    """Which amounts lie over finer ones of the same point; times in µs and in order, lengths are not told."""
    length, sure = _lengths(times, values, None)
    beside = _Stored(finer, finer_values, np.ones(len(finer), np.bool_))
    return _beneath(times, values, length, sure, beside, declared=False) > 0


def _both(one: _Stored, later: _Stored) -> _Stored:
    """As one; of two for an instant, the later one's."""
    stays = ~np.isin(one.times, later.times)
    times = np.concatenate((one.times[stays], later.times))
    order = np.argsort(times, kind="stable")
    values = np.concatenate((one.values[stays], later.values))[order]
    return _Stored(times[order], values, np.concatenate((one.now[stays], later.now))[order])


def _holds(store: Store, first: int, last: int) -> bool:
    """Whether a store may hold readings of a span [µs]."""
    held = store.snapshot()
    return bool(held.landed) or any(one.first_us < last and one.last_us >= first for one in held.segments)


def _unlike(count: int, length: int, times: Ints) -> bool:
    """Whether readings are stored at another mean step than those that came; a lone one may be any length."""
    if count < 2 or len(times) < 2:
        return True
    stored, come = length / (count - 1), _mean_step(times)
    return not 1 / ALIKE <= stored / max(come, 1) <= ALIKE


def _mean_step(times: Ints) -> int:
    return int(times.max() - times.min()) // max(len(times) - 1, 1)


def _even_step(times: Ints) -> int:
    """The step of readings that come at even ones [µs], or 0."""
    if len(times) < _SURELY:
        return 0
    steps = np.diff(times)
    step = int(np.median(steps))
    return step if (steps == step).mean() >= _EVEN else 0


def _lengths(times: Ints, values: Floats, said: int | None) -> tuple[Ints, Mask]:
    """(length [µs] of each interval, 0 where nothing tells it; whether that is certain). `times` in order."""
    step = _even_step(times[~np.isnan(values)]) or (said or 0) * _SECOND
    if step:
        return np.full(len(times), step), np.ones(len(times), np.bool_)
    length = np.diff(times, append=times[-1:])
    return length, length >= _BILL


def _beneath(
    times: Ints, values: Floats, length: Ints, sure: Mask, stored: _Stored, *, declared: bool
) -> Ints:
    """The length [s] of the stored amounts that each amount lies over, or 0; `declared`: the export tells its own."""
    beneath = np.zeros(len(times), np.int64)
    if len(stored.times) < 2:
        return beneath
    step = int(np.median(np.diff(stored.times)))
    low = np.searchsorted(stored.times, times, "right")
    high = np.maximum(low, np.searchsorted(stored.times, times + length, "left"))
    inside = high - low
    filled = (inside >= _INSIDE) | ((inside + 1) * 2 * step >= length)
    total = np.append(0.0, np.cumsum(stored.values))
    behind = total[high] - total[low]
    at = np.minimum(np.searchsorted(stored.times, times), len(stored.times) - 1)
    whole = behind + np.where(stored.times[at] == times, stored.values[at], 0.0)
    is_sum = (np.abs(values - whole) <= _SUM * np.abs(whole)) & (np.abs(behind) > _OTHERS * np.abs(whole))
    longer = (length >= _OTHER * step) & (inside > 0) & filled & ~np.isnan(values)
    if (
        not declared
        and longer.any()
        and np.median(np.abs(values[longer])) < _PART * np.median(np.abs(whole[longer]))
    ):
        sure = np.zeros_like(sure)  # one hour of each day, corrected
    over = longer & (sure | is_sum)
    over[1:] |= np.isnan(values[1:]) & over[:-1]  # the end of a bill goes with it
    beneath[over] = max(1, step // _SECOND)
    return beneath
