"""Writes over real lines: one request each, the echo checked, and a lost answer told as what it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from time import monotonic

import pytest

from cityctl.modbus import write
from cityctl.modbus.line import Line, open_line
from cityctl.modbus.line.faults import BadAnswer, Closed, ExceptionAnswer, NotConnected, Silent
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Outgoing, Server, WriteFaults
from cityctl.modbus.write import write_register
from tests.modbus.one_behind import one_behind
from tests.timing import in_time

POINTS = {
    "setpoint": DevicePoint("setpoint", 10, "float32", 2, 3, access="readwrite"),
    "mode": DevicePoint("mode", 12, "uint16", 1, 3, access="readwrite"),
    "flow": DevicePoint("flow", 13, "uint16", 1, 3),
    "pump": DevicePoint("pump", 5, "bool", 1, 1, access="readwrite"),
    "valve": DevicePoint("valve", 6, "bool", 1, 1, access="readwrite"),
}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)
LIVE = {"setpoint": 1.5, "mode": 7.0, "flow": 3.0, "pump": 0.0, "valve": 0.0}
Work = Callable[[Line, Server], Coroutine[object, object, None]]


def at(work: Work, *, kind: str = "tcp", **fields: object) -> Server:
    """Run some work on a line to a server that takes writes."""

    async def go() -> Server:
        bank = Bank.from_connector(CONNECTOR, LIVE.__getitem__)
        async with Server({1: bank}, kind=kind, **{"writes": True, **fields}) as server:  # type: ignore[arg-type]
            line = await open_line(server.link, 2)
            try:
                await work(line, server)
            finally:
                line.close()
        return server

    return asyncio.run(go())


@pytest.mark.parametrize("kind", ["tcp", "rtu-tcp", "udp", "pty"])
def test_each_function_writes_and_reads_back(kind):
    async def work(line: Line, _: Server) -> None:
        await write.write_registers(line, 1, 10, [0x4020, 0x0000])  # 2.5 as a float32
        await write.write_register(line, 1, 12, 9)
        assert (await line.read(1, 3, 10, 4, timeout=5)).registers == (0x4020, 0, 9, 3)
        # (9 AND 0xF2) OR (0x25 AND NOT 0xF2) = 0x00 OR 0x05: the masks of the specification's example, 6.16
        await write.mask_write(line, 1, 12, 0x00F2, 0x0025)
        assert (await line.read(1, 3, 12, 1, timeout=5)).registers == (5,)
        await write.write_coil(line, 1, 5, True)
        assert (await line.read(1, 1, 5, 2, timeout=5)).registers == (1, 0)
        await write.write_coils(line, 1, 5, [False, True])
        assert (await line.read(1, 1, 5, 2, timeout=5)).registers == (0, 1)

    server = at(work, kind=kind)
    assert {code: server.counts[code] for code in (5, 6, 15, 16, 22)} == dict.fromkeys((5, 6, 15, 16, 22), 1)
    assert [(r.function_code, r.address, r.values) for r in server.written][:2] == [
        (16, 10, (0x4020, 0)),
        (6, 12, (9,)),
    ]


def test_what_may_not_be_written_is_refused_by_the_device():
    async def work(line: Line, _: Server) -> None:
        for address in (13, 99):
            with pytest.raises(ExceptionAnswer, match="illegal address"):
                await write.write_register(line, 1, address, 1)
        assert (await line.read(1, 3, 13, 1, timeout=5)).registers == (3,)

    at(work)


def test_a_server_takes_no_writes_unless_it_is_told_to():
    async def work(line: Line, _: Server) -> None:
        with pytest.raises(ExceptionAnswer, match="illegal function"):
            await write.write_register(line, 1, 12, 1)

    at(work, writes=False)


@pytest.mark.parametrize("kind", ["tcp", "rtu-tcp", "udp", "pty"])
def test_a_lost_answer_is_one_request_and_an_unknown_state(kind):
    async def work(line: Line, server: Server) -> None:
        with pytest.raises(write.Unconfirmed) as told:
            await write.write_register(line, 1, 12, 9, timeout=0.2)
        assert isinstance(told.value.cause, Silent)
        assert server.counts[6] == 1
        if not line.trusts(1):
            await line.settle(1, timeout=5)
        assert (await line.read(1, 3, 12, 1, timeout=5)).registers == (9,)  # it took effect all the same

    server = at(work, kind=kind, faults={"lose_write_answer": 1})
    assert server.counts[6] == 1


def test_an_ignored_write_is_answered_and_only_reading_back_tells():
    async def work(line: Line, _: Server) -> None:
        await write.write_register(line, 1, 12, 9)
        assert (await line.read(1, 3, 12, 1, timeout=5)).registers == (7,)

    at(work, faults=WriteFaults(ignore_write=1))


def test_a_device_that_keeps_something_else():
    async def work(line: Line, _: Server) -> None:
        await write.write_register(line, 1, 12, 9)
        assert (await line.read(1, 3, 12, 1, timeout=5)).registers == (4,)

    at(work, faults={"keep_other": 4})


@pytest.mark.parametrize(
    ("code", "unknown"), [(2, False), (3, False), (6, False), (4, True), (5, True), (11, True)]
)
def test_which_exceptions_leave_the_state_unknown(code, unknown):
    async def work(line: Line, _: Server) -> None:
        with pytest.raises(write.Unconfirmed if unknown else ExceptionAnswer, match=f"exception {code}"):
            await write.write_register(line, 1, 12, 9)

    server = at(work, faults={"refuse_write": code})
    assert server.counts[6] == 1


def test_an_echo_that_differs_is_no_confirmation():
    def other(frame: bytes) -> bytes:
        return frame[:-1] + bytes((frame[-1] ^ 1,))

    async def work(line: Line, _: Server) -> None:
        with pytest.raises(write.Unconfirmed) as told:
            await write.write_register(line, 1, 12, 9)
        assert isinstance(told.value.cause, BadAnswer)

    assert at(work, rewrite=other).counts[6] == 1


def test_a_closing_peer_is_told_at_once_and_a_closed_line_sends_nothing():
    async def closing(answer: Outgoing) -> None:
        answer.close()

    async def work(line: Line, _: Server) -> None:
        begun = monotonic()
        with pytest.raises(write.Unconfirmed) as told:
            await write.write_registers(line, 1, 10, [1, 2], timeout=30)
        assert isinstance(told.value.cause, Closed)
        assert monotonic() - begun < 10
        with pytest.raises(NotConnected, match="nothing was sent"):
            await write.write_register(line, 1, 12, 1)

    server = at(work, outgoing=closing)
    assert server.counts == {16: 1}


def test_too_much_for_one_request_is_refused_here():
    async def work(line: Line, _: Server) -> None:
        for wrong in ([], [0] * 124):
            with pytest.raises(ValueError, match="123 are allowed"):
                await write.write_registers(line, 1, 10, wrong)
        with contextlib.suppress(ExceptionAnswer):
            await write.write_registers(line, 1, 10, [0] * 123)

    assert at(work).counts == {16: 1}


def test_a_plant_may_react_to_what_is_written():
    told: list[tuple[str, object]] = []
    bank = Bank.from_connector(
        CONNECTOR, LIVE.__getitem__, on_write=lambda p, value: told.append((p.name, value))
    )
    assert bank.write(3, 10, [0x4020, 0, 9]) is None
    assert told == [("setpoint", 2.5), ("mode", 9.0)]
    assert bank.write(4, 10, [1]) == 1
    assert bank.read(3, 10, 3) == [0x4020, 0, 9]


@in_time
def test_nothing_is_written_over_a_gateway_that_is_one_answer_behind():
    """Its second answer to a read is the first one's; what became of a write nobody would know."""

    async def go() -> list[int]:
        async with one_behind("new") as (link, codes):
            line = await open_line(link, 2)
            assert (await line.read(1, 3, 0, 1, timeout=0.4, tries=2)).registers == (0,)
            with pytest.raises(NotConnected, match="nothing was sent"):
                await write_register(line, 1, 0, 7, timeout=0.4)
            line.close()
            return codes

    assert 6 not in asyncio.run(go())
