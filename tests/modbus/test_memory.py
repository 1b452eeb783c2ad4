"""What runs learn of devices, keep on disk and use: refused addresses, silence, round trips."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.line import SerialSettings
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.memory import FILE_NAME, OPEN_AFTER, Known, Memory
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Hook, Outgoing, Request, Server, Silence
from cityctl.modbus.run import asking_all
from tests.timing import in_time

POINTS = {f"p{at}": DevicePoint(f"p{at}", at, "uint16", 1, 3) for at in (0, 1, 2, 3, 8, 9)}
BRIDGING = DeviceConnector("c", "v", "m", "controller", POINTS, gap=8)


def target(port: int, unit: int = 1, **fields: object) -> Target:
    given = {"connector": BRIDGING, "points": tuple(POINTS), "timeout": 5.0, **fields}
    return Target(f"m{unit}", "127.0.0.1", port, unit, **given)  # type: ignore[arg-type]


def refusing(*holes: int, code: int = 2) -> Callable[[Request], bool]:
    return lambda request: any(request.address <= at < request.address + request.count for at in holes)


def runs(
    folder: Path, refuses: Callable[[Request], bool], times: int, code: int = 2
) -> list[list[tuple[int, int]]]:
    """The (address, count) of each run's requests, with what is learnt kept on disk between them."""

    async def go() -> list[list[tuple[int, int]]]:
        seen: list[tuple[int, int]] = []

        async def hook(request: Request) -> int | None:
            seen.append((request.address, request.count))
            return code if refuses(request) else None

        bank = Bank.from_connector(BRIDGING, lambda name: float(name[1:]))
        found = []
        async with Server({1: bank}, hook=hook) as server:
            for _ in range(times):
                seen.clear()
                memory = Memory.load(folder)
                await asking_all([target(server.port)], memory=memory)
                memory.save()
                found.append(list(seen))
        return found

    return asyncio.run(go())


def test_a_refused_gap_is_not_bridged_again(tmp_path):
    first, second = runs(tmp_path, refusing(5), 2)
    assert first == [(0, 10), (0, 4), (8, 2)]
    assert second == [(0, 4), (8, 2)]
    told = json.loads((tmp_path / FILE_NAME).read_text())
    assert told["devices"]["m1"]["cuts"] == [[3, 8]]


def test_a_refused_point_is_asked_alone(tmp_path):
    """Register 2 is refused: from the second run on it costs one request, and spoils no other's."""
    first, second, third = runs(tmp_path, refusing(2), 3)
    assert len(first) > 4
    assert second == third == [(0, 2), (2, 1), (3, 7)]


def test_a_device_that_allows_less_than_its_map_says_is_learnt(tmp_path):
    first, second = runs(tmp_path, lambda request: request.count > 4, 2, code=3)
    assert (0, 10) in first
    assert all(count <= 4 for _, count in second)
    assert sum(count for _, count in second) == 6


def test_a_device_failure_teaches_nothing(tmp_path):
    _, second = runs(tmp_path, refusing(5), 2, code=4)
    assert second[0] == (0, 10)


def test_a_device_elsewhere_begins_anew(tmp_path):
    runs(tmp_path, refusing(5), 1)
    memory = Memory.load(tmp_path)
    assert not memory.known(target(1)).cuts


@pytest.mark.parametrize(
    "text", ["", "{", '{"devices": {"m1": 3}}', "[]", '{"devices": {"m1": {"place": 1, "cuts": [[1]]}}}']
)
def test_a_spoilt_file_is_as_none(tmp_path, text):
    (tmp_path / FILE_NAME).write_text(text)
    assert not Memory.load(tmp_path).known(target(1)).cuts


def poll(units: list[int], hook: Hook, memory: Memory) -> list[Answer]:
    async def go() -> list[Answer]:
        bank = Bank.from_connector(BRIDGING, lambda name: float(name[1:]))
        async with Server(dict.fromkeys(units, bank), hook=hook) as server:
            # Another port each time: what is known goes by the place, so that is set to what it was.
            chosen = [target(server.port, unit, timeout=0.2) for unit in units]
            for each in chosen:
                known = memory._devices.get(each.device)
                if known is not None:
                    known.place = f"c at {each.place}"
            return await asking_all(chosen, memory=memory)

    return asyncio.run(go())


