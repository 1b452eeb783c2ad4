"""Runs against real servers: what is kept, what is named, and how long the dead take."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.bank import Bank
from cityctl.modbus.connector import DeviceConnector
from cityctl.modbus.memory import Memory
from cityctl.modbus.point import DevicePoint
from cityctl.modbus.run import asking_all
from cityctl.modbus.wire import Hook, Request, Server, Silence
from cityctl.reading import Quality

POINTS = {
    name: DevicePoint(name, address, "float32", 2, 3, unit="m3/h")
    for name, address in {"a": 0, "b": 2, "c": 4, "d": 10, "e": 12}.items()
}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)
LIVE = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0}


def bank(connector: DeviceConnector = CONNECTOR) -> Bank:
    return Bank.from_connector(connector, LIVE.get)


def target(port: int, *, unit: int = 1, device: str = "meter", **fields: object) -> Target:
    given = {"connector": CONNECTOR, "points": tuple(POINTS), "timeout": 0.3, **fields}
    return Target(device, "127.0.0.1", port, unit, **given)  # type: ignore[arg-type]


def ask_one(hook: Hook | None = None, **fields: object) -> tuple[Answer, list[Request]]:
    seen: list[Request] = []

    async def noted(request: Request) -> int | None:
        seen.append(request)
        return await hook(request) if hook else None

    async def go() -> Answer:
        connector = fields.get("connector", CONNECTOR)
        async with Server({1: bank(connector)}, hook=noted) as server:  # type: ignore[arg-type]
            (answer,) = await asking_all([target(server.port, **fields)])
            return answer

    return asyncio.run(go()), seen


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def values(answer: Answer) -> dict[str, object]:
    return {name: value.value for name, value in answer.values.items()}


def test_every_point_comes_with_the_time_of_its_frame():
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # times are kept in whole milliseconds
    answer, seen = ask_one()
    assert values(answer) == LIVE
    assert not answer.failures
    assert [(r.address, r.count) for r in seen] == [(0, 6), (10, 4)]
    for value in answer.values.values():
        assert value.quality is Quality.GOOD
        assert before <= value.time <= datetime.now(UTC) < before + timedelta(seconds=5)


@pytest.mark.parametrize("code", [2, 3, 4])
def test_one_illegal_address_loses_one_point(code):
    async def hole(request: Request) -> int | None:
        return code if request.address <= 2 < request.address + request.count else None

    answer, _ = ask_one(hole)
    assert values(answer) == {name: value for name, value in LIVE.items() if name != "b"}
    (failure,) = answer.failures
    assert failure.points == ("b",)
    assert failure.reason.startswith(f"function 3, addresses 2 to 3: exception {code}")


def test_a_refused_bridge_loses_nothing():
    """The connector says that holes may be bridged and the device disagrees: the block is split there."""
    bridging = DeviceConnector("c", "v", "m", "controller", POINTS, gap=8)

    async def refuses_holes(request: Request) -> int | None:
        return 2 if request.address <= 7 < request.address + request.count else None

    answer, seen = ask_one(refuses_holes, connector=bridging)
    assert values(answer) == LIVE
    assert [(r.address, r.count) for r in seen] == [(0, 14), (0, 6), (10, 4)]


def test_an_illegal_function_is_not_asked_in_smaller_parts():
    async def refuses(_: Request) -> int:
        return 1

    answer, seen = ask_one(refuses)
    assert answer.is_dead
    assert len(seen) == 2
    assert "exception 1 (illegal function)" in answer.reason


def test_a_busy_device_is_asked_again():
    count = 0

    async def busy_once(_: Request) -> int | None:
        nonlocal count
        count += 1
        return 6 if count == 1 else None

    answer, seen = ask_one(busy_once)
    assert values(answer) == LIVE
    assert len(seen) == 3


def test_a_lost_first_request_is_repeated_within_the_timeout():
    """AquaMaster 3 sleeps and may lose the request that wakes it."""
    count = 0

    async def sleeping(_: Request) -> None:
        nonlocal count
        count += 1
        if count == 1:
            raise Silence

    woken = DeviceConnector("c", "v", "m", "controller", POINTS, wake=1)
    answer, seen = ask_one(sleeping, connector=woken)
    assert values(answer) == LIVE
    assert len(seen) == 3
    assert 0.3 <= answer.seconds < 0.6  # the second try goes out after one whole timeout


def test_silence_in_the_middle_keeps_what_came_and_ends_the_device():
    async def half(request: Request) -> None:
        if request.address == 10:
            raise Silence

    answer, _ = ask_one(half)
    assert values(answer) == {"a": 1.0, "b": 2.0, "c": 3.0}
    (failure,) = answer.failures
    assert failure.points == ("d", "e")
    assert failure.reason == "TCP connect ok; unit 1 silent"


def test_a_silent_device_costs_its_own_run_one_timeout_and_no_other(deaf_port):
    async def go() -> tuple[list[Answer], float]:
        async with Server({1: bank()}) as server:
            begun = monotonic()
            answers = await asking_all(
                [target(deaf_port, device="deaf", timeout=0.5), target(server.port, device="well")]
            )
            return answers, monotonic() - begun

    (deaf, well), elapsed = asyncio.run(go())
    assert deaf.is_dead
    assert deaf.reason == "TCP connect ok; unit 1 silent"
    assert deaf.tried[0] == "TCP connect ok"
    assert values(well) == LIVE
    assert well.seconds < 0.4
    assert 0.45 < deaf.seconds < 0.8
    assert elapsed < 0.9


def test_a_refused_connection_is_named_and_not_waited_for(closed_port):
    (answer,) = asyncio.run(asking_all([target(closed_port, timeout=5)]))
    assert answer.reason == "TCP connect refused: nothing listens on that port"
    assert answer.tried == ["TCP connect refused: nothing listens on that port (2 tries)"]
    assert answer.seconds < 2
    assert answer.failures[0].points == tuple(POINTS)


def test_behind_one_gateway_the_order_is_strict_and_an_absent_unit_is_named():
    order: list[int] = []
    open_now = 0

    async def one_at_a_time(request: Request) -> None:
        nonlocal open_now
        open_now += 1
        assert open_now == 1
        order.append(request.unit)
        await asyncio.sleep(0.01)
        open_now -= 1

    async def go() -> list[Answer]:
        async with Server({1: bank(), 3: bank()}, hook=one_at_a_time) as server:
            return await asking_all([target(server.port, unit=u, device=f"m{u}") for u in (1, 2, 3)])

    first, absent, third = asyncio.run(go())
    assert order == [1, 2, 3, 1, 3]  # a block of each in turn
    assert values(first) == values(third) == LIVE
    assert absent.reason == "TCP connect ok; unit 2: exception 11 (gateway target does not answer)"


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
            (answer,) = await asking_all([target(front.sockets[0].getsockname()[1], timeout=1)])
            front.close()
            return answer

    answer = asyncio.run(go())
    assert values(answer) == LIVE
    assert any("the device closed the connection" in line for line in answer.tried)


def test_one_spoilt_block_does_not_lose_the_others():
    def short(data: bytes) -> bytes:
        if data[8] == 12:  # the answer of the first block: 6 registers
            return data[:4] + b"\x00\x05" + data[6:8] + b"\x02" + data[9:11]
        return data

    async def go() -> Answer:
        async with Server({1: bank()}, rewrite=short) as server:
            (answer,) = await asking_all([target(server.port)])
            return answer

    answer = asyncio.run(go())
    assert values(answer) == {"d": 4.0, "e": 5.0}
    assert "the answer holds 2 bytes and says 2, 12 were asked for" in answer.reason


def test_the_runs_deadline_keeps_what_came(deaf_port):
    async def slow(request: Request) -> None:
        if request.address == 10:
            await asyncio.sleep(30)

    async def go() -> list[Answer]:
        async with Server({1: bank()}, hook=slow) as server:
            return await asking_all(
                [target(server.port, timeout=20), target(deaf_port, timeout=20)], deadline=0.4
            )

    begun = monotonic()
    half, deaf = asyncio.run(go())
    assert monotonic() - begun < 2
    assert values(half) == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert half.failures[0].points == ("d", "e")
    assert "deadline of 0.4 s" in half.reason
    assert "deadline of 0.4 s" in deaf.reason


def identified(number: float) -> Callable[[str], float]:
    return {"model": number, **LIVE}.__getitem__


@pytest.mark.parametrize(("number", "is_taken"), [(103.0, True), (101.0, False)])
def test_another_device_in_the_same_place_is_found_out(number, is_taken):
    points = {**POINTS, "model": DevicePoint("model", 40, "uint16", 1, 3)}
    connector = DeviceConnector("c", "v", "m", "controller", points, identify=("model", 103, True))

    async def go() -> Answer:
        async with Server({1: Bank.from_connector(connector, identified(number))}) as server:
            (answer,) = await asking_all([target(server.port, connector=connector)])
            return answer

    answer = asyncio.run(go())
    if is_taken:
        assert values(answer) == LIVE
    else:
        assert answer.is_dead
        assert answer.reason == "model is 101, not 103: this is no c"


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
            answers = await asking_all([target(port, unit=u, device=f"m{u}", timeout=2) for u in (1, 2, 3)])
            server.close()
        return answers, most

    answers, most = asyncio.run(go())
    assert most == 1
    assert not any(answer.failures for answer in answers)


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


def test_a_device_that_is_new_or_was_away_is_asked_who_it_is():
    """Somebody put another model in its place: its numbers would look as good as the right ones."""
    points = {**POINTS, "maker": DevicePoint("maker", 100, "uint16", 1, 3, polled=False)}
    connector = DeviceConnector("acme", "v", "m", "controller", points, identify=("maker", 7, False))
    memory = Memory()
    maker, is_away, asked = 7.0, False, []

    async def noted(request: Request) -> int | None:
        if is_away:
            raise Silence
        asked.append(request.address)
        return 2 if request.address == 100 and maker == 0 else None

    async def go() -> None:
        nonlocal maker, is_away
        pretended = Bank.from_connector(connector, lambda name: maker if name == "maker" else LIVE[name])
        async with Server({1: pretended}, hook=noted) as server:

            async def poll() -> Answer:
                asked.clear()
                chosen = target(server.port, connector=connector, timeout=0.2)
                (answer,) = await asking_all([chosen], memory=memory)
                return answer

            assert values(await poll()) == LIVE
            assert asked == [0, 10, 100]
            assert values(await poll()) == LIVE  # known by now: no request more than it needs
            assert asked == [0, 10]
            is_away = True
            assert (await poll()).is_dead
            is_away, maker = False, 8.0
            answer = await poll()
            assert answer.reason == "maker is 8, not 7: this is no acme"
            assert not answer.values
            assert not (await poll()).values  # and is asked again until it is the right one
            maker = 0.0  # refuses to say: only where a connector requires it is that a reason
            answer = await poll()
            assert values(answer) == LIVE
            assert not answer.failures

    asyncio.run(go())


def test_many_requests_refused_alike_are_one_reason():
    async def refused(_: Request) -> int:
        return 2

    answer, _ = ask_one(refused)
    assert len(answer.failures) == 5
    assert answer.reason == (
        "5 requests: exception 2 (illegal address); the first function 3, addresses 0 to 1"
    )


def test_a_request_is_not_repeated_while_its_answer_is_usually_on_its_way():
    """AquaMaster 3 takes up to 800 ms: a second request within that would meet the answer to the first."""

    async def slow(_: Request) -> None:
        await asyncio.sleep(0.3)

    patient = DeviceConnector("c", "v", "m", "controller", POINTS, answer_time=0.4)
    answer, seen = ask_one(slow, connector=patient, timeout=0.5)
    assert values(answer) == LIVE
    assert len(seen) == 2


def test_no_devices_is_no_work():
    assert asyncio.run(asking_all([])) == []


def test_progress_is_told_for_each_device_and_for_those_the_deadline_cuts_off(deaf_port):
    async def go() -> list[str]:
        done: list[str] = []
        async with Server({1: bank(), 2: bank()}) as server:
            chosen = [target(server.port, unit=u, device=f"m{u}") for u in (1, 2)]
            await asking_all(
                [*chosen, target(deaf_port, device="deaf", timeout=20)],
                deadline=0.5,
                on_answer=lambda answer: done.append(f"{answer.target.device} {answer.had}"),
            )
        return done

    assert asyncio.run(go()) == ["m1 5", "m2 5", "deaf 0"]
