"""What writers of the crash harness do, what they acknowledge, and how it is told whether the store kept it.

A batch is OLD + YOUNG readings of a point of its own, over four months, so that half a batch shows as a count
that is neither none nor all, and a doubled one as a sum. Its old part is rolled up and dropped by `retain`.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb  # noqa: F401  (all of these before the forks: each child would import them anew)
import numpy  # noqa: F401
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from cityctl.disk import Lock
from cityctl.engine.duck import Engine
from cityctl.errors import LockHeld, StoreProblem
from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.care import backup, checking
from cityctl.store.segments import compaction, retain
from cityctl.store.views.rolled_views import attach_rollups

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 10, tzinfo=UTC)
KEEP = retain.Keep(raw=timedelta(days=400))
OLD, YOUNG = 8, 16
TIMES = [datetime(2024, 1, 20, 20, tzinfo=UTC) + timedelta(hours=n) for n in range(OLD)]
TIMES += [datetime(2026, 1, 31, 16, tzinfo=UTC) + timedelta(hours=n) for n in range(YOUNG)]
REVISION = 1000.0
PLAIN = float(sum(range(OLD, OLD + YOUNG)))
REVISED = PLAIN + YOUNG * REVISION
WAIT = 60.0

Acknowledge = Callable[[str], None]


def table(name: str, *, revised: bool = False) -> pa.Table:
    """A batch as an import brings it; a revision replaces its young part."""
    first = OLD if revised else 0
    values = [n + (REVISION if revised else 0.0) for n in range(first, OLD + YOUNG)]
    times = pa.array(TIMES[first:], pa.timestamp("us", "UTC"))
    return pa.table({"point": pa.array([name] * len(values)), "time": times, "value": pa.array(values)})


def received(number: int) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=number)


def add(store: Store, name: str, number: int, acknowledge: Acknowledge) -> None:
    store.add(table(name), source="crash", received=received(number), wait=WAIT)
    acknowledge(f"kept {name}")


def land(store: Store, name: str, number: int, acknowledge: Acknowledge) -> None:
    readings = [Reading(name, time, float(n)) for n, time in enumerate(TIMES)]
    for _ in range(2):  # a retry, after an answer that got lost
        store.land(readings, batch=name, received=received(number))
    acknowledge(f"kept {name}")


def revise(store: Store, name: str, number: int, acknowledge: Acknowledge) -> None:
    store.add(
        table(name, revised=True), source="revision", received=received(number) + timedelta(days=1), wait=WAIT
    )
    acknowledge(f"revised {name}")


def work(folder: Path, who: str, acknowledged: Path) -> None:
    """Land, import, revise, compact, retain and back up for ever, in an order of chance."""
    os.nice(5)  # the reader goes first: it is what each kill waits for
    chance = random.Random(who)
    descriptor = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def acknowledge(line: str) -> None:
        os.write(descriptor, f"{line}\n".encode())  # one write: a kill leaves it whole or not at all

    target = folder.with_name(f"{folder.name}-backup")
    with Store.open(folder) as store:
        for number in range(1_000_000):
            name = f"{who}.{number}"
            (act,) = chance.choices([land, add, None], [5, 3, 4])
            if act is not None:
                act(store, name, number, acknowledge)
                if chance.random() < 0.25:
                    revise(store, name, number, acknowledge)
                if chance.random() < 0.15:  # the same again: must change nothing
                    add(store, name, number, lambda line: None)
                continue
            (care,) = chance.choices(["compact", "pays", "retain", "backup"], [4, 3, 3, 3])
            if care == "retain":
                store.retain(KEEP, zone=ZONE, now=NOW, wait=WAIT)
            elif care == "backup":
                size = os.fstat(descriptor).st_size
                backup.backup(store, target, wait=WAIT)
                acknowledge(f"backed-up {size}")
            else:
                store.compact(when_it_pays=care == "pays", wait=WAIT)


@dataclass
class Seen:
    """What is wrong with a store, by the kind of wrong; all empty where it kept its word."""

    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    readings: int = 0

    def wrong(self) -> dict[str, list[str]]:
        found = {"lost": self.lost, "half": self.half, "doubled": self.doubled, "errors": self.errors}
        return {kind: names for kind, names in found.items() if names}


def look(store: Store, acknowledged: bytes, engine: Engine | None = None, *, rolled: bool = True) -> Seen:
    """Hold what a reader sees against what was acknowledged before it looked; `rolled`: the old parts too."""
    if engine is None:
        with Engine(threads=1) as own:
            return look(store, acknowledged, own)
    lines = [line.split() for line in acknowledged.decode().splitlines()]
    kept = [line[1] for line in lines if line[0] == "kept"]
    revised = {line[1] for line in lines if line[0] == "revised"}
    for attempt in range(5):
        try:
            young, old = _asked(store, engine, rolled=rolled)
        except StoreProblem as problem:  # files vanished below a slow reader, whom the list then helps on
            if attempt == 4:
                return Seen(errors=[str(problem)])
        else:
            break
    seen = Seen(readings=sum(count for count, _, _ in young.values()))
    for name, (count, distinct, total) in young.items():
        if count != distinct:
            seen.doubled.append(f"{name}: {count} of {distinct}")
        elif distinct != YOUNG or total not in (PLAIN, REVISED):
            seen.half.append(f"{name}: {distinct}, {total}")
    for name, (count, total) in old.items():
        if count != OLD or total != sum(range(OLD)):
            (seen.doubled if count > OLD else seen.half).append(f"{name}: {count} rolled up, {total}")
    seen.lost += [name for name in kept if name not in young or (rolled and name not in old)]
    seen.lost += [name for name in revised if young.get(name, (0, 0, 0.0))[2] != REVISED]
    return seen


def _asked(
    store: Store, engine: Engine, *, rolled: bool
) -> tuple[dict[str, tuple[int, int, float]], dict[str, tuple[int, float]]]:
    before = []
    if rolled:
        attach_rollups(store, engine, ZONE)
        before = engine.rows(
            "SELECT point, sum(readings)::BIGINT, sum(sum) FROM hourly "
            "WHERE time < TIMESTAMP '2025-01-01' GROUP BY point"
        )
    store.attach(engine, None)
    now = engine.rows(
        "SELECT point, count(*), count(DISTINCT time), sum(value) FROM readings "
        "WHERE time >= TIMESTAMP '2025-01-01' GROUP BY point"
    )
    return {row[0]: row[1:] for row in now}, {row[0]: row[1:] for row in before}


def look_at_backup(folder: Path, acknowledged: bytes) -> Seen:
    """A backup holds what was acknowledged before the last one that was acknowledged began."""
    sizes = [
        int(line.split()[1]) for line in acknowledged.decode().splitlines() if line.startswith("backed-up")
    ]
    target = folder.with_name(f"{folder.name}-backup")
    if not sizes:
        return Seen()
    with (
        Lock(folder / "backup.lock", purpose="the crash harness", wait=WAIT),
        Store.open(target, create=False) as copy,
    ):
        seen = look(copy, acknowledged[: max(sizes)])
        seen.errors += [f"backup: {name} {why}" for name, why in checking.check(copy).damaged.items()]
    return seen


def settle(folder: Path, acknowledged: bytes) -> Seen:
    """When all writers are dead: what they left is compacted, swept, checked, and looked at again."""
    with Store.open(folder) as store:
        before = look(store, acknowledged)
        compaction.GRACE = 0.0
        store.retain(KEEP, zone=ZONE, now=NOW, wait=WAIT)
        store.compact(wait=WAIT)
        seen = look(store, acknowledged)
        found = checking.check(store)
        seen.errors += [f"{segment.path}: {why}" for segment, why in found.damaged.items()]
        seen.errors += [f"orphan {name}" for name in found.orphans] + found.faults
        if before.readings != seen.readings:
            seen.errors.append(f"compaction changed {before.readings} readings to {seen.readings}")
        seen.errors += before.wrong().get("errors", [])
    try:
        backed = look_at_backup(folder, acknowledged)
        seen.lost += backed.lost
        seen.half += backed.half
        seen.doubled += backed.doubled
        seen.errors += backed.errors
    except (LockHeld, StoreProblem) as problem:
        seen.errors.append(f"backup: {problem}")
    return seen
