"""Live values again and again: one result a round, until somebody ends it. Stores nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from cityctl.city.model import City
from cityctl.clock import duration
from cityctl.errors import UsageProblem
from cityctl.library import Library
from cityctl.modbus.alone import Alone
from cityctl.modbus.look import refuse_silence, values
from cityctl.modbus.run import ask_all
from cityctl.modbus.targets import asked_for
from cityctl.result import Result

SHORTEST = 0.2
"""Seconds between rounds, at least: a device has other things to do."""


def seconds(every: str) -> float:
    """`5s` in seconds. Raises UsageProblem."""
    length = duration(every).total_seconds()
    if length < SHORTEST:
        raise UsageProblem(f"--watch {every}: {SHORTEST:g} s is the shortest", hint="write --watch 5s")
    return length


def rounds(
    city: City,
    library: Library,
    wanted: Sequence[str],
    every: float,
    count: int | None = None,
    *,
    alone: Alone | None = None,
) -> Iterator[Result]:
    """The values of `device` and `device/point` words every so many seconds, `count` times or without end.

    A round in which a device is silent is yielded all the same, with what is missing. A round that takes
    longer than `every` leaves the next marks out. `alone` keeps other processes off each line in a round.
    Raises UsageProblem for unknown words and, at the end, Unreachable where nothing ever answered.
    """
    targets = asked_for(city, library, wanted)
    begun = time.monotonic()
    number = 0
    heard = False
    while True:
        answers = ask_all(targets, alone=alone)
        heard = heard or any(answer.values for answer in answers)
        yield values(city, answers)
        number += 1
        if number == count:
            break
        passed = time.monotonic() - begun
        time.sleep((passed // every + 1) * every - passed)
    if not heard:
        refuse_silence(answers)
