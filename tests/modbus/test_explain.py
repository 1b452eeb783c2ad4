"""What a poll will cost, before a byte is sent: bytes, seconds on a serial wire, pauses. Expected figures by hand."""

from __future__ import annotations

import asyncio
import sys

import pytest

from cityctl.modbus.ask import Target
from cityctl.modbus.explain import bytes_of, explain
from cityctl.modbus.line import SerialSettings
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.memory import Known, Memory
from cityctl.modbus.pace import ASSUMED, Asked, expected, in_turn, on_wire, opening
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Request, Server
from cityctl.modbus.run import asking_all
from tests.timing import in_time

POINTS = {f"p{at}": DevicePoint(f"p{at}", at, "uint16", 1, 3) for at in (*range(10), *range(100, 200))}
TWO_BLOCKS = DeviceConnector("c", "v", "m", "controller", POINTS)
TEN = tuple(f"p{at}" for at in range(10))
SLOW = SerialSettings(9600, "even", 1, 8)


def target(host: str, unit: int = 1, **fields: object) -> Target:
    given = {"connector": TWO_BLOCKS, "points": TEN, "timeout": 2.0, **fields}
    return Target(f"{host}/{unit}", host, 502, unit, **given)  # type: ignore[arg-type]


def test_bytes_are_those_of_the_transport():
    # Modbus/TCP: 7 + 5 out; 7 + 2 + 2 n back. RTU: unit, PDU and CRC: 8 out; 5 + 2 n back.
    (block,) = target("a").blocks
    assert block.count == 10
    assert bytes_of(target("a"), block) == (12, 29)
    assert bytes_of(target("a", transport="rtu-tcp"), block) == (8, 25)


def test_time_on_a_serial_wire_is_that_of_its_bytes():
    # 8 + 25 = 33 characters of 11 bits (8E1) at 9600 baud = 37.8 ms, two silences of 3.5 = 8.0 ms. Above 19200
    # baud a silence is 1.75 ms.
    bus = target("a", transport="rtu", serial=SLOW)
    (block,) = bus.blocks
    assert on_wire(bus, block) == pytest.approx((33 + 7) * 11 / 9600)
    fast = target("a", transport="rtu", serial=SerialSettings(115200, "none", 1, 8))
    assert on_wire(fast, block) == pytest.approx(33 * 10 / 115200 + 2 * 0.00175)
    assert on_wire(target("a"), block) == 0.0
    # A port is listened to before the first word: 20 ms, or two silences where these are longer.
    assert opening(bus, Known()) == 0.02
    slower = target("a", transport="rtu", serial=SerialSettings(1200))
    assert opening(slower, Known()) == pytest.approx(7 * 11 / 1200)
    assert (
        opening(target("a", serial=SLOW), Known()) == 0.0
    )  # behind a gateway that is the gateway's business
    assert opening(bus, Known(opening=0.035)) == 0.035


def test_what_a_device_thinks_was_measured_at_one_size_and_holds_at_every_size():
    bus = target("a", transport="rtu", serial=SLOW, points=tuple(POINTS))
    small, large = bus.blocks
    known = Known()
    assert expected(bus, small, known) == pytest.approx(on_wire(bus, small) + ASSUMED)
    known.take_time(on_wire(bus, small) + 0.012, on_wire(bus, small))
    assert expected(bus, large, known) == pytest.approx(on_wire(bus, large) + 0.012)
    # 8 + 205 characters instead of 33: 206 ms longer.
    assert expected(bus, large, known) - expected(bus, small, known) == pytest.approx(180 * 11 / 9600)


def test_answers_that_are_faster_than_the_wire_are_believed():
    """A gateway whose bus is faster than city.yaml says: what was measured holds, whatever the size."""
    behind = target("a", transport="rtu-tcp", serial=SerialSettings(1200), points=tuple(POINTS))
    small, large = behind.blocks
    known = Known()
    known.take_time(0.05, on_wire(behind, large))
    assert expected(behind, small, known) == expected(behind, large, known) == 0.05


