"""Which units answer at a place, and what they say of themselves. Reads only, at a limited rate.

Any answer counts as a sign of life, an exception too; a gateway's own "nobody there" (10, 11) does not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from time import monotonic

from cityctl.errors import LockHeld, UsageProblem
from cityctl.modbus.alone import NAP, Alone, most_lines
from cityctl.modbus.careful import RATE, Asks, CarefulLine
from cityctl.modbus.line import Link
from cityctl.modbus.line.faults import (
    BadAnswer,
    Closed,
    ExceptionAnswer,
    Fault,
    NotConnected,
    Silent,
    Untrusted,
)
from cityctl.modbus.looking.calls import FIRST, Where
from cityctl.modbus.looking.who import Identity, identification, server_id
from cityctl.modbus.sunspec import Model, chain

TIMEOUT = 0.5
"""Seconds that a unit is given to answer: several times what devices behind a 9600 baud line take."""
MOST_LINKS = 100
_SPELL = 5.0  # s that a place is kept from others
_UNKNOWN = (Silent, Closed, BadAnswer, ExceptionAnswer, Untrusted)
_GIVE_UP_AFTER = 5  # refused or broken connections in a row


@dataclass(frozen=True)
class Seen:
    """One unit that answered. `first` is what it said to the first request: `answers` or its exception."""

    link: Link
    unit: int
    first: str
    identity: Identity = field(default_factory=Identity)
    models: tuple[Model, ...] = ()


@dataclass
class Scanned:
    """One place: its units that answered, how many were asked, and why others were not.

    `silent` is how many said nothing; `unclear` are those that said something, and nothing that answers a request,
    with what it was.
    """

    link: Link
    asked: int = 0
    seen: list[Seen] = field(default_factory=list)
    reason: str = ""
    requests: int = 0
    silent: int = 0
    unclear: dict[int, str] = field(default_factory=dict)


def units_of(text: str) -> list[int]:
    """`1-10,17` as unit ids, 0 to 255. Raises UsageProblem."""
    found: dict[int, None] = {}
    for part in text.replace(" ", "").split(","):
        low, dash, high = part.partition("-")
        try:
            first = int(low)
            last = int(high) if dash else first
        except ValueError:
            raise UsageProblem(f"`{text}` names no units", hint="write --units 1-32 or 1-10,17") from None
        if not 0 <= first <= last <= 255:
            raise UsageProblem(
                f"`{part}`: units are 0 to 255, the smaller one first", hint="write --units 1-32 or 1-10,17"
            )
        found.update(dict.fromkeys(range(first, last + 1)))
    return list(found)


async def scanning(
    links: Sequence[Link],
    units: Sequence[int],
    *,
    timeout: float = TIMEOUT,
    rate: float = RATE,
    on_unit: Callable[[Link, int], None] | None = None,
    alone: Alone | None = None,
    known: Mapping[tuple[Link, int], Where] | None = None,
    also: Sequence[Where] = (),
) -> list[Scanned]:
    """Ask every unit at every place: all places at once, one request at a time at each.

    `known` says where units answer that are known; who says nothing there, or else to a read of address 0, is asked
    `also` there. `rate` is requests a second and place. `alone` keeps other processes off a place, and lets those that
    wait for it go between. Never raises for a place that fails: its reason is told.
    """
    slots = asyncio.Semaphore(most_lines(MOST_LINKS))

    def calls(link: Link, unit: int) -> list[Where]:
        own = known.get((link, unit)) if known is not None else None
        return list(dict.fromkeys([own or FIRST, FIRST, *also]))

    async def one(link: Link) -> Scanned:
        async with slots:
            scanned = Scanned(link)
            left = deque(units)
            while left and not scanned.reason:
                try:
                    async with alone.on(link) if alone is not None else nullcontext():
                        until = monotonic() + _SPELL if alone is not None else None
                        await _some(scanned, left, calls, timeout, rate, on_unit, until)
                except LockHeld as held:
                    scanned.reason = held.message
                await asyncio.sleep(2 * NAP if left else 0)
            return scanned

    return list(await asyncio.gather(*(one(link) for link in links)))


async def _some(
    scanned: Scanned,
    left: deque[int],
    calls: Callable[[Link, int], Sequence[Where]],
    timeout: float,
    rate: float,
    on_unit: Callable[[Link, int], None] | None,
    until: float | None,
) -> None:
    """Ask the units that are left at a place, over one connection, until (monotonic) others shall have their turn."""
    link = scanned.link
    line = CarefulLine(link, rate=rate)
    broken = 0
    try:
        while left and (until is None or monotonic() < until):
            unit = left.popleft()
            try:
                seen = await look_at(line, link, unit, timeout, calls(link, unit))
                broken = 0
                if seen is not None:
                    scanned.seen.append(seen)
            except Silent:
                broken, scanned.silent = 0, scanned.silent + 1
            except NotConnected as problem:
                scanned.reason = str(problem)
                break
            except Fault as problem:
                line.close()
                scanned.unclear[unit] = str(problem)
                broken += 1
                if broken == _GIVE_UP_AFTER:
                    scanned.reason = f"{problem}, {broken} times in a row"
                    break
            scanned.asked += 1
            if on_unit is not None:
                on_unit(link, unit)
    finally:
        line.close()
        scanned.requests += line.requests
        told = {seen.unit for seen in scanned.seen}
        for unit in sorted(line.late_units - told - scanned.unclear.keys()):
            scanned.unclear[unit] = f"its answer came later than {timeout:g} s, or under another number"


async def look_at(
    line: Asks, link: Link, unit: int, timeout: float, calls: Sequence[Where] = (FIRST,)
) -> Seen | None:
    """What one unit says; None where a gateway says that nobody is there.

    Raises Silent where nothing comes to any of the `calls`; NotConnected, Closed, BadAnswer.
    """
    for at, where in enumerate(calls):
        try:
            if at == 0:
                await line.read(unit, *where, timeout=timeout)
            else:
                await line.call(unit, *where, timeout=timeout)
            first = "answers"
        except ExceptionAnswer as problem:
            if problem.is_absent:
                return None
            first = str(problem)
        except (Silent, Untrusted):
            continue
        break
    else:
        raise Silent(f"no answer within {timeout:g} s")
    identity = await who_is(line, unit, timeout)
    models: list[Model] = []
    with suppress(*_UNKNOWN):
        models = await chain(line, unit, timeout=timeout)
    return Seen(link, unit, first, identity, tuple(models))


async def who_is(line: Asks, unit: int, timeout: float) -> Identity:
    """Functions 43 and 17; what is not answered stays empty. Raises NotConnected."""
    objects: dict[int, str] = {}
    said = ""
    with suppress(*_UNKNOWN):
        objects = await identification(line, unit, timeout=timeout)
    with suppress(*_UNKNOWN):
        said = await server_id(line, unit, timeout=timeout)
    other = {number: text for number, text in objects.items() if number not in (0, 1, 2)}
    return Identity(objects.get(0, ""), objects.get(1, ""), objects.get(2, ""), said, other)