@in_time
def test_the_dead_are_asked_last_and_after_three_runs_only_probed():
    order: list[int] = []
    dead = {1}

    async def hook(request: Request) -> None:
        order.append(request.unit)
        if request.unit in dead:
            raise Silence

    memory = Memory()
    took = []
    for _ in range(OPEN_AFTER + 1):
        order.clear()
        begun = monotonic()
        answers = poll([1, 2, 3], hook, memory)
        took.append(monotonic() - begun)
        assert [answer.is_dead for answer in answers] == [True, False, False]
    assert order == [2, 3, 1]  # last, and once instead of twice
    assert "probed once: it was silent in the last runs" in answers[0].reason
    dead.clear()
    order.clear()
    answers = poll([1, 2, 3], hook, memory)  # it is back: the probe's answer brings all its points at once
    assert not any(answer.failures for answer in answers)
    order.clear()
    poll([1, 2, 3], hook, memory)
    assert order[0] == 1


def test_a_probe_of_a_host_that_was_silent_is_short(deaf_port):
    memory = Memory()

    def took() -> float:
        begun = monotonic()
        asyncio.run(asking_all([target(deaf_port, timeout=10.0)], memory=memory))
        return monotonic() - begun

    memory.known(target(deaf_port, timeout=10.0)).silent_runs = OPEN_AFTER
    assert took() < 5  # one second instead of ten


@pytest.mark.parametrize("silent_runs", [0, OPEN_AFTER])
@in_time
def test_a_slow_wire_has_the_time_that_it_needs(silent_runs):
    """10 words at 1200 baud take 0.3 s: neither a timeout of 0.2 s nor a shorter probe may cut the answer off."""
    serial = SerialSettings(1200)

    async def at_its_speed(answer: Outgoing) -> None:
        await asyncio.sleep(serial.seconds(8 + len(answer.frame)))
        answer.write(answer.frame)

    async def go() -> None:
        memory = Memory()
        bank = Bank.from_connector(BRIDGING, lambda _: 7.0)
        async with Server({1: bank}, kind="rtu-tcp", outgoing=at_its_speed) as server:
            one = target(server.port, transport="rtu-tcp", serial=serial, timeout=0.2)
            memory.known(one).silent_runs = silent_runs
            (answer,) = await asking_all([one], memory=memory)
            assert answer.had == len(POINTS), answer.reason

    asyncio.run(go())


# What an answer takes


@in_time
def test_what_a_run_measured_is_kept():
    async def slow(_: Request) -> None:
        await asyncio.sleep(0.05)

    memory = Memory()
    poll([1], slow, memory)
    trip = memory._devices["m1"].round_trip
    assert trip is not None
    assert 0.05 <= trip < 0.15


def test_the_mean_of_the_last_five_runs_follows_a_device_that_became_slower():
    known = Known()
    for _ in range(3):
        known.take_time(0.030, 0.0)
    assert (known.round_trip, known.measured) == (0.030, 1)  # alike: nothing to write down
    known.take_time(0.050, 0.0)
    assert (known.round_trip, known.measured) == (pytest.approx(0.040), 2)
    for _ in range(20):
        known.take_time(0.050, 0.0)
    assert known.round_trip == pytest.approx(0.050, rel=0.03)


@in_time
def test_a_request_that_was_sent_twice_says_nothing_of_how_long_an_answer_takes():
    lost: list[bool] = []

    async def lose_the_first(_: Request) -> None:
        if not lost:
            lost.append(True)
            raise Silence

    memory = Memory()
    answers = poll([1], lose_the_first, memory)
    assert answers[0].values
    assert answers[0].answered == answers[0].timed + 1


def test_time_on_the_wire_is_taken_off_and_kept_on_disk(tmp_path):
    memory = Memory.load(tmp_path)
    bus = target(1, transport="rtu-tcp", serial=SerialSettings(9600))
    memory.learn([Answer(bus, requests=2, answered=2, timed=2, waited=0.2, on_wire=0.12, opening=0.004)])
    memory.save()
    known = Memory.load(tmp_path).known(bus)
    assert (known.round_trip, known.thinking) == (pytest.approx(0.1), pytest.approx(0.04))
    assert known.opening == 0.004


def test_a_file_that_knows_only_round_trips_is_read(tmp_path):
    place = f"c at {target(1).place}"
    held = {"devices": {"m1": {"place": place, "round_trip_ms": 40.0}}}
    (tmp_path / FILE_NAME).write_text(json.dumps(held))
    memory = Memory.load(tmp_path)
    assert memory.known(target(1)).thinking == 0.04
    memory.learn([Answer(target(1), requests=1, answered=1, timed=1, waited=0.05)])
    assert memory.known(target(1)).round_trip == 0.05  # measured anew, since it may hold a wire's time
