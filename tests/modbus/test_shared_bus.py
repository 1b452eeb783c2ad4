"""An answer that comes late from the bus behind a gateway is never taken for another request's.

A new connection does not help against a serial server, and a transaction number not against a gateway that gives late
answers the newest one.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections import Counter
from contextlib import suppress

import pytest

from cityctl.modbus.alone import LOCKS, Alone
from cityctl.modbus.ask import Target
from cityctl.modbus.line import Link, open_line
from cityctl.modbus.line.faults import Silent
from cityctl.modbus.line.owed import _LEFT
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.memory import Memory
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.run import asking_all
from tests.modbus.shared_bus import SharedBus

BLOCKS = [10 * block for block in range(6)]
POINTS = {
    f"p{address}": DevicePoint(f"p{address}", address, "uint16", 1, 3)
    for block in BLOCKS
    for address in range(block, block + 4)  # all requests alike but for their address
}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)
KINDS = pytest.mark.parametrize("kind", ["rtu-tcp", "tcp"])


async def booked(bus: SharedBus, kind: str, *, runs: int, units: tuple[int, ...]) -> Counter[str]:
    """How many values of some polls were right, wrong and missing."""
    found: Counter[str] = Counter()
    memory = Memory()
    async with bus as port:
        devices = [
            Target(str(unit), "127.0.0.1", port, unit, CONNECTOR, tuple(POINTS), timeout=0.3, transport=kind)  # type: ignore[arg-type]
            for unit in units
        ]
        for _ in range(runs):
            for answer in await asking_all(devices, memory=memory):
                for name, value in answer.values.items():
                    wanted = 1000 * answer.target.unit + POINTS[name].address
                    found["right" if value.value == wanted else "wrong"] += 1
                found["missing"] += answer.wanted - answer.had
    return found


@KINDS
def test_slow_answers_are_never_those_of_another_request(kind):
    chance = random.Random(7)
    bus = SharedBus(lambda _: 0.2 if chance.random() < 0.15 else 0.001, transparent=kind == "rtu-tcp")
    found = asyncio.run(booked(bus, kind, runs=5, units=(1, 2)))
    assert found["wrong"] == 0
    assert found["right"] > found["missing"]


def test_a_unit_that_needs_longer_than_half_its_timeout_is_read_whole_and_then_asked_once():
    bus = SharedBus(lambda _: 0.18, transparent=True)
    found = asyncio.run(booked(bus, "rtu-tcp", runs=1, units=(1,)))
    assert found == {"right": len(POINTS), "missing": 0}
    assert bus.asked == len(BLOCKS) + 2  # the first one twice, and an echo behind it


@KINDS
def test_the_next_connection_of_a_process_knows_what_is_owed(kind):
    """As a runbook looks: each time over a connection of its own."""

    async def go() -> tuple[int, ...]:
        bus = SharedBus(lambda request: 0.3 if request == 1 else 0.001, transparent=kind == "rtu-tcp")
        async with bus as port:
            link = Link("127.0.0.1", port, kind)  # type: ignore[arg-type]
            line = await open_line(link, 5)
            with pytest.raises(Silent):
                await line.read(1, 3, 100, 1, timeout=0.1)
            line.close()
            line = await open_line(link, 5)
            frame = await line.read(1, 3, 200, 1, timeout=2)
            line.close()
            return frame.registers

    assert asyncio.run(go()) == (1200,)


@KINDS
def test_another_process_knows_what_the_last_one_left_owing(kind, tmp_path):
    """Each gives up within 0.15 s; what it left lies beside the line's lock until it is settled."""
    left = tmp_path / LOCKS

    async def go() -> list[tuple[object, str]]:
        bus = SharedBus(lambda request: 0.5 if request == 1 else 0.001, transparent=kind == "rtu-tcp")
        seen = []
        async with bus as port:
            for name, timeout in (("p0", 0.15), ("p10", 2.0)):
                place = ("127.0.0.1", port, 1, CONNECTOR, (name,))
                one = Target("d", *place, timeout=timeout, tries=1, transport=kind)  # type: ignore[arg-type]
                (answer,) = await asking_all([one], alone=Alone.looking(tmp_path, "cityctl read"))
                _LEFT.clear()  # as where the process ends
                value = answer.values[name].value if name in answer.values else None
                seen.append((value, "".join(each.read_text() for each in left.glob("*.owed"))))
        return seen

    (first, debts), (second, settled) = asyncio.run(go())
    assert first is None
    assert "0300000001" in debts
    assert second == 1010
    assert "0300000001" not in settled  # an echo may be owed still, which is nothing's answer


