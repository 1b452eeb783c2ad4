"""The words around the tables: title, interval, completeness, findings, the summary with its exit code."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo

from cityctl.clock import Interval, midnight
from cityctl.errors import ExitCode, listed
from cityctl.glossary import column
from cityctl.report.render.cells import prose
from cityctl.report.render.view import View
from cityctl.result import Column, Completeness, Result, Table

FINDINGS = "findings"

COLUMNS: tuple[Column, ...] = (
    Column("severity", "Severity", meaning="alarm, warning or note", priority=1),
    Column("subject", "Where", meaning="the zone, point, device or building that it is about", priority=1),
    column("since"),
    Column("text", "What was found", meaning="the finding in one sentence", priority=1),
    column("finding", priority=3),
)

# Notes that begin with one of these words are for looking up: pages and files carry them, terminals do not.
REFERENCE = ("Method", "Source", "Sources", "Limit", "Limits", "Formula", "Formulas", "Parameters")
ABOUT = "About"


def findings_table(result: Result) -> Table:
    """The findings as rows."""
    rows: list[tuple[object, ...]] = [
        (one.severity, one.subject, one.since, prose(one.text), one.id) for one in result.findings
    ]
    return Table(FINDINGS, "Findings", list(COLUMNS), rows)


def has_findings_table(result: Result) -> bool:
    """Whether the findings already stand in a table of their own (as with --only-findings)."""
    return any(table.key == FINDINGS for table in result.tables)


def interval_words(interval: Interval, zone: tzinfo) -> str:
    """`15 to 21 Nov 2026, Europe/Berlin` for whole local days, else both ends to the minute."""
    name = getattr(zone, "key", None) or str(zone)
    first, last = interval.start.astimezone(zone), interval.end.astimezone(zone)
    if _is_midnight(interval.start, zone) and _is_midnight(interval.end, zone):
        return f"{_days(first, last - timedelta(days=1))}, {name}"
    return f"{_day(first)} {first:%H:%M} to {_day(last)} {last:%H:%M}, {name}"


def _is_midnight(moment: datetime, zone: tzinfo) -> bool:
    return midnight(moment.astimezone(zone).date(), zone) == moment.astimezone(UTC)


def _day(day: datetime) -> str:
    return f"{day.day} {day:%b %Y}"


def _days(first: datetime, last: datetime) -> str:
    if first.date() == last.date():
        return _day(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {_day(last)}"
    if first.year == last.year:
        return f"{first.day} {first:%b} to {_day(last)}"
    return f"{_day(first)} to {_day(last)}"


def completeness_words(completeness: Completeness) -> str:
    """`99.4 % of readings present`; never 100 % while one is missing; empty where nothing was wanted."""
    share = completeness.share
    if share is None:
        return ""
    percent = "100" if share >= 1 else f"{math.floor(share * 1000) / 10:.1f}"
    if percent == "0.0" and share > 0:
        percent = "< 0.1"
    return f"{percent} % of {prose(completeness.unit)} present"


def title_words(result: Result, zone: tzinfo) -> tuple[str, str]:
    """(title, what stands beside it: the subtitle and the interval that was resolved)."""
    beside = [prose(result.subtitle)] if result.subtitle else []
    if result.interval is not None:
        beside.append(interval_words(result.interval, zone))
    return prose(result.title), ", ".join(beside)


def summary_words(result: Result, view: View) -> str:
    """The summary with the exit code that the command ends with, and the one `--exit-code` would give."""
    words = prose(result.summary)
    plain, asked = result.exit_code(), result.exit_code(on_findings=True)
    if view.exit_code is ExitCode.DONE and asked is ExitCode.DONE:
        return words
    code = f"exit {int(view.exit_code)}"
    if view.exit_code is plain and asked is not plain:
        code += f", or {int(asked)} with --exit-code"
    return f"{words} ({code})" if words else f"({code})"


def ending_words(result: Result, code: ExitCode, zone: tzinfo) -> list[str]:
    """What a run ends with where its result went into a file: what is missing, and the summary with its exit code."""
    missing = [f"missing: {line}" for line in missing_words(result.completeness, most=12)]
    return [*missing, summary_words(result, View(zone, exit_code=code))]


def missing_words(completeness: Completeness, most: int | None = None) -> list[str]:
    """One line for each reason: `p227, p235: no readings since 3 Nov`; at most `most` names in a line."""
    by_reason: dict[str, list[str]] = {}
    for one in completeness.missing:
        by_reason.setdefault(prose(one.why), []).append(prose(one.what))
    lines: list[str] = []
    for why, what in by_reason.items():
        names = listed(what, most or len(what))
        lines.append(f"{names}: {why}" if why else names)
    return lines


def remarks(result: Result) -> list[str]:
    """The notes that a reader of the terminal needs: all but the reference ones."""
    return [note for note in map(prose, result.notes) if note and word_of(note) is None]


def word_of(note: str) -> str | None:
    """`Method` for `Method: mean of ...`; None for a note that begins with no word of reference."""
    word, colon, _ = note.partition(":")
    return word if colon and word in (*REFERENCE, ABOUT) else None


def about(result: Result) -> str:
    """What the report asks, in its recipe's words; empty where it says nothing."""
    for note in map(prose, result.notes):
        if word_of(note) == ABOUT:
            return note.partition(":")[2].strip()
    return ""


def reference(result: Result) -> list[tuple[str, str]]:
    """(Method, its text), (Sources, ...) and so on, then the remarks as ("Note", text)."""
    entries: list[tuple[str, str]] = []
    for note in map(prose, result.notes):
        word = word_of(note)
        if word is not None and word != ABOUT:
            entries.append((word, note.partition(":")[2].strip()))
    return entries + [("Note", note) for note in remarks(result)]


def tables_to_read(result: Result) -> list[Table]:
    """The tables that a person reads: the first in any case, others where they hold something."""
    return [table for at, table in enumerate(result.tables) if at == 0 or table.rows or table.note]
