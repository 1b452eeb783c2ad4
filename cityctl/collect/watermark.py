"""How far each series of a service has been pulled, and the windows of the next pull.

A watermark only moves over a window that was answered whole and is stored; before it, the settle horizon is
pulled again for late data. Windows are half-open. Where a service ended a pull early, the next one begins with the
series that did not get their turn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from cityctl.clock import Interval, local_days
from cityctl.disk import share, write_atomic
from cityctl.errors import ConfigInvalid

Window = tuple[datetime, datetime]


@dataclass
class Watermark:
    """Everything from `since` up to, and without, `until` was pulled."""

    since: datetime
    until: datetime

    def covers(self, window: Window) -> Watermark:
        """The watermark after a window was drained; a window that leaves a gap does not move it."""
        start, end = window
        if start > self.until or end < self.since:
            return self
        return Watermark(min(self.since, start), max(self.until, end))


@dataclass
class Watermarks:
    """The watermarks of one service, in a file of the project's state."""

    path: Path
    marks: dict[str, Watermark] = field(default_factory=dict)
    turn: str = ""  # the series that is asked for first, where a pull ended before it; else the first of all
    _written: str = ""

    @classmethod
    def read(cls, folder: Path, service: str) -> Watermarks:
        """The watermarks as they were last written. Raises ConfigInvalid where the file is damaged."""
        path = folder / f"{service}.json"
        if not path.exists():
            return cls(path)
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            marks = {
                series: Watermark(
                    datetime.fromisoformat(mark["since"]), datetime.fromisoformat(mark["until"])
                )
                for series, mark in told["series"].items()
            }
            turn = str(told.get("turn", ""))
            return cls(path, marks, turn, turn)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise ConfigInvalid(
                f"{path}: damaged: {problem}",
                hint="delete it: the next pull then begins with the connector's first window, or with --since",
            ) from None

    def drained(self, series: str, window: Window, now: datetime) -> None:
        """A window was answered whole and is stored. What lies in the future is not drained."""
        window = (window[0], min(window[1], now))
        if window[1] <= window[0]:
            return
        mark = self.marks.get(series)
        self.marks[series] = mark.covers(window) if mark is not None else Watermark(*window)

    def write(self) -> None:
        """Keep the watermarks, whole or not at all."""
        told = {
            series: {"since": _text(mark.since), "until": _text(mark.until)}
            for series, mark in sorted(self.marks.items())
        }
        self._written = self.turn
        whole = {"series": told, **({"turn": self.turn} if self.turn else {})}
        write_atomic(
            self.path, (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode(), rights=share
        )

    def write_turn(self) -> None:
        """Keep whose turn it is, where that changed."""
        if self.turn != self._written:
            self.write()


def windows(
    mark: Watermark | None,
    *,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
    largest: timedelta,
    first: timedelta,
    settle: timedelta,
    days_of: tzinfo | None = None,
) -> list[Window]:
    """The windows to ask for, oldest first, each at most `largest` long.

    From `since`, or else from the watermark less the settle horizon, or else `first` back from now; up to
    `until`, or else now. With `days_of` they are whole days of that time zone.
    """
    end = (until or now).replace(microsecond=0)
    begin = since
    if begin is None:
        begin = mark.until - settle if mark is not None else end - first
        if mark is not None:
            begin = max(begin, mark.since)
    return cut(begin.replace(microsecond=0), end, largest, days_of)


def cut(begin: datetime, end: datetime, largest: timedelta, days_of: tzinfo | None = None) -> list[Window]:
    """A span in windows of at most `largest`, half-open and without gaps; of whole local days with `days_of`."""
    found: list[Window] = []
    if days_of is None:
        while begin < end:
            following = min(begin + largest, end)
            found.append((begin, following))
            begin = following
        return found
    if begin >= end:
        return found
    days = local_days(Interval(begin, end, days_of))
    at_once = max(1, largest // timedelta(days=1))
    for index in range(0, len(days), at_once):
        some = days[index : index + at_once]
        found.append((some[0][1], some[-1][2]))
    return found


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
