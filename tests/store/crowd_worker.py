"""A program that a crash test runs: writers, a compactor and a reader side by side, and files that vanish.

    crowd_worker.py FOLDER SECONDS

Every batch has ROWS readings of a point of its own, half of them in January and half in February, so that half
a batch shows as a count that is neither 0 nor ROWS. Prints one JSON object with what was acknowledged and seen.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb  # noqa: F401  (before the forks: each child would import it anew)
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from cityctl.engine.duck import Engine
from cityctl.errors import LockHeld
from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.segments import compaction

ROWS = 200
TIMES = [datetime(2026, 1, 31, 22, tzinfo=UTC) + timedelta(minutes=72 * n // 60) for n in range(ROWS)]


def add(store: Store, name: str, received: datetime) -> None:
    times = pa.array(TIMES, pa.timestamp("us", "UTC"))
    readings = pa.table({"point": [name] * ROWS, "time": times, "value": [float(n) for n in range(ROWS)]})
    assert store.add(readings, source="crowd", received=received).total.new == ROWS


def land(store: Store, name: str, received: datetime) -> None:
    readings = [Reading(name, time, float(n)) for n, time in enumerate(TIMES)]
    for _ in range(2):  # a retry after an answer that got lost
        store.land(readings, batch=name, received=received)


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


def counts(store: Store) -> dict[str, tuple[int, int]]:
    with Engine(threads=1) as engine:
        store.attach(engine, None)
        rows = engine.rows("SELECT point, count(*), count(DISTINCT time) FROM readings GROUP BY point")
    return {point: (count, distinct) for point, count, distinct in rows}


def crowd(folder: Path, seconds: float) -> dict[str, Any]:
    compaction.GRACE = 0.0  # files vanish below the readers at once
    Store.open(folder).close()
    stop = time.monotonic() + seconds
    over = folder.with_name("over")
    files = [folder.with_name(f"crowd-{n}") for n in range(3)]

    def writing(who: str, path: Path) -> None:
        acknowledge = acknowledging(path)
        with Store.open(folder) as store:
            number = 0
            while not over.exists():
                (add if number % 2 else land)(store, f"{who}.{number}", datetime(2026, 3, 1, tzinfo=UTC))
                acknowledge(f"{who}.{number}")
                number += 1

    def compacting() -> None:
        with Store.open(folder) as store:
            while not over.exists():
                try:
                    store.compact(wait=5)
                except LockHeld:
                    continue

    pids = [child(lambda n=n, path=path: writing(f"c{n}", path)) for n, path in enumerate(files)]
    pids.append(child(compacting))
    looks, wrong, least = 0, [], 0
    with Store.open(folder) as store, Engine(threads=1) as engine:
        store.attach(engine, None, name="held")  # one attachment that lives through all compactions
        while time.monotonic() < stop or looks < 3 or least < 6:  # a busy machine takes longer
            seen = counts(store)
            wrong += [f"{name}: {found}" for name, found in seen.items() if found != (ROWS, ROWS)]
            if len(seen) < least:
                wrong.append(f"{len(seen)} batches after {least}")
            least = len(seen)
            for (count,) in engine.rows("SELECT count(*) FROM held GROUP BY point"):
                if count != ROWS:
                    wrong.append(f"held: {count}")
            looks += 1
        over.touch()
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
    where, seconds = sys.argv[1:]
    print(json.dumps(crowd(Path(where), float(seconds))))
