"""What a store holds of an interval: whether anything, and a word for it; the same word means the same readings."""

from __future__ import annotations

import hashlib

from cityctl.store.landing import LandedBatch
from cityctl.store.segments.scan import Filter
from cityctl.store.segments.segment_list import Snapshot

_TIMES_AT = 4  # bytes a reading of the numbers of series, which come before the times


def stamp(snapshot: Snapshot, start_us: int, end_us: int) -> str | None:
    """The word for [start, end) [µs since 1970 UTC]; None where a damaged segment lies there, which must be named anew.

    It changes with every segment that comes or goes there, so also where these are merged and readings stay the same.
    """
    which = Filter(start_us, end_us)
    if any(which.touches(segment) for segment, _ in snapshot.damaged):
        return None
    seen = hashlib.sha256()
    for segment in snapshot.segments:
        if which.touches(segment):
            seen.update(f"{segment.path} {segment.sha256}\n".encode())
    for batch in snapshot.landed.batches:
        if _touches(batch, start_us, end_us):
            seen.update(f"{snapshot.landed.landing} {batch.id}\n".encode())
    return seen.hexdigest()


def holds(snapshot: Snapshot, start_us: int, end_us: int) -> bool:
    """Whether there may be a reading in [start, end) [µs since 1970 UTC], or was one in a segment that is damaged."""
    which = Filter(start_us, end_us)
    segments = (*snapshot.segments, *(segment for segment, _ in snapshot.damaged))
    return any(which.touches(segment) for segment in segments) or any(
        _touches(batch, start_us, end_us) for batch in snapshot.landed.batches
    )


def _touches(batch: LandedBatch, start_us: int, end_us: int) -> bool:
    """Whether a landed batch has a reading in [start, end)."""
    import numpy as np

    times = np.frombuffer(batch.readings, dtype="<i8", count=batch.rows, offset=_TIMES_AT * batch.rows)
    return bool(((times >= start_us) & (times < end_us)).any())
