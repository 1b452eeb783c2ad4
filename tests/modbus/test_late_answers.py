"""Answers that come late, twice or spoilt, on lines that cannot tell whose they are: never another request's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cityctl.modbus.ask import Target
from cityctl.modbus.line import open_line, owed
from cityctl.modbus.line.faults import BadAnswer, Silent
from cityctl.modbus.line.owed import Owed
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended import wire_session
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Outgoing, Server
from cityctl.modbus.run import asking_all
from cityctl.modbus.write import write_registers
from tests.modbus.ten_words import bank, behind, posix
from tests.timing import in_time


def late(*whether: bool) -> Callable[[Outgoing], Awaitable[None]]:
    """Keeps those of the first answers back until the next one goes out: whoever asked has given up by then."""
    left, kept = list(whether), list[bytes]()

    async def send(answer: Outgoing) -> None:
        kept.append(answer.frame)
        if not (left and left.pop(0)):
            for frame in kept:
                answer.write(frame)
            kept.clear()

    return send


@posix
def test_on_a_bus_a_late_answer_is_found_out_by_an_echo():
    """The device answers late, once; the next question gets its own answer, not that one."""

    async def go() -> None:
        async with Server({1: bank()}, kind="pty", outgoing=late(True)) as server:
            line = await open_line(server.link, 2)
            with pytest.raises(Silent):
                await line.read(1, 3, 0, 1, timeout=0.1)
            assert not line.trusts(1)
            await line.settle(1, timeout=2)
            assert line.trusts(1)
            assert (await line.read(1, 3, 4, 1, timeout=2)).registers == (1004,)
            assert line.late == 1
            assert server.counts[8] == 1
            line.close()

    asyncio.run(go())


@posix
def test_a_line_that_is_opened_anew_knows_what_the_bus_still_owes():
    """The first line gives up and is closed; its late answer comes while the second one asks something else."""

    async def go() -> None:
        async with Server({1: bank()}, kind="pty", outgoing=late(True)) as server:
            first = await open_line(server.link, 2)
            with pytest.raises(Silent):
                await first.read(1, 3, 0, 1, timeout=0.1)
            first.close()
            second = await open_line(server.link, 2)
            assert (await second.read(1, 3, 4, 1, timeout=2)).registers == (1004,)
            assert server.counts[8] == 1
            second.close()

    asyncio.run(go())


@posix
@pytest.mark.parametrize("mute", [False, True])
def test_a_late_answer_is_found_out_on_a_device_without_echo_too(mute, monkeypatch):
    """Function 8 is optional: many devices refuse it, and some say nothing at all to what they do not know."""
    real = wire_session.answer_to

    async def without_echo(server: Server, unit: int, pdu: bytes) -> bytes | None:
        if pdu[0] == 8:
            return None if mute else bytes((0x88, 1))
        return await real(server, unit, pdu)

    monkeypatch.setattr(wire_session, "answer_to", without_echo)
    # The first read and the third: between them come what settles the line, and the second.
    late_ones = late(True, False, False, True)
    wide = DeviceConnector(
        "w", "v", "m", "controller", {f"w{at}": DevicePoint(f"w{at}", at, "uint16", 1, 3) for at in range(8)}
    )

    async def go() -> None:
        pretended = Bank.from_connector(wide, lambda name: float(name[1:]) + 1000)
        async with Server({1: pretended}, kind="pty", outgoing=late_ones) as server:
            line = await open_line(server.link, 2)
            with pytest.raises(Silent):
                await line.read(1, 3, 0, 4, timeout=0.1)
            assert (await line.read(1, 3, 4, 4, timeout=2)).registers == (1004, 1005, 1006, 1007)
            assert line.late == 1
            with pytest.raises(Silent):
                await line.read(1, 3, 0, 4, timeout=0.1)
            assert (await line.read(1, 3, 4, 4, timeout=2)).registers == (1004, 1005, 1006, 1007)
            if mute:  # what was lost before this line was opened: no read is known that could tell
                line._owed[1] = Owed()
                with pytest.raises(Silent):
                    await line.settle(1, timeout=0.1)
                assert not line.trusts(1)
            line.close()

    asyncio.run(go())


@pytest.mark.parametrize("refuses", [(1,), (1, 4, 8, 16, 32)])
def test_a_device_without_echo_that_refuses_parts_of_its_values_is_read_again(refuses, monkeypatch):
    """A read of another length that it takes settles its line; where it takes none, no answer is owed for ever."""
    real, asked = wire_session.answer_to, 0

    async def knows_whole_values(server: Server, unit: int, pdu: bytes) -> bytes | None:
        nonlocal asked
        asked += pdu[0] == 3
        if pdu[0] == 8 or asked == 1:
            return None
        if pdu[0] == 3 and pdu[4] in refuses:
            return bytes((0x83, 2))
        return await real(server, unit, pdu)

    monkeypatch.setattr(wire_session, "answer_to", knows_whole_values)
    monkeypatch.setattr(owed, "LASTS", 0.5)
    two = DeviceConnector("w", "v", "m", "meter", {"w": DevicePoint("w", 0, "uint32", 2, 3)})

    async def go() -> list[object]:
        seen: list[object] = []
        async with Server({1: Bank.from_connector(two, lambda _: 7.0)}, kind="rtu-tcp") as server:
            begun = asyncio.get_running_loop().time()
            while seen[-1:] != [7.0] and asyncio.get_running_loop().time() < begun + 10:
                place = ("127.0.0.1", server.link.port, 1, two, ("w",))
                one = Target("d", *place, timeout=0.1, tries=1, transport="rtu-tcp")
                (answer,) = await asking_all([one])
                seen.append(answer.values["w"].value if answer.values else None)
        return seen

    seen = asyncio.run(go())
    assert seen[-1] == 7.0
    assert set(seen[:-1]) == {None}


@pytest.mark.parametrize("kind", ["tcp", "rtu-tcp", pytest.param("pty", marks=posix)])
@pytest.mark.parametrize("apart", [0.0, 0.0005, 0.002])
def test_an_answer_that_comes_twice_is_never_the_next_ones(kind, apart):
    """A gateway that repeats itself: in one piece, or a moment later, when the next request is on its way."""

    async def twice(answer: Outgoing) -> None:
        if not apart:
            answer.write(answer.frame * 2)
            return
        answer.write(answer.frame)
        await asyncio.sleep(apart)
        answer.write(answer.frame)

    async def go() -> None:
        async with Server({1: bank()}, kind=kind, outgoing=twice) as server:
            link, good = server.link, 0
            target = behind(link, 1, timeout=0.5)
            for _ in range(5):
                (answer,) = await asking_all([target])
                assert all(v.value == float(n[1:]) + 1000 for n, v in answer.values.items())
                good += answer.had
            assert good > 0

    asyncio.run(go())


@in_time
def test_two_answers_in_one_piece_are_both_refused_where_nothing_says_which_is_which():
    last = b""

    async def with_the_last(answer: Outgoing) -> None:
        nonlocal last
        answer.write(last + answer.frame)
        last = answer.frame

    async def go() -> None:
        async with Server({1: bank()}, kind="rtu-tcp", outgoing=with_the_last) as server:
            line = await open_line(server.link, 2)
            assert (await line.read(1, 3, 0, 1, timeout=5)).registers == (1000,)
            with pytest.raises(BadAnswer, match="two answers"):
                await line.read(1, 3, 4, 1, timeout=5)
            line.close()

    asyncio.run(go())


@in_time
def test_two_answers_under_one_number_are_both_refused_where_they_differ():
    """A late one that got the newest number, and the request's own, in one piece."""
    spoilt = 1

    async def with_another(answer: Outgoing) -> None:
        nonlocal spoilt
        before = answer.frame[:-1] + b"\x55" if spoilt else b""
        spoilt = 0
        answer.write(before + answer.frame)

    async def go() -> None:
        async with Server({1: bank()}, outgoing=with_another) as server:
            line = await open_line(server.link, 2)
            with pytest.raises(BadAnswer, match="two answers under one number"):
                await line.read(1, 3, 0, 1, timeout=5)
            assert not line.is_open
            line = await open_line(server.link, 2)
            assert (await line.read(1, 3, 0, 1, timeout=5)).registers == (1000,)
            line.close()

    asyncio.run(go())


