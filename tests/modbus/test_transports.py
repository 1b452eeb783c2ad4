"""The same device by TCP, UDP, RTU over TCP and a serial bus; and what is said where a line cannot be opened."""

from __future__ import annotations

import asyncio
import os
import sys
from time import monotonic

import pytest

from cityctl.modbus.ask import Target
from cityctl.modbus.line import Link, SerialSettings, open_line
from cityctl.modbus.line.faults import Closed, ExceptionAnswer, NotConnected
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.run import asking_all
from tests.modbus.ten_words import CONNECTOR, POINTS, bank, behind, posix


@pytest.mark.parametrize("kind", ["tcp", "udp", "rtu-tcp", pytest.param("pty", marks=posix)])
def test_a_device_is_read_over_each_transport(kind):
    async def go() -> None:
        async with Server({7: bank()}, kind=kind) as server:
            link = server.link
            target = behind(link, 7)
            (answer,) = await asking_all([target])
            assert {n: v.value for n, v in answer.values.items()} == {n: float(n[1:]) + 1000 for n in POINTS}
            line = await open_line(link, 2)
            with pytest.raises(ExceptionAnswer, match="illegal address"):
                await line.read(7, 3, 1, 1, timeout=5)
            line.close()

    asyncio.run(go())


def test_nobody_listens_on_a_udp_port_and_it_is_said_at_once():
    async def go() -> None:
        server = Server({1: bank()}, kind="udp")
        await server.start()
        await server.stop()
        line = await open_line(server.link, 2)
        begun = monotonic()
        with pytest.raises(Closed, match="nothing listens on that UDP port"):
            await line.read(1, 3, 0, 1, timeout=30)
        assert monotonic() - begun < 10
        line.close()

    asyncio.run(go())


def test_a_serial_port_that_is_not_there_is_named():
    async def go() -> None:
        name = "COM987" if sys.platform == "win32" else "/dev/ttyNOWHERE"
        with pytest.raises(NotConnected, match=f"serial port {name}"):
            await open_line(Link(name, 0, "rtu", SerialSettings()), 2)

    asyncio.run(go())


@posix
def test_a_serial_port_that_goes_away_fails_at_once():
    """An adapter that is pulled: the other end of a pseudo terminal is closed."""

    async def go() -> None:
        master, slave = os.openpty()
        name = os.ttyname(slave)
        line = await open_line(Link(name, 0, "rtu", SerialSettings(parity="none")), 2)
        os.close(slave)
        begun = monotonic()
        asyncio.get_running_loop().call_later(0.1, os.close, master)
        with pytest.raises(Closed, match=name):
            await line.read(1, 3, 0, 1, timeout=30)
        assert monotonic() - begun < 10
        line.close()

    asyncio.run(go())


@posix
def test_a_pseudo_terminal_is_opened_again_with_parity():
    """Linux takes no parity there, and says at the second opening that it cannot: the default is even."""

    async def go() -> None:
        async with Server({1: bank()}, kind="pty") as server:
            for _ in range(2):
                line = await open_line(Link(server.link.host, 0, "rtu", SerialSettings()), 2)
                assert (await line.read(1, 3, 4, 1, timeout=5)).registers == (1004,)
                line.close()

    asyncio.run(go())


@posix
def test_a_second_program_cannot_open_the_same_port():
    async def go() -> None:
        async with Server({1: bank()}, kind="pty") as server:
            line = await open_line(server.link, 2)
            with pytest.raises(NotConnected, match="another program"):
                await open_line(server.link, 2)
            line.close()

    asyncio.run(go())


def test_a_real_serial_pair_of_socat(tmp_path):
    """Both ends opened as serial ports, by pyserial: the server on one, the poll on the other."""
    import shutil
    import subprocess

    socat = shutil.which("socat")
    if socat is None:
        pytest.skip("socat is not here")
    ends = [tmp_path / "plant", tmp_path / "here"]
    words = [f"pty,raw,echo=0,link={end}" for end in ends]
    process = subprocess.Popen([socat, *words])
    try:
        until = monotonic() + 10
        while not all(end.exists() for end in ends) and monotonic() < until:
            asyncio.run(asyncio.sleep(0.01))
        serial = SerialSettings(115200, "none", 1, 8)

        async def go() -> None:
            async with Server({3: bank(), 4: bank()}, str(ends[0]), kind="rtu", serial=serial):
                chosen = [
                    Target(
                        f"m{unit}", str(ends[1]), 0, unit, CONNECTOR, tuple(POINTS), timeout=10 if unit < 5 else 0.5,
                        transport="rtu", serial=serial,
                    )
                    for unit in (3, 4, 5)
                ]  # fmt: skip
                third, fourth, absent = await asking_all(chosen)
            assert not third.failures
            assert not fourth.failures
            assert absent.reason == f"{ends[1]} open; unit 5 silent"

        asyncio.run(go())
    finally:
        process.terminate()
        process.wait(10)
