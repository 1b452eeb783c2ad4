"""A device with one connection to give, which it frees a while after that was closed; a second one is reset."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from cityctl.runbook import session

FREED = 0.3  # s after the connection was closed
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


@pytest.fixture
def one_slot(rig):
    """The rig behind a door with one slot; gives how many were turned away."""
    turned_away: list[int] = []
    taken = False

    def freed() -> None:
        nonlocal taken
        taken = False

    async def door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        if taken:
            turned_away.append(1)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.close()
            return
        taken = True
        inner, outer = await asyncio.open_connection("127.0.0.1", rig.port)
        answers = asyncio.ensure_future(_carry(inner, writer))
        await _carry(reader, outer)
        outer.close()
        writer.close()
        answers.cancel()
        asyncio.get_running_loop().call_later(FREED, freed)

    async def opened() -> asyncio.Server:
        return await asyncio.start_server(door, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(opened(), rig.loop).result(10)
    port, rig.port = rig.port, server.sockets[0].getsockname()[1]
    rig.city(timeout=3)
    rig.port = port
    yield turned_away
    rig.loop.call_soon_threadsafe(server.close)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)


def test_a_write_waits_for_the_slot(rig, consent, one_slot):
    ended = session.run(rig.write("plc-1/command", "start"), consent())
    assert (ended.sent, rig.writes, rig.words(1, 4)) == (1, 1, [1])
    assert "the device confirmed it, and it reads back as start" in ended.lines[-1].verdict
    assert len(one_slot) >= 3  # before the value there was read, before the write, before it was read back
