"""Several devices behind one line: strict order, turns, connections that break."""

from __future__ import annotations

import asyncio
import contextlib

from cityctl.modbus.ask import Answer
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.pretended.wire import Request, Server
from cityctl.modbus.run import asking_all
from tests.modbus.one_meter import LIVE, POINTS, bank, target, values
from tests.timing import in_time


@in_time
def test_behind_one_gateway_the_order_is_strict_and_an_absent_unit_is_named():
    order: list[int] = []
    open_now = 0

    async def one_at_a_time(request: Request) -> None:
        nonlocal open_now
        open_now += 1
        assert open_now == 1
        order.append(request.unit)
        await asyncio.sleep(0.001)
        open_now -= 1

    async def go() -> list[Answer]:
        async with Server({1: bank(), 3: bank()}, hook=one_at_a_time) as server:
            return await asking_all([target(server.port, unit=u, device=f"m{u}") for u in (1, 2, 3)])

    first, absent, third = asyncio.run(go())
    # A block of each in turn; who is said to be away is asked twice. What the others give meanwhile is confirmed.
    assert order == [1, 2, 3, 3, 1, 3, 2]
    assert values(first) == values(third) == LIVE
    assert absent.reason == "TCP connect ok; unit 2: exception 11 (gateway target does not answer)"


@in_time
def test_nobody_listening_is_found_out_once_for_all_units(closed_port):
    answers = asyncio.run(asking_all([target(closed_port, unit=u, device=f"m{u}") for u in range(1, 30)]))
    assert {answer.reason for answer in answers} == {"TCP connect refused: nothing listens on that port"}
    assert sum(answer.seconds for answer in answers) < 1


def test_a_peer_that_closes_is_asked_again_over_a_new_connection():
    async def go() -> Answer:
        async with Server({1: bank()}) as real:
            count = 0

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                nonlocal count
                count += 1
                request = await reader.readexactly(12)
                while count > 1:
                    up, down = await asyncio.open_connection("127.0.0.1", real.port)
                    down.write(request)
                    header = await up.readexactly(6)
                    writer.write(header + await up.readexactly(int.from_bytes(header[4:6], "big")))
                    down.close()
                    with contextlib.suppress(asyncio.IncompleteReadError):
                        request = await reader.readexactly(12)
                        continue
                    break
                writer.close()

            front = await asyncio.start_server(relay, "127.0.0.1", 0)
            (answer,) = await asking_all([target(front.sockets[0].getsockname()[1])])
            front.close()
            return answer

    answer = asyncio.run(go())
    assert values(answer) == LIVE
    assert any("the device closed the connection" in line for line in answer.tried)


def test_a_device_that_allows_one_connection_is_asked_over_one():
    """A second connection while the first is open is closed at once, as such devices do."""

    async def go() -> tuple[list[Answer], int]:
        open_now = most = 0
        async with Server({1: bank(), 2: bank(), 3: bank()}) as real:

            async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                nonlocal open_now, most
                open_now += 1
                most = max(most, open_now)
                if open_now == 1:
                    up, down = await asyncio.open_connection("127.0.0.1", real.port)
                    while data := await reader.read(300):
                        down.write(data)
                        writer.write(await up.read(300))
                    down.close()
                open_now -= 1
                writer.close()

            server = await asyncio.start_server(front, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            answers = await asking_all([target(port, unit=u, device=f"m{u}") for u in (1, 2, 3)])
            server.close()
        return answers, most

    answers, most = asyncio.run(go())
    assert most == 1
    assert not any(answer.failures for answer in answers)


@in_time
def test_a_pause_of_one_device_is_the_others_turn():
    """Behind one gateway: while one device must not be asked yet, the other one is."""
    slow = DeviceConnector("c", "v", "m", "controller", POINTS, pause=0.2)
    order: list[int] = []

    async def noted(request: Request) -> None:
        order.append(request.unit)

    async def go() -> None:
        async with Server({1: bank(slow), 2: bank()}, hook=noted) as server:
            chosen = [
                target(server.port, unit=1, device="slow", connector=slow),
                target(server.port, unit=2, device="quick"),
            ]
            for answer in await asking_all(chosen):
                assert values(answer) == LIVE

    asyncio.run(go())
    assert order == [1, 2, 2, 1]
