"""Devices that want a while between the connection and the first request."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import monotonic

from cityctl.modbus.ask import Answer
from cityctl.modbus.pretended.wire import Request, Server, Silence
from cityctl.modbus.run import asking_all
from tests.modbus.one_meter import CONNECTOR, LIVE, bank, target, values

WANTS = 0.3
"""Seconds after the connection in which the device says nothing, as a Huawei inverter does."""


def asked(after_connect: float) -> tuple[Answer, float]:
    connected: list[float] = []

    async def late(request: Request) -> int | None:
        if monotonic() - connected[0] < WANTS:
            raise Silence
        return None

    async def go() -> Answer:
        async with Server({1: bank()}, hook=late) as server:
            connected.append(monotonic())
            connector = replace(CONNECTOR, after_connect=after_connect)
            (answer,) = await asking_all([target(server.port, connector=connector, timeout=0.15, tries=1)])
            return answer

    begun = monotonic()
    return asyncio.run(go()), monotonic() - begun


def test_a_device_is_waited_for_after_the_connection():
    answer, took = asked(WANTS + 0.1)
    assert values(answer) == LIVE
    assert not answer.failures
    assert took > WANTS


def test_without_that_it_says_nothing():
    assert values(asked(0.0)[0]) == {}
