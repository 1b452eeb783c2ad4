"""Amounts of one series that come in intervals of several lengths, such as quarters and hours: counted once.

What was given first holds. Lengths that are near each other (a month of 30 and one of 31 days, an hour of 7200 s at
a change of the clocks) are no other length of the same amounts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_OTHER = 3  # times as long
_DOUBLE, _FEWEST = 2, 24  # times as long, where so many readings come together
_SECOND = 1_000_000


class Covered:
    """The intervals of one series that were taken, by their length in seconds: spans in µs, apart and in order."""

    def __init__(self) -> None:
        self._spans: dict[int, tuple[Ints, Ints]] = {}

    def again(self, times: Ints, lengths: Ints) -> Ints:
        """For each reading, the length of those taken that lie over it; 0 where none does, and it is taken."""
        over = np.zeros(len(times), np.int64)
        known, first, counts = np.unique(lengths, return_index=True, return_counts=True)
        for place in np.argsort(first).tolist():
            length, count = int(known[place]), int(counts[place])
            if length <= 0:
                continue
            rows = np.flatnonzero(lengths == length)
            starts = times[rows]
            for other, (begins, ends) in self._spans.items():
                if _is_another(length, other, count):
                    at = np.minimum(np.searchsorted(ends, starts, side="right"), len(ends) - 1)
                    within = (ends[at] > starts) & (begins[at] < starts + length * _SECOND)
                    over[rows[within]] = other
            self._add(length, starts[over[rows] == 0])
        return over

    def _add(self, length: int, starts: Ints) -> None:
        if not len(starts):
            return
        begins, ends = self._spans.get(length, (starts[:0], starts[:0]))
        self._spans[length] = _merged(
            np.concatenate((begins, starts)), np.concatenate((ends, starts + length * _SECOND))
        )


def _is_another(length: int, other: int, count: int) -> bool:
    ratio = max(length, other) / min(length, other)
    return ratio >= _OTHER or (ratio >= _DOUBLE and count >= _FEWEST)


def _merged(begins: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Spans in order, those that touch as one."""
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], np.maximum.accumulate(ends[order])
    apart = np.flatnonzero(begins[1:] > ends[:-1])
    return begins[np.concatenate(([0], apart + 1))], ends[np.concatenate((apart, [len(ends) - 1]))]
