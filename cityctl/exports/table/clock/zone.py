"""Wall-clock times of a time zone as UTC, for whole columns: which do not exist, which exist twice.

Python's zoneinfo answers one datetime at a time and stays silent about both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
import numpy.typing as npt

from cityctl.errors import InputRefused
from cityctl.reading import EARLIEST, LATEST

Micros = npt.NDArray[np.int64]
States = npt.NDArray[np.uint8]

CERTAIN, GAP, DOUBLED = 0, 1, 2


class ZoneNotSaid(InputRefused):
    """Times carry no offset from UTC, and nobody said on which wall they were read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="say it with --time-zone Europe/Berlin, or --time-zone UTC")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_HOUR = 3600 * _SECOND


@dataclass
class WallClock:
    """A time zone's offsets as arrays, laid out for the years that are asked for."""

    zone: tzinfo
    _first: int = 0
    _last: int = -1
    _instants: Micros = field(default_factory=lambda: np.empty(0, np.int64))
    _offsets: Micros = field(default_factory=lambda: np.empty(0, np.int64))

    def to_utc(self, local: Micros) -> tuple[Micros, States]:
        """(UTC, state) of wall times in µs since 1970-01-01 00:00 on that wall.

        GAP: the clocks skip this time (the UTC given uses the offset before the change). DOUBLED: the time
        comes twice (the UTC given is its first pass; `second_pass` gives the other).
        """
        states = np.zeros(len(local), np.uint8)
        if not len(local):
            return local.copy(), states
        self._lay_out(int(local.min()), int(local.max()))
        if not len(self._instants):
            return local - self._offsets[0], states
        before, after = self._offsets[:-1], self._offsets[1:]
        begins = self._instants + np.minimum(before, after)
        ends = self._instants + np.maximum(before, after)
        regime = np.searchsorted(ends, local, side="right")
        utc = local - self._offsets[regime]
        ahead = np.minimum(regime, len(begins) - 1)
        changing = (regime < len(begins)) & (local >= begins[ahead])
        forward = after[ahead] > before[ahead]
        states[changing & forward] = GAP
        states[changing & ~forward] = DOUBLED
        return utc, states

    def second_pass(self, local: Micros) -> Micros:
        """UTC of doubled wall times, in the second of the two passes."""
        self._lay_out(int(local.min()), int(local.max()))
        before, after = self._offsets[:-1], self._offsets[1:]
        ends = self._instants + np.maximum(before, after)
        regime = np.searchsorted(ends, local, side="right")
        return local - after[regime]

    def ends_by_starts(self, local: Micros) -> bool:
        """Whether labels of ends are an interval after the wall time of the start, and not the wall time of the end.

        Then the hour before the clocks skip ends at a time that is skipped, and the time at which the doubled hour
        is over comes twice, not the one at which it begins.
        """
        for begin, end, forward in self.changes(local):
            starting = np.count_nonzero(local == begin)
            if starting if forward else np.count_nonzero(local == end) > starting:
                return True
        return False

    def changes(self, local: Micros) -> list[tuple[int, int, bool]]:
        """(begin, end, whether clocks go forward) of the wall times that are skipped or come twice."""
        self._lay_out(int(local.min()), int(local.max()))
        before, after = self._offsets[:-1], self._offsets[1:]
        begins = self._instants + np.minimum(before, after)
        ends = self._instants + np.maximum(before, after)
        near = (ends >= local.min()) & (begins <= local.max())
        told = (begins[near].tolist(), ends[near].tolist(), (after > before)[near].tolist())
        return list(zip(*told, strict=True))

    def change_near(self, local: int) -> tuple[str, str]:
        """The wall times (`02:00`, `03:00`) between which the clocks change, for a message."""
        self._lay_out(local, local)
        index = int(np.argmin(np.abs(self._instants + self._offsets[1:] - local)))
        instant = _EPOCH + timedelta(microseconds=int(self._instants[index]))
        old = instant + timedelta(microseconds=int(self._offsets[index]))
        new = instant + timedelta(microseconds=int(self._offsets[index + 1]))
        return f"{old:%H:%M}", f"{new:%H:%M}"

    def _lay_out(self, first: int, last: int) -> None:
        begin, end = _year(first) - 1, _year(last) + 1
        if self._first <= begin and end <= self._last:
            return
        if self._last >= self._first:
            begin, end = min(begin, self._first), max(end, self._last)
        self._first, self._last = begin, end
        instants: list[int] = []
        at = datetime(begin, 1, 1, tzinfo=UTC)
        stop = datetime(end + 1, 1, 1, tzinfo=UTC)
        offset = self._offset(at)
        offsets = [offset]
        step = timedelta(days=7)  # two changes within a week are unknown to the zones of living memory
        while at < stop:
            following = at + step
            new = self._offset(following)
            if new != offset:
                instants.append(self._change(at, following))
                offsets.append(new)
                offset = new
            at = following
        self._instants = np.array(instants, np.int64)
        self._offsets = np.array(offsets, np.int64)

    def _offset(self, instant: datetime) -> int:
        offset = instant.astimezone(self.zone).utcoffset()
        assert offset is not None
        return int(offset / timedelta(microseconds=1))

    def _change(self, low: datetime, high: datetime) -> int:
        """The first whole second, in µs, at which the offset is that of `high`."""
        old = self._offset(low)
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
            if self._offset(middle) == old:
                low = middle
            else:
                high = middle
        return int((high - _EPOCH) / timedelta(microseconds=1))


def _year(micros: int) -> int:
    """The year of a time; of one that no reading has, the nearest: 9999 stands for "never" in many a database."""
    return (_EPOCH + timedelta(microseconds=min(max(micros, EARLIEST), LATEST))).year
