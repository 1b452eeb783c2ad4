"""A device that hears nothing for 0.1 s after each of its answers, and the pause that its connector gives it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from time import monotonic

import pytest

from cityctl.modbus.line import open_line
from cityctl.modbus.line.faults import Silent
from cityctl.modbus.looking import resting
from cityctl.modbus.looking.diagnose import diagnosing
from cityctl.modbus.looking.diagnosis import Diagnosis
from cityctl.modbus.pretended.wire import Request, Server, Silence
from tests.modbus.one_meter import CONNECTOR, bank
from tests.timing import in_time

DEAF = 0.1
RESTING = replace(CONNECTOR, pause=0.15)


class Resting:
    """The hook of such a device. It loses the request with the number `loses`, too."""

    def __init__(self, loses: int = 0, deaf: float = DEAF) -> None:
        self.loses, self.deaf, self.asked, self.answered = loses, deaf, 0, 0.0

    async def __call__(self, request: Request) -> int | None:
        self.asked += 1
        if self.asked == self.loses or monotonic() - self.answered < self.deaf:
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


@pytest.mark.parametrize("deaf", [0.04, 0.15])
def test_a_diagnosis_finds_the_pause_that_is_lacking(deaf: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """It advised `max_registers: 2` and one connection at a time: whatever came first behind an answer was lost.

    Or nothing at all: at its 20 requests a second no request came within 50 ms of an answer, as those of a poll do.
    """
    monkeypatch.setattr(resting, "_REST", 0.2)

    async def go() -> Diagnosis:
        async with Server({1: bank(RESTING)}, hook=Resting(deaf=deaf)) as server:
            return await diagnosing(server.link, 1, CONNECTOR, timeout=0.3, rounds=3, name="meter")

    found = asyncio.run(go())
    (pause,) = (step for step in found.steps if step.name == "pause")
    wanted = {0.04: 0.05, 0.15: 0.2}[deaf]
    assert pause.text == f"a request straight behind an answer is lost, one {wanted} s later is answered"
    assert found.advice == [
        f"set `pause: {wanted}` in {CONNECTOR.connector}: it hears nothing so soon behind its answers"
    ]
    assert found.lost == 0


def test_a_silent_register_is_no_lack_of_a_pause() -> None:
    """A device that answers two of three requests, whatever stands before them."""

    async def silent(request: Request) -> int | None:
        if request.address == 10:
            raise Silence
        return None

    async def go() -> Diagnosis:
        async with Server({1: bank(CONNECTOR)}, hook=silent) as server:
            return await diagnosing(server.link, 1, CONNECTOR, timeout=0.2, rounds=1, name="meter")

    found = asyncio.run(go())
    assert "pause" not in {step.name for step in found.steps}
    assert "`pause: " not in " ".join(found.advice)
