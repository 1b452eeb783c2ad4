"""A device that answers: banks of registers behind a port, for the simulator and the tests."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from cityctl.modbus.line import Frame, Line, Link, SerialSettings
from cityctl.modbus.line.faults import NotConnected
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire_pdus import GATEWAY_NO_RESPONSE, ILLEGAL_FUNCTION, TABLE, Request, Silence
from cityctl.modbus.pretended.wire_session import Outgoing, Session

__all__ = ["Bank", "Frame", "Hook", "Line", "Outgoing", "Request", "Server", "Silence", "WriteFaults"]

ServedKind = Literal["tcp", "tls", "udp", "rtu-tcp", "rtu", "pty"]
WRITING = frozenset({5, 6, 15, 16, 22, 23})
Hook = Callable[[Request], Awaitable[int | None]]


@dataclass
class WriteFaults:
    """How a server spoils writes. Numbers count down with each write that they spoil; -1 never ends.

    lose_write_answer: the write takes effect and is not answered. ignore_write: it is answered as done and
    does nothing. keep_other: it is answered as done, and every register holds this word instead.
    refuse_write: it is refused with this exception.
    """

    lose_write_answer: int = 0
    ignore_write: int = 0
    keep_other: int | None = None
    refuse_write: int | None = None

    def spends(self, name: Literal["lose_write_answer", "ignore_write"]) -> bool:
        """Whether that fault befalls this write; counts it down."""
        left = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return bool(left)


class Server:
    """Banks behind one port, as units of a gateway.

    `units` maps a unit id to its bank. A unit that is not there is answered as a gateway does (exception
    11), or with silence; on a serial bus always with silence. `hook` is awaited before each request: it may
    sleep, return the number of an exception, or raise Silence. `rewrite` may change the bytes of an answer, or
    return b"" to send none; `outgoing` takes an answer's sending over altogether.

    `kind` is the transport: tcp, tls (with `context`), udp, rtu-tcp, rtu (`host` is the serial port), pty (a
    pseudo terminal: `host` is its name once started). Writes are refused with exception 1 unless `writes`;
    `faults` spoils them. `counts` holds how many PDUs came by function code, `written` each write that came.
    """

    def __init__(
        self,
        units: Mapping[int, Bank],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        kind: ServedKind = "tcp",
        serial: SerialSettings | None = None,
        context: ssl.SSLContext | None = None,
        absent_units_are_silent: bool = False,
        writes: bool = False,
        faults: WriteFaults | Mapping[str, int] | None = None,
        hook: Hook | None = None,
        rewrite: Callable[[bytes], bytes] | None = None,
        outgoing: Callable[[Outgoing], Awaitable[None]] | None = None,
    ) -> None:
        self.units = dict(units)
        self.host, self.port = host, port
        self.kind = kind
        # A pseudo terminal has no parity.
        self.serial = SerialSettings(parity="none") if kind == "pty" and serial is None else serial
        self.context = context
        self.writes = writes
        self.faults = faults if isinstance(faults, WriteFaults) else WriteFaults(**dict(faults or {}))
        self.requests = 0
        self.counts: Counter[int] = Counter()
        self.written: list[Request] = []
        self.hook = hook
        self.rewrite = rewrite
        self.outgoing = outgoing
        self.absent_units_are_silent = absent_units_are_silent or kind in ("rtu", "pty")
        self._listening: asyncio.AbstractServer | None = None
        self.sessions: set[Session] = set()
        self._slave = -1

    @property
    def link(self) -> Link:
        """Where a client finds it, once it is started."""
        kind = "rtu" if self.kind == "pty" else self.kind
        return Link(self.host, self.port, kind, self.serial)

    async def start(self) -> int:
        """Listen, and give the port (the system's choice where `port` was 0). Raises NotConnected."""
        loop = asyncio.get_running_loop()
        try:
            if self.kind == "rtu":
                from cityctl.modbus.line.serial_port import SerialPort

                SerialPort.opened(Link(self.host, 0, "rtu", self.serial), Session(self))
            elif self.kind == "pty":
                if sys.platform != "win32":
                    from cityctl.modbus.pretended.wire_session import Pty, pseudo_terminal

                    master, self._slave, self.host = pseudo_terminal()
                    Pty(master, Session(self))
                else:
                    raise NotConnected("there are no pseudo terminals here")
            elif self.kind == "udp":
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: Session(self), local_addr=(self.host, self.port)
                )
                self.port = int(transport.get_extra_info("sockname")[1])
            else:
                self._listening = await loop.create_server(
                    lambda: Session(self), self.host, self.port, ssl=self.context, backlog=512
                )
                self.port = int(self._listening.sockets[0].getsockname()[1])
        except OSError:
            raise NotConnected(
                f"cannot listen on {self.host}:{self.port}: the port is in use or not allowed"
            ) from None
        return self.port

    async def stop(self) -> None:
        """Close the port and every connection."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()
        for session in list(self.sessions):
            session.close()
        if listening is not None:
            await listening.wait_closed()
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1
        await asyncio.sleep(0)

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def answer(self, request: Request) -> list[int] | int | None:
        """Registers, the number of an exception, or None for silence; [] for a write that was done."""
        self.requests += 1
        self.counts[request.function_code] += 1
        if request.function_code in WRITING:
            self.written.append(request)
        if self.hook is not None:
            try:
                code = await self.hook(request)
            except Silence:
                return None
            if code is not None:
                return code
        bank = self.units.get(request.unit)
        if bank is None:
            return None if self.absent_units_are_silent else GATEWAY_NO_RESPONSE
        if request.function_code in WRITING:
            return self._write(bank, request)
        return bank.read(request.function_code, request.address, request.count)

    def _write(self, bank: Bank, request: Request) -> list[int] | int | None:
        faults = self.faults
        if not self.writes:
            return ILLEGAL_FUNCTION
        if faults.refuse_write is not None:
            return faults.refuse_write
        values = request.values
        if faults.keep_other is not None:
            values = (faults.keep_other,) * len(values)
        if not faults.spends("ignore_write"):
            refused = bank.write(TABLE[request.function_code], request.address, values)
            if refused is not None:
                return refused
        return None if faults.spends("lose_write_answer") else []
