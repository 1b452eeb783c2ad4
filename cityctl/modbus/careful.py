"""A line for looking around: opened when it is needed, paced, and unable to change anything on a device."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Protocol

from cityctl.modbus.line import Frame, Line, Link, open_line
from cityctl.modbus.line.faults import ExceptionAnswer, Fault, Untrusted

HARMLESS = frozenset({1, 2, 3, 4, 8, 17, 43})
"""Function codes that read. Of function 8 only the echo and the counters: others restart or silence a device."""
HARMLESS_DIAGNOSTICS = frozenset({0, 11, 12, 13, 14, 15, 16, 17, 18})
RATE = 20.0
"""Requests a second to one line, where nothing else is said."""


class Asks(Protocol):
    """What can be asked: a `Line`, or a careful one."""

    async def call(self, unit: int, function_code: int, address: int, count: int, *, timeout: float) -> None:
        """As `Line.call`."""
        ...

    async def read(
        self, unit: int, function_code: int, address: int, count: int, *, timeout: float, tries: int = 1
    ) -> Frame:
        """As `Line.read`."""
        ...

    async def exchange(
        self, unit: int, request: bytes, *, prefix: bytes, size: int | None, timeout: float, tries: int = 1
    ) -> bytes:
        """As `Line.exchange`."""
        ...


class CarefulLine:
    """The same questions as a Line's, at most `rate` a second, over a line that is reopened where it broke.

    `wait`: seconds that the device wants between connecting and the first request, `pause` behind each exchange.
    Raises ValueError for a request that could change a device: that would be a bug. Otherwise as Line does,
    NotConnected, and Untrusted.
    """

    def __init__(
        self,
        link: Link,
        *,
        connect_timeout: float = 3.0,
        rate: float = RATE,
        wait: float = 0.0,
        pause: float = 0.0,
    ) -> None:
        self.link = link
        self.requests = 0
        self.waited: list[float] = []
        """Round trips of the reads that were answered, exceptions too, in s."""
        self._connect_timeout = connect_timeout
        self.pause = pause
        self._wait = wait
        self.interval = 1.0 / rate if rate > 0 else 0.0
        self._next = 0.0
        self._late_units: set[int] = set()
        self._line: Line | None = None

    def close(self) -> None:
        """Let go of the line; safe to call twice."""
        if self._line is not None:
            self._late_units |= self._line.late_units
            self._line.close()
            self._line = None

    @property
    def late_units(self) -> set[int]:
        """Units of which an answer came that nobody waited for any more."""
        return self._late_units if self._line is None else self._late_units | self._line.late_units

    async def opened(self) -> Line:
        """The line, open. Raises NotConnected."""
        if self._line is None or not self._line.is_open:
            self.close()
            self._line = await open_line(self.link, self._connect_timeout)
            if self._wait:
                await asyncio.sleep(self._wait)
        return self._line

    async def read(
        self, unit: int, function_code: int, address: int, count: int, *, timeout: float, tries: int = 1
    ) -> Frame:
        """As `Line.read`."""
        line = await self._turn(unit, function_code, timeout)
        try:
            frame = await line.read(unit, function_code, address, count, timeout=timeout, tries=tries)
        except ExceptionAnswer:
            self.waited.append(line.took)
            raise
        self.waited.append(line.took)
        return frame

    async def call(self, unit: int, function_code: int, address: int, count: int, *, timeout: float) -> None:
        """As `Line.call`."""
        line = await self._paced(unit)
        await line.call(unit, function_code, address, count, timeout=timeout)

    async def exchange(
        self, unit: int, request: bytes, *, prefix: bytes, size: int | None, timeout: float, tries: int = 1
    ) -> bytes:
        """As `Line.exchange`, for requests that only read."""
        code = request[0]
        if code not in HARMLESS or (code == 8 and request[2] not in HARMLESS_DIAGNOSTICS):
            raise ValueError(f"function {code} is not for looking around")
        line = await self._turn(unit, code, timeout)
        return await line.exchange(unit, request, prefix=prefix, size=size, timeout=timeout, tries=tries)

    async def _paced(self, unit: int) -> Line:
        wait = self._next - monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        self._next = monotonic() + self.interval
        self.requests += 1
        line = await self.opened()
        if self.pause:
            line.pauses[unit] = self.pause
        return line

    async def _turn(self, unit: int, code: int, timeout: float) -> Line:
        line = await self._paced(unit)
        if not line.trusts(unit, code):
            try:
                await line.settle(unit, timeout=timeout)
            except Fault as problem:
                raise Untrusted(f"the line cannot be trusted: {problem}") from None
        return line
