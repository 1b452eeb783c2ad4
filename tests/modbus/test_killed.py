"""A program that was killed while a device owed it an answer: that is not the answer of whoever asks next."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cityctl.modbus.alone import Alone
from cityctl.modbus.line import Link, open_line
from cityctl.modbus.line.framing import rtu_frame
from tests.timing import in_time

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills in another way")
DIES = """\
import os, signal, sys
from pathlib import Path
from cityctl.disk import Lock
Lock(Path(sys.argv[1]), purpose="a poll").__enter__()
os.kill(os.getpid(), signal.SIGKILL)
"""


class Bus(asyncio.Protocol):
    """A gateway to RTU devices. What comes late of register 0 goes to whoever asks next, before his own answer."""

    def __init__(self, *, echoes: bool, owes: bool) -> None:
        self.echoes, self.owes = echoes, owes
        self.asked: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.asked.append(data[1])
        if self.owes:
            self.owes = False
            self.send(1, 0)
        asyncio.get_running_loop().call_later(0.05, self.answer, data)

    def answer(self, data: bytes) -> None:
        if data[1] == 3:
            self.send(data[0], data[3])
        elif self.echoes:
            self.transport.write(data)  # type: ignore[attr-defined]  # a stream's

    def send(self, unit: int, register: int) -> None:
        self.transport.write(rtu_frame(unit, bytes((3, 2, unit, register))))  # type: ignore[attr-defined]


def read_after(
    folder: Path, bus: Bus, *, killed: bool, units: tuple[int, ...] = (1,)
) -> list[tuple[int, ...]]:
    """Register 10 of some units, over a line whose last user was killed or not."""

    async def go() -> list[tuple[int, ...]]:
        door = await asyncio.get_running_loop().create_server(lambda: bus, "127.0.0.1", 0)
        link = Link("127.0.0.1", door.sockets[0].getsockname()[1], "rtu-tcp")
        alone = Alone(folder, "a poll")
        async with alone.on(link):
            pass
        if killed:
            (lock,) = folder.glob("*.lock")
            subprocess.run([sys.executable, "-c", DIES, lock], check=False)
        try:
            async with alone.on(link):
                line = await open_line(link, 2)
                found = [(await line.read(unit, 3, 10, 1, timeout=0.5)).registers for unit in units]
                line.close()
        finally:
            door.close()
        return found

    return asyncio.run(go())


@pytest.mark.parametrize("echoes", [True, False])
@in_time
def test_a_late_answer_to_a_killed_program_is_dropped(tmp_path, echoes):
    bus = Bus(echoes=echoes, owes=True)
    assert read_after(tmp_path, bus, killed=True) == [(0x010A,)]


@in_time
def test_each_unit_is_settled_once_and_only_after_a_kill(tmp_path):
    bus = Bus(echoes=True, owes=False)
    assert read_after(tmp_path / "killed", bus, killed=True, units=(1, 2, 1)) == [
        (0x010A,),
        (0x020A,),
        (0x010A,),
    ]
    assert bus.asked == [8, 3, 8, 3, 3]
    well = Bus(echoes=True, owes=False)
    read_after(tmp_path / "well", well, killed=False, units=(1, 2))
    assert well.asked == [3, 3]
