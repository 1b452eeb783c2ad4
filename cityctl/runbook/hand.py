"""The hand on the plant: looks at points, and sends one write. What may be sent is decided elsewhere.

Each look and each write is a connection of its own: what an earlier one left behind cannot be taken for an
answer. On it the device is asked who it is first, where its connector names a point for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from cityctl.errors import LockHeld
from cityctl.modbus import write as wire
from cityctl.modbus.alone import Alone
from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.connecting import connect
from cityctl.modbus.line import Line
from cityctl.modbus.line.faults import AT_WORK, ExceptionAnswer, Fault, NotConnected, Stranger
from cityctl.modbus.maps.codec import decode
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.run import ask_all, run_loop
from cityctl.modbus.targets import target
from cityctl.reading import Quality
from cityctl.runbook.points import Ref, told, told_of
from cityctl.runbook.scope import Plant
from cityctl.runbook.values import Told, Unknown

_TRIES = 3
_BETWEEN_TRIES = 0.2  # s before the second one, twice that before the third: another master may be connected
_MOST_BETWEEN = 1.0  # s
_LINE_WAIT = 60.0  # s for a line that a poll is asking
T = TypeVar("T")


@dataclass(frozen=True)
class Present:
    """A point's registers as they were just read, what they say, and the scale factor that goes with them."""

    registers: tuple[int, ...]
    told: Told
    number: float | str | None
    exponent: int | None = None


@dataclass(frozen=True)
class Telegram:
    """One write as it goes over the wire: function, address, registers (or bits), and masks for function 22."""

    function: int
    address: int
    words: tuple[int, ...]
    masks: tuple[int, int] | None = None


@dataclass(frozen=True)
class Sent:
    """How a write ended: confirmed, refused by the device, never sent, or nobody knows; and what was said.

    `code` is the number of the exception that came in answer, where one did. `is_old`: not sent, since others had the
    line for so long that what was looked at before is old.
    """

    how: Literal["confirmed", "refused", "not sent", "unconfirmed"]
    said: str = ""
    code: int | None = None
    is_old: bool = False

    @property
    def is_at_work(self) -> bool:
        """Whether the device said that it took the write and needs a while for it."""
        return self.code == AT_WORK


class Silence(Exception):
    """A device did not give what was asked for; the text says where and why."""


class Hand:
    """Reads and writes points of a city's devices. `timeout` in s replaces the devices' own, for tests.

    `locks` is the folder of the lines' locks: each look and each write has its line to itself.
    """

    def __init__(self, plant: Plant, timeout: float | None = None, *, locks: Path | None = None) -> None:
        self.plant = plant
        self.timeout = timeout
        self.alone = Alone(locks, "cityctl runbook", _LINE_WAIT) if locks is not None else None

    def begin(self) -> None:
        """What is looked at from here on is what a write goes by."""
        if self.alone is not None:
            self.alone.waits.clear()

    @property
    def waited(self) -> float:
        """Seconds that lines were waited for since `begin`: by so much what was looked at first may be older."""
        return sum(self.alone.waits) if self.alone is not None else 0.0

    def target(self, device: str, points: Iterable[str]) -> Target:
        """A device to ask."""
        city = self.plant.city
        found = target(self.plant.shelf, device, city.devices[device], tuple(points), folder=city.project)
        found = replace(found, connector=self.plant.connector(device), proves=True)
        return replace(found, timeout=min(found.timeout, self.timeout)) if self.timeout else found

    def point(self, at: Ref) -> DevicePoint:
        """A point as it lies in the device: where that has its SunSpec block elsewhere, the block is looked for."""
        connector = self.plant.connector(at.device)
        if connector.sunspec is not None and connector.identify and at.device not in self.plant.placed:
            answer = self._asked([self.target(at.device, [connector.identify[0]])])[0]
            if answer.values:
                self.plant.placed[at.device] = answer.target.connector
        return self.plant.point(at)

    def _asked(self, targets: list[Target]) -> list[Answer]:
        # They may have answered just now.
        time.sleep(max((to.connector.pause for to in targets), default=0.0))
        return ask_all(targets, alone=self.alone)

    async def _on_line(self, to: Target, work: Callable[[Line], Awaitable[T]]) -> T:
        """What `work` does on a line that is its own. Raises LockHeld, and the Fault with which it ended.

        Where it ends with a fault that may pass it is begun anew on another line, some times, and more within the
        timeout: a device frees its only connection a while after it was closed.
        """
        async with self.alone.on(to.link) if self.alone is not None else nullcontext():
            await asyncio.sleep(to.connector.pause)  # as above
            ends, attempt = time.monotonic() + to.timeout, 0
            while True:
                attempt += 1
                rest = max(min(attempt * _BETWEEN_TRIES, _MOST_BETWEEN), to.connector.pause)
                line: Line | None = None
                try:
                    line = await connect(to, [], patient=True)
                    return await work(line)
                except Fault as problem:
                    is_last = attempt >= _TRIES and time.monotonic() + rest >= ends
                    if line is None or _is_final(problem) or is_last:
                        raise
                finally:
                    if line is not None:
                        line.close()
                await asyncio.sleep(rest)

    def look(self, refs: Iterable[Ref]) -> dict[Ref, Told]:
        """The values of points, now. One that does not come is Unknown, with the reason."""
        by_device: dict[str, list[str]] = {}
        for at in dict.fromkeys(refs):
            self.point(at)
            by_device.setdefault(at.device, []).append(at.point)
        answers = self._asked([self.target(device, points) for device, points in by_device.items()])
        found: dict[Ref, Told] = {}
        for answer in answers:
            device = answer.target.device
            for name in by_device[device]:
                at = Ref(device, name)
                if name in answer.values:
                    found[at] = told_of(at, self.plant.point(at), answer.values[name])
                else:
                    why = next((f.reason for f in answer.failures if name in f.points), "no answer")
                    found[at] = Unknown(f"{device} at {answer.target.place}: {why}")
        return found

    def present(self, at: Ref) -> Present:
        """A point's registers, now. Raises Silence."""
        point = self.point(at)
        exponent = None
        holder = self.plant.connector(at.device).exponent_of(point)
        if holder is not None:
            answer = self._asked([self.target(at.device, [holder.name])])[0]
            value = answer.values.get(holder.name)
            if value is None or not isinstance(value.value, int | float):
                raise Silence(f"{at}: its scale factor cannot be read: {answer.reason or 'no value'}")
            exponent = int(value.value)
        registers = run_loop(self._registers(self.target(at.device, [at.point]), point))
        seen = decode(point, registers, exponent=exponent)
        if point.is_text and seen.value is None:  # an empty text is one all the same
            return Present(tuple(registers), "", "", exponent)
        quality = seen.quality if seen.value is not None else Quality.BAD
        return Present(tuple(registers), told(at, point, seen.value, quality), seen.value, exponent)

    async def _registers(self, to: Target, point: DevicePoint) -> list[int]:
        async def read(line: Line) -> list[int]:
            await _prove(line, to)
            frame = await line.read(
                to.unit,
                point.function_code,
                point.address,
                point.registers,
                timeout=to.timeout,
            )
            return list(frame.registers)

        try:
            return await self._on_line(to, read)
        except LockHeld as held:
            raise Silence(f"{to.device} at {to.place}: {held.message}") from None
        except Fault as problem:
            raise Silence(f"{to.device} at {to.place}: {problem}") from None

    def send(self, at: Ref, telegram: Telegram, last: Callable[[], Sent | None] = lambda: None) -> Sent:
        """Send one write, once, whatever becomes of it.

        `last` is asked right before, with the line in hand, which may have been waited for: what it gives is the end.
        """
        return run_loop(self._send(self.target(at.device, [at.point]), telegram, last))

    async def _send(self, to: Target, telegram: Telegram, last: Callable[[], Sent | None]) -> Sent:
        async def write(line: Line) -> Sent:
            await _prove(line, to, telegram)
            stopped = last()
            return stopped if stopped is not None else await _transmitted(line, to, telegram)

        try:
            return await self._on_line(to, write)
        except LockHeld as held:
            return Sent("not sent", held.message)
        except Fault as problem:  # raised for as long as nothing was sent
            return Sent("not sent", str(problem))


