"""Tests whose claims are a matter of milliseconds, on machines that stand still for longer now and then."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

TICK = 0.005  # s
STILL = 0.05  # s in all that a thread may be kept from its turn before times say nothing of the program
TRIES = 8


class Standstill:
    """How long [s] this process was kept from running while a test ran: by others, by the disk, by a stop."""

    def __enter__(self) -> Standstill:
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _count(self) -> None:
        last, over = monotonic(), False
        while not over:
            over = self._over.wait(TICK)
            now = monotonic()
            self.seconds += max(0.0, now - last - 2 * TICK)
            last = now


def in_time(test: Callable[..., None]) -> Callable[..., None]:
    """Try a test again where it failed and the machine stood still meanwhile; what fails on one that runs, fails.

    For tests whose parts all run in this process and which begin anew each time.
    """

    @functools.wraps(test)
    def tried(*words: Any, **named: Any) -> None:
        for left in reversed(range(TRIES)):
            with Standstill() as machine:
                try:
                    return test(*words, **named)
                except (Exception, pytest.fail.Exception):
                    if not left or machine.seconds < STILL:
                        raise
        raise AssertionError("the last try returned or raised")

    return tried
