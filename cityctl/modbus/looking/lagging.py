"""Whether a silent unit is silent: it may answer late, or its gateway with the answer before. Reads only."""

from __future__ import annotations

import math

from cityctl.modbus.careful import CarefulLine
from cityctl.modbus.line.faults import BadAnswer, Closed, ExceptionAnswer, Fault, NotConnected, Silent
from cityctl.modbus.looking.calls import Where
from cityctl.modbus.looking.diagnosis import TOLD, Diagnosis

_PATIENCE = 2  # times the timeout, for a unit of which something came late
_BEHIND = (
    "its answers come to the requests after them: a gateway is one answer behind. Restart it, and let nobody else "
    "ask over it meanwhile; a poll refuses such answers"
)


async def answer_of(
    line: CarefulLine, unit: int, where: Where, timeout: float, tries: int
) -> tuple[str, Fault | None]:
    """What a unit said, and the fault where that is no sign of life."""
    try:
        await line.read(unit, *where, timeout=timeout * tries, tries=tries)
    except ExceptionAnswer as problem:
        return str(problem), problem if problem.is_absent else None
    except (Silent, Closed, BadAnswer) as problem:
        return str(problem), problem
    return f"answers in {1000 * line.waited[-1]:.1f} ms", None


async def lags(
    found: Diagnosis, line: CarefulLine, where: Where, timeout: float, *, late: bool
) -> str | None:
    """What to do about a unit that was silent and is there; None where it is not.

    It is asked twice, with more time where an answer of it came `late`, and then for a read of another length: a
    gateway that is behind gives that the answer before it.
    """
    unit, (code, address, count) = found.unit, where
    try:
        _, problem = await answer_of(line, unit, where, _PATIENCE * timeout if late else timeout, 2)
        if problem is not None:
            return _BEHIND if late else None
        said, problem = await answer_of(line, unit, (code, address, count + 1), _PATIENCE * timeout, 1)
    except NotConnected:  # the line cannot be trusted: what comes is not the unit's own
        return _BEHIND
    if problem is not None:
        return _BEHIND
    found.tell("asked again", TOLD, f"unit {unit}: {said}")
    if line.waited[-1] > timeout / 2:
        return f"it is slow: give it `timeout: {math.ceil(2 * line.waited[-1])}`"
    return "it answers when it is asked again: one that sleeps takes `wake: 1` in its connector; else look at the line"
