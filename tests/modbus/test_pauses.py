"""A device that hears nothing for 0.1 s after each of its answers, and the pause that its connector gives it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from time import monotonic

from cityctl.modbus.line import open_line
from cityctl.modbus.line.faults import Silent
from cityctl.modbus.looking.diagnose import diagnosing
from cityctl.modbus.looking.diagnosis import Diagnosis
from cityctl.modbus.pretended.wire import Request, Server, Silence
from tests.modbus.one_meter import CONNECTOR, bank
from tests.timing import in_time

DEAF = 0.1
RESTING = replace(CONNECTOR, pause=0.15)


class Resting:
    """The hook of such a device. It loses the request with the number `loses`, too."""

    def __init__(self, loses: int = 0) -> None:
        self.loses, self.asked, self.answered = loses, 0, 0.0

    async def __call__(self, request: Request) -> int | None:
        self.asked += 1
        if self.asked == self.loses or monotonic() - self.answered < DEAF:
            raise Silence
        self.answered = monotonic()
        return None


@in_time
def test_the_read_behind_an_echo_that_settles_a_line_is_not_lost() -> None:
    """What settles the line after a loss is an exchange too, and the request behind it came too early."""

    async def go() -> int:
        async with Server({1: bank(RESTING)}, kind="rtu-tcp", hook=Resting(loses=1)) as server:
            line = await open_line(server.link, 1.0)
            line.pauses[1] = RESTING.pause
            with suppress(Silent):
                await line.read(1, 3, 0, 2, timeout=0.1)
            frame = await line.read(1, 3, 0, 2, timeout=0.3)
            line.close()
            return frame.registers[0]

    assert asyncio.run(go()) == 0x3F80  # 1.0 as IEEE 754 binary32


@in_time
def test_a_diagnosis_keeps_the_pause() -> None:
    async def go() -> Diagnosis:
        async with Server({1: bank(RESTING)}, hook=Resting()) as server:
            return await diagnosing(server.link, 1, RESTING, timeout=0.3, rounds=3, name="meter")

    found = asyncio.run(go())
    assert (found.answers, found.lost) == (True, 0)
    assert "`pause`" not in " ".join(found.advice)
    assert max(found.round_trips) < DEAF  # the pause is no part of them
