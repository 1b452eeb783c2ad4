"""Keeps the store small and quick: flushes the landing, merges segments, settles revisions, sweeps.

Nothing here changes what a query gives. It may die at any point: new segments are not listed until they are
durable, replaced ones stay on disk for a while, and what is on no list is swept by the next run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cityctl.arrow import codes, numbers_of, table, texts
from cityctl.disk import Lock, sync_folder
from cityctl.engine.duck import Engine
from cityctl.errors import LockHeld
from cityctl.store.adding import add
from cityctl.store.folder import BACKUP_LOCK, in_plain_words, locked, month_folder
from cityctl.store.segments.batch import NEVER, Batch, in_order
from cityctl.store.segments.compare import landed_table
from cityctl.store.segments.scan import Filter, confirmations, of_kind, prevailing
from cityctl.store.segments.segment import write
from cityctl.store.segments.segment_list import Segment, SegmentKind
from cityctl.store.segments.unlisted import orphans
from cityctl.store.segments.versions import WHOLE, outdone, sourced

if TYPE_CHECKING:
    from cityctl.store.opened import Opened

GRACE = 3600.0  # seconds that a replaced segment stays on disk for readers that still have it on their list
LANDED_ENOUGH = 20_000  # landed readings that are worth a segment
PIECES_ENOUGH = 12  # small segments of one month that are worth a merge
SMALL = 4_000_000  # readings; larger segments are left alone by `when_it_pays`
LARGEST = 8_000_000  # readings in one segment
# Of what a merge reads: code, time, value, quality, received, confirmed; only values may be missing.
_KINDS = (("int32", 0), ("int64", 0), ("float64", math.nan), ("uint8", 0), ("int64", 0), ("int64", 0))
_RETRIES = 2 * 86_400 * 1_000_000  # µs for which a batch key is remembered


@dataclass
class Compaction:
    """What a compaction did."""

    flushed: int = 0
    months: list[str] = field(default_factory=list)
    before: int = 0
    after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    swept: int = 0


def compact(store: Opened, *, when_it_pays: bool, wait: float) -> Compaction:
    """See `Store.compact`. The lock is given back between months, so that adds are not kept waiting."""
    done = Compaction()
    patience = 0.0 if when_it_pays else wait

    def lock() -> AbstractContextManager[None]:
        return locked(store.folder, purpose="compacting the store", wait=patience)

    now_us = time.time_ns() // 1000
    engines: list[Engine] = []

    def opened() -> Engine:
        if not engines:
            engines.append(Engine())
        return engines[0]

    try:
        if store.list.landed_rows() >= (LANDED_ENOUGH if when_it_pays else 1):
            with lock():
                done.flushed = flush(store)
                store.list.forget_batches(now_us - _RETRIES)
        for month in _worth_it(store, when_it_pays=when_it_pays):
            with lock():
                _merge(store, opened, month, done, now_us, when_it_pays=when_it_pays)
        if not when_it_pays or done.months or done.flushed:
            with lock():
                done.swept = sweep(store, now_us)
    except LockHeld:
        if not when_it_pays:
            raise
    finally:
        for engine in engines:
            engine.close()
    return done


def sweep(store: Opened, now_us: int) -> int:
    """Delete files that no reader can need: replaced ones after GRACE, and those that are on no list.

    The caller holds the store's lock, so nobody is writing. Returns how many files went.
    """
    swept = 0
    with in_plain_words(store.folder, "sweeping"), _no_backup(store.folder) as free:
        if not free:  # a backup copies what was on the list when it began
            return 0
        replaced = store.list.removed(now_us - int(GRACE * 1e6))
        gone = [path for path in replaced if _delete(store.folder / path)]
        swept += len(gone)
        if gone:
            store.list.forget_removed(gone)
        if not store.list.files_ahead():  # or they are not what dead runs left: `data rebuild` takes them in
            swept += sum(
                _delete(store.folder / name) for name in orphans(store.folder, store.list.known_paths())
            )
    return swept


@contextmanager
def _no_backup(folder: Path) -> Iterator[bool]:
    lock = Lock(folder / BACKUP_LOCK, purpose="sweeping the store")
    try:
        lock.__enter__()
    except LockHeld:
        yield False
        return
    try:
        yield True
    finally:
        lock.__exit__(None, None, None)


def _delete(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except PermissionError:  # Windows: a reader still has it open; the next sweep gets it
        return False
    return True


def flush(store: Opened) -> int:
    """Put what has landed into segments, under the store's lock. Returns how many readings."""
    store.list.clear_landing()  # where a flush died between its two files
    snapshot = store.list.snapshot()
    if not snapshot.landed:
        return 0
    add(
        store,
        landed_table(snapshot.landed),
        source="poll",
        received_us=max(batch.received_us for batch in snapshot.landed.batches),
        points=None,
        flush=snapshot,
    )
    store.list.clear_landing()
    return len(snapshot.landed)


