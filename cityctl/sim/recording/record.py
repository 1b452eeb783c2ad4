"""Listens where a device is expected, passes everything on to the real one, and writes both sides down."""

from __future__ import annotations

import asyncio
import contextlib
from time import monotonic

from cityctl.sim.recording.listening import Listening
from cityctl.sim.recording.session import Framing, Recorder, Said, cut_requests


class Recording(Listening):
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
        super().__init__(host, port)
        self.recorder = recorder
        self.target = target
        self.framing = framing
        self._begun = monotonic()
        self._lines = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its end."""
        self._lines += 1
        line = self._lines
        try:
            up, down = await asyncio.open_connection(*self.target)
        except OSError:
            self._say(line, "closed")
            writer.close()
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
