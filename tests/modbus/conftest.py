"""A Modbus server that runs beside a test, as a device does."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest

from cityctl.modbus.line.owed import _LEFT
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Hook, Server

Serve = Callable[..., int]


@pytest.fixture(autouse=True)
def _another_bus() -> None:
    """Pseudo terminals get their names anew: what one bus owed is not the next one's debt."""
    _LEFT.clear()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve({unit: bank}, hook=..., rewrite=...)` starts a server on loopback and gives its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running: list[Server] = []

    def start(
        units: Mapping[int, Bank],
        hook: Hook | None = None,
        rewrite: Callable[[bytes], bytes] | None = None,
    ) -> int:
        server = Server(units, hook=hook, rewrite=rewrite)
        running.append(server)
        return asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)

    yield start
    for server in running:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]
