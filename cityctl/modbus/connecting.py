"""Opening a device's line, with tries that wait longer and longer."""

from __future__ import annotations

import asyncio
import random
from itertools import count
from time import monotonic

from cityctl.modbus.ask import Target
from cityctl.modbus.line import Line, open_line
from cityctl.modbus.line.faults import NotConnected
from cityctl.wording import counted

_BACKOFF = 0.05  # s, before the second try; doubled for each further one
_MOST_BACKOFF = 2.0


def backoff(attempt: int) -> float:
    """Seconds before try `attempt` + 1, spread by chance so that many do not come back at once."""
    longest: float = min(_MOST_BACKOFF, _BACKOFF * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


async def connect(
    target: Target,
    tried: list[str],
    *,
    tries: int | None = None,
    timeout: float | None = None,
    patient: bool = False,
) -> Line:
    """A line to a device, refused ones tried again within its timeout. Raises NotConnected.

    `patient`: for as long as the timeout lasts, since what answered a moment ago and is gone restarts.
    """
    tries = tries or target.tries
    ends = monotonic() + (timeout or target.timeout)
    for attempt in count(1):
        try:
            line = await open_line(target.link, max(0.05, ends - monotonic()))
        except NotConnected as problem:
            left = ends - monotonic()
            wait = min(backoff(attempt), left / 2) if patient else backoff(attempt)
            if left < 2 * max(wait, _BACKOFF) or (attempt >= tries and not patient):
                tried.append(f"{problem} ({counted(attempt, 'try', 'tries')})")
                raise
            await asyncio.sleep(wait)
        else:
            tried.append(target.link.connected)
            if target.connector.pause:
                line.pauses[target.unit] = target.connector.pause
            if target.connector.after_connect:
                await asyncio.sleep(target.connector.after_connect)
            return line
    raise AssertionError("counting has no end")
