"""Stores that are broken on purpose, each as somebody might break it: the harness has to catch every one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.segments import scan, segment_list
from cityctl.store.segments.segment_list import Segment
from tests.crash import workers


def early() -> None:
    """A poll is acknowledged before it is committed."""

    def land(store: Store, name: str, number: int, acknowledge: workers.Acknowledge) -> None:
        acknowledge(f"kept {name}")
        time.sleep(0.01)
        readings = [Reading(name, at, float(n)) for n, at in enumerate(workers.TIMES)]
        store.land(readings, batch=name, received=workers.received(number))

    workers.land = land


def piecemeal() -> None:
    """Each segment of an import comes onto the list in a transaction of its own."""
    whole = segment_list.SegmentList.commit

    def one_by_one(self: Any, *, add: Any, remove: Any = (), **how: Any) -> None:
        for segment in add[:-1]:
            whole(self, add=[segment], at_us=how["at_us"])
            time.sleep(0.05)
        whole(self, add=add[-1:], remove=remove, **how)

    segment_list.SegmentList.commit = one_by_one  # type: ignore[method-assign]


def globbing() -> None:
    """Readers take the files that lie there, and not those on the list."""

    def files(folder: Path, segments: Iterable[Segment], *, named: bool = False) -> str:
        kinds = {segment.kind for segment in segments}
        listed = ", ".join(f"'{folder}/segments/*/*-{kind}-*.parquet'" for kind in kinds)
        return f"read_parquet([{listed}]{', filename = true' if named else ''})"

    scan.files = files


def dropping() -> None:
    """Readings are dropped by their age, whether their roll-ups are on the list or not."""
    segment_list.SegmentList.dirty = lambda self: []  # type: ignore[method-assign]


def hasty() -> None:
    """A flush takes readings out of the landing before their segments are on the list."""
    whole = segment_list.SegmentList.commit

    def late(self: Any, *, landed: Any = None, **how: Any) -> None:
        if landed is not None:
            self.landing.clear(landed.landing, landed.through)
            time.sleep(0.05)
        whole(self, landed=landed, **how)

    segment_list.SegmentList.commit = late  # type: ignore[method-assign]


WAYS: dict[str, Callable[[], None]] = {
    "early": early,
    "piecemeal": piecemeal,
    "globbing": globbing,
    "dropping": dropping,
    "hasty": hasty,
}
