"""How a result is to be seen: the city's zone, the room there is, and how the command ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from cityctl.errors import ExitCode


@dataclass(frozen=True)
class View:
    """`width` [terminal cells], None for no limit; `colour` allows ANSI; `exit_code` ends the command.

    `drawn`: plots and heat maps stand under the tables of a terminal.
    """

    zone: tzinfo
    width: int | None = None
    colour: bool = False
    exit_code: ExitCode = ExitCode.DONE
    drawn: bool = False
