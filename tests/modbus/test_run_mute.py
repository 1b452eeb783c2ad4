"""Devices that say nothing to a request that they do not know, or hang up: what else they have comes all the same."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from cityctl.modbus.ask import Answer
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.memory import Memory
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Request, Server, Silence
from cityctl.modbus.run import asking_all
from tests.modbus.one_meter import target, values
from tests.timing import in_time

TIMEOUT = 0.2
FAR = {
    name: DevicePoint(name, at, "uint16", 1, 3) for name, at in zip("abcd", (0, 300, 600, 900), strict=True)
}
NEAR = {f"n{at}": DevicePoint(f"n{at}", at, "uint16", 1, 3) for at in (0, 1, 2, 3, 10, 11)}


def polled(
    points: dict[str, DevicePoint], mute: set[int], runs: int, path: object = None, gap: int = 0
) -> list[Answer]:
    """Some polls of a device that says nothing to a read that holds one of the `mute` addresses."""
    connector = DeviceConnector("c", "v", "m", "controller", points, gap=gap)
    memory = Memory(path)  # type: ignore[arg-type]  # a path or None

    async def knows(request: Request) -> None:
        if mute & set(range(request.address, request.address + request.count)):
            raise Silence

    async def go() -> list[Answer]:
        bank = Bank.from_connector(connector, lambda name: 1000.0 + points[name].address)
        async with Server({1: bank}, hook=knows) as server:
            asked = target(server.port, connector=connector, points=tuple(points), timeout=TIMEOUT)
            return [(await asking_all([asked], memory=memory))[0] for _ in range(runs)]

    return asyncio.run(go())


@pytest.mark.parametrize(("mute", "first"), [({0}, ""), ({300}, "acd"), ({900}, "abc"), ({0, 600}, "")])
@in_time
def test_a_request_without_an_answer_costs_no_other(mute, first):
    """Nothing is known in the first run: a device that says nothing at first is given up after one timeout."""
    lost = {name for name, point in FAR.items() if point.address in mute}
    for number, answer in enumerate(polled(FAR, mute, 3)):
        assert set(answer.values) == (set(first) if not number else set(FAR) - lost)
        assert {name for failure in answer.failures for name in failure.points} == set(FAR) - set(
            answer.values
        )
        assert all(value == 1000.0 + FAR[name].address for name, value in values(answer).items())


@in_time
def test_a_device_that_falls_silent_is_given_up_after_two_timeouts():
    (answer,) = polled(FAR, {300, 600, 900}, 1)
    assert (set(answer.values), answer.requests) == ({"a"}, 3)
    assert [(failure.points, failure.reason) for failure in answer.failures] == [
        (("b",), "function 3, addresses 300 to 300: no answer within 0.2 s"),
        (("c", "d"), "TCP connect ok; unit 1 silent"),
    ]


@pytest.mark.parametrize("mute", [3, 5])
@in_time
def test_the_one_register_that_is_not_known_is_found_in_some_runs(mute):
    """A point of the map, or a register between two points that one read reaches across; another block answers."""
    points = {**NEAR, "far": DevicePoint("far", 300, "uint16", 1, 3)}
    *_, last = polled(points, {mute}, 8)
    assert set(points) - set(last.values) == ({"n3"} if mute == 3 else set())


@pytest.mark.parametrize(("mute", "left"), [({3}, {"n3"}), ({0}, {"n0"}), ({0, 2, 11}, {"n0", "n2", "n11"})])
@in_time
def test_a_device_of_one_request_that_is_too_much_for_it_gives_the_rest_in_some_runs(mute, left):
    """It says nothing to all that holds an address that it does not know; one run after another asks it for less."""
    *_, before, last = polled(NEAR, mute, 14, gap=9)
    assert set(NEAR) - set(before.values) == set(NEAR) - set(last.values) == left
    assert values(last) == {name: 1000.0 + NEAR[name].address for name in NEAR if name not in left}


@in_time
def test_a_device_of_one_request_that_was_away_is_asked_it_whole_again():
    runs: list[int] = []

    async def go() -> list[Answer]:
        connector = DeviceConnector("c", "v", "m", "controller", NEAR, gap=9)
        memory, found = Memory(), []

        async def away(request: Request) -> None:
            runs.append(request.count)
            if len(found) < 2:
                raise Silence

        async with Server({1: Bank.from_connector(connector, lambda _: 1.0)}, hook=away) as server:
            asked = target(server.port, connector=connector, points=tuple(NEAR), timeout=TIMEOUT)
            for _ in range(5):
                found += await asking_all([asked], memory=memory)
        return found

    found = asyncio.run(go())
    assert [len(answer.values) for answer in found] == [0, 0, 6, 6, 6]
    assert [answer.requests for answer in found[3:]] == [1, 1]


@in_time
def test_what_was_not_answered_is_kept_for_the_next_process_and_forgotten_where_it_is(tmp_path):
    memory = tmp_path / "devices.json"
    connector = DeviceConnector("c", "v", "m", "controller", FAR)
    mute = True
    asked: list[int] = []

    async def knows(request: Request) -> None:
        asked.append(request.address)
        if mute and request.address == 0:
            raise Silence

    async def go() -> None:
        nonlocal mute
        bank = Bank.from_connector(connector, lambda name: 1000.0 + FAR[name].address)
        async with Server({1: bank}, hook=knows) as server:
            for number in range(4):
                known = Memory.load(tmp_path)
                place = target(server.port, connector=connector, points=tuple(FAR), timeout=TIMEOUT)
                await asking_all([place], memory=known)
                known.save()
                mute = number < 1

    asyncio.run(go())
    assert memory.is_file()
    assert [address for address in asked if address] == [300, 600, 900] * 3
    assert asked[-4:] == [0, 300, 600, 900]  # in its order again
    assert asked[-8:-4] == [300, 600, 900, 0]


def test_a_device_that_hangs_up_on_a_request_is_asked_the_others_in_the_next_run():
    """By a raw socket: it resets the connection where address 0 is asked for."""
    connector = DeviceConnector("c", "v", "m", "controller", FAR)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readexactly(7):
                pdu = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                address = int.from_bytes(pdu[1:3], "big")
                if address == 0:
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    break
                said = bytes((3, 2)) + (1000 + address).to_bytes(2, "big")
                writer.write(head[:4] + (1 + len(said)).to_bytes(2, "big") + head[6:] + said)
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    async def go() -> list[Answer]:
        memory = Memory()
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            asked = target(port, connector=connector, points=tuple(FAR), timeout=5)
            return [(await asking_all([asked], memory=memory))[0] for _ in range(3)]

    first, *others = asyncio.run(go())
    assert first.is_dead
    for answer in others:
        assert values(answer) == {"b": 1300.0, "c": 1600.0, "d": 1900.0}
        assert answer.failures[0].where == "function 3, addresses 0 to 0"


@pytest.mark.parametrize("quiet", [{900}, {300, 900}, {300, 600, 900}])
@in_time
def test_what_a_device_gives_that_says_nothing_of_who_it_is_is_not_taken(quiet):
    """The connector requires the point at 900: where that alone is not answered, and where it is not asked any more."""
    connector = DeviceConnector("c", "v", "m", "controller", FAR, identify=("d", 103, True))

    async def knows(request: Request) -> None:
        if request.address in quiet:
            raise Silence

    async def go() -> Answer:
        async with Server({1: Bank.from_connector(connector, lambda _: 1.0)}, hook=knows) as server:
            asked = target(server.port, connector=connector, points=("a", "b", "c"), timeout=TIMEOUT)
            return (await asking_all([asked]))[0]

    answer = asyncio.run(go())
    assert answer.is_dead
    assert answer.reason == "d is not readable, not 103: this is no c"
