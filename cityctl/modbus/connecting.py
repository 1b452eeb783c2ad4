"""Opening a device's line, with tries that wait longer and longer."""

from __future__ import annotations

import asyncio
import random
from time import monotonic

from cityctl.modbus.ask import Target
from cityctl.modbus.faults import NotConnected
from cityctl.modbus.line import Line, open_line
from cityctl.wording import counted

_BACKOFF = 0.05  # s, before the second try; doubled for each further one
_MOST_BACKOFF = 2.0


def backoff(attempt: int) -> float:
    """Seconds before try `attempt` + 1, spread by chance so that many do not come back at once."""
    longest: float = min(_MOST_BACKOFF, _BACKOFF * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


async def connect(
    target: Target, tried: list[str], *, tries: int | None = None, timeout: float | None = None
) -> Line:
    """A line to a device, refused ones tried again within its timeout. Raises NotConnected."""
    tries = tries or target.tries
    ends = monotonic() + (timeout or target.timeout)
    for attempt in range(1, tries + 1):
        try:
            line = await open_line(target.link, max(0.05, ends - monotonic()))
        except NotConnected as problem:
            wait = backoff(attempt)
            if attempt == tries or ends - monotonic() < 2 * wait:
                tried.append(f"{problem} ({counted(attempt, 'try', 'tries')})")
                raise
            await asyncio.sleep(wait)
        else:
            tried.append(target.link.connected)
            return line
    raise AssertionError("a loop over tries ends in a line or an error")
