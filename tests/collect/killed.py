"""Pulls a project again and again in processes of its own, and kills each at a random point; run by a test.

    python -m tests.collect.killed FOLDER SINCE SEED TIMES

Prints as JSON how many were killed before they ended, then ends with one pull that nobody kills.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from cityctl.city.project import Project
from cityctl.collect.pull import pull
from cityctl.exports.http import Patience
from tests.collect.historian import NOW, console


def once(folder: Path, since: str) -> int:
    """One pull, in this process; its exit code."""
    patience = Patience(connect=5, read=5, total=20, tries=3)
    result = pull(Project(folder), None, since=since, now=NOW, console=console(), patience=patience)
    return int(result.exit_code())


def forked(folder: Path, since: str) -> int:
    """One pull in a process of its own; its id."""
    child = os.fork()
    if child == 0:
        code = 99
        with contextlib.suppress(BaseException):
            code = once(folder, since)
        os._exit(code)
    return child


def main(folder: Path, since: str, seed: int, times: int) -> None:
    chance = random.Random(seed)
    begun = time.monotonic()
    _, status = os.waitpid(forked(folder.with_name("undisturbed"), since), 0)
    whole = time.monotonic() - begun
    killed = 0
    for _ in range(times):
        child = forked(folder, since)
        time.sleep(chance.uniform(0, whole))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    _, status = os.waitpid(forked(folder, since), 0)
    print(json.dumps({"killed": killed, "code": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
