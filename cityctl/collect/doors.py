"""What looks wrong at the door: spikes, jumps of a thousand, counters that fall, days that begin elsewhere.

Nothing is dropped for it: a doubtful reading is kept as suspect where that is asked for, and reported with
its file and place. The limits are wide, because a rare peak is no fault: a spike is fifty times the fourth
largest value around it (two hundred times where those are few), a jump a clean step by a factor of a thousand
between two dozens of readings, or between two weeks of days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.collect.order import Groups
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


@dataclass
class _Seen:
    """What is known of a series from the parts of the export before."""

    last: float | None = None
    tail: Floats = field(default_factory=lambda: np.empty(0))
    typical: float = 0.0
    midnight: int | None = None


@dataclass
class Doors:
    """Watches the readings of one export go by."""

    doubts: dict[tuple[str, str], Doubt] = field(default_factory=dict)
    _seen: dict[str, _Seen] = field(default_factory=dict)

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
        doubtful = np.zeros(len(values), np.bool_)
        if not len(values):
            return doubtful
        order, starts, ends = groups.order, groups.starts, groups.ends
        sizes = np.nan_to_num(np.abs(values[order]), copy=False)
        largest = np.maximum.reduceat(sizes, starts)
        means = _means(sizes, starts, ends)
        for at, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            some = order[start:end]
            code = int(codes[some[0]])
            name, kind = names[code], kinds[code]
            seen = self._seen.get(name)
            if seen is None:
                seen = self._seen[name] = _Seen()
            if kind == "counter":
                self._falls(name, seen, some, times, values, places, doubtful)
            elif kind != "state":
                first, middle, tail, mean = means[at].tolist()
                uneven = _apart(first, middle) or _apart(middle or first, tail) or _apart(seen.typical, mean)
                if largest[at] > 10 * mean or uneven:
                    self._jumps(name, seen, some, times, values, places, doubtful)
                    self._spikes(name, some, times, values, places, doubtful)
                seen.typical = mean or seen.typical
                seen.tail = values[some[-_WINDOW:]]
            if (
                kind == "interval"
                and abs((int(times[some[-1]]) - int(times[some[0]])) / max(1, len(some) - 1) - _DAY) <= _HOUR
            ):
                self._midnights(name, seen, some, times, places, doubtful)
        return doubtful

    def _say(self, name: str, kind: str, text: str, rows: Ints, times: Ints, places: Ints) -> None:
        doubt = self.doubts.setdefault((name, kind), Doubt(name, kind, text, first=int(times[rows[0]])))
        doubt.count += len(rows)
        doubt.places += places[rows[: max(0, _PLACES - len(doubt.places))]].tolist()

    def _falls(
        self, name: str, seen: _Seen, some: Ints, times: Ints, values: Floats, places: Ints, doubtful: Any
    ) -> None:
        known = some[~np.isnan(values[some])]
        if not len(known):
            return
        forward = times[known[-1]] >= times[known[0]]
        run = values[known] if forward else values[known][::-1]
        rows = known if forward else known[::-1]
        before = seen.last if forward and seen.last is not None else run[0]
        down = np.flatnonzero(np.diff(run, prepend=before) < 0)
        if len(down):
            first = down[0]
            left = run[first - 1] if first else before
            text = f"the counter falls, from {left:g} to {run[first]:g}: exchanged, rolled over or misread?"
            doubtful[rows[down]] = True
            self._say(name, "falling counter", text, rows[down], times, places)
        seen.last = float(run[-1])

    def _spikes(
        self, name: str, some: Ints, times: Ints, values: Floats, places: Ints, doubtful: Any
    ) -> None:
        fresh = some[~doubtful[some]]
        sizes = np.abs(values[fresh])
        sizes = np.where(np.isnan(sizes), 0.0, sizes)
        if len(sizes) < _FEW:
            return
        usual = np.partition(sizes, -4)[-4]
        factor = _SPIKE if len(sizes) >= _FEWEST else _SPIKE_OF_FEW
        high = fresh[sizes > factor * usual] if usual > 0 else fresh[:0]
        if len(high):
            text = f"a spike of {values[high[0]]:g}, where the largest values around it are {usual:g}"
            doubtful[high] = True
            self._say(name, "spike", text, high, times, places)

    def _jumps(
        self, name: str, seen: _Seen, some: Ints, times: Ints, values: Floats, places: Ints, doubtful: Any
    ) -> None:
        tail = len(seen.tail)
        run = np.abs(np.concatenate((seen.tail, values[some])))
        full = np.flatnonzero(run > 0)  # also no NaN
        days = len(some) > 1 and abs(int(times[some[-1]] - times[some[0]])) >= (len(some) - 1) * _DAY // 2
        side = _WEEK if days and len(full) < 2 * _WINDOW else _WINDOW
        if len(full) < 2 * side:
            return
        sized = run[full]
        windows = np.lib.stride_tricks.sliding_window_view(sized, side)
        low, high = windows.min(axis=1), windows.max(axis=1)
        before, after = slice(0, len(windows) - side), slice(side, len(windows))
        clean = (low[after] > 20 * high[before]) | (low[before] > 20 * high[after])
        for at in np.flatnonzero(clean).tolist():
            lower = float(np.median(windows[at] if side == _WINDOW else sized[: at + side]))
            ratio = float(np.median(windows[at + side] if side == _WINDOW else sized[at + side :])) / lower
            if not (_STEP[0] <= ratio <= _STEP[1] or _STEP[0] <= 1 / ratio <= _STEP[1]):
                continue
            edge = int(full[at + side])
            if edge < tail:
                continue
            rows = some[edge - tail :]
            factor = "1000" if ratio > 1 else "1/1000"
            text = f"values jump by {factor} and stay there: another unit?"
            # The part beyond the step is in doubt, up to where it comes back.
            level = np.abs(values[rows]) / lower
            back = np.flatnonzero((level > 0) & ((level < 20) if ratio > 1 else (level > 1 / 20)))
            rows = rows[: back[0]] if len(back) else rows
            doubtful[rows] = True
            self._say(name, "unit jump", text, rows, times, places)
            return

    def _midnights(
        self, name: str, seen: _Seen, some: Ints, times: Ints, places: Ints, doubtful: Any
    ) -> None:
        clock = times[some] % _DAY
        found, counts = np.unique(clock, return_counts=True)
        usual = int(found[counts.argmax()]) if seen.midnight is None else seen.midnight
        seen.midnight = usual
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
            doubtful[rows] = True
            text = "days that begin at another hour than the others: a shifted midnight?"
            self._say(name, "shifted midnight", text, rows, times, places)


def _means(sizes: Floats, starts: Ints, ends: Ints) -> Floats:
    """The mean of each group's first half, of its second but for the last window, of that window, and of all."""
    tails = np.maximum(starts, ends - _WINDOW)
    cuts = np.column_stack((starts, np.minimum((starts + ends) // 2, tails), tails, ends))
    counts = np.diff(cuts, axis=1)
    sums = np.add.reduceat(np.append(sizes, 0.0), cuts[:, :3].reshape(-1)).reshape(-1, 3)
    sums[counts == 0] = 0.0  # reduceat counts the one reading there
    parts = sums / np.maximum(counts, 1)
    return np.column_stack((parts, sums.sum(axis=1) / (ends - starts)))


def _apart(one: float, other: float) -> bool:
    """Whether two means are far from each other."""
    return one > 0 and other > 0 and not 0.1 < one / other < 10


def suspected(qualities: npt.NDArray[np.uint8], doubtful: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The qualities, with those in doubt at least suspect."""
    if not doubtful.any():
        return qualities
    return np.where(doubtful, np.maximum(qualities, np.uint8(Quality.SUSPECT)), qualities)
