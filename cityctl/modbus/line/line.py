"""One line with one request outstanding at a time; every answer is checked before it is believed.

An answer that is still owed makes the line untrusted for that unit: it must be `settle`d. Opening it anew is not
enough, since what comes late from the bus behind a gateway goes to whoever is connected then; and where there are
transaction numbers, some gateways give it that of the newest request. Some give it the newest one's unit too: a read
of another unit that it may pass for is confirmed by a second one.
"""

from __future__ import annotations

import random
from math import inf

from cityctl.modbus.line.exchange import Exchanges
from cityctl.modbus.line.faults import BadAnswer, ExceptionAnswer, Silent, Strayed, Unsettled, Untold
from cityctl.modbus.line.frame import Frame
from cityctl.modbus.line.link import Link
from cityctl.modbus.line.owed import READ, READS, Owed, believe, doubted, inherit, leave, read_prefix

_ECHO = b"\x08\x00\x00"
_QUIET = 0.02  # s without a byte, before a spoilt serial line is believed to be silent
_PROBES = 3
"""Reads of other lengths that are tried to settle a line: a device may refuse some."""


class Line(Exchanges):
    """A line that is open; `open_line` makes one.

    Raises RuntimeError for a second request while one is outstanding: that is a bug of the caller.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._mute: set[int] = set()  # units that do not answer to an echo
        if link.is_serial:
            # What others said on the bus just before is not over yet.
            self._spoilt, self._heard = True, self._loop.time()
        self._owed |= inherit(link.host, link.port)

    def close(self) -> None:
        """Close the line; safe to call twice. What is still owed there, the next line will know."""
        leave(self.link.host, self.link.port, self._owed)
        super().close()

    def trusts(self, unit: int, code: int | None = None) -> bool:
        """Whether the next answer of a unit is that of its next request, whatever that will be.

        Where the function `code` is given, of a request with that. What another unit owes is told by its number.
        Where there are transaction numbers it depends on the request, which `read` and `exchange` look at.
        """
        if not self._rtu or not self.owes(unit):
            return True
        return code is not None and not (
            self._spoilt or self._doubts(unit) or self._owed[unit].is_of_function(code)
        )

    def owes(self, unit: int) -> bool:
        """Whether an answer of a unit may still come, or what came last was spoilt: a write goes over no such line."""
        return self._spoilt or unit in self._owed or self._doubts(unit)

    def _doubts(self, unit: int) -> bool:
        return self._rtu and doubted(self.link.host, self.link.port, unit)

    async def read(
        self,
        unit: int,
        function_code: int,
        address: int,
        count: int,
        *,
        timeout: float,
        tries: int = 1,
    ) -> Frame:
        """Ask for `count` registers or bits and wait at most `timeout` seconds in all.

        The request is sent up to `tries` times, spread over the timeout; an answer to any of them counts,
        since all ask the same. What confirms it is no part of how long it `took`.
        Raises Silent, Closed, BadAnswer or ExceptionAnswer.
        """
        request = READ.pack(function_code, address, count)
        prefix = read_prefix(function_code, count)
        size = 2 + prefix[1]
        if self._rtu or self._owed:
            await self._settled(unit, request, prefix, timeout)
        answer = await self._exchange(unit, request, prefix=prefix, size=size, timeout=timeout, tries=tries)
        moment, took = self._moment, self.took
        if self._owed:
            await self._confirm(unit, request, prefix, answer, timeout)
            self.took = took
        return Frame(answer[2:], count, function_code < 3, moment)

    async def exchange(
        self, unit: int, request: bytes, *, prefix: bytes, size: int | None, timeout: float, tries: int = 1
    ) -> bytes:
        """Send a request PDU and give the answer's PDU: one that begins with `prefix` and has `size` bytes.

        `prefix` holds the function code at least; `size` is None where only the device knows it. A line that
        cannot be trusted is settled first. Raises as `read` does; Closed, with nothing sent, where the line
        is not open.
        """
        await self._settled(unit, request, prefix, timeout)
        return await self._exchange(unit, request, prefix=prefix, size=size, timeout=timeout, tries=tries)

    async def _settled(self, unit: int, request: bytes, prefix: bytes, timeout: float) -> None:
        """Settle the line where what is owed may be taken for the answer to a request."""
        owed = self._owed.get(unit)
        if not self.trusts(unit, request[0]) or (owed is not None and owed.may_pass_for(request, prefix)):
            await self.settle(unit, timeout=timeout)

    async def call(self, unit: int, function_code: int, address: int, count: int, *, timeout: float) -> None:
        """Ask as `read` does, to find out whether a unit is there: an answer that it owed tells it as well.

        Raises as `read` does.
        """
        request, prefix = READ.pack(function_code, address, count), read_prefix(function_code, count)
        answer = await self._exchange(unit, request, prefix=prefix, size=2 + prefix[1], timeout=timeout)
        if self._owed:
            await self._confirm(unit, request, prefix, answer, timeout)
        if unit in self._owed:
            self._owed[unit].read = request  # a place where it is settled, since it answers there

    async def _confirm(self, unit: int, request: bytes, prefix: bytes, answer: bytes, timeout: float) -> None:
        """Make sure that an answer is not another unit's late one, where one is owed that looks like it.

        Done for as long as a late answer is likely, and at least once. Raises Strayed where it may be another's.
        """
        strays = [each for whose, each in self._owed.items() if whose != unit and each.may_stray(prefix)]
        if not strays:
            return
        if not await self._is_own(unit, request, prefix, answer, timeout):
            for each in strays:
                each.stray()
            raise Strayed
        for each in strays:
            each.stay(timeout)

    async def _is_own(self, unit: int, request: bytes, prefix: bytes, answer: bytes, timeout: float) -> bool:
        """Whether nothing else comes where an answer is confirmed; where nothing does, it is not the unit's own.

        Reads as many registers as no answer that is owed holds; behind another's answer the unit's own comes first.
        Where it refuses that, asks for an echo: were it one behind, its last refusal would come now.
        """
        mine = Owed()
        mine.take(request, prefix)
        for each in self._owed.values():
            mine.prefixes |= each.prefixes
        echo, owes = _echo(), unit in self._owed
        self._dropped = 0, b""
        for probe, begins in [*mine.probes[:_PROBES], (echo, echo)]:
            size = len(echo) if probe is echo else 2 + begins[1]
            try:
                await self._exchange(unit, probe, prefix=begins, size=size, timeout=timeout)
            except ExceptionAnswer as problem:
                if probe is not echo:
                    continue
                if problem.is_absent:
                    raise
            except BadAnswer:
                self._owed.setdefault(unit, Owed()).take(request, prefix)
                return False
            except Silent:
                if probe is not echo:
                    return False
                if not owes:  # it does not know the function
                    self._owed.pop(unit, None)
            break
        whose, late = self._dropped
        return whose != unit or not late.startswith(prefix) or late == answer

    async def settle(self, unit: int, *, timeout: float) -> None:
        """Make a line trustworthy again for a unit.

        Waits until the line is quiet. Where an answer of that unit may still come, asks it to return a number
        of ours (function 8, sub-function 0): a device answers in order, so that behind this answer, or its
        refusal, no older one can come. One that says nothing to that is asked for a read whose answer is of
        another length than the lost one. Raises Silent where the unit does not answer to either, and ExceptionAnswer
        where a gateway says so.
        """
        if self._spoilt:
            ends = self._loop.time() + timeout
            quiet = max(_QUIET, 2 * self._serial.silence) if self._serial else _QUIET
            await self._gap(quiet, ends=ends)
            self._buffer.clear()
            self._spoilt = False
        if self._doubts(unit):
            believe(self.link.host, self.link.port, unit)
            self._owed.setdefault(unit, Owed(is_guess=True))
        if unit not in self._owed:
            return
        owed = self._owed[unit]
        since = owed.since
        try:
            left = await self._last_of(unit, owed, timeout)
        except Exception:
            owed.since = since  # asking in vain must not make it last
            raise
        self._owed.pop(unit, None)
        if left is not None:
            self._owed[unit] = left
        self._spoilt = False

    async def _last_of(self, unit: int, owed: Owed, timeout: float) -> Owed | None:
        """Wait until no answer that is owed can come any more; what is owed of our own asking then."""
        probes = owed.probes[:_PROBES]
        if not probes or not (owed.echoed or unit in self._mute):
            echo = _echo()
            try:
                return await self._find(unit, echo, echo, len(echo), timeout)
            except Silent:
                if owed.is_guess:  # it does not know the function: whatever was owed had its time
                    return None
                if not probes:
                    raise
        while True:
            request, prefix = probes.pop(0)
            try:
                left = await self._find(unit, request, prefix, 2 + prefix[1], timeout / 2)
            except Untold:
                if not probes:
                    raise
            else:
                self._mute.add(unit)
                return left

    async def _find(self, unit: int, request: bytes, prefix: bytes, size: int, timeout: float) -> Owed | None:
        """Send a request that no older answer fits, and drop everything until its own, or its refusal, comes.

        A gateway that gives an older one its number throws its own away, so that it is sent again. A unit of which
        older ones come is waited for once more. Gives what is still owed of these requests.
        """
        ends, late = self._loop.time() + timeout, float(self.late)
        sent, listens = 0, False
        misfit: BadAnswer | None = None
        while True:
            left = ends - self._loop.time()
            if left <= 0 and self.late > late:
                ends, late, left, listens = ends + timeout, inf, timeout, True
            if left <= 0:
                if unit not in self._owed:  # what was lost has come meanwhile, each under its own number
                    break
                if misfit is not None:
                    raise Unsettled(misfit)
                raise Silent(f"no answer to an echo within {timeout:g} s after one was lost")
            if misfit is not None and not self._rtu:
                left = min(left, timeout / 2)
            try:
                if listens:
                    await self._listen(unit, prefix, size, left)
                else:
                    sent += 1
                    await self._exchange(unit, request, prefix=prefix, size=size, timeout=left)
            except ExceptionAnswer as problem:
                if problem.is_absent:
                    raise
                if self._rtu and request[0] in READS:  # the lost one may have been refused
                    raise Untold from None
                sent -= 1
                break
            except BadAnswer as problem:
                self.late_units.add(unit)
                misfit, listens = problem, True
            except Silent:
                listens = self._rtu
            else:
                sent -= 1
                break
        if not sent:
            return None
        mine = Owed()
        mine.take(request, prefix)
        return mine


def _echo() -> bytes:
    """Function 8, sub-function 0, with a number of ours."""
    return _ECHO + random.getrandbits(16).to_bytes(2, "big")