def test_a_line_takes_its_requests_one_after_another_and_pauses_only_where_all_do():
    assert in_turn([Asked([0.1, 0.1]), Asked([0.3])]) == pytest.approx(0.5)
    assert in_turn([Asked([0.1, 0.1, 0.1], pause=1.0)]) == pytest.approx(2.3)  # none behind the last
    # Two that each pause 0.25 s let each other go first: 0.1 0.1 (0.15) 0.1 0.1.
    assert in_turn([Asked([0.1, 0.1], 0.25), Asked([0.1, 0.1], 0.25)]) == pytest.approx(0.55)
    assert in_turn([]) == in_turn([Asked([])]) == 0.0


def test_the_slowest_line_sets_the_time():
    memory = Memory()
    near, far = target("a", 1), target("a", 2)
    memory.known(near).take_time(0.1, 0.0)
    memory.known(far).take_time(0.3, 0.0)
    other = target("b", 3)
    memory.known(other).take_time(0.35, 0.0)
    assert "about 400 ms" in explain([near, far, other], memory).summary
    memory.known(far).opening = 0.05
    result = explain([near, far, other], memory)
    assert "about 450 ms" in result.summary  # the line is opened once
    assert result.tables[0].cells("predicted") == pytest.approx([100.0, 300.0, 350.0])
    assert not any("assumed" in note for note in result.notes)


def test_a_request_that_is_longer_than_the_timeout_is_told_before_it_is_sent():
    bus = target("a", points=tuple(POINTS), transport="rtu", serial=SerialSettings(1200), timeout=1.0)
    assert any("a/1: a request takes longer than the timeout" in note for note in explain([bus]).notes)
    assert not any("longer than the timeout" in note for note in explain([target("a")]).notes)


@in_time
def test_a_request_is_not_sent_again_while_its_answer_is_on_the_wire():
    """At 1200 baud 100 registers take 2.0 s: longer than half of a timeout of 3 s, in which one would be sent again."""
    serial = SerialSettings(1200)
    asked: list[Request] = []

    async def paced(request: Request) -> None:
        asked.append(request)
        await asyncio.sleep(1.7)

    async def go() -> int:
        bank = Bank.from_connector(TWO_BLOCKS, lambda name: float(name[1:]))
        async with Server({1: bank}, kind="rtu-tcp", hook=paced) as server:
            behind = Target(
                "d", "127.0.0.1", server.port, 1, TWO_BLOCKS, tuple(f"p{at}" for at in range(100, 200)),
                transport="rtu-tcp", serial=serial, timeout=3.0,
            )  # fmt: skip
            (answer,) = await asking_all([behind])
        return answer.had

    assert asyncio.run(go()) == 100
    assert len(asked) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
@pytest.mark.parametrize("baud", [9600, 115200])
def test_a_poll_of_a_bus_is_predicted_from_what_another_one_measured(baud):
    """A device that keeps to the line's time and thinks 20 ms: learnt from 10 registers, told of 110."""
    serial = SerialSettings(baud, "none", 1, 8)

    async def paced(request: Request) -> None:
        await asyncio.sleep(serial.seconds(8 + 5 + 2 * request.count) + serial.silence + 0.02)

    async def go() -> tuple[Memory, Target]:
        bank = Bank.from_connector(TWO_BLOCKS, lambda name: float(name[1:]))
        async with Server({1: bank}, kind="pty", serial=serial, hook=paced) as server:
            small = Target("d", server.host, 0, 1, TWO_BLOCKS, TEN, transport="rtu", serial=serial)
            memory = Memory()
            (answer,) = await asking_all([small], memory=memory)
            assert answer.had == 10
        return memory, Target(
            "d", server.host, 0, 1, TWO_BLOCKS, tuple(POINTS), transport="rtu", serial=serial
        )

    memory, whole = asyncio.run(go())
    thought = memory.known(whole).thinking
    assert thought is not None
    assert thought >= 0.02 - serial.silence - 0.002  # the first request has no silence before it
    # 13 bytes and 20, 13 and 200, of 10 bits; four silences.
    wire = (13 + 20 + 13 + 200) * 10 / baud + 4 * serial.silence
    assert sum(explain([whole], memory).tables[0].cells("predicted")) == pytest.approx(
        1000 * (wire + 2 * thought)
    )
