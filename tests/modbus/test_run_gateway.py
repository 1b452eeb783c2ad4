"""Gateways and what stands behind them: lost frames, restarts, one slow unit, answers of another conversation."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from cityctl.errors import Unreachable
from cityctl.modbus.ask import Answer
from cityctl.modbus.look import refuse_silence
from cityctl.modbus.memory import Memory
from cityctl.modbus.pretended.wire import Request, Server
from cityctl.modbus.run import asking_all
from tests.modbus.one_meter import LIVE, bank, target, values
from tests.timing import in_time


def devices(port: int, count: int, **more):
    return [target(port, unit=unit, device=f"m{unit}", **more) for unit in range(1, count + 1)]


def banks(count: int):
    return {unit: bank() for unit in range(1, count + 1)}


def test_a_frame_lost_behind_the_gateway_costs_no_value():
    """The gateway says of one request in five that its target does not answer (11), or that it has no path (10).

    Not twice in turn of one unit: that is away.
    """
    asked = 0
    lost: set[int] = set()

    async def lossy(request: Request) -> int | None:
        nonlocal asked
        asked += 1
        if asked % 5 or request.unit in lost:
            lost.discard(request.unit)
            return None
        lost.add(request.unit)
        return 11 if asked % 2 else 10

    async def go() -> list[Answer]:
        async with Server(banks(8), hook=lossy) as server:
            return await asking_all(devices(server.port, 8))

    assert all(values(answer) == LIVE for answer in asyncio.run(go()))


def test_a_unit_that_is_away_is_asked_twice_and_once_where_it_was_away_before():
    counts: Counter[int] = Counter()

    async def away(request: Request) -> int | None:
        counts[request.unit] += 1
        return 11

    async def go() -> None:
        memory = Memory()
        async with Server(banks(1), hook=away) as server:
            for _ in range(4):
                await asking_all(devices(server.port, 1), memory=memory)

    asyncio.run(go())
    assert counts[1] == 2 + 2 + 2 + 1


def test_a_gateway_that_restarts_is_waited_for():
    async def go() -> list[Answer]:
        server, asked = Server(banks(6)), 0
        restarts: list[asyncio.Task[None]] = []

        async def restart() -> None:
            await server.stop()
            await asyncio.sleep(0.6)
            await server.start()

        async def hook(request: Request) -> int | None:
            nonlocal asked
            asked += 1
            if asked == 5:
                restarts.append(asyncio.create_task(restart()))
                await asyncio.sleep(20)
            return None

        server.hook = hook
        await server.start()
        try:
            return await asking_all(devices(server.port, 6, timeout=10.0))
        finally:
            await asyncio.gather(*restarts)
            await server.stop()

    assert all(values(answer) == LIVE for answer in asyncio.run(go()))


@in_time
def test_a_slow_unit_keeps_the_others_waiting_for_one_answer_and_later_for_none():
    last: dict[int, int] = {}

    async def go() -> list[dict[int, int]]:
        memory, runs = Memory(), []
        count = 0

        async def slow(request: Request) -> int | None:
            nonlocal count
            count += 1
            last[request.unit] = count
            await asyncio.sleep(0.3 if request.unit == 2 else 0.001)
            return None

        async with Server(banks(6), hook=slow) as server:
            for _ in range(2):
                answers = await asking_all(devices(server.port, 6), memory=memory)
                assert all(values(answer) == LIVE for answer in answers)
                runs.append(dict(last))
                last.clear()
                count = 0
        return runs

    first, second = asyncio.run(go())
    # Two requests each: in the first run the slow one is asked once amid the others, and is then the last.
    assert first[2] == second[2] == 12
    assert max(at for unit, at in second.items() if unit != 2) == 10
    assert max(at for unit, at in first.items() if unit != 2) == 11


@in_time
def test_answers_numbered_as_no_request_was_are_named():
    async def go() -> Answer:
        async with Server(banks(1), rewrite=lambda frame: b"\0\0" + frame[2:]) as server:
            return (await asking_all(devices(server.port, 1, timeout=0.2)))[0]

    answer = asyncio.run(go())
    assert not answer.values
    assert answer.reason == (
        "TCP connect ok; unit 1 answers under transaction numbers that nobody asked under"
    )
    assert "no answer within 0.2 s but 2 under transaction numbers" in answer.tried[-1]


def test_a_device_of_which_nothing_is_an_answer_counts_as_silent():
    """A unit that answers under another number in every run: `check devices` is to tell it."""

    async def go() -> int:
        memory = Memory()
        async with Server(banks(1), rewrite=lambda frame: frame[:6] + b"\x09" + frame[7:]) as server:
            asked = devices(server.port, 1)
            for _ in range(2):
                (answer,) = await asking_all(asked, memory=memory)
                assert "unit 9 answered a request to unit 1" in answer.reason
            return memory.known(asked[0]).silent_runs

    assert asyncio.run(go()) == 2


def test_an_answer_that_does_not_fit_is_not_called_silence():
    async def go() -> list[Answer]:
        async with Server(banks(1), rewrite=lambda frame: frame[:6] + b"\x09" + frame[7:]) as server:
            return await asking_all(devices(server.port, 1))

    with pytest.raises(Unreachable, match=r"m1 gave no good answer at .*unit 9 answered a request to unit 1"):
        refuse_silence(asyncio.run(go()))
