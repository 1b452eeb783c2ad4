"""One line with one request outstanding at a time; every answer is checked before it is believed.

Where the wire has no transaction numbers, an answer that is still owed makes the line untrusted for that unit: it
must be reopened, or `settle`d.
"""

from __future__ import annotations

import asyncio
import random
from time import monotonic

from cityctl.modbus.faults import BadAnswer, Closed, ExceptionAnswer, Misnumbered, Silent
from cityctl.modbus.line.answers import READ, READS, Answers, Owed, read_prefix
from cityctl.modbus.line.frame import Frame
from cityctl.modbus.line.framing import (
    HEADER,
    rtu_frame,
    tcp_frame,
    tcp_header,
)
from cityctl.modbus.line.link import Link

_TICK = 0.002  # s; uvloop's clock goes by milliseconds
_QUIET = 0.02  # s without a byte, before a spoilt serial line is believed to be silent
_LOST: dict[str, dict[int, tuple[Owed, float]]] = {}
"""Answers that lines of this process gave up: serial port -> unit -> which, and when (monotonic)."""
_LOST_FOR = 60.0  # s after which no lost answer comes any more


class Line(Answers):
    """A line that is open; `open_line` makes one.

    Raises RuntimeError for a second request while one is outstanding: that is a bug of the caller.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._mute: set[int] = set()  # units that do not answer to an echo
        self._last = (b"", b"")  # the last answer of a line without transactions, and what it answered
        if link.is_serial:
            # What others said on the bus just before is not over yet.
            self._spoilt, self._heard = True, self._loop.time()
            lost = _LOST.pop(link.host, {})
            self._owed |= {unit: owed for unit, (owed, at) in lost.items() if monotonic() - at < _LOST_FOR}

    def close(self) -> None:
        """Close the line; safe to call twice. What a serial port still owes, its next line will know."""
        if self.link.is_serial and self._owed:
            now = monotonic()
            _LOST.setdefault(self.link.host, {}).update(
                (unit, (owed, now)) for unit, owed in self._owed.items()
            )
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
            self._owed.setdefault(unit, Owed())

    async def read(
        self, unit: int, function_code: int, address: int, count: int, *, timeout: float, tries: int = 1
    ) -> Frame:
        """Ask for `count` registers or bits and wait at most `timeout` seconds in all.

        The request is sent up to `tries` times, spread over the timeout; an answer to any of them counts,
        since all ask the same. Raises Silent, Closed, BadAnswer or ExceptionAnswer.
        """
        if self._rtu and not self.trusts(unit):
            await self.settle(unit, timeout=timeout)
        request = READ.pack(function_code, address, count)
        prefix = read_prefix(function_code, count)
        size = 2 + prefix[1]
        answer = await self._exchange(unit, request, prefix=prefix, size=size, timeout=timeout, tries=tries)
        return Frame(answer[2:], count, function_code < 3, self._moment)

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
        sent, misnumbered = 0, self.misnumbered  # `sent` and not answered
        doubted: bytes | None = None
        try:
            while sent < tries:
                if self._buffer and not self._rtu:
                    self._tear("bytes came that end in the middle of an answer")
                if self._serial is not None:
                    await self._gap(self._serial.silence)
                self._answer = self._loop.create_future()
                self._send(unit, request)
                sent += 1
                self._arm(timeout / tries)
                answer = await self._answer
                if answer is None:
                    continue
                sent -= 1
                if doubted is not None and answer != doubted:
                    sent += 1  # a third one is still to come
                    raise BadAnswer("two answers to one request differ: one may be an earlier request's")
                if doubted is None and self._rtu and self._is_again(unit, request, answer):
                    doubted = answer
                    continue
                return answer
            if self._buffer and not self._rtu:
                self._tear(f"the answer was cut off: {len(self._buffer)} bytes came within {timeout:g} s")
            if self.misnumbered > misnumbered:
                raise Misnumbered(
                    f"no answer within {timeout:g} s but {self.misnumbered - misnumbered} under transaction numbers "
                    "that nobody asked under"
                )
            raise Silent(f"no answer within {timeout:g} s")
        except ExceptionAnswer:
            sent -= 1
            raise
        finally:
            self._answer = None
            if self._rtu:
                if sent > 0:
                    self._owed.setdefault(unit, Owed()).take(request, prefix)
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
        refusal, no older one can come. One that says nothing to that is asked for a read whose answer is of
        another length than the lost one. Raises Silent where the unit does not answer to either.
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
        probe = self._owed[unit].probe
        if probe is None or unit not in self._mute:
            number = random.getrandbits(16).to_bytes(2, "big")
            echo = b"\x08\x00\x00" + number
            try:
                await self._find(unit, echo, echo, len(echo), timeout / 2 if probe else timeout)
                probe = None
            except Silent:
                if probe is None:
                    raise
        if probe is not None:
            await self._find(unit, *probe, 2 + probe[1][1], timeout / 2)
            self._mute.add(unit)
        self._owed.pop(unit, None)
        self._spoilt = False

    async def _find(self, unit: int, request: bytes, prefix: bytes, size: int, timeout: float) -> None:
        """Send a request that no older answer fits, and drop everything until its own, or its refusal, comes."""
        ends = self._loop.time() + timeout
        tried = False
        while True:
            left = ends - self._loop.time()
            if left <= 0:
                raise Silent(f"no answer to an echo within {timeout:g} s after one was lost")
            try:
                if tried:
                    await self._listen(unit, prefix, size, left)
                else:
                    tried = True
                    await self._exchange(unit, request, prefix=prefix, size=size, timeout=left)
            except ExceptionAnswer:
                if request[0] in READS:  # the lost one may have been refused
                    raise Silent("whether a lost answer still comes cannot be told") from None
                return
            except BadAnswer:
                continue
            except Silent:
                raise Silent(f"no answer to an echo within {timeout:g} s after one was lost") from None
            return

    async def _listen(self, unit: int, prefix: bytes, size: int, left: float) -> None:
        self._unit, self._code, self._prefix, self._size = unit, prefix[0], prefix, size
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

    def _is_again(self, unit: int, request: bytes, answer: bytes) -> bool:
        """Whether an answer may be the one before it once more: the same bytes to another read of that unit.

        It is asked for again then: twice the same is what the device says. A write is never sent again.
        """
        if request[0] not in READS:
            return False
        asked, last = bytes((unit,)) + request, self._last
        self._last = (asked, answer)
        return last[1] == answer and last[0] != asked and last[0][:1] == asked[:1]

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
