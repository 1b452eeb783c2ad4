"""CPU seconds and memory of whole processes, two commands in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def cpu_seconds(words: Sequence[str | Path], cwd: Path | None = None, **env: str) -> float:
    """User and system time of one run, its children included. Raises where it fails."""
    import resource  # POSIX: benchmarks are run by developers

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [str(word) for word in words], cwd=cwd, env={**os.environ, **env}, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def cost(words: Sequence[str | Path], *, may_end: Sequence[int] = (0,)) -> tuple[float, int]:
    """(CPU seconds, peak of the memory in use [bytes]) of one run. Raises where it ends in another way."""
    with subprocess.Popen(
        [str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        _, status, used = os.wait4(run.pid, 0)  # POSIX: benchmarks are run by developers
        run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode not in may_end:
        raise subprocess.CalledProcessError(run.returncode, list(map(str, words)))
    return used.ru_utime + used.ru_stime, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def in_turn(
    first: Sequence[str | Path], second: Sequence[str | Path], runs: int = 9
) -> tuple[float, float, float]:
    """(median of the first, median of the second, median of the ratios run by run) in CPU seconds."""
    cpu_seconds(first)
    cpu_seconds(second)
    pairs = [(cpu_seconds(first), cpu_seconds(second)) for _ in range(runs)]
    return (
        statistics.median(one for one, _ in pairs),
        statistics.median(two for _, two in pairs),
        statistics.median(one / two for one, two in pairs),
    )


def python(*words: str | Path) -> list[str | Path]:
    """This interpreter with these words."""
    return [sys.executable, *words]
