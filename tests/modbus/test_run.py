"""Runs against real servers: what is kept, what is named, and how long the dead take."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

from cityctl.modbus.ask import Answer
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.pretended.wire import Request, Server, Silence
from cityctl.modbus.run import asking_all
from cityctl.reading import Quality
from tests.modbus.one_meter import LIVE, POINTS, ask_one, bank, target, values
from tests.timing import in_time


def test_every_point_comes_with_the_time_of_its_frame():
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # times are kept in whole milliseconds
    answer, seen = ask_one()
    assert values(answer) == LIVE
    assert not answer.failures
    assert [(r.address, r.count) for r in seen] == [(0, 6), (10, 4)]
    for value in answer.values.values():
        assert value.quality is Quality.GOOD
        assert before <= value.time <= datetime.now(UTC) < before + timedelta(seconds=5)


@in_time
def test_a_lost_first_request_is_repeated_within_the_timeout():
    """AquaMaster 3 sleeps and may lose the request that wakes it."""
    count = 0

    async def sleeping(_: Request) -> None:
        nonlocal count
        count += 1
        if count == 1:
            raise Silence

    woken = DeviceConnector("c", "v", "m", "controller", POINTS, wake=1)
    answer, seen = ask_one(sleeping, connector=woken, timeout=0.3)
    assert values(answer) == LIVE
    assert len(seen) == 3
    assert 0.3 <= answer.seconds < 0.6  # the second try goes out after one whole timeout


@in_time
def test_silence_in_the_middle_keeps_what_came_and_is_named_with_its_request():
    async def half(request: Request) -> None:
        if request.address == 10:
            raise Silence

    answer, _ = ask_one(half, timeout=0.3)
    assert values(answer) == {"a": 1.0, "b": 2.0, "c": 3.0}
    (failure,) = answer.failures
    assert failure.points == ("d", "e")
    assert failure.reason == "function 3, addresses 10 to 13: no answer within 0.3 s"


@in_time
def test_a_silent_device_costs_its_own_run_one_timeout_and_no_other(deaf_port):
    async def go() -> tuple[list[Answer], float]:
        async with Server({1: bank()}) as server:
            begun = monotonic()
            answers = await asking_all(
                [target(deaf_port, device="deaf", timeout=0.5), target(server.port, device="well")]
            )
            return answers, monotonic() - begun

    (deaf, well), elapsed = asyncio.run(go())
    assert deaf.is_dead
    assert deaf.reason == "TCP connect ok; unit 1 silent"
    assert deaf.tried[0] == "TCP connect ok"
    assert values(well) == LIVE
    assert well.seconds < 0.4
    assert 0.45 < deaf.seconds < 0.8
    assert elapsed < 0.9


def test_a_refused_connection_is_named_and_not_waited_for(closed_port):
    (answer,) = asyncio.run(asking_all([target(closed_port, timeout=30)]))
    assert answer.reason == "TCP connect refused: nothing listens on that port"
    assert answer.tried == ["TCP connect refused: nothing listens on that port (2 tries)"]
    assert answer.seconds < 10
    assert answer.failures[0].points == tuple(POINTS)


def test_one_spoilt_block_does_not_lose_the_others():
    def spoilt(data: bytes) -> bytes:
        return data[:8] + bytes((2,)) + data[9:] if data[8] == 12 else data  # the first block has 6 registers

    async def go() -> Answer:
        async with Server({1: bank()}, rewrite=spoilt) as server:
            (answer,) = await asking_all([target(server.port)])
            return answer

    answer = asyncio.run(go())
    assert values(answer) == {"d": 4.0, "e": 5.0}
    assert "the answer holds 12 bytes and says 2, 12 were asked for" in answer.reason


@in_time
def test_the_runs_deadline_keeps_what_came(deaf_port):
    async def slow(request: Request) -> None:
        if request.address == 10:
            await asyncio.sleep(30)

    async def go() -> list[Answer]:
        async with Server({1: bank()}, hook=slow) as server:
            return await asking_all(
                [target(server.port, timeout=20), target(deaf_port, timeout=20)], deadline=0.4
            )

    begun = monotonic()
    half, deaf = asyncio.run(go())
    assert monotonic() - begun < 2
    assert values(half) == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert half.failures[0].points == ("d", "e")
    assert "deadline of 0.4 s" in half.reason
    assert "deadline of 0.4 s" in deaf.reason


@in_time
def test_a_request_is_not_repeated_while_its_answer_is_usually_on_its_way():
    """AquaMaster 3 takes up to 800 ms: a second request within that would meet the answer to the first."""

    async def slow(_: Request) -> None:
        await asyncio.sleep(0.3)

    patient = DeviceConnector("c", "v", "m", "controller", POINTS, answer_time=0.4)
    answer, seen = ask_one(slow, connector=patient, timeout=0.5)
    assert values(answer) == LIVE
    assert len(seen) == 2


def test_no_devices_is_no_work():
    assert asyncio.run(asking_all([])) == []


@in_time
def test_progress_is_told_for_each_device_and_for_those_the_deadline_cuts_off(deaf_port):
    async def go() -> list[str]:
        done: list[str] = []
        async with Server({1: bank(), 2: bank()}) as server:
            chosen = [target(server.port, unit=u, device=f"m{u}") for u in (1, 2)]
            await asking_all(
                [*chosen, target(deaf_port, device="deaf", timeout=20)],
                deadline=0.5,
                on_answer=lambda answer: done.append(f"{answer.target.device} {answer.had}"),
            )
        return done

    assert asyncio.run(go()) == ["m1 5", "m2 5", "deaf 0"]
