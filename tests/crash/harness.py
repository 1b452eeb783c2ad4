"""kill -9 at random points: four writers over one store, and after every kill a reader that checks it.

    python -m tests.crash.harness KILLS [--seed N] [--broken NAME] [--folder DIR] [--per-store N]

Writers are forked from this process, which has imported everything, so that a kill costs a fork and not the
start of an interpreter. A store serves for some kills, then it is settled, checked to the last byte and left
for a new one. Prints one JSON object; ends with 1 where anything was lost, doubled or half there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cityctl.engine.duck import Engine
from tests.crash import broken, workers
from tests.crash.workers import Seen, Store

WRITERS = 4
LONGEST = 0.08  # seconds until the next kill, at most: most things that a writer does take less


def child(act: Callable[[], None], errors: Path) -> int:
    """A forked process that does one thing; what it dies of, other than a kill, is written down."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        act()
        code = 0
    except BaseException:
        with errors.open("a") as handle:
            handle.write(traceback.format_exc())
    finally:
        os._exit(code)


class Checker:
    """A process that looks at the store whenever it is asked to, and is never killed."""

    def __init__(self, look: Callable[[str], Seen], errors: Path) -> None:
        ask, self._ask = os.pipe()
        self._answer, answer = os.pipe()

        def serve() -> None:
            os.close(self._ask)
            with os.fdopen(ask) as questions:
                for question in questions:
                    found = look(question.strip())
                    said = {"wrong": found.wrong(), "readings": found.readings}
                    os.write(answer, json.dumps(said).encode()[:60_000] + b"\n")

        self.pid = child(serve, errors)
        os.close(ask)
        os.close(answer)
        self._answers = os.fdopen(self._answer)

    def look(self, question: str) -> dict[str, Any]:
        os.write(self._ask, f"{question}\n".encode())
        ready, _, _ = select.select([self._answer], [], [], 600.0)
        line = self._answers.readline() if ready else ""
        if not line:
            raise AssertionError("the checker died or does not answer")
        return dict(json.loads(line))

    def end(self) -> None:
        os.close(self._ask)
        self._answers.close()
        os.waitpid(self.pid, 0)


def one_store(folder: Path, kills: int, chance: random.Random, name: str) -> dict[str, Any]:
    """Kill writers over one store, look after each kill, and settle it."""
    acknowledged = folder.with_name(f"{folder.name}-acknowledged")
    errors = folder.with_name(f"{folder.name}-errors")
    acknowledged.touch()
    Store.open(folder).close()
    workers.compaction.GRACE = 2.0  # seconds: files go while readers still have them

    readers: list[tuple[Store, Engine]] = []
    looks = 0

    def look(question: str) -> Seen:
        nonlocal looks
        said = acknowledged.read_bytes()
        if question == "settle":
            return workers.settle(folder, said)
        if question == "backup":
            return workers.look_at_backup(folder, said)
        looks += 1
        if looks % 20 == 1:  # making one costs as much as a look
            readers[:] = [(Store.open(folder), Engine(threads=1))]
        # Roll-ups cost most to look at; and what is lost stays lost until the fourth look.
        return workers.look(readers[0][0], said, readers[0][1], rolled=looks % 4 == 0)

    checker = Checker(look, errors)
    number = 0
    writers: list[int] = []

    def start() -> int:
        nonlocal number
        number += 1
        who = f"{name}-{number}"
        return child(lambda: workers.work(folder, who, acknowledged), errors)

    wrong: dict[str, list[str]] = {}

    def note(found: dict[str, Any]) -> None:
        for kind, names in found["wrong"].items():
            wrong.setdefault(kind, []).extend(names[:5])

    try:
        writers += [start() for _ in range(WRITERS)]
        for kill in range(kills):
            time.sleep(chance.uniform(0.0, LONGEST) if chance.random() < 0.5 else chance.uniform(0.0, 0.01))
            place = chance.randrange(WRITERS)
            os.kill(writers[place], signal.SIGKILL)
            os.waitpid(writers[place], 0)
            writers[place] = start()
            note(checker.look("store"))
            if kill % 25 == 24:
                note(checker.look("backup"))
            if wrong:
                break
    finally:
        for pid in writers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    last = checker.look("settle")
    note(last)
    checker.end()
    if errors.exists():
        wrong.setdefault("errors", []).append(errors.read_text()[-3000:])
    lines = acknowledged.read_text().splitlines()
    return {
        "kills": kill + 1,
        "acknowledged": sum(not line.startswith("backed-up") for line in lines),
        "backups": sum(line.startswith("backed-up") for line in lines),
        "readings": last["readings"],
        "wrong": wrong,
    }


def run(kills: int, *, seed: int, per_store: int, folder: Path) -> dict[str, Any]:
    """Kill writers over as many stores as it takes; stops at the first store that did not keep its word."""
    chance = random.Random(seed)
    began, cpu = time.monotonic(), os.times()
    total: dict[str, Any] = {
        "kills": 0,
        "stores": 0,
        "acknowledged": 0,
        "backups": 0,
        "readings": 0,
        "wrong": {},
    }
    while total["kills"] < kills and not total["wrong"]:
        place = folder / f"store-{total['stores']}"
        done = one_store(place, min(per_store, kills - total["kills"]), chance, f"{seed}-{total['stores']}")
        for key in ("kills", "acknowledged", "backups", "readings"):
            total[key] += done[key]
        total["stores"] += 1
        total["wrong"] = done["wrong"]
        if not total["wrong"]:
            for path in folder.glob(f"{place.name}*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if total["stores"] % 10 == 0:
            print(f"{total['kills']} kills, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    total["seconds"] = round(time.monotonic() - began, 1)
    now = os.times()
    total["cpu_seconds"] = round(sum(now[:4]) - sum(cpu[:4]), 1)
    return total


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.crash.harness")
    words.add_argument("kills", type=int)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--per-store", type=int, default=100)
    words.add_argument("--broken", choices=sorted(broken.WAYS))
    words.add_argument("--folder", type=Path)
    given = words.parse_args()
    if given.broken:
        broken.WAYS[given.broken]()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="cityctl-crash-"))
    folder.mkdir(parents=True, exist_ok=True)
    found = run(given.kills, seed=given.seed, per_store=given.per_store, folder=folder)
    print(json.dumps(found))
    if not found["wrong"]:
        shutil.rmtree(folder)
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