def _merge(
    store: Opened,
    opened: Callable[[], Engine],
    month: str,
    done: Compaction,
    now_us: int,
    *,
    when_it_pays: bool,
) -> None:
    """Settle one month: its readings each once in few segments, and what gave way in segments of its own."""
    snapshot = store.list.snapshot(landing=False)
    held = [segment for segment in snapshot.segments if segment.month == month]
    segments = _mergeable(held, when_it_pays=when_it_pays)
    if not segments:  # another run was faster
        return
    history = None if when_it_pays else outdone(store.folder, segments)
    replaced = [segment for segment in snapshot.replaced if segment.month == month] if history else []
    made: list[Segment] = []
    key = uuid4().hex
    words = store.list.words()

    def put(kind: SegmentKind, batch: Batch) -> None:
        about: dict[str, Any] = {"generation": snapshot.generation + 1, "key": key, "source": "compaction"}
        about["words"] = words
        made.append(write(store.folder, month, kind, batch, ordinal=len(made), **about))

    with in_plain_words(store.folder, "compacting"):
        for batch in in_batches(opened(), _settled(store.folder, segments)):
            put("new", batch)
        if history is not None:
            if replaced:
                history += f" UNION ALL SELECT {WHOLE} FROM {sourced(store.folder, replaced)}"
            for batch in in_batches(opened(), f"SELECT DISTINCT {WHOLE} FROM ({history})"):
                put("replaced", batch)
        sync_folder(month_folder(store.folder, month))
    gone = [*segments, *replaced]
    store.list.commit(add=made, remove=gone, settling=True, at_us=now_us)
    done.months.append(month)
    done.before += len(gone)
    done.after += len(made)
    done.bytes_before += sum(segment.bytes for segment in gone)
    done.bytes_after += sum(segment.bytes for segment in made)


def _worth_it(store: Opened, *, when_it_pays: bool) -> list[str]:
    """The months that have something to merge."""
    months: dict[str, list[Segment]] = {}
    for segment in store.list.snapshot(landing=False).segments:
        months.setdefault(segment.month, []).append(segment)
    return [month for month, held in sorted(months.items()) if _mergeable(held, when_it_pays=when_it_pays)]


def _mergeable(held: Sequence[Segment], *, when_it_pays: bool) -> list[Segment]:
    """Those of a month's segments that are to become one; none where it is settled, or does not pay yet."""
    new = of_kind(held, "new")
    if when_it_pays:
        # Segments of kind "new" hold different readings, so any of them may be merged without the others.
        pieces = [segment for segment in new if segment.rows < SMALL]
        return pieces if len(pieces) >= PIECES_ENOUGH else []
    settled = len(new) == len(held) and sum(segment.rows < LARGEST // 2 for segment in new) <= 1
    return [] if settled else list(held)


def _settled(folder: Path, segments: Sequence[Segment]) -> str:
    """The query for all readings of the segments, each once, with all columns of a version."""
    everything = Filter()
    query = prevailing(folder, segments, everything, whole=lambda some: sourced(folder, some))
    again = confirmations(folder, segments, everything)
    if again is None:
        return query
    # What was received again before a correction came confirmed the version that gave way to it.
    return (
        "SELECT s.* REPLACE (greatest(s.confirmed, c.confirmed) AS confirmed) FROM "
        f"({query}) AS s LEFT JOIN ({again}) AS c "
        "ON c.point = s.point AND c.time = s.time AND c.confirmed > s.received"
    )


def in_batches(engine: Engine, query: str) -> Iterator[Batch]:
    """The versions that a query gives, by point and time, in batches that each fill a segment."""
    import pyarrow as pa

    counts = engine.rows(f"SELECT point, count(*) FROM ({query}) GROUP BY point ORDER BY point")
    for names in filling(counts):
        points = texts(names)
        engine.keep("wanted", table(point=points, code=codes(range(len(names)))))
        rows = engine.arrow(
            "SELECT w.code, epoch_us(s.time) AS time, s.value, s.quality, epoch_us(s.received) AS received, "
            f"coalesce(epoch_us(s.confirmed), {NEVER}) AS confirmed, s.source FROM ({query}) AS s "
            "JOIN wanted AS w ON w.point = s.point WHERE s.point BETWEEN $first AND $last",
            {"first": names[0], "last": names[-1]},
        )
        columns: list[Any] = [
            numbers_of(rows[at], kind, missing=gap) for at, (kind, gap) in enumerate(_KINDS)
        ]
        source: Any = rows["source"].dictionary_encode().unify_dictionaries().combine_chunks()
        if isinstance(source, pa.ChunkedArray):
            source = source.chunk(0)
        columns += [numbers_of(source.indices, "int32", missing=0), source.dictionary]
        # Sorting numbers here is several times cheaper than having the engine sort names.
        yield in_order(Batch(points, *columns))


def filling(counts: Sequence[tuple[str, int]]) -> Iterator[list[str]]:
    """Points in their order, in groups that fill a segment; one point alone may be more."""
    names: list[str] = []
    rows = 0
    for name, count in counts:
        if names and rows + count > LARGEST:
            yield names
            names, rows = [], 0
        names.append(name)
        rows += count
    if names:
        yield names
