"""One recorded finding, and how to find it again by its id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cityctl.errors import UsageProblem, near

State = Literal["open", "acknowledged", "shelved", "closed"]
STATES: tuple[State, ...] = ("open", "acknowledged", "shelved", "closed")


@dataclass(frozen=True)
class Kept:
    """A finding as the book holds it; instants are aware, UTC.

    `asked` is what was said beside the report's recipe (its `--set`), `gone` how many runs in a row that could
    judge it did not find it again, `run` the last run that did.
    """

    report: str
    id: str
    asked: tuple[str, ...]
    kind: str
    subject: str
    since: datetime | None
    text: str
    severity: str
    evidence: Mapping[str, Any]
    state: State
    opened_at: datetime
    seen_at: datetime
    run: int
    gone: int
    closed_at: datetime | None
    shelved_until: datetime | None
    who: str | None
    note: str | None

    def state_at(self, now: datetime) -> State:
        """Its state now: a shelf that ended has put it back among the open ones."""
        over = self.state == "shelved" and self.shelved_until is not None and self.shelved_until <= now
        return "open" if over else self.state


def kept(row: sqlite3.Row) -> Kept:
    """A row of the book as a finding."""
    return Kept(
        row["report"], row["id"], tuple(json.loads(row["asked"])), row["kind"], row["subject"],
        instant(row["since"]), row["text"], row["severity"], json.loads(row["evidence"]), row["state"],
        datetime.fromisoformat(row["opened_at"]), datetime.fromisoformat(row["seen_at"]), row["run"],
        row["gone"], instant(row["closed_at"]), instant(row["shelved_until"]), row["who"], row["note"],
    )  # fmt: skip


def instant(text: str | None) -> datetime | None:
    """An instant of the book."""
    return None if text is None else datetime.fromisoformat(text)


def all_kept(connection: sqlite3.Connection, report: str | None = None) -> list[Kept]:
    """Every finding of the book, or of one report; the oldest first."""
    where, values = ("WHERE report = ?", (report,)) if report is not None else ("", ())
    rows = connection.execute(f"SELECT * FROM findings {where} ORDER BY opened_at, report, id", values)
    return [kept(row) for row in rows]


def found(connection: sqlite3.Connection, word: str) -> Kept:
    """The finding of that id, of a name that it has had since, or of `REPORT:ID`.

    Raises UsageProblem where there is none, or several reports have one of that id.
    """
    report, colon, name = word.rpartition(":")
    rows = connection.execute(
        "SELECT * FROM findings WHERE id = ? OR (report, id) IN (SELECT report, id FROM aliases WHERE alias = ?)",
        (name, name),
    ).fetchall()
    rows = [row for row in rows if not colon or row["report"] == report]
    if len(rows) == 1:
        return kept(rows[0])
    if rows:
        several = ", ".join(f"{row['report']}:{row['id']}" for row in rows)
        raise UsageProblem(f"`{word}` is a finding of several reports", hint=f"say one of {several}")
    known = [row["id"] for row in connection.execute("SELECT id FROM findings")]
    match = near(name, known)
    hint = "`cityctl findings list` names them; `cityctl report run NAME --record` keeps those of a report"
    raise UsageProblem(f"no finding `{word}` is recorded", hint=f"did you mean `{match}`?" if match else hint)
