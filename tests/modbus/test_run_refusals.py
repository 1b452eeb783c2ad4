"""What a device refuses: the smallest part of it is lost, and named with its reason."""

from __future__ import annotations

import asyncio

import pytest

from cityctl.modbus.ask import Answer
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.memory import Memory
from cityctl.modbus.pretended.wire import Request, Server
from cityctl.modbus.run import asking_all
from tests.modbus.one_meter import LIVE, POINTS, ask_one, bank, target, values


@pytest.mark.parametrize("code", [2, 3, 4])
def test_one_illegal_address_loses_one_point(code):
    async def hole(request: Request) -> int | None:
        return code if request.address <= 2 < request.address + request.count else None

    answer, _ = ask_one(hole)
    assert values(answer) == {name: value for name, value in LIVE.items() if name != "b"}
    (failure,) = answer.failures
    assert failure.points == ("b",)
    assert failure.reason.startswith(f"function 3, addresses 2 to 3: exception {code}")


def test_a_refused_bridge_loses_nothing():
    """The connector says that holes may be bridged and the device disagrees: the block is split there."""
    bridging = DeviceConnector("c", "v", "m", "controller", POINTS, gap=8)

    async def refuses_holes(request: Request) -> int | None:
        return 2 if request.address <= 7 < request.address + request.count else None

    answer, seen = ask_one(refuses_holes, connector=bridging)
    assert values(answer) == LIVE
    assert [(r.address, r.count) for r in seen] == [(0, 14), (0, 6), (10, 4)]


def test_an_illegal_function_is_not_asked_in_smaller_parts():
    async def refuses(_: Request) -> int:
        return 1

    answer, seen = ask_one(refuses)
    assert answer.is_dead
    assert len(seen) == 2
    assert "exception 1 (illegal function)" in answer.reason


def test_a_busy_device_is_asked_again():
    count = 0

    async def busy_once(_: Request) -> int | None:
        nonlocal count
        count += 1
        return 6 if count == 1 else None

    answer, seen = ask_one(busy_once)
    assert values(answer) == LIVE
    assert len(seen) == 3


def test_a_device_that_stays_busy_is_not_waited_for_at_every_block():
    """Five requests for its first block, two for the other: 0.1 + 0.2 + 0.4 + 0.8 s and 0.1 s of waiting."""

    async def busy(_: Request) -> int | None:
        return 6

    answer, seen = ask_one(busy)
    assert [request.address for request in seen] == [0] * 5 + [10] * 2
    assert answer.reason.startswith("2 requests: exception 6 (device busy)")


def test_many_requests_refused_alike_are_one_reason():
    async def refused(_: Request) -> int:
        return 2

    answer, _ = ask_one(refused)
    assert len(answer.failures) == 5
    assert answer.reason == (
        "5 requests: exception 2 (illegal address); the first function 3, addresses 0 to 1"
    )


def test_a_device_that_gives_no_more_than_so_many_at_once_is_asked_for_less():
    """Beyond four registers it answers with the first four, and never says why."""
    memory, seen = Memory(), []

    async def noted(request: Request) -> int | None:
        seen.append((request.address, request.count))
        return None

    def cut(frame: bytes) -> bytes:
        return frame if frame[8] <= 8 else frame[:5] + bytes((3 + 8, frame[6], 3, 8)) + frame[9:17]

    async def go() -> Answer:
        async with Server({1: bank()}, hook=noted, rewrite=cut) as server:
            await asking_all([target(server.port)], memory=memory)
            seen.clear()
            (answer,) = await asking_all([target(server.port)], memory=memory)
            return answer

    assert values(asyncio.run(go())) == LIVE
    assert seen == [(0, 2), (2, 4), (10, 4)]  # learnt in the first run
