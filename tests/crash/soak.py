"""A store as a city uses it for a while: 16 pollers, 4 reports, 1 compactor, all at once and without a pause.

    python -m tests.crash.soak [MINUTES] [--rate N] [--folder DIR]

Each poller lands 1 000 readings at a time and measures how long the acknowledgement takes; `--rate` is how many
batches a second all of them together try for. Each report counts one poller's readings again and again: every
point has as many as the others, their sum is that of batches 0, 1, 2 ..., and none that was acknowledged before
the report began is missing. Prints one JSON object; ends with 1 where a count was wrong or anything failed.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import shutil
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cityctl.engine.duck import Engine
from cityctl.reading import Reading
from tests.crash.workers import Store  # imports all that a store needs, before the forks

POLLERS, REPORTS, POINTS = 16, 4, 1000
START = datetime(2026, 11, 1, tzinfo=UTC)


class Counts:
    """Numbers that all processes see: of each poller, the batches begun and the batches acknowledged."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, POLLERS * 16)

    def set(self, poller: int, *, begun: int | None = None, acknowledged: int | None = None) -> None:
        for place, number in enumerate((begun, acknowledged)):
            if number is not None:
                struct.pack_into("q", self._shared, poller * 16 + place * 8, number)

    def get(self, poller: int) -> tuple[int, int]:
        begun, acknowledged = struct.unpack_from("qq", self._shared, poller * 16)
        return begun, acknowledged


def poll(folder: Path, poller: int, counts: Counts, until: float, pause: float) -> dict[str, Any]:
    names = [f"p{poller:02d}.{n:04d}" for n in range(POINTS)]
    took: list[float] = []
    due = time.monotonic() + pause * poller / POLLERS
    with Store.open(folder) as store:
        while (now := time.monotonic()) < until:
            time.sleep(max(0.0, due - now))
            due = max(due + pause, time.monotonic() - 2 * pause)  # who is late catches up a little
            number = len(took)
            at = START + timedelta(seconds=number)
            readings = [Reading(name, at, float(number)) for name in names]
            counts.set(poller, begun=number + 1)
            began = time.perf_counter()
            store.land(readings, batch=f"{poller}-{number}", received=datetime.now(UTC))
            took.append(time.perf_counter() - began)
            counts.set(poller, acknowledged=number + 1)
    return {"took": [round(seconds, 5) for seconds in took]}


def report(folder: Path, number: int, counts: Counts, until: float) -> dict[str, Any]:
    chance = random.Random(number)
    wrong: list[str] = []
    looks = 0
    with Store.open(folder) as store, Engine(threads=1) as engine:
        while time.monotonic() < until:
            poller = chance.randrange(POLLERS)
            _, before = counts.get(poller)
            store.attach(engine, None, points=[f"p{poller:02d}.{n:04d}" for n in range(POINTS)])
            points, least, most, sums = engine.row(
                "SELECT count(*), min(n), max(n), count(DISTINCT s) FROM "
                "(SELECT point, count(*) AS n, sum(value) AS s FROM readings GROUP BY point)"
            )
            (total,) = engine.row("SELECT sum(value) FROM readings")
            begun, _ = counts.get(poller)
            looks += 1
            if before and points == 0:
                wrong.append(f"poller {poller}: nothing, after {before} batches")
            elif points and (points != POINTS or least != most or sums != 1 or not before <= most <= begun):
                wrong.append(
                    f"poller {poller}: {points} points, {least} to {most}, {before} to {begun} batches"
                )
            elif points:
                batches = (least * (least - 1)) / 2 * POINTS
                # The second question may see later batches than the first, and never fewer.
                if total < batches or (total != batches and begun == most):
                    wrong.append(f"poller {poller}: a sum of {total} in {least} batches")
    return {"looks": looks, "wrong": wrong[:20]}


def compact(folder: Path, until: float) -> dict[str, Any]:
    rounds = 0
    with Store.open(folder) as store:
        while time.monotonic() < until:
            store.compact(when_it_pays=True)
            rounds += 1
            time.sleep(0.2)
    return {"rounds": rounds}


def child(act: Callable[[], dict[str, Any]]) -> tuple[int, Any]:
    """A process, and the pipe through which it tells what it found, or what it died of."""
    answer, said = os.pipe()
    pid = os.fork()
    if pid:
        os.close(said)
        return pid, os.fdopen(answer)
    try:
        os.close(answer)
        try:
            found = act()
        except BaseException:
            found = {"error": traceback.format_exc()}
        with os.fdopen(said, "w") as out:
            json.dump(found, out)
    finally:
        os._exit(0)


def soak(folder: Path, seconds: float, rate: float) -> dict[str, Any]:
    """Run all of them for a while; what came of it."""
    Store.open(folder).close()
    counts = Counts()
    until = time.monotonic() + seconds
    pause = POLLERS / rate
    began, cpu = time.monotonic(), os.times()
    processes = [child(lambda n=n: poll(folder, n, counts, until, pause)) for n in range(POLLERS)]
    processes += [child(lambda n=n: report(folder, n, counts, until)) for n in range(REPORTS)]
    processes.append(child(lambda: compact(folder, until)))
    found = []
    for pid, answer in processes:
        with answer:
            found.append(json.load(answer))
        os.waitpid(pid, 0)
    lasted = time.monotonic() - began
    took = sorted(seconds for entry in found for seconds in entry.get("took", ()))
    with Store.open(folder) as store, Engine() as engine:
        store.attach(engine, None)
        (stored,) = engine.row("SELECT count(*) FROM readings")
    wrong = [text for entry in found for text in entry.get("wrong", ())]
    if stored != len(took) * POINTS:
        wrong.append(f"{stored} readings in the end, {len(took) * POINTS} acknowledged")
    now = os.times()
    return {
        "seconds": round(lasted, 1),
        "batches": len(took),
        "batches_a_second": round(len(took) / seconds, 1),
        "acknowledged_ms": {
            "median": round(1e3 * took[len(took) // 2], 2),
            "p99": round(1e3 * took[len(took) * 99 // 100], 1),
            "longest": round(1e3 * took[-1], 1),
        },
        "looks": sum(entry.get("looks", 0) for entry in found),
        "compactions": sum(entry.get("rounds", 0) for entry in found),
        "wrong": wrong,
        "errors": [entry["error"] for entry in found if "error" in entry],
        "cpu_seconds": round(sum(now[:4]) - sum(cpu[:4]), 1),
    }


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.crash.soak")
    words.add_argument("minutes", type=float, nargs="?", default=10.0)
    words.add_argument("--rate", type=float, default=120.0)
    words.add_argument("--folder", type=Path)
    given = words.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="cityctl-soak-"))
    try:
        found = soak(folder / "store", 60 * given.minutes, given.rate)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found))
    return 1 if found["wrong"] or found["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
