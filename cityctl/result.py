"""What every analysis and command hands to report/: tables, findings, plots and completeness.

A result says which readings it wanted and which it had, so that partial success is a value and not a log
line. This file knows no terminal, no file and no library of tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cityctl.clock import Interval
from cityctl.errors import ExitCode

CellKind = Literal["text", "number", "integer", "share", "time", "date", "spark", "verdict"]
Severity = Literal["alarm", "warning", "note"]


class Code(int):
    """A whole number that names something, such as a state's code: people see it as it is, never `43 123`."""


@dataclass(frozen=True)
class Column:
    """A column of a table, in the field's words.

    `digits` are shown on paper and terminal only: files hold full precision. `priority` 1 is never dropped on
    a narrow terminal, larger numbers go first. A "share" is 0..1 and shown in per cent, a "spark" cell is a
    list of numbers or None, a "time" cell an aware UTC datetime. `grouped` False: the numbers are names (a
    port, an address), and no space stands between their thousands.
    """

    key: str
    label: str
    unit: str | None = None
    meaning: str = ""
    kind: CellKind = "text"
    digits: int = 1
    priority: int = 5
    grouped: bool = True


@dataclass
class Table:
    """Rows of one kind; each row has a cell for each column.

    On a terminal the first `most` rows are enough; pipes, pages and files hold all.
    """

    key: str
    title: str
    columns: list[Column]
    rows: list[tuple[object, ...]]
    note: str = ""
    most: int | None = None

    def __post_init__(self) -> None:
        width = len(self.columns)
        for row in self.rows:
            if len(row) != width:
                raise ValueError(f"table {self.key}: a row of {len(row)} cells under {width} columns")

    def cells(self, key: str) -> list[object]:
        """All cells of one column, by its key."""
        at = [column.key for column in self.columns].index(key)
        return [row[at] for row in self.rows]


@dataclass(frozen=True)
class Missing:
    """Something that was wanted and is not there, and why."""

    what: str
    why: str


_LEFT_OUT: dict[Missing, None] = {}


def leave_out(missing: Missing) -> None:
    """Note what an answer that is being worked out has to do without; the command that shows it names it."""
    _LEFT_OUT[missing] = None


def left_out() -> list[Missing]:
    """What was left out since this was last asked."""
    noted = list(_LEFT_OUT)
    _LEFT_OUT.clear()
    return noted


@dataclass
class Completeness:
    """How much of what was wanted was there: counts of readings, devices, nights or meters."""

    wanted: int = 0
    had: int = 0
    missing: list[Missing] = field(default_factory=list)
    unit: str = "readings"

    @property
    def share(self) -> float | None:
        """Share present, 0..1; None where nothing was wanted."""
        return self.had / self.wanted if self.wanted else None

    @property
    def complete(self) -> bool:
        """Whether nothing is missing that would keep something from being judged."""
        return not self.missing


@dataclass(frozen=True)
class Finding:
    """What a report reports: something that a person should look at.

    `nth`: which it is of several of its kind on the same subject since the same day, in an order that stays.
    """

    kind: str
    subject: str
    since: datetime | None
    text: str
    severity: Severity = "warning"
    evidence: Mapping[str, object] = field(default_factory=dict)
    nth: int = 0

    @property
    def id(self) -> str:
        """Stable over runs: the same kind on the same subject since the same day has the same id."""
        day = self.since.date().isoformat() if self.since else "-"
        nth = f"|{self.nth}" if self.nth else ""
        return hashlib.sha256(f"{self.kind}|{self.subject}|{day}{nth}".encode()).hexdigest()[:8]


@dataclass
class Line:
    """One line of a plot: values at instants (aware UTC); None leaves a gap."""

    label: str
    times: list[datetime]
    values: list[float | None]
    style: Literal["line", "bars", "points", "band"] = "line"


@dataclass
class Plot:
    """Lines in one unit over time, with marks (an instant and its words)."""

    key: str
    title: str
    unit: str
    lines: list[Line]
    marks: list[tuple[datetime, str]] = field(default_factory=list)


@dataclass
class Result:
    """The answer to one question."""

    title: str
    tables: list[Table] = field(default_factory=list)
    interval: Interval | None = None
    findings: list[Finding] = field(default_factory=list)
    completeness: Completeness = field(default_factory=Completeness)
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    summary: str = ""
    subtitle: str = ""

    def exit_code(self, *, on_findings: bool = False) -> ExitCode:
        """FOUND outranks INCOMPLETE, and is only given where the caller asked for it."""
        if on_findings and self.findings:
            return ExitCode.FOUND
        return ExitCode.DONE if self.completeness.complete else ExitCode.INCOMPLETE
