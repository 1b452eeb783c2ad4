"""One line with one request outstanding at a time; every answer is checked before it is believed.

Where the wire has no transaction numbers, an answer that is still owed makes the line untrusted for that unit: it
must be reopened, or `settle`d.
"""

from __future__ import annotations

import asyncio
import random
import struct
from datetime import UTC, datetime
from time import monotonic

from cityctl.modbus.faults import BadAnswer, Closed, ExceptionAnswer, Silent
from cityctl.modbus.line.answers import Answers
from cityctl.modbus.line.framing import (
    HEADER,
    rtu_frame,
    tcp_frame,
    tcp_header,
)
from cityctl.modbus.line.link import Link

_READ = struct.Struct(">BHH")
_WORDS = [struct.Struct(f">{count}H") for count in range(127)]
_TICK = 0.002  # s; uvloop's clock goes by milliseconds
_QUIET = 0.02  # s without a byte, before a spoilt serial line is believed to be silent
_LOST: dict[str, dict[int, float]] = {}
"""Answers that lines of this process gave up: serial port -> unit -> when (monotonic)."""
_LOST_FOR = 60.0  # s after which no lost answer comes any more


class Frame:
    """An answer that passed every check, and when it came."""

    __slots__ = ("count", "is_bits", "moment", "payload")

    def __init__(self, payload: bytes, count: int, is_bits: bool, moment: float) -> None:
        self.payload = payload
        self.count = count
        self.is_bits = is_bits
        self.moment = moment

    @property
    def registers(self) -> tuple[int, ...]:
        """Registers, or bits as 0 and 1."""
        if self.is_bits:
            return tuple(self.payload[at // 8] >> at % 8 & 1 for at in range(self.count))
        return _WORDS[self.count].unpack(self.payload)

    @property
    def received(self) -> datetime:
        """When it came (UTC, whole ms)."""
        return datetime.fromtimestamp(int(self.moment * 1000) / 1000, UTC)


class Line(Answers):
    """A line that is open; `open_line` makes one.

    Raises RuntimeError for a second request while one is outstanding: that is a bug of the caller.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        if link.is_serial:
            lost = _LOST.pop(link.host, {})
            self._owed |= {unit for unit, at in lost.items() if monotonic() - at < _LOST_FOR}

    def close(self) -> None:
        """Close the line; safe to call twice. What a serial port still owes, its next line will know."""
        if self.link.is_serial and self._owed:
            _LOST.setdefault(self.link.host, {}).update(dict.fromkeys(self._owed, monotonic()))
        super().close()

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        transport = self._transport or self._datagrams
        return transport is not None and not transport.is_closing()

    def trusts(self, unit: int) -> bool:
        """Whether the next answer of a unit can only be that of its next request.

        On a bus, what another unit owes is told by its number. A gateway's connection is cheap to open anew,
        so that there nothing at all may be owed.
        """
        if not self._rtu:
            return True
        owed = unit in self._owed if self.link.is_serial else bool(self._owed)
        return not (self._spoilt or owed)

    @property
    def owing(self) -> frozenset[int]:
        """Units of which an answer may still come; only where the wire has no transaction numbers."""
        return frozenset(self._owed)

    def distrust(self, unit: int) -> None:
        """Say that an answer of a unit may still come, which somebody asked for before this line was opened."""
        if self._rtu:
            self._owed.add(unit)

    async def read(
        self, unit: int, function_code: int, address: int, count: int, *, timeout: float, tries: int = 1
    ) -> Frame:
        """Ask for `count` registers or bits and wait at most `timeout` seconds in all.

        The request is sent up to `tries` times, spread over the timeout; an answer to any of them counts,
        since all ask the same. Raises Silent, Closed, BadAnswer or ExceptionAnswer.
        """
        bits = function_code < 3
        size = (count + 7) // 8 if bits else 2 * count
        request = _READ.pack(function_code, address, count)
        prefix = bytes((function_code, size))
        answer = await self.exchange(
            unit, request, prefix=prefix, size=2 + size, timeout=timeout, tries=tries
        )
        return Frame(answer[2:], count, bits, self._moment)

    async def exchange(
        self, unit: int, request: bytes, *, prefix: bytes, size: int | None, timeout: float, tries: int = 1
    ) -> bytes:
        """Send a request PDU and give the answer's PDU: one that begins with `prefix` and has `size` bytes.

        `prefix` holds the function code at least; `size` is None where only the device knows it. A line that
        cannot be trusted is settled first. Raises as `read` does; Closed, with nothing sent, where the line
        is not open.
        """
        if not self.trusts(unit):
            await self.settle(unit, timeout=timeout)
        return await self._exchange(unit, request, prefix=prefix, size=size, timeout=timeout, tries=tries)

    async def _exchange(
        self, unit: int, request: bytes, *, prefix: bytes, size: int | None, timeout: float, tries: int = 1
    ) -> bytes:
        if self._answer is not None:
            raise RuntimeError("one request at a time on a line")
        if not self.is_open:
            raise Closed("the connection is closed")
        self._unit, self._code, self._prefix, self._size = unit, request[0], prefix, size
        if not self._rtu:
            self._expected.clear()
        sent = 0
        try:
            for _ in range(tries):
                if self._buffer and not self._rtu:
                    self._tear("bytes came that end in the middle of an answer")
                if self._serial is not None:
                    await self._gap(self._serial.silence)
                self._answer = self._loop.create_future()
                self._send(unit, request)
                sent += 1
                self._arm(timeout / tries)
                answer = await self._answer
                if answer is not None:
                    sent -= 1
                    return answer
            if self._buffer and not self._rtu:
                self._tear(f"the answer was cut off: {len(self._buffer)} bytes came within {timeout:g} s")
            raise Silent(f"no answer within {timeout:g} s")
        except ExceptionAnswer:
            sent -= 1
            raise
        finally:
            self._answer = None
            if self._rtu:
                if sent > 0:
                    self._owed.add(unit)
                if self._buffer:  # more than the one answer that was due
                    self._spoilt = True
                    self._buffer.clear()
            else:
                self._expected.clear()
            self._whole = 0

    def _tear(self, why: str) -> None:
        """Close a line whose bytes no longer begin with an answer: the next one would be read across the cut."""
        self._buffer.clear()
        self.close()
        raise BadAnswer(why)

    async def settle(self, unit: int, *, timeout: float) -> None:
        """Make a line without transaction numbers trustworthy again for a unit.

        Waits until the line is quiet. Where an answer of that unit may still come, asks it to return a number
        of ours (function 8, sub-function 0): a device answers in order, so that behind this answer, or its
        refusal, no older one can come. Raises Silent where the unit does not answer to that.
        """
        if not self._rtu:
            return
        if self._spoilt:
            ends = self._loop.time() + timeout
            quiet = max(_QUIET, 2 * self._serial.silence) if self._serial else _QUIET
            await self._gap(quiet, ends=ends)
            self._buffer.clear()
            self._spoilt = False
        if unit not in self._owed:
            return
        number = random.getrandbits(16).to_bytes(2, "big")
        await self._find(unit, b"\x08\x00\x00" + number, timeout)
        self._owed.discard(unit)
        self._spoilt = False

    async def _find(self, unit: int, echo: bytes, timeout: float) -> None:
        """Send the echo and drop everything until it, or its refusal, comes."""
        ends = self._loop.time() + timeout
        tried = False
        while True:
            left = ends - self._loop.time()
            if left <= 0:
                raise Silent(f"no answer to an echo within {timeout:g} s after one was lost")
            try:
                if tried:
                    await self._listen(unit, echo, left)
                else:
                    tried = True
                    await self._exchange(unit, echo, prefix=echo, size=len(echo), timeout=left)
            except ExceptionAnswer:
                return
            except BadAnswer:
                continue
            except Silent:
                raise Silent(f"no answer to an echo within {timeout:g} s after one was lost") from None
            return

    async def _listen(self, unit: int, echo: bytes, left: float) -> None:
        self._unit, self._code, self._prefix, self._size = unit, echo[0], echo, len(echo)
        self._answer = self._loop.create_future()
        try:
            self._arm(left)
            if await self._answer is None:
                raise Silent("no answer to an echo")
        finally:
            self._answer = None

    async def _gap(self, quiet: float, *, ends: float | None = None) -> None:
        """Wait until no byte has come for `quiet` seconds."""
        while (left := self._heard + quiet - self._loop.time()) > 0:
            if ends is not None and self._loop.time() > ends:
                raise Silent("the line does not become quiet")
            await asyncio.sleep(left)

    # sending and waiting

    def _send(self, unit: int, request: bytes) -> None:
        if self._rtu:
            frame = rtu_frame(unit, request)
            self._buffer.clear()
            if self._size is not None:
                self._head = bytes((unit,)) + self._prefix
                self._whole = 1 + self._size + 2
        else:
            self._transaction = transaction = self._transaction % 0xFFFF + 1
            self._expected.add(transaction)
            self._due += 1
            frame = tcp_frame(transaction, unit, request)
            if self._size is not None:
                self._head = tcp_header(transaction, 1 + self._size, unit) + self._prefix
                self._whole = HEADER + self._size
        if self._transport is not None:
            self._transport.write(frame)
        elif self._datagrams is not None:
            self._datagrams.sendto(frame)
        else:
            raise Closed("the connection is closed")

    def _arm(self, seconds: float) -> None:
        """One timer a line, moved on when it fires too early: requests that are answered cost it nothing."""
        self._ends = ends = self._loop.time() + seconds
        timer = self._timer
        if timer is not None:
            if timer.when() <= ends:
                return
            timer.cancel()
        self._timer = self._loop.call_at(ends, self._ring)

    def _ring(self) -> None:
        self._timer = None
        answer = self._answer
        if answer is None or answer.done():
            return
        if self._loop.time() >= self._ends - _TICK:
            answer.set_result(None)
        else:
            self._timer = self._loop.call_at(self._ends, self._ring)
