"""A program that the crash tests run: writers that are killed at random points, and readers beside them.

    crash_worker.py kill FOLDER ROUNDS SEED [broken]      one writer at a time, killed and replaced
    crash_worker.py crowd FOLDER SECONDS                  writers, a compactor and a reader side by side

Every batch has ROWS readings of a point of its own, half of them in January and half in February, so that half
a batch shows as a count that is neither 0 nor ROWS. Prints one JSON object with what was acknowledged and seen.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb  # noqa: F401  (before the forks: each child would import it anew)
import pandas  # noqa: F401  (pyarrow wants to know of it)
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from cityctl.engine.duck import Engine
from cityctl.errors import LockHeld
from cityctl.reading import Reading
from cityctl.store import Store, adding, batch, compaction, compare, derive, segment_list, views  # noqa: F401

ROWS = 200
TIMES = [datetime(2026, 1, 31, 22, tzinfo=UTC) + timedelta(minutes=72 * n // 60) for n in range(ROWS)]


def add(store: Store, name: str, received: datetime) -> None:
    times = pa.array(TIMES, pa.timestamp("us", "UTC"))
    readings = pa.table({"point": [name] * ROWS, "time": times, "value": [float(n) for n in range(ROWS)]})
    assert store.add(readings, source="crash", received=received).total.new == ROWS


def land(store: Store, name: str, received: datetime) -> None:
    readings = [Reading(name, time, float(n)) for n, time in enumerate(TIMES)]
    for _ in range(2):  # a retry after an answer that got lost
        store.land(readings, batch=name, received=received)


ways = [add, land]
moments = [0.0, 0.12]  # seconds after an acknowledgement at which a writer is killed


def write_forever(folder: Path, who: str, acknowledge: Callable[[str], None]) -> None:
    """Add, land, revise and compact, and acknowledge each batch once it is safe."""
    chance = random.Random(who)
    with Store.open(folder) as store:
        for number in range(1_000_000):
            name = f"{who}.{number}"
            received = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=number)
            chance.choice(ways)(store, name, received)
            acknowledge(name)
            if chance.random() < 0.2:  # the same again: must change nothing
                add_again = chance.choice([add_same, land])
                add_again(store, name, received)
            if chance.random() < 0.15:
                store.compact()


def add_same(store: Store, name: str, received: datetime) -> None:
    times = pa.array(TIMES, pa.timestamp("us", "UTC"))
    readings = pa.table({"point": [name] * ROWS, "time": times, "value": [float(n) for n in range(ROWS)]})
    assert store.add(readings, source="crash", received=received).total.new == 0


def child(act: Callable[[], None]) -> int:
    """A process that does one thing and is never seen again."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return pid


def acknowledging(path: Path) -> Callable[[str], None]:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    return lambda name: (os.write(descriptor, f"{name}\n".encode()), None)[1]


def break_on_purpose() -> None:
    """A store that puts each segment of an add onto the list by itself: half batches can be seen."""
    whole = segment_list.SegmentList.commit

    def one_by_one(self: Any, *, add: Any, **how: Any) -> None:
        for place, segment in enumerate(add):
            time.sleep(0.3 if place else 0.0)
            whole(self, add=[segment], **how)
            how = {"at_us": how["at_us"]}

    segment_list.SegmentList.commit = one_by_one  # type: ignore[method-assign]
    ways[:] = [add]
    moments[:] = [0.1, 0.35]  # seconds: most of them fall between the two segments of the next add


def counts(store: Store) -> dict[str, tuple[int, int]]:
    with Engine(threads=1) as engine:
        store.attach(engine, None)
        rows = engine.rows("SELECT point, count(*), count(DISTINCT time) FROM readings GROUP BY point")
    return {point: (count, distinct) for point, count, distinct in rows}


def kill(folder: Path, rounds: int, seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    acknowledged = folder.with_name("acknowledged")
    acknowledged.touch()
    for number in range(rounds):
        before = acknowledged.stat().st_size
        pid = child(lambda who=f"w{number}": write_forever(folder, who, acknowledging(acknowledged)))
        until = time.monotonic() + 20
        while acknowledged.stat().st_size == before and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(chance.uniform(*moments))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    safe = acknowledged.read_text().split()
    with Store.open(folder) as store:
        seen = counts(store)
        store.compact()
        after = counts(store)
        known = store.list.known_paths()
    left = {f"segments/{path.parent.name}/{path.name}" for path in folder.glob("segments/month=*/*")}
    return {
        "acknowledged": len(safe),
        "lost": [name for name in safe if seen.get(name, (0, 0))[1] != ROWS],
        "half": [name for name, (_, distinct) in seen.items() if distinct != ROWS],
        "doubled": [name for name, (count, distinct) in seen.items() if count != distinct],
        "changed_by_compaction": seen != after,
        "orphans": sorted(left - known),
    }


def crowd(folder: Path, seconds: float) -> dict[str, Any]:
    compaction.GRACE = 0.0  # files vanish below the readers at once
    Store.open(folder).close()
    stop = time.monotonic() + seconds
    files = [folder.with_name(f"crowd-{n}") for n in range(3)]

    def writing(who: str, path: Path) -> None:
        acknowledge = acknowledging(path)
        with Store.open(folder) as store:
            number = 0
            while time.monotonic() < stop:
                (add if number % 2 else land)(store, f"{who}.{number}", datetime(2026, 3, 1, tzinfo=UTC))
                acknowledge(f"{who}.{number}")
                number += 1

    def compacting() -> None:
        with Store.open(folder) as store:
            while time.monotonic() < stop:
                try:
                    store.compact(wait=5)
                except LockHeld:
                    continue

    pids = [child(lambda n=n, path=path: writing(f"c{n}", path)) for n, path in enumerate(files)]
    pids.append(child(compacting))
    looks, wrong, least = 0, [], 0
    with Store.open(folder) as store, Engine(threads=1) as engine:
        store.attach(engine, None, name="held")  # one attachment that lives through all compactions
        while time.monotonic() < stop:
            seen = counts(store)
            wrong += [f"{name}: {found}" for name, found in seen.items() if found != (ROWS, ROWS)]
            if len(seen) < least:
                wrong.append(f"{len(seen)} batches after {least}")
            least = len(seen)
            for (count,) in engine.rows("SELECT count(*) FROM held GROUP BY point"):
                if count != ROWS:
                    wrong.append(f"held: {count}")
            looks += 1
        failed = [pid for pid in pids if os.waitpid(pid, 0)[1] != 0]
        safe = [name for path in files for name in path.read_text().split()]
        seen = counts(store)
    return {
        "acknowledged": len(safe),
        "looks": looks,
        "wrong": wrong,
        "failed": failed,
        "lost": sorted(set(safe) ^ set(seen)),
    }


if __name__ == "__main__":
    task, where, amount, *more = sys.argv[1:]
    if "broken" in more:
        break_on_purpose()
    if task == "kill":
        print(json.dumps(kill(Path(where), int(amount), int(more[0]))))
    else:
        print(json.dumps(crowd(Path(where), float(amount))))
