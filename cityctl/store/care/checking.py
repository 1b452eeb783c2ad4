"""Whether segments are what the list says: there, of the same bytes, readable, whole and in order.

A damaged one is marked on the list and left where it is: from then on no question reads it, and every answer
that would have used it names it. Knows files and the list, prints nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cityctl.arrow import numbers_of
from cityctl.disk import digest
from cityctl.store.folder import in_plain_words, locked
from cityctl.store.segments.segment_list import Segment
from cityctl.store.segments.unlisted import orphans, outrun
from cityctl.store.segments.words import faults
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.store.opened import Opened

_PIECE = 1 << 20


@dataclass
class Checked:
    """What a check found: segments and bytes looked at, damaged ones with the reason, files on no list."""

    segments: int = 0
    bytes: int = 0
    damaged: dict[Segment, str] = field(default_factory=dict)
    healed: list[Segment] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def check(store: Opened, *, wait: float = 60.0) -> Checked:
    """Check the list, the landing and every segment; mark the damaged ones, and take those back that are whole.

    Runs beside writers: only marking takes the store's lock. Raises StoreProblem where the list is damaged,
    and where a segment may not be read: it may be sound.
    """
    from cityctl.store.care.healing import take_back

    done = Checked()
    for file in (store.list, store.list.landing):
        if fault := file.fault():
            done.faults.append(f"{file.path}: {fault}")
    done.faults += faults(store.list.words())
    if ahead := store.list.files_ahead():
        done.faults.append(outrun(store.folder, ahead).message)
    snapshot = store.list.snapshot(landing=False)
    reasons: dict[Segment, str | None] = {}
    with in_plain_words(store.folder, "checking the store"):
        for segment in (*snapshot.all, *(segment for segment, _ in snapshot.damaged)):
            reasons[segment] = fault_of(store.folder, segment)
            done.segments += 1
            done.bytes += segment.bytes
    known = {segment for segment, _ in snapshot.damaged}
    with locked(store.folder, purpose="checking the store", wait=wait):
        # What compaction took away meanwhile is not missing, and what it brings is not looked at.
        now = store.list.snapshot(landing=False)
        still = {*now.all, *(segment for segment, _ in now.damaged)}
        done.damaged = {at: why for at, why in reasons.items() if why is not None and at in still}
        marks: dict[str, str | None] = {at.path: why for at, why in done.damaged.items()}
        if any(at not in known or why != dict(snapshot.damaged).get(at) for at, why in done.damaged.items()):
            store.list.quarantine(marks)
        done.healed = [at for at in known if reasons.get(at, "") is None and at in still]
        for segment in done.healed:
            take_back(store, segment)
        done.orphans = sorted(orphans(store.folder, store.list.known_paths()))
    return done


def fault_of(folder: Path, segment: Segment) -> str | None:
    """What is wrong with one segment; None where nothing is.

    Raises PermissionError: who may not read it cannot tell.
    """
    path = folder / segment.path
    try:
        size = path.stat().st_size
        if size != segment.bytes:
            return f"{size} bytes where the list says {segment.bytes}"
        if digest(path) != segment.sha256:
            return "its bytes are not those that were written (sha256)"
    except FileNotFoundError:
        return "the file is gone"
    except PermissionError:
        raise
    except OSError as problem:
        return f"it cannot be read: {problem.strerror or problem}"
    return _content(path, segment)


def _content(path: Path, segment: Segment) -> str | None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, read_dictionary=["point"])
        if file.metadata.num_rows != segment.rows:
            return f"{counted(file.metadata.num_rows, 'row')} where the list says {segment.rows}"
        name, last = b"", -(2**63)
        low, high = 2**63 - 1, -(2**63)
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=["point", "time"])
            points: Any = rows["point"].combine_chunks()
            points = points.chunk(0) if isinstance(points, pa.ChunkedArray) else points
            names = [text.encode() for text in points.dictionary.to_pylist()]
            codes = numbers_of(points.indices, "int32", missing=0)
            times = numbers_of(rows["time"], "int64", missing=0)
            starts = np.flatnonzero(np.diff(codes, prepend=-1))
            steps = np.diff(times, prepend=last)
            inside = np.ones(len(times), dtype=np.bool_)
            inside[starts] = False
            inside[0] = names[codes[0]] == name
            least = 0 if segment.kind == "replaced" else 1
            if (steps[inside] < least).any():
                return "its readings are not in order of time"
            ordered = [name, *(names[code] for code in codes[starts])]
            if any(later < former for former, later in pairwise(ordered)) or len(set(ordered)) < len(
                ordered
            ) - (ordered[1] == name):
                return "its points are not in order"
            name, last = names[codes[-1]], int(times[-1])
            low, high = min(low, int(times.min())), max(high, int(times.max()))
    except (OSError, pa.ArrowException, ValueError) as problem:
        return f"it is no readable Parquet file: {str(problem).splitlines()[0]}"
    if (low, high) != (segment.first_us, segment.last_us):
        return "its first or last time is not the one on the list"
    return None
