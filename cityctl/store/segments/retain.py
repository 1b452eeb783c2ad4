"""What is kept how long: months are rolled up, and what is older than its rule says is dropped.

Readings are dropped only once the roll-ups of their month are on the list, in a transaction of its own: a run
that dies in between has lost nothing, and the next one goes on. Knows the list and roll-ups, prints nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4
from zoneinfo import ZoneInfo

from cityctl.disk import sync_folder
from cityctl.engine.duck import Engine
from cityctl.store.folder import SEGMENTS, in_plain_words, locked, month_folder
from cityctl.store.segments.compaction import flush, sweep
from cityctl.store.segments.months import LocalMonth, local_months
from cityctl.store.segments.rollup import roll_up
from cityctl.store.segments.scan import micros
from cityctl.store.segments.segment_list import Dirty, Segment, SegmentKind

if TYPE_CHECKING:
    from cityctl.store.opened import Opened


@dataclass(frozen=True)
class Keep:
    """How long each level is kept; None is for ever. Months are never dropped."""

    raw: timedelta | None = None
    hourly: timedelta | None = None
    daily: timedelta | None = None


@dataclass
class Retention:
    """What a run of retain did. `late`: readings by month (UTC) that stay raw beside their roll-ups."""

    rolled: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    readings: int = 0
    bytes: int = 0
    expired: list[str] = field(default_factory=list)
    late: dict[str, int] = field(default_factory=dict)


def retain(
    store: Opened,
    keep: Keep,
    *,
    zone: ZoneInfo,
    now: datetime,
    every: Mapping[str, timedelta] | None = None,
    wait: float = 60.0,
    dry_run: bool = False,
) -> Retention:
    """Roll up every month that is over and has changed, then drop what is older than `keep` says.

    `zone`: the city's, whose days and months are rolled up. `every`: how often points have a reading, where
    city.yaml says so. `dry_run`: only say what would go. Raises LockHeld and StoreProblem.
    """
    done = Retention()
    now_us = micros(now)
    every_us = {point: length // timedelta(microseconds=1) for point, length in (every or {}).items()}

    def lock() -> AbstractContextManager[None]:
        return locked(store.folder, purpose="rolling up", wait=wait)

    if not dry_run:
        with lock():
            flush(store)
        # Read once: what is added from here on leaves its month dirty, whatever is rolled up meanwhile.
        dirty = store.list.dirty()
        late: dict[str, int] = {}
        for name in _to_roll(store, dirty, zone, now_us):
            with lock():
                _roll(store, LocalMonth(name, zone), keep, dirty, late, now_us, every_us)
            done.rolled.append(name)
    with lock():
        _drop(store, keep, zone, now_us, done, dry_run=dry_run)
        _expire(store, keep, now_us, done, dry_run=dry_run)
        if not dry_run:
            sweep(store, time.time_ns() // 1000)
    done.late = {month: late for month, late in store.list.dropped().items() if late}
    return done


def _to_roll(store: Opened, dirty: Sequence[Dirty], zone: ZoneInfo, now_us: int) -> list[str]:
    """Local months that are over and have readings that are in no roll-up, or in one of another time zone."""
    names: dict[str, None] = {}
    snapshot = store.list.snapshot(landing=False)
    late = {month for month, count in store.list.dropped().items() if count}
    spans = [(month.first_us, month.last_us) for month in dirty]
    # How many are late in a month is counted anew over the whole of it.
    spans += [_span(month.month) for month in dirty if month.month in late]
    spans += [(held.first_us, held.last_us) for held in snapshot.rollups if held.source != zone.key]
    for first_us, last_us in spans:
        for month in local_months(zone, first_us, last_us):
            if month.end_us <= now_us:
                names[month.name] = None
    return sorted(names)


def _roll(
    store: Opened,
    month: LocalMonth,
    keep: Keep,
    dirty: Sequence[Dirty],
    late: dict[str, int],
    now_us: int,
    every_us: Mapping[str, int],
) -> None:
    """Roll one local month up; `late` counts on, by month (UTC), what cannot be taken in."""
    snapshot = store.list.snapshot(landing=False)
    dropped = store.list.dropped()
    kept: dict[SegmentKind, timedelta | None] = {"hourly": keep.hourly, "daily": keep.daily, "monthly": None}
    with Engine() as engine, in_plain_words(store.folder, "rolling up"):
        rolled = roll_up(
            store.folder,
            engine,
            snapshot,
            month,
            dropped=list(dropped),
            every_us=every_us,
            levels=[level for level, age in kept.items() if not _old(month.end_us, age, now_us)],
            key=uuid4().hex,
        )
        if rolled.made:
            sync_folder(month_folder(store.folder, month.name))
            sync_folder(store.folder / SEGMENTS)
    for name, count in rolled.late.items():
        late[name] = late.get(name, 0) + count
    # Months are taken in their order: with the last one that it touches, all of a dirty month is done.
    done = [entry for entry in dirty if local_months(month.zone, entry.first_us, entry.last_us)[-1] == month]
    counted = {entry.month for entry in done} | set(rolled.late)
    store.list.commit(
        add=rolled.made,
        remove=rolled.replaced,
        rolled=done,
        dropped={name: late.get(name, 0) for name in counted if name in dropped},
        settling=True,
        at_us=now_us,
    )


def _drop(store: Opened, keep: Keep, zone: ZoneInfo, now_us: int, done: Retention, *, dry_run: bool) -> None:
    """Drop the readings of months (UTC) that are old enough and wholly rolled up."""
    if keep.raw is None:
        return
    dirty = {month.month for month in store.list.dirty()}
    late = store.list.dropped()
    snapshot = store.list.snapshot(landing=False)
    # A damaged segment may come back, and then has to be rolled up together with the others of its month.
    hurt = {segment.month for segment, _ in snapshot.damaged}
    months: dict[str, list[Segment]] = {}
    for segment in (*snapshot.segments, *snapshot.replaced):
        months.setdefault(segment.month, []).append(segment)
    for month, held in sorted(months.items()):
        end_us = _span(month)[1] + 1
        last = local_months(zone, end_us - 1, end_us - 1)[0]
        waits = (month in dirty and not dry_run) or late.get(month) or month in hurt
        if waits or not _old(max(end_us, last.end_us), keep.raw, now_us):
            continue
        done.dropped.append(month)
        done.readings += sum(segment.rows for segment in held if segment.kind == "new")
        done.bytes += sum(segment.bytes for segment in held)
        if not dry_run:
            store.list.commit(add=(), remove=held, dropped={month: 0}, settling=True, at_us=now_us)


def _expire(store: Opened, keep: Keep, now_us: int, done: Retention, *, dry_run: bool) -> None:
    """Drop hourly and daily roll-ups that are older than their rule; coarser ones of the month must be there."""
    snapshot = store.list.snapshot(landing=False)
    there = {(segment.kind, segment.month) for segment in snapshot.rollups}
    gone: list[Segment] = []
    for segment in snapshot.rollups:
        kept, coarser = {"hourly": (keep.hourly, "daily"), "daily": (keep.daily, "monthly")}.get(
            segment.kind, (None, "")
        )
        expired = kept is not None and _old(_span(segment.month)[1] + 1, kept, now_us)
        if expired and ({(coarser, segment.month), ("monthly", segment.month)} & there):
            gone.append(segment)
            done.expired.append(f"{segment.kind} {segment.month}")
    if gone and not dry_run:
        store.list.commit(add=(), remove=gone, settling=True, at_us=now_us)
    done.bytes += sum(segment.bytes for segment in gone)


def _old(end_us: int, kept: timedelta | None, now_us: int) -> bool:
    return kept is not None and end_us <= now_us - kept // timedelta(microseconds=1)


def _span(month: str) -> tuple[int, int]:
    """First and last instant of a month (UTC) [µs since 1970]."""
    first = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
    after = (first + timedelta(days=31)).replace(day=1)
    return micros(first), micros(after) - 1
