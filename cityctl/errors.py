"""Every way cityctl ends, and the error that says so.

    CityctlError                exit  1   a bug, unless a subclass says otherwise
    |
    |-- UsageProblem                  2   the command's words are wrong
    |-- InputRefused                  4   a data file or record cannot be taken; the rest was kept
    |-- ConfigInvalid                10   city.yaml, a connector or a recipe is wrong (file:line:column)
    |-- LockHeld                     11   another run holds the lock
    |-- Unreachable                  12   a device or service does not answer
    |-- CredentialsRefused           13   a secret is missing or was refused
    |-- StoreProblem                 10   the store cannot be opened, read or written
    |-- DiskProblem                  10   a disk is full or at fault: what was asked for cannot be written there
    |-- WriteRefused                 20   refused before any write to the plant
    |-- WriteRolledBack              21   a write failed; rolled back and verified
    `-- PlantStateUnknown            22   a write failed and the plant's state is unknown

    Without an error: 0 done, 3 done and found something (only with --exit-code; outranks 4),
    4 done but incomplete, 130 interrupted, 143 terminated.

This file knows nothing of the rest of the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The published exit codes; a code that is not here means failure."""

    DONE = 0
    BUG = 1
    USAGE = 2
    FOUND = 3
    INCOMPLETE = 4
    CONFIG = 10
    LOCKED = 11
    UNREACHABLE = 12
    CREDENTIALS = 13
    REFUSED = 20
    ROLLED_BACK = 21
    UNKNOWN_STATE = 22
    INTERRUPTED = 130
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        """What the code says, in the words of README and `cityctl help exit-codes`."""
        return _MEANINGS[self]


_MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.BUG: "unexpected error: a bug",
    ExitCode.USAGE: "wrong usage",
    ExitCode.FOUND: "done, and it found something (only with --exit-code; outranks 4)",
    ExitCode.INCOMPLETE: "done, but incomplete: some device, meter or night is missing or cannot be judged",
    ExitCode.CONFIG: "configuration or store invalid",
    ExitCode.LOCKED: "another run holds the lock",
    ExitCode.UNREACHABLE: "a device or service cannot be reached",
    ExitCode.CREDENTIALS: "credentials missing or refused",
    ExitCode.REFUSED: "refused before any write",
    ExitCode.ROLLED_BACK: "write failed; rolled back and verified",
    ExitCode.UNKNOWN_STATE: "write failed and the plant's state is unknown",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "terminated",
}


class CityctlError(Exception):
    """What happened, what was tried, and a hint with a command that can be run."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, message: str, *, tried: Sequence[str] = (), hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.tried = tuple(tried)
        self.hint = hint
        if hint is not None:
            self.add_note(f"hint: {hint}")  # in a notebook, nobody else shows it


class UsageProblem(CityctlError):
    """The command's words are wrong."""

    exit_code = ExitCode.USAGE


class InputRefused(CityctlError):
    """A data file or record cannot be taken; what could be taken was kept."""

    exit_code = ExitCode.INCOMPLETE


class ConfigInvalid(CityctlError):
    """city.yaml, a connector or a recipe is wrong; the message begins with file:line:column."""

    exit_code = ExitCode.CONFIG


class StoreProblem(CityctlError):
    """The store of readings cannot be opened, read or written."""

    exit_code = ExitCode.CONFIG


class DiskProblem(CityctlError):
    """A disk is full or at fault: what was asked for cannot be written there."""

    exit_code = ExitCode.CONFIG


class LockHeld(CityctlError):
    """Another run holds the lock; the message names it."""

    exit_code = ExitCode.LOCKED


class Unreachable(CityctlError):
    """No device or service that was asked for answers."""

    exit_code = ExitCode.UNREACHABLE


class CredentialsRefused(CityctlError):
    """A secret is missing, or the service refused it."""

    exit_code = ExitCode.CREDENTIALS


class WriteRefused(CityctlError):
    """Refused before any write to the plant."""

    exit_code = ExitCode.REFUSED


class WriteRolledBack(CityctlError):
    """A write failed; it was rolled back and the rollback was verified."""

    exit_code = ExitCode.ROLLED_BACK


class PlantStateUnknown(CityctlError):
    """A write failed and reading back could not tell what the plant's state is."""

    exit_code = ExitCode.UNKNOWN_STATE


def near(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word nearest to `word`, or None where nothing is near enough to be meant: 1 is the same word."""
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.casefold(), candidate)
    matches = get_close_matches(word.casefold(), list(folded), n=1, cutoff=cutoff)
    return folded[matches[0]] if matches else None


def listed(words: Iterable[str], most: int = 12) -> str:
    """`a, b, c and 4 more`: a list in a message that stays readable."""
    known = list(words)
    shown = ", ".join(known[:most])
    return shown if len(known) <= most else f"{shown} and {len(known) - most} more"
