"""A port that is listened on, with one task for each connection, until it is stopped."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from cityctl.modbus.line.faults import NotConnected


class Listening(ABC):
    """What a recording and a replay have in common; `serve` is theirs."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._server: asyncio.AbstractServer | None = None
        self._work: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen, and give the port. Raises NotConnected."""
        try:
            server = await asyncio.start_server(self._connected, self.host, self.port)
        except OSError as problem:
            raise NotConnected(f"cannot listen on {self.host}:{self.port}: {problem.strerror}") from None
        self._server = server
        self.port = int(server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its end."""

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._work.add(task)
        try:
            await self.serve(reader, writer)
        finally:
            self._work.discard(task)
