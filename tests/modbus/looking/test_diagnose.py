"""What a diagnosis advises for devices and gateways that answer oddly: the right cause, and no neighbour's unit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from cityctl.modbus.looking.diagnose import diagnosing
from cityctl.modbus.looking.diagnosis import Diagnosis
from cityctl.modbus.pretended.wire import Outgoing, Request, Server, Silence
from tests.modbus.one_meter import CONNECTOR, bank
from tests.timing import in_time


def diagnosed(
    units: tuple[int, ...] = (1,),
    neighbours: Mapping[int, str] | None = None,
    timeout: float = 5.0,
    **fields: Any,
) -> Diagnosis:
    async def go() -> Diagnosis:
        async with Server({unit: bank() for unit in units}, **fields) as server:
            return await diagnosing(
                server.link, 1, CONNECTOR, timeout=timeout, rounds=2, name="meter", neighbours=neighbours
            )

    return asyncio.run(go())


def said(found: Diagnosis) -> dict[str, str]:
    return {step.name: step.text for step in found.steps}


def test_a_neighbour_is_no_substitute_for_a_unit_that_is_away():
    found = diagnosed((2, 3), {2: "m2", 3: "m3"})
    assert not found.answers
    assert [step.text.split(":")[0] for step in found.steps if step.name == "other unit"] == [
        "unit 2 (m2)",
        "unit 3 (m3)",
    ]
    (advice,) = found.advice
    assert "its neighbours answer, so that the gateway is well" in advice
    assert "set `unit" not in advice


def test_a_unit_that_no_device_has_is_told_beside_the_neighbours():
    (advice,) = diagnosed((2, 247), {2: "m2"}).advice
    assert "neighbours answer" in advice
    assert advice.endswith("unit 247 answers too and is no device of city.yaml")


def test_a_device_that_answers_under_one_unit_alone():
    def nine(frame: bytes) -> bytes:
        return frame[:6] + b"\x09" + frame[7:]

    found = diagnosed((1, 9), rewrite=nine)
    assert said(found)["unit"] == "unit 1: unit 9 answered a request to unit 1"
    assert found.advice == ["unit 1 is silent and unit 9 answers: set `unit: 9`"]


@in_time
def test_answers_without_the_request_s_number():
    found = diagnosed(timeout=0.2, rewrite=lambda frame: b"\0\0" + frame[2:])
    assert "do not repeat the number of their request" in found.advice[0]


def test_registers_of_32_bits():
    """A flow computer by Enron: each register is four bytes. It was told to get newer firmware."""

    def wide(frame: bytes) -> bytes:
        if frame[7] != 3:
            return frame
        words = bytes(2).join(frame[at : at + 2] for at in range(9, len(frame), 2))
        body = frame[6:8] + bytes([2 * frame[8]]) + bytes(2) + words
        return frame[:4] + len(body).to_bytes(2, "big") + body

    found = diagnosed(rewrite=wide)
    assert said(found)["unit"] == "unit 1: the answer holds 8 bytes and says 8, 4 were asked for"
    assert found.advice[0].startswith("it gives twice the bytes: are its registers of 32 bits each")


def test_what_speaks_no_modbus():
    (advice,) = diagnosed(rewrite=lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n").advice
    assert advice == "what answers speaks no Modbus as `transport: tcp` has it: are port and transport right?"


def test_a_host_that_closes_every_connection():
    async def go() -> Diagnosis:
        async def door(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        listening = await asyncio.start_server(door, "127.0.0.1", 0)
        link = Server({}, port=listening.sockets[0].getsockname()[1]).link
        found = await diagnosing(link, 1, CONNECTOR, timeout=5)
        listening.close()
        return found

    found = asyncio.run(go())
    assert not found.answers
    assert "another program may hold the only one that it allows" in found.advice[0]


@pytest.mark.parametrize("code", [5, 6])
def test_a_device_that_is_busy(code):
    async def busy(request: Request) -> int | None:
        return code if request.function_code == 3 else None

    found = diagnosed(hook=busy)
    assert found.advice == [
        "it says that it is busy: see who else asks it, poll it less often, or give it a `pause`"
    ]


def test_a_function_that_it_does_not_know():
    """Its registers are read by function 4, the connector says 3."""

    async def inputs(request: Request) -> int | None:
        return 1 if request.function_code == 3 else None

    server_bank = bank()
    server_bank.read = lambda code, address, count: [0] * count  # type: ignore[method-assign]

    async def go() -> Diagnosis:
        async with Server({1: server_bank}, hook=inputs) as server:
            return await diagnosing(server.link, 1, CONNECTOR, timeout=5, rounds=2, name="meter")

    (advice,) = asyncio.run(go()).advice
    assert advice.startswith(
        "it does not know function 3 and answers function 4 there: set `function_code: 4` in c"
    )


@pytest.mark.parametrize("way", ["silence", "a part", "closing"])
@in_time
def test_a_request_that_is_too_long_and_is_not_refused(way):
    """Beyond four registers: no answer at all, one with the first four, or the end of the connection."""

    async def short(request: Request) -> int | None:
        if way == "silence" and request.count > 4:
            raise Silence
        return None

    def cut(frame: bytes) -> bytes:
        if way != "a part" or frame[7] != 3 or frame[8] <= 8:
            return frame
        return frame[:5] + bytes((3 + 8, frame[6], 3, 8)) + frame[9:17]

    async def closing(answer: Outgoing) -> None:
        if answer.request.count > 4:
            answer.close()
        else:
            answer.write(answer.frame)

    outgoing = closing if way == "closing" else None
    found = diagnosed(timeout=0.2, hook=short, rewrite=cut, outgoing=outgoing)
    assert found.answers
    assert said(found)["length"] == "4 registers at once are answered, 6 are not"
    assert found.advice[0] == "set `max_registers: 4` in c: it answers no more at once"


@in_time
def test_a_unit_that_answers_for_another_and_not_when_it_is_asked():
    async def only_one(request: Request) -> int | None:
        if request.unit != 1:
            raise Silence
        return None

    found = diagnosed(timeout=0.2, hook=only_one, rewrite=lambda frame: frame[:6] + b"\x09" + frame[7:])
    assert found.advice == [
        "unit 9 answers for unit 1, and not when it is asked itself: "
        "look at the unit numbers that are set on device and gateway"
    ]


@in_time
def test_an_answer_that_is_lost_now_and_then_is_no_point_that_is_lacking():
    """The second read of a block is lost: the same one is answered the next time."""
    wide: list[int] = []

    async def lose_one(request: Request) -> int | None:
        if request.function_code == 3 and request.count > 2:
            wide.append(request.count)
            if len(wide) < 3:
                raise Silence
        return None

    found = diagnosed(timeout=0.2, hook=lose_one)
    assert len(wide) > 2
    assert "point" not in said(found)
    assert "length" not in said(found)
    assert "without a good answer while others are answered" in found.advice[0]
