"""Why a device refuses a request: because it is too long, or because of one point in it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from cityctl.modbus.careful import Asks
from cityctl.modbus.faults import BadAnswer, Closed, ExceptionAnswer, Silent
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

    None where not even its first point is answered. Raises NotConnected.
    """

    async def answers(address: int, count: int) -> bool:
        try:
            await line.read(unit, block.function_code, address, count, timeout=timeout)
        except (Silent, Closed, BadAnswer, ExceptionAnswer):
            return False
        return True

    ends = sorted({each.end for each in block.wanted})
    short, long = -1, len(ends) - 1  # places of what is answered, and of what is refused
    while long - short > 1:
        middle = (short + long) // 2
        if await answers(block.address, ends[middle] - block.address):
            short = middle
        else:
            long = middle
    if short < 0:
        return None
    behind = next(each for each in block.wanted if each.end == ends[long])
    alone = await answers(behind.start, behind.end - behind.start)
    counts = (ends[short] - block.address, ends[long] - block.address)
    return Refusal(*counts, None if alone else behind.point.name)
