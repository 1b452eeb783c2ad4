"""The wire against a peer that misbehaves: no wrong frame is ever taken for an answer."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.modbus.line import open_tcp
from cityctl.modbus.line.faults import BadAnswer, Closed, ExceptionAnswer, Fault, NotConnected, Silent
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Request, Server, Silence
from tests.timing import in_time

POINTS = {
    "flow": DevicePoint("flow", 10, "float32", 2, 3),
    "total": DevicePoint("total", 12, "uint32", 2, 3),
    "level": DevicePoint("level", 0, "uint16", 1, 4),
    "pump": DevicePoint("pump", 5, "bool", 1, 1),
    "valve": DevicePoint("valve", 6, "bool", 1, 1),
    "door": DevicePoint("door", 3, "bool", 1, 2),
}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)
LIVE = {"flow": 1.5, "total": 70000.0, "level": 7.0, "pump": 1.0, "valve": 0.0, "door": 1.0}


def bank() -> Bank:
    return Bank.from_connector(CONNECTOR, LIVE.__getitem__)


@contextlib.asynccontextmanager
async def peer(answer: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """A server of raw bytes: what `answer` makes of each request is sent as it is; b"" closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                said = answer(await reader.readexactly(12))
                if not said:
                    break
                writer.write(said)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def good(request: bytes, registers: list[int]) -> bytes:
    body = struct.pack(f">BB{len(registers)}H", request[7], 2 * len(registers), *registers)
    return request[:4] + struct.pack(">HB", len(body) + 1, request[6]) + body


async def asked(answer: Callable[[bytes], bytes], *, count: int = 2, timeout: float = 30) -> tuple[int, ...]:
    async with peer(answer) as port:
        line = await open_tcp("127.0.0.1", port, 1)
        try:
            return (await line.read(1, 3, 10, count, timeout=timeout)).registers
        finally:
            line.close()


def test_all_four_tables_are_served_and_read():
    async def go() -> None:
        async with Server({1: bank()}) as server:
            line = await open_tcp("127.0.0.1", server.port, 1)
            # 1.5 is 3FC00000, 70000 is 0x00011170
            assert (await line.read(1, 3, 10, 4, timeout=5)).registers == (0x3FC0, 0, 1, 0x1170)
            assert (await line.read(1, 4, 0, 1, timeout=5)).registers == (7,)
            assert (await line.read(1, 1, 5, 2, timeout=5)).registers == (1, 0)
            assert (await line.read(1, 2, 3, 1, timeout=5)).registers == (1,)
            line.close()

    asyncio.run(go())


@pytest.mark.parametrize(
    ("unit", "code", "address", "count", "said"),
    [
        (1, 3, 9, 3, "illegal address"),
        (1, 3, 100, 1, "illegal address"),
        (7, 3, 10, 2, "gateway target does not answer"),
    ],
)
def test_exceptions_are_named(unit, code, address, count, said):
    async def go() -> None:
        async with Server({1: bank()}) as server:
            line = await open_tcp("127.0.0.1", server.port, 1)
            with pytest.raises(ExceptionAnswer, match=said):
                await line.read(unit, code, address, count, timeout=5)
            line.close()

    asyncio.run(go())


def test_writes_are_refused():
    async def go() -> bytes:
        async with Server({1: bank()}) as server:
            # write single register 10 = 1
            return await exchange(server.port, struct.pack(">HHHBBHH", 9, 0, 6, 1, 6, 10, 1), 9)

    # transaction 9, unit 1, function 6 with the error bit, exception 1 (illegal function)
    assert asyncio.run(go()) == struct.pack(">HHHBBB", 9, 0, 3, 1, 0x86, 1)


def test_a_short_answer_is_refused():
    with pytest.raises(BadAnswer, match="holds 2 bytes and says 2, 4 were asked for"):
        asyncio.run(asked(lambda request: good(request, [1])))


def test_a_long_answer_is_refused():
    with pytest.raises(BadAnswer, match="holds 6 bytes"):
        asyncio.run(asked(lambda request: good(request, [1, 2, 3])))


def test_a_byte_count_that_lies_is_refused():
    def lying(request: bytes) -> bytes:
        return good(request, [1, 2])[:8] + b"\x02" + good(request, [1, 2])[9:]

    with pytest.raises(BadAnswer, match="holds 4 bytes and says 2"):
        asyncio.run(asked(lying))


def test_another_units_answer_is_refused():
    with pytest.raises(BadAnswer, match="unit 2 answered a request to unit 1"):
        asyncio.run(asked(lambda request: good(request, [1, 2])[:6] + b"\x02" + good(request, [1, 2])[7:]))


def test_another_functions_answer_is_refused():
    with pytest.raises(BadAnswer, match="function code 4 answered a request for 3"):
        asyncio.run(asked(lambda request: good(request, [1, 2])[:7] + b"\x04" + good(request, [1, 2])[8:]))


def test_another_transactions_answer_is_never_taken():
    with pytest.raises(Silent):
        asyncio.run(asked(lambda request: b"\x77\x77" + good(request, [1, 2])[2:], timeout=0.3))


