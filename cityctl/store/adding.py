"""One add: check, compare with what is stored, write segments, put them on the list in one transaction.

The caller holds the store's lock. Knows batches and segments; knows nothing of where readings come from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from cityctl.disk import sync_folder
from cityctl.engine.duck import Engine, OnDemand
from cityctl.errors import StoreProblem
from cityctl.store.arrival import first_received
from cityctl.store.balance import Balance, Rejection
from cityctl.store.folder import in_plain_words, month_folder
from cityctl.store.incoming import chunks, prepare
from cityctl.store.landing import Landed
from cityctl.store.register import Series, conflicts, series_of
from cityctl.store.segments.batch import Batch
from cityctl.store.segments.compare import (
    CONFIRMED,
    EARLIER,
    EVEN_GAVE_WAY,
    EVEN_REVISED,
    GAVE_WAY,
    NEW,
    OUTDATED,
    REVISED,
    UNCHANGED,
    classify,
)
from cityctl.store.segments.segment import Coding, write
from cityctl.store.segments.segment_list import Segment, SegmentKind, Snapshot
from cityctl.store.segments.words import numbered

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from cityctl.city.points import Point
    from cityctl.store.opened import Opened

    Classes = npt.NDArray[np.uint8]

_KINDS: dict[SegmentKind, int] = {
    "new": NEW,
    "revised": REVISED,
    "confirmed": CONFIRMED,
    "replaced": OUTDATED,
}


def add(
    store: Opened,
    readings: pa.Table | pa.RecordBatchReader,
    *,
    source: str,
    received_us: int,
    points: Mapping[str, Point] | None,
    flush: Snapshot | None = None,
    instead_of: Sequence[Segment] = (),
    words: dict[int, str] | None = None,
    engine: Callable[[], Engine] | None = None,
) -> Balance:
    """Take readings in, under the store's lock; see `Store.add`.

    `flush`: the readings are what had landed in this snapshot, and leave the landing in the same transaction.
    `instead_of`: segments that leave the list in the same transaction: the readings are theirs. `words`: those that
    the readings hold by their codes; it may grow while they are read.
    """
    balance = Balance()
    snapshot = flush or store.list.snapshot()
    landed = None if flush else snapshot.landed
    outdone: list[Batch] | None = [] if flush else None
    words = {} if words is None else words
    writing = _Writing(store, snapshot.generation + 1, source, words)
    own = OnDemand()
    opened = engine or own
    try:
        for part in chunks(readings):
            part = numbered(part, points, words)
            batch = prepare(part, received_us=received_us, source=source, balance=balance, outdone=outdone)
            del part  # or it would lie in memory while the next one is gathered
            series = store.list.series(batch.names)
            batch = _without_conflicts(series, batch, points, source, balance)
            if not len(batch):
                continue
            batch, known = _not_seen_before(opened, writing, batch, balance)
            # Nothing is stored of points that are not in the register.
            classes = classify(opened, store.folder, batch, snapshot.segments, landed, among=series)
            classes[known & (classes == NEW)] = REVISED
            _count(batch, classes, known, balance)
            classes[classes == EVEN_REVISED] = REVISED
            classes[(classes == GAVE_WAY) | (classes == EVEN_GAVE_WAY)] = OUTDATED
            batch = first_received(
                opened, store.folder, batch, classes, snapshot, landed=landed is not None, source=source
            )
            classes[classes == EARLIER] = REVISED  # laid over what is stored, with the same value
            writing.enrol(batch, classes, points, received_us, series if flush else {})
            writing.begin_part(batch.names)
            for kind, wanted in _KINDS.items():
                chosen = classes == wanted
                if chosen.any():
                    writing.write(kind, batch if chosen.all() else batch.take(chosen))
            del batch
        for versions in outdone or ():
            writing.write("replaced", versions)
        writing.commit(landed=flush.landed if flush else None, instead_of=instead_of)
    except BaseException:
        writing.abandon()
        raise
    finally:
        own.close()
    return balance


class _Writing:
    """Segments that are written and not yet listed: as long as they are not, they do not exist."""

    def __init__(self, store: Opened, generation: int, source: str, words: dict[int, str]) -> None:
        self.store = store
        self.words = words
        self.stored_words = store.list.words()
        self.generation = generation
        self.source = source
        self.key = uuid4().hex
        self.segments: list[Segment] = []
        self.series: dict[str, Series] = {}
        # Points of each part, and where its segments begin among all: a part is compared with those that it meets.
        self.parts: list[tuple[set[str], int]] = []
        self.codings: dict[SegmentKind, Coding] = {}

    def begin_part(self, names: Sequence[str]) -> None:
        """What is written from here on holds these points alone."""
        if not self.parts or self.parts[-1][0] != set(names):
            self.codings = {}
        self.parts.append((set(names), len(self.segments)))

    def of(self, names: Sequence[str]) -> tuple[set[str], list[Segment]]:
        """(those of the points that were written, the segments that may hold them)."""
        known: set[str] = set()
        segments: list[Segment] = []
        ends = [*(start for _, start in self.parts[1:]), len(self.segments)]
        for (points, start), end in zip(self.parts, ends, strict=False):
            if met := points.intersection(names):
                known |= met
                segments += self.segments[start:end]
        return known, segments

    def write(self, kind: SegmentKind, batch: Batch) -> None:
        with in_plain_words(self.store.folder, "writing readings"):
            for month, part in batch.by_month():
                self.segments.append(
                    write(
                        self.store.folder,
                        month,
                        kind,
                        part,
                        generation=self.generation,
                        ordinal=len(self.segments),
                        key=self.key,
                        source=self.source,
                        coding=self.codings.setdefault(kind, Coding()),
                        words=self.stored_words | self.words,
                    )
                )

    def enrol(
        self,
        batch: Batch,
        classes: Classes,
        points: Mapping[str, Point] | None,
        received_us: int,
        landed: Mapping[str, Series],
    ) -> None:
        for name, count in zip(batch.names, batch.counts(classes != UNCHANGED), strict=True):
            if count and name not in self.series:
                self.series[name] = landed.get(name) or series_of(name, points, received_us)

    def commit(self, *, landed: Landed | None, instead_of: Sequence[Segment]) -> None:
        if not self.segments and not landed and not instead_of:
            return
        folder = self.store.folder
        with in_plain_words(folder, "writing readings"):
            months = {segment.month for segment in self.segments}
            for month in months:
                sync_folder(month_folder(folder, month))
            if months:
                sync_folder(month_folder(folder, next(iter(months))).parent)
        self.store.list.commit(
            add=self.segments,
            series=self.series.values(),
            landed=landed,
            remove=instead_of,
            words=self.words,
            at_us=time.time_ns() // 1000,
        )

    def abandon(self) -> None:
        try:
            listed = self.store.list.known_paths() if self.segments else set()
        except StoreProblem:  # then they stay as orphans, which the next compaction sweeps
            return
        for segment in self.segments:
            if segment.path not in listed:
                (self.store.folder / segment.path).unlink(missing_ok=True)


def _not_seen_before(
    opened: Callable[[], Engine], writing: _Writing, batch: Batch, balance: Balance
) -> tuple[Batch, npt.NDArray[np.bool_]]:
    """Without what an earlier part of the same add had already; and which readings replace one of its own."""
    import numpy as np

    known, segments = writing.of(batch.names)
    classes = classify(opened, writing.store.folder, batch, segments, among=known)
    if (classes == NEW).all():
        return batch, np.zeros(len(batch), dtype=np.bool_)
    classes[classes == EVEN_REVISED] = REVISED
    duplicate = np.isin(classes, (UNCHANGED, CONFIRMED, OUTDATED, EARLIER, GAVE_WAY, EVEN_GAVE_WAY))
    for name, count in zip(batch.names, batch.counts(classes != NEW), strict=True):
        if count:
            balance.of(name).duplicate += count
    if not duplicate.any():
        return batch, classes == REVISED
    return batch.take(~duplicate), np.asarray(classes[~duplicate] == REVISED)


def _count(batch: Batch, classes: Classes, known: npt.NDArray[np.bool_], balance: Balance) -> None:
    import numpy as np

    new = (classes == NEW) & ~known
    even = np.isin(classes, (EVEN_REVISED, EVEN_GAVE_WAY)) & ~known
    revised = np.isin(classes, (REVISED, EVEN_REVISED)) & ~known
    gave_way = np.isin(classes, (GAVE_WAY, EVEN_GAVE_WAY))
    unchanged = (np.isin(classes, (UNCHANGED, CONFIRMED, OUTDATED, EARLIER)) | gave_way) & ~known
    outdated = (classes == OUTDATED) & ~known
    lost = np.where(gave_way | outdated, np.nan_to_num(batch.values), 0.0)
    if lost.any():
        sums = np.bincount(batch.codes, weights=lost, minlength=len(batch.names))
        for name, total in zip(batch.names, sums.tolist(), strict=True):
            if total:
                balance.of(name).not_taken += total
    kinds = {
        "new": new,
        "revised": revised,
        "unchanged": unchanged,
        "gave_way": gave_way,
        "outdated": outdated,
        "even": even,
    }
    for kind, chosen in kinds.items():
        if not chosen.any():
            continue
        for name, count in zip(batch.names, batch.counts(chosen), strict=True):
            if count:
                entry = balance.of(name)
                setattr(entry, kind, getattr(entry, kind) + count)


def _without_conflicts(
    series: Mapping[str, Series],
    batch: Batch,
    points: Mapping[str, Point] | None,
    source: str,
    balance: Balance,
) -> Batch:
    """Without the readings of points that are stored in another quantity; they are rejected with the reason."""
    if not points:
        return batch
    import numpy as np

    names = batch.names
    against = conflicts({name: known for name, known in series.items() if name in points}, points)
    if not against:
        return batch
    refused = np.array([name in against for name in names])[batch.codes]
    for name, count in zip(names, batch.counts(refused), strict=True):
        if count:
            entry = balance.of(name)
            entry.rejected += count
            balance.rejections.append(Rejection(source, "", name, against[name], count))
    return batch.take(~refused)
