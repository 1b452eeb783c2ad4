"""Whether a device hears nothing for a while behind each of its answers, and how long that is. Reads only."""

from __future__ import annotations

import asyncio

from cityctl.modbus.careful import CarefulLine
from cityctl.modbus.line.faults import ExceptionAnswer, Fault, NotConnected
from cityctl.modbus.looking.calls import Where
from cityctl.modbus.looking.diagnosis import BAD, Diagnosis
from cityctl.modbus.maps.connector import DeviceConnector

_REST = 1.2
"""Seconds without a request, after which a device hears again that hears at all."""
_ASKED = 3
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)  # s; what makers state is among them


async def rests(
    found: Diagnosis,
    line: CarefulLine,
    where: Where,
    problem: Fault,
    connector: DeviceConnector,
    timeout: float,
) -> bool:
    """Whether a request was lost since the device hears nothing so soon; told, with the pause that it wants."""
    if isinstance(problem, ExceptionAnswer):
        return False
    pause = await pause_of(line, found.unit, where, timeout)
    if pause is None:
        return False
    found.tell(
        "pause", BAD, f"a request straight behind an answer is lost, one {pause:g} s later is answered"
    )
    found.advise(
        f"set `pause: {pause:g}` in {connector.connector}: it hears nothing so soon behind its answers"
    )
    return True


async def pause_of(line: CarefulLine, unit: int, where: Where, timeout: float) -> float | None:
    """The pause (s) with which a request that got no answer is answered behind another; `line` keeps it then.

    None where it is not answered after a rest, or is without any pause: it is not the pause that lacks.
    Raises NotConnected.
    """
    before = line.pause
    if await _heard(line, unit, where, timeout, 0.0) in range(1, _ASKED):
        for pause in _PAUSES:
            if await _heard(line, unit, where, timeout, pause) == _ASKED:
                return pause
    line.pause = before
    return None


async def _heard(line: CarefulLine, unit: int, where: Where, timeout: float, pause: float) -> int:
    """How many of three requests are answered, up to the first that is not, with such a pause (s) between them.

    They come on a line begun anew, behind a rest.
    """
    line.close()
    line.pause = pause
    await asyncio.sleep(_REST)
    for answered in range(_ASKED):
        try:
            await line.read(unit, *where, timeout=timeout)
        except NotConnected:
            raise
        except ExceptionAnswer as problem:
            if problem.is_absent:
                return answered
        except Fault:
            return answered
    return _ASKED
