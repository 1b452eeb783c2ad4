"""Answers like a recorded device did: the same bytes after the same time, under the asker's transaction.

A request that was recorded several times is answered as each time in turn, and then from the first again. One
that was never recorded is refused (exception 2) and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
from itertools import cycle

from cityctl.modbus.line.framing import rtu_frame, tcp_frame
from cityctl.sim.recording.listening import Listening
from cityctl.sim.recording.session import Framing, Reply, Said, cut_requests, key_of, replies

_ILLEGAL_ADDRESS = 2


class Replay(Listening):
    """A server that plays a session again; `speed` 2 answers twice as fast."""

    def __init__(
        self,
        framing: Framing,
        session: list[Said],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
    ) -> None:
        super().__init__(host, port)
        self.framing = framing
        self.speed = speed
        self.known = self.unknown = 0
        self._replies = {key: cycle(each) for key, each in replies(framing, session).items()}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its end."""
        buffer = bytearray()
        turn = asyncio.Lock()
        playing: set[asyncio.Task[None]] = set()
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(4096):
                    buffer += data
                    for frame in cut_requests(buffer, self.framing):
                        one = asyncio.create_task(self._play(frame, writer, turn))
                        playing.add(one)
                        one.add_done_callback(playing.discard)
        except asyncio.CancelledError:
            pass  # `stop`: asyncio's own callback would stumble over a cancelled task
        finally:
            for one in playing:
                one.cancel()
            writer.close()

    async def _play(self, frame: bytes, writer: asyncio.StreamWriter, turn: asyncio.Lock) -> None:
        answers = self._replies.get(key_of(frame, self.framing))
        if answers is None:
            self.unknown += 1
            writer.write(self._refusal(frame))
            return
        self.known += 1
        reply: Reply = next(answers)
        # A bus answers one after another; under transaction numbers answers may overtake each other.
        async with turn if self.framing == "rtu" else contextlib.nullcontext():
            now = 0.0
            for at, (after, piece) in enumerate(reply.pieces):
                await asyncio.sleep(max(0.0, after - now) / self.speed)
                now = after
                if reply.echoes:
                    piece = frame
                elif self.framing == "tcp" and at == 0 and piece[:2] == b"\0\0":
                    piece = frame[:2] + piece[2:]
                writer.write(piece)
            if reply.closes_after is not None:
                await asyncio.sleep(max(0.0, reply.closes_after - now) / self.speed)
                writer.close()

    def _refusal(self, frame: bytes) -> bytes:
        if self.framing == "rtu":
            return rtu_frame(frame[0], bytes((frame[1] | 0x80, _ILLEGAL_ADDRESS)))
        number = int.from_bytes(frame[:2], "big")
        return tcp_frame(number, frame[6], bytes((frame[7] | 0x80, _ILLEGAL_ADDRESS)))
