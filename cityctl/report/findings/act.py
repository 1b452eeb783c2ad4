"""What people do with a finding: acknowledge it, shelve it for a while, close it. Each act is kept with its who."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime

from cityctl.errors import UsageProblem
from cityctl.report.findings.book import Book
from cityctl.report.findings.kept import Kept, found

_PAST = {"acknowledge": "acknowledged", "shelve": "shelved", "close": "closed"}


def acknowledge(book: Book, word: str, *, who: str | None, note: str, now: datetime) -> Kept:
    """Somebody has seen it and is on it. Raises UsageProblem (no such finding, it is closed), StoreProblem."""
    return _act(book, word, "acknowledge", _who(who), note, now)


def shelve(book: Book, word: str, *, until: datetime, who: str | None, note: str, now: datetime) -> Kept:
    """Nobody shall hear of it before `until`; then it is open again. Raises UsageProblem, StoreProblem."""
    if until <= now:
        raise UsageProblem(
            f"a finding is shelved until later than now, not until {until.isoformat('T', 'minutes')}",
            hint="`--for 7d`, or `--until 2026-12-24`",
        )
    return _act(book, word, "shelve", _who(who), note, now, until)


def close(book: Book, word: str, *, who: str | None, note: str, now: datetime) -> Kept:
    """It is repaired or was none. A later run that finds it again opens it again. Raises as `acknowledge`."""
    return _act(book, word, "close", _who(who), note, now)


def _who(said: str | None) -> str:
    """Who acts: --who, CITYCTL_USER, or the account of this process. Raises UsageProblem where nobody can tell."""
    who = said or os.environ.get("CITYCTL_USER") or ""
    if not who:
        try:
            who = getpass.getuser()
        except (OSError, KeyError, ImportError):  # no such account, as in a bare container
            who = ""
    if not who.strip():
        raise UsageProblem("nobody knows who you are", hint="say it: --who NAME")
    return who.strip()


def _act(
    book: Book, word: str, act: str, who: str, note: str, now: datetime, until: datetime | None = None
) -> Kept:
    if not book.exists:
        with book.reading() as empty:
            return found(empty, word)  # raises: nothing was ever recorded
    at = now.astimezone(UTC).isoformat("T", "seconds")
    with book.writing() as connection:
        one = found(connection, word)
        if one.state == "closed":
            raise UsageProblem(
                f"finding {one.id} is closed already, since {one.closed_at:%Y-%m-%d %H:%M} UTC",
                hint=f"`cityctl findings show {one.id}` says by whom and why",
            )
        connection.execute(
            "UPDATE findings SET state = ?, who = ?, note = ?, shelved_until = ?, closed_at = ? "
            "WHERE report = ? AND id = ?",
            (
                _PAST[act], who, note or None,
                until.astimezone(UTC).isoformat("T", "seconds") if until else None,
                at if act == "close" else None, one.report, one.id,
            ),
        )  # fmt: skip
        connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (at, one.report, one.id, _PAST[act], who, note or None),
        )
        return found(connection, f"{one.report}:{one.id}")
