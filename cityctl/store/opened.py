"""An opened store: its folder and its list, and what can be asked of them without touching a reading.

What adding, compacting and attaching work on; `Store` is this with those verbs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cityctl.store.register import Series, conflicts
from cityctl.store.segments.segment_list import SegmentList, Snapshot

if TYPE_CHECKING:
    from cityctl.city.points import Point


class Opened:
    """A store's folder and list; a context manager that closes the list."""

    def __init__(self, folder: Path, segments: SegmentList) -> None:
        self.folder = folder
        self.list = segments

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the list's files."""
        self.list.close()

    def conflicts(self, points: Mapping[str, Point]) -> dict[str, str]:
        """Points that are stored in another quantity than the city now gives them: point -> what is wrong."""
        return conflicts(self.list.series(points), points)

    def snapshot(self) -> Snapshot:
        """What the store holds now, as one consistent list."""
        return self.list.snapshot()

    def span(self) -> tuple[datetime, datetime] | None:
        """Times of the first and the last reading (aware, UTC); None where there is none."""
        return self.list.span()

    def holds_anything(self) -> bool:
        """Whether there is anything on the list: readings, roll-ups of dropped ones, damaged segments."""
        snapshot = self.list.snapshot(landing=False)
        return bool(snapshot.all or snapshot.damaged)

    def series(self) -> dict[str, Series]:
        """Every point that ever had a reading, with the quantity and unit it is stored in."""
        return self.list.series()
