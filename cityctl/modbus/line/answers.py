"""What comes on a line: bytes cut into answers, each held against the request that waits.

Checked are protocol, transaction, unit, function and byte count, and the CRC where there is one. An answer to
an earlier request is dropped and counted, never taken for the present one's.
"""

from __future__ import annotations

import asyncio
from time import time
from typing import cast

from cityctl.modbus.line.faults import (
    BadAnswer,
    Closed,
    Echoed,
    ExceptionAnswer,
    Misfit,
    ShortAnswer,
    WideAnswer,
    WrongUnit,
)
from cityctl.modbus.line.framing import HEADER, crc, rtu_answer_size, tcp_head
from cityctl.modbus.line.link import Link, SerialSettings
from cityctl.modbus.line.owed import Owed

_NOISE = 4
"""Bytes before an answer that are none of a frame: the shortest one has five."""


class Answers(asyncio.Protocol, asyncio.DatagramProtocol):
    """The receiving side of a line: what is waited for, and what has come.

    `late` counts answers that nobody waited for any more, `late_units` are whose they were.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.late = 0
        self.late_units: set[int] = set()
        self.misnumbered = 0  # those of them under transaction numbers that were never used
        self._rtu = not link.has_transactions
        self._serial = (link.serial or SerialSettings()) if link.is_serial else None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self._is_closed = False
        self._buffer = bytearray()
        self._transaction = 0
        self._expected: set[int] = set()
        self._due = 0  # requests sent that no answer was counted for, given up ones among them
        self._unit = 0
        self._code = 0
        self._prefix = b""
        self._size: int | None = None
        self._head = b""  # of the frame that is expected, so that a whole one is known by one comparison
        self._whole = 0
        self._dropped = (0, b"")  # the last late answer: of which unit, what
        self._sent = b""  # the last request without a transaction number, as it went out
        self._answer: asyncio.Future[bytes | None] | None = None
        self._moment = 0.0
        self._ends = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0  # monotonic time of the last byte
        self._owed: dict[int, Owed] = {}
        self._spoilt = False

    def close(self) -> None:
        """Close the line; safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        transport = self._transport or self._datagrams
        self._transport = self._datagrams = None
        self._is_closed = True
        if transport is not None:
            transport.close()
        self._fail(Closed("the connection was closed here"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio; of a line that nobody waits for any more too."""
        if self._is_closed:
            cast("asyncio.Transport", transport).close()
        elif self.link.kind == "udp":
            self._datagrams = cast("asyncio.DatagramTransport", transport)
        else:
            self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio: whoever waits learns of it at once."""
        self._transport = self._datagrams = None
        why = f": {exc}" if exc else ""
        if self.link.kind == "tls" and not self._moment and not (self.link.tls and self.link.tls.certificate):
            why += (
                " (it may want a client certificate)"  # TLS 1.3 says so only after the handshake, if at all
            )
        self._fail(Closed(f"the device closed the connection{why}"))

    def error_received(self, exc: Exception) -> None:
        """Called by asyncio where a datagram came back."""
        refused = isinstance(exc, ConnectionRefusedError)
        self._fail(Closed("nothing listens on that UDP port" if refused else f"UDP failed: {exc}"))

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio gives it
        """Called by asyncio: a datagram is one frame, whatever came before it."""
        self._buffer.clear()
        self.data_received(data)
        self._buffer.clear()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio. A whole frame is the rule: one comparison makes every check at once."""
        if len(data) == self._whole and not self._buffer and data.startswith(self._head):
            answer = self._answer
            if answer is not None and not answer.done():
                if not self._rtu:
                    self._due -= 1
                    self._expected.discard(self._transaction)
                    self._moment = time()
                    answer.set_result(data[HEADER:])
                    return
                if crc(data[:-2]) == data[-2:]:
                    self._moment = time()
                    self._heard = self._loop.time()
                    answer.set_result(data[1:-2])
                    return
        self._heard = self._loop.time()
        whole = not self._buffer
        self._buffer += data
        if self._rtu:
            self._cut_rtu()
        else:
            self._cut_tcp(whole=whole)

    def _cut_tcp(self, *, whole: bool) -> None:
        """Answers off the front of what came; `whole` tells that the first one begins with the newest bytes."""
        while len(self._buffer) >= HEADER:
            transaction, protocol, length, unit = tcp_head(self._buffer)
            if protocol != 0 or not 3 <= length <= 254:
                self._buffer.clear()
                self._fail(BadAnswer("the answer is no Modbus/TCP frame"))
                if self._transport is not None:  # nothing behind it can be trusted
                    self.close()
                return
            if len(self._buffer) < 6 + length:
                return
            body = bytes(self._buffer[HEADER : 6 + length])
            del self._buffer[: 6 + length]
            several = self._due > 1
            self._due = max(0, self._due - 1)
            if self._answer is None or self._answer.done() or transaction not in self._expected:
                self.late += 1
                self.late_units.add(unit)
                self._dropped = unit, body
                self.misnumbered += not 0 < transaction <= self._transaction
                self._came_late(unit, transaction)
            elif several and (self._buffer or not whole):
                # More than one answer may come. One that was cut off and the beginning of another look like a
                # good one, unless it comes whole and alone.
                self._fail(BadAnswer("several answers came in pieces: which is which cannot be told"))
                self.close()
                return
            elif self._differs(transaction, unit, body):
                self._fail(BadAnswer("two answers under one number differ: which is which cannot be told"))
                self.close()
                return
            else:
                self._expected.discard(transaction)
                self._take(unit, body)

    def _differs(self, transaction: int, unit: int, body: bytes) -> bool:
        """Whether another answer under the same number stands behind one: a gateway gives late ones the newest."""
        behind = bytes(self._buffer)
        if len(behind) < HEADER:
            return False
        number, _, length, whose = tcp_head(behind)
        whole = len(behind) >= 6 + length
        return whole and (number, whose) == (transaction, unit) and behind[HEADER : 6 + length] != body

    def _came_late(self, unit: int, transaction: int) -> None:
        """An answer that is owed, under its own number."""
        owed = self._owed.get(unit)
        if owed is not None and owed.came(transaction):
            del self._owed[unit]

    def _cut_rtu(self) -> None:
        while self._buffer:
            answer = self._answer
            if answer is None or answer.done():
                self.late += 1
                self.late_units.add(self._buffer[0])
                self._spoilt = True
                self._buffer.clear()
                return
            self._drop_noise()
            size = rtu_answer_size(self._buffer)
            if size is None or size > len(self._buffer) or (not size and len(self._buffer) <= _NOISE):
                return
            frame = bytes(self._buffer[:size])
            if not size or crc(frame[:-2]) != frame[-2:]:
                echoes = bool(self._sent) and self._buffer.startswith(self._sent)
                self._spoilt = True
                self._buffer.clear()
                self._fail(
                    Echoed()
                    if echoes
                    else BadAnswer("the answer is no Modbus RTU frame: its CRC does not fit")
                )
                return
            del self._buffer[:size]
            unit, body = frame[0], frame[1:-2]
            if self._is_another(frame):
                self._spoilt = True
                self._buffer.clear()
                self._fail(BadAnswer("two answers came to one request: which is which cannot be told"))
                return
            if unit in self._owed and (unit != self._unit or not self._fits(body)):
                self.late += 1  # an answer that was given up; there may be more of them
                self.late_units.add(unit)
                self._dropped = unit, body
            else:
                self._take(unit, body)

    def _drop_noise(self) -> None:
        """Drop the few bytes that stand before the awaited answer, where that is whole: a bus that is turned round."""
        whole = self._whole
        if whole and whole < len(self._buffer) <= whole + _NOISE:
            frame = bytes(self._buffer[-whole:])
            if frame.startswith(self._head) and crc(frame[:-2]) == frame[-2:]:
                del self._buffer[:-whole]

    def _is_another(self, frame: bytes) -> bool:
        """Whether a whole frame stands behind one that would be taken, and is not that one again."""
        behind = bytes(self._buffer)
        size = rtu_answer_size(behind)
        if not size or len(behind) < size or frame[0] != self._unit or not self._fits(frame[1:-2]):
            return False
        return behind[:size] != frame and crc(behind[: size - 2]) == behind[size - 2 : size]

    def _fits(self, body: bytes) -> bool:
        return body.startswith(self._prefix) or body[0] == self._code | 0x80

    def _take(self, unit: int, body: bytes) -> None:
        wanted, code = self._code, body[0]
        if unit != self._unit:
            self._fail(WrongUnit(unit, self._unit))
        elif code == wanted | 0x80:
            if len(body) == 2:
                self._fail(ExceptionAnswer(body[1]))
            else:
                self._fail(Misfit(f"an exception of {len(body)} bytes instead of 2"))
        elif code != wanted:
            self._fail(Misfit(f"function code {code} answered a request for {wanted}"))
        elif (self._size is not None and len(body) != self._size) or not body.startswith(self._prefix):
            self._fail(self._misfit(body))
        elif self._answer is not None:
            self._moment = time()
            self._answer.set_result(body)

    def _misfit(self, body: bytes) -> Misfit:
        if self._code in (1, 2, 3, 4, 23):
            said, came, asked = body[1], len(body) - 2, self._prefix[1]
            kind = ShortAnswer if 0 < said == came < asked and not self._rtu else Misfit
            if said == came == 2 * asked and self._code in (3, 4):
                kind = WideAnswer
            return kind(f"the answer holds {came} bytes and says {said}, {asked} were asked for")
        return Misfit(
            f"the answer does not repeat the request: {body.hex(' ')} instead of {self._prefix.hex(' ')}"
        )

    def _fail(self, fault: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(fault)
