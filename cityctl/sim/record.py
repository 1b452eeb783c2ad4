"""Listens where a device is expected, passes everything on to the real one, and writes both sides down."""

from __future__ import annotations

import asyncio
import contextlib
from time import monotonic

from cityctl.modbus.faults import NotConnected
from cityctl.sim.session import Framing, Recorder, Said, cut_requests


class Recording:
    """A proxy in front of one device or gateway. `frames` counts what was written down."""

    def __init__(
        self,
        recorder: Recorder,
        target: tuple[str, int],
        framing: Framing,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.recorder = recorder
        self.target = target
        self.framing = framing
        self.host, self.port = host, port
        self._begun = monotonic()
        self._lines = 0
        self._server: asyncio.AbstractServer | None = None
        self._work: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen, and give the port. Raises NotConnected."""
        try:
            server = await asyncio.start_server(self._serve, self.host, self.port)
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

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._work.add(task)
        self._lines += 1
        line = self._lines
        try:
            up, down = await asyncio.open_connection(*self.target)
        except OSError:
            self._say(line, "closed")
            writer.close()
            self._work.discard(task)
            return
        ways = (
            asyncio.create_task(self._requests(line, reader, down)),
            asyncio.create_task(self._answers(line, up, writer)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass  # `stop`: asyncio's own callback would stumble over a cancelled task
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            down.close()
            writer.close()
            self._work.discard(task)

    async def _requests(self, line: int, reader: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        buffer = bytearray()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                buffer += data
                for frame in cut_requests(buffer, self.framing):
                    self._say(line, "request", frame)
                down.write(data)

    async def _answers(self, line: int, up: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await up.read(4096):
                self._say(line, "answer", data)
                writer.write(data)
        self._say(line, "closed")

    def _say(self, line: int, say: str, frame: bytes = b"") -> None:
        self.recorder.say(Said(monotonic() - self._begun, line, say, frame))  # type: ignore[arg-type]  # one of Say
