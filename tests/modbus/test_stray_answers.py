"""Late answers that come under another unit's number: never booked as that one's."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from time import monotonic

import pytest

from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.line.framing import HEADER, rtu_frame, tcp_frame, tcp_head
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.memory import Memory
from cityctl.modbus.run import asking_all
from tests.timing import in_time

POINTS = {
    f"p{at}_{word}": DevicePoint(f"p{at}_{word}", at + word, "uint16", 1, 3)
    for at in (0, 10, 20)
    for word in range(4)
}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)
TIMEOUT = 0.2  # s


class Newest(asyncio.Protocol):
    """A gateway that sends what comes from its bus as the answer to the newest request, whoever said it.

    Units answer in order. `late`: how many requests have come when unit 1 gives its first answers, one at a time,
    and `after`: not before so long (s) after the last request to it; it gives its other ones at once, and the others
    take `takes` (s). `says` answers a PDU.
    """

    def __init__(
        self,
        kind: str,
        says: Callable[[int, bytes], bytes | None],
        late: Sequence[int] = (),
        *,
        after: float = 0.0,
        takes: float = 0.02,
    ) -> None:
        self.rtu = kind == "rtu-tcp"
        self.says, self.late, self.after, self.takes = says, deque(late), after, takes
        self.requests = 0
        self.of_first: deque[bytes] = deque()  # answers of unit 1 that are still to come
        self.first_asked = 0.0
        self.answered: dict[int, float] = {}
        self.soonest = inf  # s from a unit's answer to the next request to it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        number, unit = (0, data[0]) if self.rtu else (tcp_head(data)[0], tcp_head(data)[3])
        self.newest, self.requests = (number, unit), self.requests + 1
        self.soonest = min(self.soonest, monotonic() - self.answered.get(unit, -inf))
        said = self.says(unit, data[1:-2] if self.rtu else data[HEADER:])
        if unit == 1:
            self.first_asked = monotonic()
            self.of_first.extend([said] if said is not None else [])
        elif said is not None:
            asyncio.get_running_loop().call_later(self.takes, self.send, said)
        while self.of_first and not (self.late and self.is_early()):
            self.send(self.of_first.popleft())
            if self.late:
                self.late.popleft()
                break

    def is_early(self) -> bool:
        return self.requests < self.late[0] or monotonic() - self.first_asked < self.after

    def send(self, said: bytes) -> None:
        number, unit = self.newest
        self.answered[unit] = monotonic()
        frame = rtu_frame(unit, said) if self.rtu else tcp_frame(number, unit, said)
        self.transport.write(frame)  # type: ignore[attr-defined]  # a stream's


def held(unit: int, pdu: bytes) -> bytes:
    """Every register holds a number of its own."""
    if pdu[0] == 8:
        return pdu
    at, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    words = b"".join((1000 * unit + at + word).to_bytes(2, "big") for word in range(count))
    return bytes((3, len(words))) + words


def polled(gateway: Newest, *, runs: int = 2) -> list[list[Answer]]:
    kind = "rtu-tcp" if gateway.rtu else "tcp"

    async def go() -> list[list[Answer]]:
        door = await asyncio.get_running_loop().create_server(lambda: gateway, "127.0.0.1", 0)
        port = door.sockets[0].getsockname()[1]
        targets = [
            Target(f"m{unit}", "127.0.0.1", port, unit, CONNECTOR, tuple(POINTS), TIMEOUT, transport=kind)  # type: ignore[arg-type]
            for unit in (1, 2, 3)
        ]
        answers = [await asking_all(targets) for _ in range(runs)]
        door.close()
        return answers

    return asyncio.run(go())


def wrong(answer: Answer) -> list[str]:
    return [
        name
        for name, value in answer.values.items()
        if value.value != 1000 * answer.target.unit + POINTS[name].address
    ]


@pytest.mark.parametrize("kind", ["tcp", "rtu-tcp"])
@pytest.mark.parametrize("late", [(2, 3), (3, 4), (3, 6), (4, 5), (5, 7), (7, 12)])
@in_time
def test_a_late_answer_under_the_newest_number_and_unit_is_not_the_newest_units(kind, late):
    """Unit 1 is asked twice; its answers come at the second try, and while the second and the third unit are asked."""
    gateway = Newest(kind, held, late)
    first, second = polled(gateway)
    assert not gateway.late
    assert not any(wrong(answer) for answer in first + second)
    assert [answer.had for answer in second] == [12, 12, 12]


@pytest.mark.parametrize("kind", ["tcp", "rtu-tcp"])
@in_time
def test_an_answer_that_comes_two_timeouts_late_is_not_the_newest_units(kind):
    """The lines are kept busy for as long by units that take a while; the first run is over soon after."""
    gateway = Newest(kind, held, (3, 3), after=1.7 * TIMEOUT, takes=0.03)
    first, second = polled(gateway)
    assert not gateway.late
    assert not any(wrong(answer) for answer in first + second)
    assert [answer.had for answer in second] == [12, 12, 12]


@pytest.mark.parametrize("kind", ["tcp", "rtu-tcp"])
@pytest.mark.parametrize("mute", [False, True])
@in_time
def test_beside_a_dead_unit_devices_are_read_that_confirm_nothing(kind, mute):
    """They refuse reads that end within a value, and do not know the echo: nothing of it makes them suspect."""

    def whole_values(unit: int, pdu: bytes) -> bytes | None:
        if unit == 1 or (pdu[0] == 8 and mute):
            return None
        if pdu[0] == 8:
            return b"\x88\x01"
        return held(unit, pdu) if pdu[4] == 4 else b"\x83\x02"

    for answers in polled(Newest(kind, whole_values)):
        assert not any(wrong(answer) for answer in answers)
        assert [answer.had for answer in answers] == [0, 12, 12]


@in_time
def test_what_confirms_an_answer_keeps_the_pause_and_is_no_part_of_the_round_trip():
    """Units 2 and 3 answer after 20 ms and want 50 ms of rest; unit 1 is dead, so that both are confirmed."""
    resting, memory = replace(CONNECTOR, pause=0.05), Memory()
    asked = 0

    def dead(unit: int, pdu: bytes) -> bytes | None:
        nonlocal asked
        asked += unit != 1
        return held(unit, pdu) if unit != 1 else None

    gateway = Newest("tcp", dead)

    async def go() -> list[float | None]:
        door = await asyncio.get_running_loop().create_server(lambda: gateway, "127.0.0.1", 0)
        port = door.sockets[0].getsockname()[1]
        targets = [
            Target(f"m{unit}", "127.0.0.1", port, unit, resting, tuple(POINTS), TIMEOUT) for unit in (1, 2, 3)
        ]
        await asking_all(targets, memory=memory)
        door.close()
        return [memory.known(each).round_trip for each in targets[1:]]

    trips = asyncio.run(go())
    assert asked > 6  # three blocks of each, and what confirms them
    assert gateway.soonest >= 0.045  # the clock of the loop goes by milliseconds
    assert all(trip is not None and trip < 0.04 for trip in trips)