def test_garbage_is_refused_at_once():
    begun = monotonic()
    with pytest.raises(BadAnswer, match="no Modbus/TCP frame"):
        asyncio.run(asked(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert monotonic() - begun < 10


def test_a_closing_peer_is_noticed_at_once():
    begun = monotonic()
    with pytest.raises(Closed, match="closed the connection"):
        asyncio.run(asked(lambda _: b""))
    assert monotonic() - begun < 10


@settings(max_examples=150)
@given(frame=st.binary(min_size=7, max_size=40), place=st.integers(2, 12), flip=st.integers(1, 255))
def test_a_spoilt_frame_never_brings_a_value_of_the_wrong_shape(frame, place, flip):
    """Any byte of the head changed, or any bytes at all: two registers come, or a Fault, never anything else."""

    async def go(answer: Callable[[bytes], bytes]) -> None:
        with contextlib.suppress(Fault):
            assert len(await asked(answer, timeout=0.02)) == 2

    def spoilt(request: bytes) -> bytes:
        said = bytearray(good(request, [1, 2]))
        said[place] ^= flip
        return bytes(said)

    asyncio.run(go(spoilt))
    asyncio.run(go(lambda _: frame))


@in_time
def test_a_late_answer_is_not_the_next_ones():
    """The first answer comes while the second request waits: the second still gets its own registers."""

    async def slow_first(request: Request) -> None:
        if request.address == 10:
            await asyncio.sleep(0.2)

    async def go() -> tuple[tuple[int, ...], int]:
        async with Server({1: bank()}, hook=slow_first) as server:
            line = await open_tcp("127.0.0.1", server.port, 1)
            with pytest.raises(Silent):
                await line.read(1, 3, 10, 2, timeout=0.1)
            registers = (await line.read(1, 3, 12, 2, timeout=5)).registers
            await asyncio.sleep(0.2)
            late = line.late
            line.close()
            return registers, late

    assert asyncio.run(go()) == ((1, 0x1170), 1)


@in_time
def test_an_answer_to_the_first_try_counts_during_the_second():
    async def slow(_: Request) -> None:
        await asyncio.sleep(0.25)

    async def go() -> None:
        async with Server({1: bank()}, hook=slow) as server:
            line = await open_tcp("127.0.0.1", server.port, 1)
            begun = monotonic()
            assert (await line.read(1, 3, 12, 2, timeout=0.4, tries=2)).registers == (1, 0x1170)
            assert monotonic() - begun < 0.35
            line.close()

    asyncio.run(go())


@in_time
def test_silence_lasts_one_timeout():
    async def silent(_: Request) -> None:
        raise Silence

    async def go() -> float:
        async with Server({1: bank()}, hook=silent) as server:
            line = await open_tcp("127.0.0.1", server.port, 1)
            begun = monotonic()
            with pytest.raises(Silent, match=r"no answer within 0\.3 s"):
                await line.read(1, 3, 10, 2, timeout=0.3, tries=3)
            line.close()
            assert server.requests == 3
            return monotonic() - begun

    assert 0.28 < asyncio.run(go()) < 0.6


def test_a_refused_connection_is_told_from_silence():
    async def go() -> None:
        server = Server({1: bank()})
        port = await server.start()
        await server.stop()
        with pytest.raises(NotConnected, match="refused"):
            await open_tcp("127.0.0.1", port, 5)

    asyncio.run(go())


def test_a_name_that_does_not_resolve_is_named():
    with pytest.raises(NotConnected, match="TCP connect failed"):
        asyncio.run(open_tcp("no-such-host.invalid", 502, 5))


async def exchange(port: int, request: bytes, size: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.readexactly(size), 30)
    writer.close()
    return answer


def test_an_unknown_function_is_refused_by_its_number():
    async def go() -> bytes:
        async with Server({1: bank()}) as server:
            return await exchange(server.port, struct.pack(">HHHBBHH", 9, 0, 6, 1, 0x41, 10, 1), 9)

    assert asyncio.run(go()) == struct.pack(">HHHBBB", 9, 0, 3, 1, 0xC1, 1)


def test_a_live_value_that_fails_is_a_device_failure_and_is_told():
    told: list[str] = []

    def failing(name: str) -> float:
        raise KeyError(name)

    async def go() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
        async with Server({1: Bank.from_connector(CONNECTOR, failing)}) as server:
            line = await open_tcp("127.0.0.1", server.port, 1)
            with pytest.raises(ExceptionAnswer, match="device failure"):
                await line.read(1, 3, 10, 2, timeout=5)
            line.close()

    asyncio.run(go())
    assert told == ["a request to unit 1 failed"]


def test_a_port_in_use_is_said(capfd):
    async def go() -> None:
        async with Server({1: bank()}) as server:
            with pytest.raises(NotConnected, match="port is in use"):
                await Server({1: bank()}, port=server.port).start()

    asyncio.run(go())
    assert capfd.readouterr().err == ""  # pymodbus' own log stays out of the terminal


def test_a_stopped_server_frees_its_port_and_its_connections():
    async def go() -> None:
        server = Server({1: bank()})
        port = await server.start()
        line = await open_tcp("127.0.0.1", port, 1)
        await server.stop()
        with pytest.raises(Closed):
            await line.read(1, 3, 10, 2, timeout=5)
        again = Server({1: bank()}, port=port)
        assert await again.start() == port
        await again.stop()

    asyncio.run(go())
