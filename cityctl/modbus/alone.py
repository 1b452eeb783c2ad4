"""One process at a time on a line: a poll and a runbook do not take each other's only connection, or serial port.

A line is locked by whoever changes a plant; a poll heeds the locks that are there, and makes none.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from cityctl.disk import Lock
from cityctl.errors import LockHeld
from cityctl.modbus.line import Link

_NAP = 0.05  # s between two tries


@dataclass(frozen=True)
class Alone:
    """Where the locks of a project's lines are, for what one is taken, and how long (s) it is waited for."""

    folder: Path
    purpose: str
    wait: float
    makes: bool = False

    @asynccontextmanager
    async def on(self, link: Link) -> AsyncIterator[None]:
        """Hold a line. Raises LockHeld where another process has it for longer than `wait`.

        A lock that cannot be opened stops whoever makes locks; a poll goes on without.
        """
        path = self.folder / f"line-{hashlib.sha256(str(link).encode()).hexdigest()[:16]}.lock"
        if not self.makes and not path.exists():
            yield
            return
        lock, ends = Lock(path, purpose=self.purpose), monotonic() + self.wait
        while True:
            try:
                lock.__enter__()
                break
            except LockHeld:
                if monotonic() >= ends:
                    raise
                await asyncio.sleep(_NAP)
            except OSError as problem:
                if self.makes:
                    raise LockHeld(f"{path}: cannot be locked: {problem.strerror}") from None
                break
        try:
            yield
        finally:
            lock.__exit__(None, None, None)
