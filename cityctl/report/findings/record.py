"""Takes a report's run into the book: what is new, what goes on, what is gone.

A finding closes by repair only after `CLOSES_AFTER` runs in a row that could judge its subject and did not find
it. A run that could not judge it (its zone or meter is missing) says nothing of it, nor does one that asked
otherwise (`--set`), looked at an earlier interval, or had no readings at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from cityctl.report.findings.book import Book
from cityctl.report.findings.kept import Kept, all_kept, instant, kept
from cityctl.result import Finding, Result

CLOSES_AFTER = 3
"""Runs in a row without a finding, after which it is taken for repaired."""
_ABOUT = ("asset", "zone", "meter", "point")  # what evidence names that a finding is about beside its subject


@dataclass
class Change:
    """What a run changed: findings by what became of them, and when the run before was (None: none was)."""

    before: datetime | None
    new: list[Kept] = field(default_factory=list)
    back: list[Kept] = field(default_factory=list)
    on: list[Kept] = field(default_factory=list)
    gone: list[Kept] = field(default_factory=list)
    closed: list[Kept] = field(default_factory=list)
    unjudged: list[Kept] = field(default_factory=list)


def record(
    book: Book,
    report: str,
    result: Result,
    *,
    now: datetime,
    asked: Sequence[str] = (),
    places: Mapping[str, set[str]] | None = None,
) -> Change:
    """Take a run in. `asked`: its settings; `places`: what a missing name stands for, such as a point's zone.

    Raises StoreProblem.
    """
    at = _text(now)
    words = json.dumps(sorted(asked))
    missing = sorted({gap.what for gap in result.completeness.missing})
    with book.writing() as connection:
        last = connection.execute(
            "SELECT at, until FROM runs WHERE report = ? AND asked = ? ORDER BY run DESC LIMIT 1",
            (report, words),
        ).fetchone()
        interval = result.interval
        run = connection.execute(
            "INSERT INTO runs (report, asked, at, start, until, wanted, had, missing, unit) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                report, words, at, _text(interval.start) if interval else None,
                _text(interval.end) if interval else None, result.completeness.wanted,
                result.completeness.had, json.dumps(missing, ensure_ascii=False), result.completeness.unit,
            ),
        ).lastrowid  # fmt: skip
        assert run is not None
        writer = _Writer(connection, report, words, at, now, run)
        change = Change(instant(last["at"]) if last else None)
        seen = writer.take(result.findings, change)
        # An earlier interval (a look back) says nothing of what is found now.
        current = (
            last is None or interval is None or last["until"] is None or _text(interval.end) >= last["until"]
        )
        judged = current and not (result.completeness.wanted and not result.completeness.had)
        writer.miss(seen, change, _unjudged(missing, places or {}), judged=judged)
    return change


class _Writer:
    """One run's changes within its transaction."""

    def __init__(
        self, connection: sqlite3.Connection, report: str, asked: str, at: str, now: datetime, run: int
    ) -> None:
        self.connection, self.report, self.asked = connection, report, asked
        self.at, self.now, self.run = at, now, run

    def take(self, findings: Sequence[Finding], change: Change) -> set[str]:
        """Write what was found; the ids in the book that it has now."""
        known = {one.id: one for one in all_kept(self.connection, self.report)}
        aliases = dict(
            self.connection.execute(
                "SELECT alias, id FROM aliases WHERE report = ?", (self.report,)
            ).fetchall()
        )
        named = {aliases.get(one.id, one.id) for one in findings}
        seen: set[str] = set()
        for one in findings:
            before = known.get(aliases.get(one.id, one.id))
            if before is None:
                before = self._same(one, [k for k in known.values() if k.id not in named | seen])
                if before is not None:
                    self.connection.execute(
                        "INSERT OR REPLACE INTO aliases VALUES (?, ?, ?)", (self.report, one.id, before.id)
                    )
            if (before.id if before else one.id) in seen:
                continue
            seen.add(self._write(one, before, change))
        return seen

    def _same(self, one: Finding, others: Sequence[Kept]) -> Kept | None:
        """A finding that goes on under another id: its start estimated anew, or what it is about named otherwise."""
        alike = [other for other in others if other.state != "closed" and other.kind == one.kind]
        for same in (_one_subject, _one_thing):
            for other in alike:
                if same(one, other):
                    return other
        return None

    def _write(self, one: Finding, before: Kept | None, change: Change) -> str:
        again = before is not None and before.state == "closed"
        state = "open" if before is None or again else before.state
        over = before is not None and before.state == "shelved" and before.state_at(self.now) == "open"
        name = before.id if before else one.id
        self.connection.execute(
            "INSERT INTO findings (report, id, asked, kind, subject, since, text, severity, evidence, state, "
            "opened_at, seen_at, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?) "
            "ON CONFLICT (report, id) DO UPDATE SET asked = excluded.asked, subject = excluded.subject, "
            "since = excluded.since, text = excluded.text, severity = excluded.severity, evidence = excluded.evidence, "
            "seen_at = excluded.seen_at, run = excluded.run, gone = 0",
            (
                self.report, name, self.asked, one.kind, one.subject,
                _text(one.since) if one.since else None, one.text, one.severity,
                json.dumps(plain(one.evidence), ensure_ascii=False), self.at, self.at, self.run,
            ),
        )  # fmt: skip
        if again or over:
            state = "open"
            self.connection.execute(
                "UPDATE findings SET state = 'open', closed_at = NULL, shelved_until = NULL, who = NULL, "
                "note = NULL WHERE report = ? AND id = ?",
                (self.report, name),
            )
        if before is None or again or over:
            self._event(name, "opened" if before is None else "reopened" if again else "unshelved")
        after = self._kept(name)
        assert after.state == state
        (change.new if before is None else change.back if again or over else change.on).append(after)
        return name

    def miss(self, seen: set[str], change: Change, unjudged: set[str], *, judged: bool) -> None:
        """Count a run for each finding that it could have found and did not."""
        for one in all_kept(self.connection, self.report):
            if one.id in seen or one.state == "closed":
                continue
            told = {_fold(name) for name in (one.subject, *_things(one.evidence))}
            if not judged or json.dumps(sorted(one.asked)) != self.asked or told & unjudged:
                change.unjudged.append(one)
                continue
            repaired = one.gone + 1 >= CLOSES_AFTER
            self.connection.execute(
                "UPDATE findings SET gone = gone + 1 WHERE report = ? AND id = ?", (self.report, one.id)
            )
            if repaired:
                self.connection.execute(
                    "UPDATE findings SET state = 'closed', closed_at = ?, shelved_until = NULL "
                    "WHERE report = ? AND id = ?",
                    (self.at, self.report, one.id),
                )
                self._event(one.id, "closed", note=f"not found in {CLOSES_AFTER} runs")
            (change.closed if repaired else change.gone).append(self._kept(one.id))

    def _event(self, name: str, event: str, note: str | None = None) -> None:
        self.connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, NULL, ?, ?)",
            (self.at, self.report, name, event, note, self.run),
        )

    def _kept(self, name: str) -> Kept:
        row = self.connection.execute(
            "SELECT * FROM findings WHERE report = ? AND id = ?", (self.report, name)
        ).fetchone()
        return kept(row)


def _things(evidence: Mapping[str, object]) -> list[str]:
    """Ids of what a finding is about."""
    return [str(evidence[key]) for key in _ABOUT if evidence.get(key)]


def _one_subject(one: Finding, other: Kept) -> bool:
    return one.subject == other.subject


def _one_thing(one: Finding, other: Kept) -> bool:
    """The name has changed in city.yaml, or is shared now; an older book may tell the name alone."""
    things, before = _things(one.evidence), _things(other.evidence)
    if before:
        return things == before
    return one.subject in [f"{other.subject}, {name}" for name in things]


def _unjudged(missing: Sequence[str], places: Mapping[str, set[str]]) -> set[str]:
    """Subjects that a run could not judge: each missing name, and the zones that it stands for."""
    names = set(missing)
    for name in missing:
        names |= places.get(name, set())
    return {_fold(name) for name in names}


def _fold(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def plain(value: object) -> object:
    """Evidence as JSON takes it: instants as ISO text, numbers of any make as numbers, the rest as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if value == value and abs(value) != float("inf") else None
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    item = getattr(value, "item", None)  # a number of numpy
    return plain(item()) if callable(item) else str(value)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat("T", "seconds")
