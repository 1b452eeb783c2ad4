"""Modbus: ten thousand polls in a row with 1 % faults of every kind; about seven minutes.

Bounds: no wrong value booked as good, no reading lost without its reason, memory flat, nothing left behind.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from tests.modbus.soak import KINDS_OF_LINE, Soaked, soak


def bench(polls: int = 10_000) -> Iterator[tuple[str, str]]:
    """(what, figure)"""
    used, begun = time.process_time(), time.perf_counter()

    def say(done: int, so_far: Soaked) -> None:
        took = time.perf_counter() - begun
        sys.stderr.write(f"    {done} of {polls} polls, {so_far.wrong} values wrong, {took:.0f} s\n")

    found = soak(polls, 0.01, on_tenth=say)
    used = time.process_time() - used
    yield (
        f"{polls} polls in a row on {len(KINDS_OF_LINE)} transports, {found.spoilt} answers spoilt",
        f"{found.wrong} values wrong, {found.lost} lost, {found.named} named missing, {found.right} right; "
        f"{used:.0f} CPU s, {time.perf_counter() - begun:.0f} s",
    )
    yield "  memory, after each tenth", " ".join(f"{kb / 1024:.1f}" for kb in found.resident) + " MB"
    yield "  left behind", f"{found.tasks} tasks, {found.threads} threads, {found.files} files"


if __name__ == "__main__":
    for what, how in bench(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000):
        sys.stdout.write(f"{what}: {how}\n")
