"""Whether times that are read as beginnings look like ends: whole days that run from one interval after midnight on.

A table of beginnings begins at 00:00 and ends an interval before midnight. The other way round is worth a word, and
no more: nothing is shifted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from cityctl.exports.table.clock.zone import Micros
from cityctl.reading import EARLIEST, LATEST

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_FEWEST = 12  # times


class Span:
    """The first and the last of a table's times, and the commonest step between them."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._last = 0
        self._step = timedelta()
        self._count = 0

    def watch(self, moments: Micros) -> None:
        """Times (UTC) go by; those of years that nothing is read in are no ends of days."""
        moments = moments[(moments >= EARLIEST) & (moments < LATEST)]
        if not len(moments):
            return
        if self._first is None and len(distinct := np.unique(moments)) > 1:
            steps, counts = np.unique(np.diff(distinct), return_counts=True)
            self._step = timedelta(microseconds=int(steps[np.argmax(counts)]))
        low, high = int(moments.min()), int(moments.max())
        self._first = low if self._first is None else min(self._first, low)
        self._last = max(self._last, high)
        self._count += len(moments)

    def of_ends(self, zone: tzinfo | None) -> str:
        """`00:15 to 00:00` where the times run through whole days as ends do, on the clock of `zone` or in UTC."""
        if self._first is None or self._count < _FEWEST or not timedelta() < self._step < _DAY:
            return ""
        for clock in (zone or UTC, UTC):
            first, last = (
                (_EPOCH + timedelta(microseconds=at)).astimezone(clock) for at in (self._first, self._last)
            )
            begun = timedelta(hours=first.hour, minutes=first.minute, seconds=first.second)
            if begun == self._step and last.time() == datetime.min.time() and last - first > _DAY / 2:
                return f"{first:%H:%M} to {last:%H:%M}"
        return ""