@pytest.mark.parametrize(
    "text", ["", "[", "{}", "7", '[{"unit": 1}]', '[{"unit": 1, "since": "x"}]', "[null]"]
)
def test_debts_that_cannot_be_read_are_as_none(text, tmp_path):
    async def go() -> object:
        async with SharedBus(lambda _: 0.001, transparent=True) as port:
            one = Target("d", "127.0.0.1", port, 1, CONNECTOR, ("p0",), transport="rtu-tcp")
            alone = Alone(tmp_path, "cityctl poll")
            await asking_all([one], alone=alone)
            (lock,) = tmp_path.glob("line-*.lock")
            lock.with_suffix(".owed").write_text(text)
            (answer,) = await asking_all([one], alone=alone)
            return answer.values["p0"].value

    assert asyncio.run(go()) == 1000


def test_a_device_that_numbers_its_answers_is_asked_the_same_again_without_an_echo():
    async def go() -> int:
        bus = SharedBus(lambda request: 0.2 if request == 1 else 0.001, transparent=False)
        async with bus as port:
            link = Link("127.0.0.1", port)
            for timeout in (0.1, 2.0):
                line = await open_line(link, 5)
                try:
                    await line.read(1, 3, 100, 1, timeout=timeout)
                except Silent:
                    assert timeout == 0.1
                line.close()
        return bus.asked

    assert asyncio.run(go()) <= 2


def test_a_gateway_that_is_one_answer_behind_is_found_out():
    """It gives the first answer twice, and from then on the one before, each under the number of the request."""
    before: list[bytes] = []

    def late(frame: bytes) -> bytes:
        before.append(frame[7:])
        told = before[-2] if len(before) > 1 else before[-1]
        return frame[:4] + struct.pack(">H", len(told) + 1) + frame[6:7] + told

    async def go() -> Counter[str]:
        bank = Bank.from_connector(CONNECTOR, lambda name: float(name[1:]))
        found: Counter[str] = Counter()
        async with Server({1: bank}, rewrite=late) as server:
            device = Target("d", "127.0.0.1", server.port, 1, CONNECTOR, tuple(POINTS), timeout=0.3)
            (answer,) = await asking_all([device])
        for name, value in answer.values.items():
            found["right" if value.value == POINTS[name].address else "wrong"] += 1
        return found

    assert asyncio.run(go())["wrong"] == 0


def test_a_device_that_closes_after_each_answer_owes_nothing():
    connections = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            number, _, _, unit, code, address, count = struct.unpack(">HHHBBHH", await reader.readexactly(12))
            assert code == 3  # no echo
            words = struct.pack(f">{count}H", *range(address, address + count))
            writer.write(struct.pack(">HHHBBB", number, 0, len(words) + 3, unit, code, len(words)) + words)
        writer.close()

    async def go() -> dict[str, object]:
        async with await asyncio.start_server(once, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            (answer,) = await asking_all([Target("d", "127.0.0.1", port, 1, CONNECTOR, tuple(POINTS))])
        return {name: value.value for name, value in answer.values.items()}

    assert asyncio.run(go()) == {name: point.address for name, point in POINTS.items()}
    assert connections >= len(BLOCKS)
