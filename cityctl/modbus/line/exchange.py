"""One request on a line and its answer: sent, waited for, and what is left owing where none came."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NoReturn

from cityctl.modbus.line.answers import Answers
from cityctl.modbus.line.faults import BadAnswer, Closed, CutOff, Echoed, ExceptionAnswer, Misnumbered, Silent
from cityctl.modbus.line.framing import HEADER, rtu_frame, tcp_frame, tcp_header
from cityctl.modbus.line.link import Link
from cityctl.modbus.line.owed import READS, Owed

_TICK = 0.002  # s; uvloop's clock goes by milliseconds


@dataclass(slots=True)
class _Asked:
    """A request while it is being asked."""

    unit: int
    request: bytes
    prefix: bytes
    timeout: float  # s, for all tries
    tries: int
    misnumbered: int  # answers under foreign numbers before it
    unanswered: int = 0  # times that it was sent and is not answered
    begun: float = 0.0
    doubted: bytes | None = None  # an answer that may be an earlier request's
    is_echoed: bool = False


class Exchanges(Answers):
    """The sending side of a line, with one request outstanding."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self.pauses: dict[int, float] = {}
        """Seconds that a unit wants between an exchange and its next request."""
        self.took = 0.0
        """Seconds from the last request to its answer."""
        self._rests: dict[int, float] = {}  # when a unit may be asked again
        self._last = (b"", b"")  # the last answer, and what it answered
        # Units whose second answer was not their first one again, or was so twice.
        self._in_step: set[int] = set()

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        transport = self._transport or self._datagrams
        return transport is not None and not transport.is_closing()

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
        asked = _Asked(unit, request, prefix, timeout, tries, misnumbered=self.misnumbered)
        try:
            while asked.unanswered < tries:
                answer = await self._asked_once(asked)
                if answer is not None and not self._is_doubted(asked, answer):
                    self._came_in_order(unit, request[0])
                    return answer
            self._give_up(asked)
        except ExceptionAnswer as problem:
            if not problem.is_absent:  # or the unit's own answer may still come
                asked.unanswered -= 1
                self._came_in_order(unit, request[0])
            raise
        except Closed:
            if not self.link.is_serial:  # it forgets who asked; many close after each answer
                asked.unanswered = 0
            raise
        except BadAnswer as problem:
            asked.is_echoed = isinstance(problem, Echoed)
            if not (self._rtu or self._owed or asked.doubted):  # or it may be an older request's
                asked.unanswered -= 1
            raise
        finally:
            self._settle(asked)

    async def _asked_once(self, asked: _Asked) -> bytes | None:
        """Send a request in its turn and wait for what comes; None: nothing did."""
        if self._buffer and not self._rtu:
            self._tear("bytes came that end in the middle of an answer")
        if self._serial is not None:
            await self._gap(self._serial.silence)
        if asked.unit in self._rests:
            await self._rest(asked.unit)
        asked.begun = asked.begun or self._loop.time()
        self._answer = self._loop.create_future()
        self._send(asked.unit, asked.request)
        asked.unanswered += 1
        self._arm(asked.timeout / asked.tries)
        answer = await self._answer
        if answer is not None:
            asked.unanswered -= 1
        return answer

    def _is_doubted(self, asked: _Asked, answer: bytes) -> bool:
        """Whether an answer may be an earlier request's, which asking once more tells.

        Raises BadAnswer where the second answer is not the first one again.
        """
        if asked.doubted is not None:
            if answer != asked.doubted:
                asked.unanswered += 1  # a third one is still to come
                raise BadAnswer("two answers to one request differ: one may be an earlier request's")
            return False
        if not self._is_again(asked.unit, asked.request, answer):
            return False
        asked.doubted, asked.begun = answer, 0.0
        self._tire(asked.unit)
        return True

    def _give_up(self, asked: _Asked) -> NoReturn:
        """Say what was heard in place of an answer."""
        waited = f"within {asked.timeout:g} s"
        if self._buffer and not self._rtu:
            self._tear(f"the answer was cut off: {len(self._buffer)} bytes came {waited}")
        others = self.misnumbered - asked.misnumbered
        if others:
            raise Misnumbered(
                f"no answer {waited} but {others} under transaction numbers that nobody asked under"
            )
        raise Silent(f"no answer {waited}")

    def _settle(self, asked: _Asked) -> None:
        """Leave the line ready for the next request, and keep in mind what is still owed of this one."""
        self._answer = None
        self.took = self._loop.time() - asked.begun if asked.begun else 0.0
        self._tire(asked.unit)
        if asked.unanswered > 0:
            owed = self._owed.setdefault(asked.unit, Owed())
            owed.take(asked.request, asked.prefix, self._expected, asked.unanswered)
            owed.echoed |= asked.is_echoed
        if self._rtu:
            if self._buffer:  # more than the one answer that was due
                self._spoilt = True
                self._buffer.clear()
        else:
            self._expected.clear()
        self._whole = 0

    def _tire(self, unit: int) -> None:
        """From now on a unit has the pause that it wants."""
        if unit in self.pauses:
            self._rests[unit] = self._loop.time() + self.pauses[unit]

    async def _rest(self, unit: int) -> None:
        """Wait until a unit may be asked again. Raises Closed where the line was closed meanwhile."""
        left = self._rests.pop(unit) - self._loop.time()
        if left > 0:
            await asyncio.sleep(left)
            if not self.is_open:
                raise Closed("the connection is closed")

    def _came_in_order(self, unit: int, code: int) -> None:
        """Behind an answer of another function than all that are owed none of these comes any more, on a bus."""
        owed = self._owed.get(unit)
        if self._rtu and owed is not None and not owed.is_of_function(code):
            del self._owed[unit]

    def _tear(self, why: str) -> None:
        """Close a line whose bytes no longer begin with an answer: the next one would be read across the cut."""
        self._buffer.clear()
        self.close()
        raise CutOff(why)

    async def _listen(self, unit: int, prefix: bytes, size: int, left: float) -> None:
        self._unit, self._code, self._prefix, self._size = unit, prefix[0], prefix, size
        self._answer = self._loop.create_future()
        if not self._rtu:
            self._expected.add(self._transaction)
        try:
            self._arm(left)
            if await self._answer is None:
                raise Silent("no answer to an echo")
        finally:
            self._answer = None
            self._expected.clear()

    async def _gap(self, quiet: float, *, ends: float | None = None) -> None:
        """Wait until no byte has come for `quiet` seconds."""
        while (left := self._heard + quiet - self._loop.time()) > 0:
            if ends is not None and self._loop.time() > ends:
                raise Silent("the line does not become quiet")
            await asyncio.sleep(left)

    def _is_again(self, unit: int, request: bytes, answer: bytes) -> bool:
        """Whether an answer may be the one before it once more: the same bytes to another read of that unit.

        It is asked for again then: twice the same is what the device says. A write is never sent again. Where there
        are transaction numbers, only the first two reads of a unit are held against each other: a gateway that is one
        answer behind shows there.
        """
        if request[0] not in READS or unit in self._in_step:
            return False
        asked, last = bytes((unit,)) + request, self._last
        self._last = (asked, answer)
        follows = last[0] != asked and last[0][:1] == asked[:1]
        if follows and not self._rtu:
            self._in_step.add(unit)
        return follows and last[1] == answer

    # sending and waiting

    def _send(self, unit: int, request: bytes) -> None:
        if self._rtu:
            self._sent = frame = rtu_frame(unit, request)
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
