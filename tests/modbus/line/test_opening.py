"""Lines that do not come about in time: nothing of them stays open; what they had inherited is known to the next."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from cityctl.modbus.line import Link, open_line, owed
from cityctl.modbus.line.faults import NotConnected
from cityctl.modbus.line.owed import Owed
from cityctl.modbus.run import run_loop

OPEN = Path("/proc/self/fd")


@pytest.mark.skipif(not OPEN.is_dir(), reason="the system does not tell open files")
@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_a_line_that_is_given_up_while_it_opens_leaves_no_socket(kind):
    """Timeouts from nothing to what opening takes; of UDP, one socket in some 30 stayed open for good."""

    async def go() -> int:
        with socket.create_server(("127.0.0.1", 0)) as door:
            link = Link("127.0.0.1", door.getsockname()[1], kind)  # type: ignore[arg-type]  # one of its kinds
            (await open_line(link, 5)).close()
            await asyncio.sleep(0.02)
            before = len(os.listdir(OPEN))
            for number in range(400):
                try:
                    (await open_line(link, number % 60 * 0.00002)).close()
                except NotConnected:
                    continue
            for _ in range(100):
                if len(os.listdir(OPEN)) <= before:
                    break
                await asyncio.sleep(0.02)
            return len(os.listdir(OPEN)) - before

    assert run_loop(go()) <= 0


def test_what_a_place_owes_is_not_forgotten_with_a_line_that_did_not_open():
    """It takes the connection and says nothing to the hello of TLS."""

    async def go(port: int) -> None:
        with pytest.raises(NotConnected, match="TLS connect"):
            await open_line(Link("127.0.0.1", port, "tls"), 0.5)

    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        owed.leave("127.0.0.1", port, {1: Owed()})
        asyncio.run(go(port))
        assert list(owed.inherit("127.0.0.1", port)) == [1]
