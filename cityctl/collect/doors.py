"""What looks wrong at the door: spikes, jumps of a thousand, counters that fall, days that begin elsewhere.

Nothing is dropped for it: a doubtful reading is kept as suspect where that is asked for, and reported with
its file and place. The limits are wide, because a rare peak is no fault: a spike is fifty times the fourth
largest value around it (two hundred times where those are few), a jump a clean step by a factor of a thousand
between two dozens of readings, or between two weeks of days.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cityctl.collect.order import Groups, Numbered
from cityctl.reading import Kind, Quality

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SPIKE = 50.0  # times the fourth largest value
_FEWEST = 48  # readings that are needed to tell a spike
_SPIKE_OF_FEW = 200.0  # times the fourth largest value, where there are fewer
_FEW = 12
_WINDOW = 24  # readings on each side of a jump
_WEEK = 7  # the same, where there are some weeks of days and no more
_STEP = (700.0, 1400.0)  # a unit taken for another of its kind: kWh and Wh, m3 and L
_DAY = 86_400_000_000  # µs
_HOUR = 3_600_000_000
_PLACES = 5  # that are named of each kind


@dataclass
class Doubt:
    """Readings of a series that look wrong in one way: the first places, and how many there are."""

    series: str
    kind: str
    text: str
    places: list[int] = field(default_factory=list)
    count: int = 0
    first: int = 0  # µs


@dataclass(frozen=True)
class _Batch:
    """Readings of several series, in the order they came in; `doubtful` is filled on the way."""

    times: Ints
    values: Floats
    places: Ints
    doubtful: npt.NDArray[np.bool_]


class Doors:
    """Watches the readings of one export go by. Whole arrays say which series need a closer look."""

    def __init__(self) -> None:
        self.doubts: dict[tuple[str, str], Doubt] = {}
        self._numbered = Numbered()
        # Of each series, from the parts before: its newest register and when, its size, last values and midnight.
        self._register = np.empty(0)
        self._read_at = np.empty(0, np.int64)
        self._typical = np.empty(0)
        self._tails = np.empty((0, _WINDOW))
        self._midnight = np.empty(0, np.int64)

    def judge(
        self,
        names: list[str],
        kinds: list[Kind | None],
        codes: npt.NDArray[np.int32],
        times: Ints,
        values: Floats,
        places: Ints,
        groups: Groups,
    ) -> npt.NDArray[np.bool_]:
        """Which readings look wrong; `codes` count in `names` and `kinds`."""
        batch = _Batch(times, values, places, np.zeros(len(values), np.bool_))
        if not len(values):
            return batch.doubtful
        series = self._numbered.of(names, codes, groups)
        self._register = self._numbered.grown(self._register, np.nan)
        self._read_at = self._numbered.grown(self._read_at, np.iinfo(np.int64).min)
        self._typical = self._numbered.grown(self._typical, 0.0)
        self._tails = self._numbered.grown(self._tails, np.nan)
        self._midnight = self._numbered.grown(self._midnight, -1)
        present = codes[groups.order[groups.starts]].tolist()
        registers = np.array([kinds[code] == "counter" for code in present])
        sized = np.array([kinds[code] not in ("counter", "state") for code in present])
        amounts = np.array([kinds[code] == "interval" for code in present])
        run = values[groups.order]
        daily = amounts & self._by_days(times, groups)
        falling = self._falling(series, registers, run, times, groups)
        uneven = self._uneven(series, sized, run, groups)
        for at in np.flatnonzero(falling | uneven | daily).tolist():
            some = groups.order[groups.starts[at] : groups.ends[at]]
            name, number = names[present[at]], int(series[at])
            if falling[at]:
                self._falls(name, number, some, batch)
            if uneven[at]:
                self._jumps(name, number, some, batch)
                self._spikes(name, some, batch)
            if daily[at]:
                self._midnights(name, number, some, batch)
        if sized.any():
            self._tails[series[sized]] = _ends_of(run, groups.starts[sized], groups.ends[sized])
        return batch.doubtful

    def _by_days(self, times: Ints, groups: Groups) -> npt.NDArray[np.bool_]:
        """Which groups have a reading a day."""
        span = times[groups.order[groups.ends - 1]] - times[groups.order[groups.starts]]
        steps = np.maximum(1, groups.ends - groups.starts - 1)
        by_days: npt.NDArray[np.bool_] = np.abs(np.abs(span / steps) - _DAY) <= _HOUR
        return by_days

    def _falling(
        self, series: Ints, registers: npt.NDArray[np.bool_], run: Floats, times: Ints, groups: Groups
    ) -> npt.NDArray[np.bool_]:
        """Which registers may fall; the newest of the others is kept."""
        if not registers.any():
            return registers
        starts, ends = groups.starts, groups.ends
        first, last = times[groups.order[starts]], times[groups.order[ends - 1]]
        forward = last >= first
        steps = np.diff(run, append=run[-1:])
        steps[ends - 1] = 0.0
        below = (run[starts] < self._register[series]) & (first > self._read_at[series])
        down = below | np.logical_or.reduceat(steps < 0, starts)
        up = np.logical_or.reduceat(steps > 0, starts)
        gaps = np.logical_or.reduceat(np.isnan(run), starts)
        falling: npt.NDArray[np.bool_] = registers & (gaps | np.where(forward, down, up))
        newer = registers & ~falling & (np.maximum(first, last) > self._read_at[series])
        self._register[series[newer]] = np.where(forward, run[ends - 1], run[starts])[newer]
        self._read_at[series[newer]] = np.maximum(first, last)[newer]
        return falling

    def _uneven(
        self, series: Ints, sized: npt.NDArray[np.bool_], run: Floats, groups: Groups
    ) -> npt.NDArray[np.bool_]:
        """Which series have values far from the others, or parts far from each other; the usual size is kept."""
        sizes = np.nan_to_num(np.abs(run), copy=False)
        largest = np.maximum.reduceat(sizes, groups.starts)
        first, middle, tail, mean = _means(sizes, groups.starts, groups.ends).T
        typical = self._typical[series]
        uneven = _apart(first, middle) | _apart(np.where(middle > 0, middle, first), tail)
        found: npt.NDArray[np.bool_] = sized & (uneven | _apart(typical, mean) | (largest > 10 * mean))
        self._typical[series] = np.where(sized & (mean > 0), mean, typical)
        return found

    def _say(self, name: str, kind: str, text: str, rows: Ints, batch: _Batch) -> None:
        batch.doubtful[rows] = True
        doubt = self.doubts.setdefault((name, kind), Doubt(name, kind, text, first=int(batch.times[rows[0]])))
        doubt.count += len(rows)
        doubt.places += batch.places[rows[: max(0, _PLACES - len(doubt.places))]].tolist()

    def _falls(self, name: str, number: int, some: Ints, batch: _Batch) -> None:
        values = batch.values
        known = some[~np.isnan(values[some])]
        if not len(known):
            return
        rows = known if batch.times[known[-1]] >= batch.times[known[0]] else known[::-1]
        run = values[rows]
        follows = batch.times[rows[0]] > self._read_at[number] and not np.isnan(self._register[number])
        before = self._register[number] if follows else run[0]
        down = np.flatnonzero(np.diff(run, prepend=before) < 0)
        if len(down):
            first = down[0]
            left = run[first - 1] if first else before
            text = f"the counter falls, from {left:g} to {run[first]:g}: exchanged, rolled over or misread?"
            self._say(name, "falling counter", text, rows[down], batch)
        if batch.times[rows[-1]] > self._read_at[number]:
            self._register[number], self._read_at[number] = run[-1], batch.times[rows[-1]]

    def _spikes(self, name: str, some: Ints, batch: _Batch) -> None:
        fresh = some[~batch.doubtful[some]]
        sizes = np.abs(batch.values[fresh])
        sizes = np.where(np.isnan(sizes), 0.0, sizes)
        if len(sizes) < _FEW:
            return
        usual = np.partition(sizes, -4)[-4]
        factor = _SPIKE if len(sizes) >= _FEWEST else _SPIKE_OF_FEW
        high = fresh[sizes > factor * usual] if usual > 0 else fresh[:0]
        if len(high):
            text = f"a spike of {batch.values[high[0]]:g}, where the largest values around it are {usual:g}"
            self._say(name, "spike", text, high, batch)

    def _jumps(self, name: str, number: int, some: Ints, batch: _Batch) -> None:
        times, values = batch.times, batch.values
        run = np.abs(np.concatenate((self._tails[number], values[some])))
        full = np.flatnonzero(run > 0)  # also no NaN
        days = len(some) > 1 and abs(int(times[some[-1]] - times[some[0]])) >= (len(some) - 1) * _DAY // 2
        side = _WEEK if days and len(full) < 2 * _WINDOW else _WINDOW
        if len(full) < 2 * side:
            return
        sized = run[full]
        windows = np.lib.stride_tricks.sliding_window_view(sized, side)
        low, high = windows.min(axis=1), windows.max(axis=1)
        before, after = slice(0, len(windows) - side), slice(side, len(windows))
        clean = (low[after] / 20 > high[before]) | (low[before] / 20 > high[after])
        for at in np.flatnonzero(clean).tolist():
            lower = float(np.median(windows[at] if side == _WINDOW else sized[: at + side]))
            ratio = float(np.median(windows[at + side] if side == _WINDOW else sized[at + side :])) / lower
            if not (_STEP[0] <= ratio <= _STEP[1] or _STEP[0] <= 1 / ratio <= _STEP[1]):
                continue
            edge = int(full[at + side])
            if edge < _WINDOW:
                continue
            rows = some[edge - _WINDOW :]
            factor = "1000" if ratio > 1 else "1/1000"
            text = f"values jump by {factor} and stay there: another unit?"
            # The part beyond the step is in doubt, up to where it comes back.
            level = np.abs(values[rows]) / lower
            back = np.flatnonzero((level > 0) & ((level < 20) if ratio > 1 else (level > 1 / 20)))
            rows = rows[: back[0]] if len(back) else rows
            self._say(name, "unit jump", text, rows, batch)
            return

    def _midnights(self, name: str, number: int, some: Ints, batch: _Batch) -> None:
        clock = batch.times[some] % _DAY
        found, counts = np.unique(clock, return_counts=True)
        usual = int(self._midnight[number])
        usual = int(found[counts.argmax()]) if usual < 0 else usual
        self._midnight[number] = usual
        away = np.abs(clock - usual)
        away = np.minimum(away, _DAY - away)
        odd = (away > 0) & (away != _HOUR)
        # An hour apart for a whole season is summer time; for some days in between it is a shift.
        hours = np.flatnonzero(away == _HOUR)
        for part in np.split(hours, np.flatnonzero(np.diff(hours) > 1) + 1):
            if 0 < len(part) < 60 and part[0] > 0 and part[-1] < len(some) - 1:
                odd[part] = True
        rows = some[odd]
        if len(rows) and len(rows) * 4 <= len(some):
            text = "days that begin at another hour than the others: a shifted midnight?"
            self._say(name, "shifted midnight", text, rows, batch)


def _means(sizes: Floats, starts: Ints, ends: Ints) -> Floats:
    """The mean of each group's first half, of its second but for the last window, of that window, and of all."""
    tails = np.maximum(starts, ends - _WINDOW)
    cuts = np.column_stack((starts, np.minimum((starts + ends) // 2, tails), tails, ends))
    counts = np.diff(cuts, axis=1)
    sums = np.add.reduceat(np.append(sizes, 0.0), cuts[:, :3].reshape(-1)).reshape(-1, 3)
    sums[counts == 0] = 0.0  # reduceat counts the one reading there
    parts = sums / np.maximum(counts, 1)
    return np.column_stack((parts, sums.sum(axis=1) / (ends - starts)))


def _ends_of(run: Floats, starts: Ints, ends: Ints) -> Floats:
    """The last values of each group, a row each; NaN before them where there are fewer."""
    at = ends[:, None] + np.arange(-_WINDOW, 0)
    return np.where(at >= starts[:, None], run[np.maximum(at, 0)], np.nan)


def _apart(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    """Whether two means are far from each other."""
    both: npt.NDArray[np.bool_] = (one > 0) & (other > 0) & ((one <= 0.1 * other) | (one >= 10 * other))
    return both


def suspected(qualities: npt.NDArray[np.uint8], doubtful: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The qualities, with those in doubt at least suspect."""
    if not doubtful.any():
        return qualities
    return np.where(doubtful, np.maximum(qualities, np.uint8(Quality.SUSPECT)), qualities)