@pytest.mark.parametrize("kind", ["rtu-tcp", pytest.param("pty", marks=posix)])
def test_blocks_that_hold_the_same_are_read_all_the_same_and_no_write_is_sent_twice(kind):
    """All zeros twice: the second is asked for once more. A second write whose echo is the same is not."""
    idle = {f"p{at}": DevicePoint(f"p{at}", at, "uint16", 1, 3, access="readwrite") for at in (0, 4, 8)}
    connector = DeviceConnector("c", "v", "m", "controller", idle)

    async def go() -> None:
        async with Server(
            {1: Bank.from_connector(connector, lambda _: 0.0)}, kind=kind, writes=True
        ) as server:
            line = await open_line(server.link, 2)
            for at in (0, 4, 8):
                assert (await line.read(1, 3, at, 1, timeout=2)).registers == (0,)
            assert server.counts[3] == 5
            await write_registers(line, 1, 0, [1])
            await write_registers(line, 1, 0, [2])
            assert [request.values for request in server.written] == [(1,), (2,)]
            line.close()

    asyncio.run(go())


@posix
def test_noise_on_a_bus_is_refused_and_the_line_recovers():
    noisy = True

    async def noise(answer: Outgoing) -> None:
        nonlocal noisy
        answer.write((b"\x01\x03\x02\xff\xff\x00\x00\x7f" if noisy else b"") + answer.frame)
        noisy = False

    async def go() -> None:
        async with Server({1: bank()}, kind="pty", outgoing=noise) as server:
            line = await open_line(server.link, 2)
            with pytest.raises(BadAnswer, match="CRC"):
                await line.read(1, 3, 0, 1, timeout=5)
            await line.settle(1, timeout=2)
            assert (await line.read(1, 3, 4, 1, timeout=2)).registers == (1004,)
            line.close()

    asyncio.run(go())