def _is_final(fault: Fault) -> bool:
    """Whether another try brings nothing: another device, or a refusal that does not pass."""
    return isinstance(fault, Stranger) or (isinstance(fault, ExceptionAnswer) and not fault.is_passing)


async def _transmitted(line: Line, to: Target, telegram: Telegram) -> Sent:
    """How the one write went. Raises NotConnected, with nothing sent."""
    try:
        await _transmit(line, to.unit, telegram, to.timeout)
    except NotConnected:
        raise
    except ExceptionAnswer as problem:
        return Sent("refused", str(problem), problem.code)
    except Fault as problem:
        if not line.trusts(to.unit):
            with contextlib.suppress(Fault):  # or a late echo would answer the read-back
                await line.settle(to.unit, timeout=to.timeout)
        cause = problem.cause if isinstance(problem, wire.Unconfirmed) else problem
        return Sent("unconfirmed", str(cause), cause.code if isinstance(cause, ExceptionAnswer) else None)
    return Sent("confirmed")


async def _prove(line: Line, to: Target, telegram: Telegram | None = None) -> None:
    """Ask who answers, where the connector names a point for that. Raises Stranger, or as `Line.read`.

    Where it names none, and a `telegram` is to be sent, that somebody does: what it is to change is read once more.
    """
    connector = to.connector
    if connector.identify is None:
        if telegram is not None:
            code = 1 if telegram.function in (5, 15) else 3
            await line.read(to.unit, code, telegram.address, len(telegram.words), timeout=to.timeout)
        return
    point = connector.point(connector.identify[0])
    try:
        frame = await line.read(
            to.unit, point.function_code, point.address, point.registers, timeout=to.timeout, tries=to.tries
        )
    except ExceptionAnswer as problem:
        if problem.is_absent or problem.is_passing:
            raise
        found = None
    else:
        found = decode(point, frame.registers).value
    why = connector.stranger(found)
    if why is not None:
        raise Stranger(why)


async def _transmit(line: Line, unit: int, telegram: Telegram, timeout: float) -> None:
    words, address = telegram.words, telegram.address
    if telegram.function == 5:
        await wire.write_coil(line, unit, address, bool(words[0]), timeout=timeout)
    elif telegram.function == 6:
        await wire.write_register(line, unit, address, words[0], timeout=timeout)
    elif telegram.function == 15:
        await wire.write_coils(line, unit, address, words, timeout=timeout)
    elif telegram.function == 22 and telegram.masks is not None:
        await wire.mask_write(line, unit, address, *telegram.masks, timeout=timeout)
    elif telegram.function == 16:
        await wire.write_registers(line, unit, address, words, timeout=timeout)
    else:
        raise ValueError(f"function {telegram.function} writes nothing")
