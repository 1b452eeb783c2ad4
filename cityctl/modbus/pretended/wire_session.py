"""One client of a pretended device: its bytes cut into requests, each answered under its own transaction."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cityctl.modbus.line.framing import HEADER, crc, rtu_request_size, tcp_head
from cityctl.modbus.pretended.wire_pdus import Answering, Request, answer_to, framed


@dataclass
class Outgoing:
    """An answer on its way: what to send, and to whom. `rtu` says whether the frame has a CRC, not a header."""

    frame: bytes
    rtu: bool
    request: Request
    write: Callable[[bytes], None]
    close: Callable[[], None]


class Serving(Answering, Protocol):
    """A server as its sessions see it."""

    @property
    def kind(self) -> str:
        """Its transport."""

    rewrite: Callable[[bytes], bytes] | None
    outgoing: Callable[[Outgoing], Awaitable[None]] | None
    sessions: set[Session]


class Session(asyncio.Protocol, asyncio.DatagramProtocol):
    """The bytes of one client, cut into requests; each is answered under its own transaction and address.

    A bus answers one after another; behind Modbus/TCP requests are worked on side by side.
    """

    def __init__(self, server: Serving) -> None:
        self._server = server
        self._rtu = server.kind in ("rtu", "pty", "rtu-tcp")
        self._transport: Any = None
        self._buffer = bytearray()
        self._work: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._server.sessions.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        self._server.sessions.discard(self)
        for task in self._work:  # nobody is there to read it
            task.cancel()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self.connection_lost(None)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if len(data) >= HEADER + 1 and tcp_head(data)[2] == len(data) - 6:
            transaction, _, _, unit = tcp_head(data)
            self._begin(transaction, unit, data[HEADER:], lambda said: self._transport.sendto(said, addr))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer:
            if self._rtu:
                size = rtu_request_size(self._buffer)
                if size is None or size > len(self._buffer):
                    return
                frame = bytes(self._buffer[:size])
                if not size or crc(frame[:-2]) != frame[-2:]:  # noise: a bus waits for the next silence
                    self._buffer.clear()
                    return
                del self._buffer[:size]
                self._begin(0, frame[0], frame[1:-2], self._transport.write)
                continue
            if len(self._buffer) < HEADER:
                return
            transaction, protocol, length, unit = tcp_head(self._buffer)
            if protocol or not 2 <= length <= 254:
                self.close()
                return
            if len(self._buffer) < 6 + length:
                return
            pdu = bytes(self._buffer[HEADER : 6 + length])
            del self._buffer[: 6 + length]
            self._begin(transaction, unit, pdu, self._transport.write)

    def _begin(self, transaction: int, unit: int, pdu: bytes, write: Callable[[bytes], None]) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(transaction, unit, pdu, write))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _serve(self, transaction: int, unit: int, pdu: bytes, write: Callable[[bytes], None]) -> None:
        async with self._turn if self._rtu else contextlib.nullcontext():
            said = await answer_to(self._server, unit, pdu)
            if said is None:
                return
            frame = framed(said, unit, transaction, rtu=self._rtu)
            if self._server.rewrite is not None:
                frame = self._server.rewrite(frame)
            if not frame:
                return
            if self._server.outgoing is not None:
                asked = Request(
                    unit, pdu[0], int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
                )
                connected = self._server.kind in ("tcp", "tls", "rtu-tcp")  # what is none cannot be closed
                close = self.close if connected else lambda: None
                await self._server.outgoing(Outgoing(frame, self._rtu, asked, write, close))
            else:
                write(frame)


if sys.platform != "win32":
    import tty

    def pseudo_terminal() -> tuple[int, int, str]:
        """(the plant's end, the client's end, the name of the client's end)."""
        master, slave = os.openpty()
        return master, slave, os.ttyname(slave)

    class Pty(asyncio.Transport):
        """The plant's end of a pseudo terminal; the client opens the other by its name. POSIX only."""

        def __init__(self, master: int, protocol: asyncio.Protocol) -> None:
            super().__init__()
            tty.setraw(master)
            os.set_blocking(master, False)
            self._master = master
            self._protocol = protocol
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(master, self._readable)
            protocol.connection_made(self)

        def _readable(self) -> None:
            with contextlib.suppress(BlockingIOError):
                try:
                    self._protocol.data_received(os.read(self._master, 4096))
                except OSError:  # nobody has the other end open
                    self._loop.remove_reader(self._master)
                    self._loop.call_later(0.02, self._again)

        def _again(self) -> None:
            if self._master >= 0:
                self._loop.add_reader(self._master, self._readable)

        def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
            if self._master >= 0:
                with contextlib.suppress(OSError):
                    os.write(self._master, data)

        def close(self) -> None:
            if self._master >= 0:
                self._loop.remove_reader(self._master)
                os.close(self._master)
                self._master = -1
