"""Who answers: another device in the same place is found out, and its values are not taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cityctl.modbus.ask import Answer
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.memory import Memory
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Request, Server, Silence
from cityctl.modbus.run import asking_all
from tests.modbus.one_meter import LIVE, POINTS, target, values
from tests.timing import in_time


def identified(number: float) -> Callable[[str], float]:
    return {"model": number, **LIVE}.__getitem__


@pytest.mark.parametrize(("number", "is_taken"), [(103.0, True), (101.0, False)])
def test_another_device_in_the_same_place_is_found_out(number, is_taken):
    points = {**POINTS, "model": DevicePoint("model", 40, "uint16", 1, 3)}
    connector = DeviceConnector("c", "v", "m", "controller", points, identify=("model", 103, True))

    async def go() -> Answer:
        async with Server({1: Bank.from_connector(connector, identified(number))}) as server:
            (answer,) = await asking_all([target(server.port, connector=connector)])
            return answer

    answer = asyncio.run(go())
    if is_taken:
        assert values(answer) == LIVE
    else:
        assert answer.is_dead
        assert answer.reason == "model is 101, not 103: this is no c"


@in_time
def test_a_device_that_is_new_or_was_away_is_asked_who_it_is():
    """Somebody put another model in its place: its numbers would look as good as the right ones."""
    points = {**POINTS, "maker": DevicePoint("maker", 100, "uint16", 1, 3, polled=False)}
    connector = DeviceConnector("acme", "v", "m", "controller", points, identify=("maker", 7, False))
    memory = Memory()
    maker, is_away, asked = 7.0, False, []

    async def noted(request: Request) -> int | None:
        if is_away:
            raise Silence
        asked.append(request.address)
        return 2 if request.address == 100 and maker == 0 else None

    async def go() -> None:
        nonlocal maker, is_away
        pretended = Bank.from_connector(connector, lambda name: maker if name == "maker" else LIVE[name])
        async with Server({1: pretended}, hook=noted) as server:

            async def poll() -> Answer:
                asked.clear()
                chosen = target(server.port, connector=connector, timeout=0.2)
                (answer,) = await asking_all([chosen], memory=memory)
                return answer

            assert values(await poll()) == LIVE
            assert asked == [0, 10, 100]
            assert values(await poll()) == LIVE  # known by now: no request more than it needs
            assert asked == [0, 10]
            is_away = True
            assert (await poll()).is_dead
            is_away, maker = False, 8.0
            answer = await poll()
            assert answer.reason == "maker is 8, not 7: this is no acme"
            assert not answer.values
            assert not (await poll()).values  # and is asked again until it is the right one
            maker = 0.0  # refuses to say: only where a connector requires it is that a reason
            answer = await poll()
            assert values(answer) == LIVE
            assert not answer.failures

    asyncio.run(go())
