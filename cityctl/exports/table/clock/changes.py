"""Whether times that are said to be of one clock all year go by the wall after all: the days tell on which it changes.

People write CET or EST and mean what the clock on the wall shows. The hour that is skipped in spring tells, and the one
that comes twice in autumn: half a year would be an hour off.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from cityctl.exports.table.clock.letters import offsets_of
from cityctl.exports.table.clock.zone import Micros, WallClock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Changes:
    """Counts the times around the changes of a wall's clock: before, within and behind the hour that changes."""

    def __init__(self, wall: tzinfo) -> None:
        self.wall = wall
        self._clock = WallClock(wall)
        self._seen: dict[tuple[int, int, bool], list[int]] = {}

    def watch(self, local: Micros) -> None:
        """Times as they are written go by."""
        for begin, end, forward in self._clock.changes(local):
            bounds = np.array([begin - (end - begin), begin, end, end + (end - begin)])
            at = np.searchsorted(bounds, local, side="right")
            counts = self._seen.setdefault((begin, end, forward), [0, 0, 0])
            for part in range(3):
                counts[part] += int(np.count_nonzero(at == part + 1))

    def shown(self) -> str:
        """A change by which the times go, for a message; empty where they go by none, or pass over one."""
        told = ""
        for (begin, end, forward), (before, within, behind) in self._seen.items():
            if forward and within:
                return ""
            skipped = forward and before and behind
            if skipped or (not forward and before and behind and within > 1.5 * max(before, behind)):
                what = "is skipped" if forward else "comes twice"
                told = told or f"{_text(begin)} to {_text(end)[11:]} {what}"
        return told


def changes_of(zone: tzinfo | None, known: str | None) -> Changes | None:
    """The changes of the known zone's clock, where a clock that never changes is one of its two."""
    if known is None or zone is None or isinstance(zone, ZoneInfo):
        return None
    offsets = offsets_of(known)
    return Changes(ZoneInfo(known)) if len(offsets) > 1 and zone.utcoffset(None) in offsets else None


def _text(micros: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=micros):%Y-%m-%d %H:%M}"
