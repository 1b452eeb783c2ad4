"""Why a device refuses a request: because it is too long, or because of one point in it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from cityctl.modbus.careful import Asks
from cityctl.modbus.line.faults import BadAnswer, Closed, ExceptionAnswer, Fault, Silent
from cityctl.modbus.plan import Block


@dataclass(frozen=True)
class Refusal:
    """`answered` registers (or bits) from the request's first address on are answered, `refused` are not.

    `point` is the one that is refused even alone; None where the length is the reason.
    """

    answered: int
    refused: int
    point: str | None = None


async def why_refused(line: Asks, unit: int, block: Block, *, timeout: float) -> Refusal | None:
    """The longest beginning of a refused request that is answered, found by halves on the edges of its values.

    None where not even its first point is answered, and where it is not the length: the same request that got no answer
    gets one the next time. Raises NotConnected.
    """

    async def asked(address: int, count: int) -> Fault | None:
        try:
            await line.read(unit, block.function_code, address, count, timeout=timeout)
        except (Silent, Closed, BadAnswer, ExceptionAnswer) as problem:
            return problem
        return None

    ends = sorted({each.end for each in block.wanted})
    short, long = -1, len(ends) - 1  # places of what is answered, and of what is refused
    why: Fault | None = None
    while long - short > 1:
        middle = (short + long) // 2
        problem = await asked(block.address, ends[middle] - block.address)
        if problem is None:
            short = middle
        else:
            long, why = middle, problem
    if short < 0:
        return None
    counts = (ends[short] - block.address, ends[long] - block.address)
    if not isinstance(why, ExceptionAnswer) and await asked(block.address, counts[1]) is None:
        return None
    behind = next(each for each in block.wanted if each.end == ends[long])
    alone = await asked(behind.start, behind.end - behind.start)
    return Refusal(*counts, behind.point.name if isinstance(alone, ExceptionAnswer) else None)
