"""Names damaged segments in every answer that would have used them, and months whose readings were dropped.

What a question leaves out is noted in `result`, where every command's answer picks it up: none can forget to.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath

from cityctl.errors import listed
from cityctl.result import Column, Missing, leave_out
from cityctl.store.segments.segment_list import EPOCH, Segment, Snapshot
from cityctl.wording import counted

DAMAGED = Column("damaged", "Damaged", meaning="segments that cannot be used", kind="integer", priority=1)


def name_damaged(snapshot: Snapshot, start_us: int | None, end_us: int | None) -> None:
    """Note the damaged segments that readings of an interval would have come from."""
    for segment, reason in snapshot.damaged:
        after = start_us is None or segment.last_us >= start_us
        if after and (end_us is None or segment.first_us < end_us):
            leave_out(
                Missing(described(segment), f"damaged: {reason}; `cityctl data restore DIR` brings it back")
            )


def described(segment: Segment) -> str:
    """A segment in words: its file, and what it holds."""
    first, last = (
        f"{EPOCH + timedelta(microseconds=at):%Y-%m-%d}" for at in (segment.first_us, segment.last_us)
    )
    return f"{PurePosixPath(segment.path).name} ({counted(segment.rows, 'reading')}, {first} to {last})"


def dropped_note(snapshot: Snapshot, start_us: int | None = None, end_us: int | None = None) -> str | None:
    """That readings of an interval were dropped once they were rolled up; None where none were."""
    first, last = (
        f"{EPOCH + timedelta(microseconds=at):%Y-%m}" if at is not None else None
        for at in (start_us, None if end_us is None else end_us - 1)
    )
    gone = [
        month
        for month in snapshot.dropped
        if (first is None or month >= first) and (last is None or month <= last)
    ]
    if not gone:
        return None
    return (
        f"the readings of {listed(gone)} were dropped, as city.yaml's `retention` or --raw said: "
        "`hourly`, `daily` and `monthly` of `cityctl data sql` have what they were rolled up to"
    )
