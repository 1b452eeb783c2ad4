"""What a diagnosis makes of a unit that seems silent: a gateway that is one answer behind, a device that is slow."""

from __future__ import annotations

import asyncio

import pytest

from cityctl.modbus.looking.diagnose import diagnosing
from cityctl.modbus.looking.diagnosis import Diagnosis
from cityctl.modbus.pretended.wire import Request, Server
from tests.modbus.one_behind import one_behind
from tests.modbus.one_meter import CONNECTOR, bank
from tests.timing import in_time


@pytest.mark.parametrize("head", ["new", "unit", "old"])
@in_time
def test_a_gateway_that_is_one_answer_behind(head: str) -> None:
    """Under the newest number and unit, another unit seems to answer in place of the one asked for."""

    async def go() -> Diagnosis:
        async with one_behind(head) as (link, _):
            return await diagnosing(link, 1, CONNECTOR, timeout=0.2, name="meter")

    found = asyncio.run(go())
    assert not found.answers
    assert "a gateway is one answer behind" in found.advice[0]
    assert not [step for step in found.steps if step.name == "other unit"]


@in_time
def test_a_device_that_answers_later_than_it_is_given() -> None:
    async def slow(_: Request) -> None:
        await asyncio.sleep(0.3)

    async def go() -> Diagnosis:
        async with Server({1: bank()}, hook=slow, absent_units_are_silent=True) as server:
            return await diagnosing(server.link, 1, CONNECTOR, timeout=0.2, name="meter")

    assert asyncio.run(go()).advice == ["it is slow: give it `timeout: 1`"]


@in_time
def test_a_gateway_that_says_that_the_device_does_not_answer() -> None:
    async def go() -> Diagnosis:
        async with Server({}) as server:
            return await diagnosing(server.link, 1, CONNECTOR, timeout=0.2, name="meter")

    assert asyncio.run(go()).advice[0].startswith("the gateway is well and says that unit 1 does not answer")
