"""One process at a time on a line: polls, runbooks and people who look do not take each other's only connection.

The locks lie in the project's state, one a line, and are shared by all users who work there. Beside them lies what a
process left owing on a line: answers that it gave up, and that may come to the next one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from cityctl.disk import Lock, open_to_all_of, spare_files, write_atomic
from cityctl.errors import LockHeld
from cityctl.modbus.line import Link, owed
from cityctl.modbus.line.place import place

LOCKS = "locks"
"""The folder of the locks on devices and lines, in a project's state."""
LINE_WAIT = 30.0
"""Seconds that a line is waited for: a runbook holds it for one exchange, a poll until its devices are asked."""
_PATIENT = 1.0  # s before it is said that somebody is waited for
_OF_A_LINE, _OF_OTHERS = 2, 32  # files: its socket and its lock; names that are looked up, and the store
NAP = 0.05
"""Seconds between two tries to take a line."""


def most_lines(most: int) -> int:
    """How many lines may be open at once, `most` or as many as this process may open files for."""
    return max(1, min(most, (spare_files() - _OF_OTHERS) // _OF_A_LINE))


@dataclass(frozen=True)
class Alone:
    """Where the locks of a project's lines are, for what one is taken, and how long (s) it is waited for.

    Who only `looks` makes no locks, and goes on where one cannot be taken: `notes` say so. Others are refused then.
    `say` hears for whom a line is waited for, `waits` gets how long (s) each was. Lines of one run over one wire are
    taken by turns, with no lock too.
    """

    folder: Path
    purpose: str
    wait: float = LINE_WAIT
    looks: bool = False
    say: Callable[[str], None] | None = None
    notes: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    _held: set[str] = field(default_factory=set)  # wires that this run itself has

    @classmethod
    def looking(cls, state: Path, purpose: str, say: Callable[[str], None] | None = None) -> Alone:
        """For a person who looks at the devices of the project with that state."""
        return cls(state / LOCKS, purpose, looks=True, say=say)

    @asynccontextmanager
    async def on(self, link: Link) -> AsyncIterator[None]:
        """Hold a line, and know what is owed there; it is closed by the end.

        Raises LockHeld where another process has it for longer than `wait`, or nobody can lock it.
        """
        wire = await place(link)
        begun = monotonic()
        while wire in self._held:
            await asyncio.sleep(NAP)
        self._held.add(wire)
        try:
            async with self._locked(link, wire):
                self.waits.append(monotonic() - begun)
                yield
        finally:
            self._held.discard(wire)

    @asynccontextmanager
    async def _locked(self, link: Link, wire: str) -> AsyncIterator[None]:
        name = hashlib.sha256(wire.encode()).hexdigest()[:16]
        lock = Lock(self.folder / f"line-{name}.lock", purpose=self.purpose)
        try:
            if not self.looks or lock.path.exists():
                await self._taken(lock, link)
        except OSError as problem:
            said = f"{lock.path} cannot be locked: {problem.strerror}"
            if not self.looks:
                raise LockHeld(
                    said, hint=f"let all who work with this project into {self.folder}, by a group of theirs"
                ) from None
            if said not in self.notes:
                self.notes.append(f"{said}; another program of this project may ask that line meanwhile")
        debts = lock.path.with_suffix(".owed")
        _recall(link, debts)
        if lock.was_left:
            owed.doubt(link.host, link.port)
        try:
            yield
        finally:
            self._leave(link, debts)
            lock.__exit__(None, None, None)

    def _leave(self, link: Link, debts: Path) -> None:
        """Write down what is owed on a line now, where anything is, for whoever comes next."""
        entries = owed.written(link.host, link.port)
        with suppress(OSError):  # whoever cannot write here leaves nothing to others
            if entries:
                self._make_folder()
                write_atomic(debts, json.dumps(entries).encode(), durable=False)
                open_to_all_of(self.folder, debts)
            elif debts.exists():
                debts.unlink()

    def _make_folder(self) -> None:
        if not self.folder.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            open_to_all_of(self.folder.parent, self.folder)

    async def _taken(self, lock: Lock, link: Link) -> None:
        self._make_folder()
        begun, told = monotonic(), False
        while True:
            try:
                lock.__enter__()
            except LockHeld as held:
                waited, said = monotonic() - begun, held.message.replace(lock.path.name, f"the line {link}")
                if waited >= self.wait:
                    raise LockHeld(said, tried=[f"waited {self.wait:g} s"], hint=held.hint) from None
                if waited >= _PATIENT and self.say is not None and not told:
                    self.say(f"waiting up to {self.wait:g} s: {said}")
                    told = True
                await asyncio.sleep(NAP)
            else:
                return


def _recall(link: Link, debts: Path) -> None:
    """What others left owing on a line, where they left anything."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        owed.recall(link.host, link.port, json.loads(debts.read_bytes()))
