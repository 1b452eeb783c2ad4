"""The book of findings: one SQLite file in the project's state, which every recorded run of a report writes to.

    runs       one recorded run of a report: what it was asked, when, and how complete its answer was
    findings   each finding once: its state, when it was first and last seen, for how many runs it is gone
    events     what happened to it: opened, reopened, acknowledged, shelved, unshelved, closed
    aliases    ids under which a later run named the same finding (its start was estimated anew)

A run is taken in within one transaction, durable when it returns; writers take turns, readers never wait for
them. Knows no report, no terminal and no clock.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cityctl.disk import FAULTS, share, shared_folder
from cityctl.errors import StoreProblem

FILE_NAME = "findings.sqlite"
_VERSION = 1
_WAIT = 20.0  # s for another run's transaction

_SCHEMA = """
CREATE TABLE runs (
    run INTEGER PRIMARY KEY, report TEXT NOT NULL, asked TEXT NOT NULL, at TEXT NOT NULL,
    start TEXT, until TEXT, wanted INTEGER NOT NULL, had INTEGER NOT NULL, missing TEXT NOT NULL,
    unit TEXT NOT NULL
) STRICT;
CREATE INDEX runs_of ON runs (report, run);
CREATE TABLE findings (
    report TEXT NOT NULL, id TEXT NOT NULL, asked TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    since TEXT, text TEXT NOT NULL, severity TEXT NOT NULL, evidence TEXT NOT NULL,
    state TEXT NOT NULL, opened_at TEXT NOT NULL, seen_at TEXT NOT NULL, run INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0, closed_at TEXT, shelved_until TEXT, who TEXT, note TEXT,
    PRIMARY KEY (report, id)
) STRICT;
CREATE TABLE events (
    at TEXT NOT NULL, report TEXT NOT NULL, id TEXT NOT NULL, event TEXT NOT NULL, who TEXT, note TEXT,
    run INTEGER
) STRICT;
CREATE INDEX events_of ON events (report, id);
CREATE TABLE aliases (
    report TEXT NOT NULL, alias TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (report, alias)
) STRICT;
"""


class Book:
    """The findings of one project; made by the first run that is recorded."""

    def __init__(self, state: Path) -> None:
        self.path = state / FILE_NAME

    @property
    def exists(self) -> bool:
        """Whether any run was ever recorded; a full disk may leave a file of nothing behind."""
        return self.path.is_file() and self.path.stat().st_size > 0

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one instant of the book; an empty book where none is. Raises StoreProblem."""
        if not self.exists:
            with _in_plain_words(self.path):
                empty = sqlite3.connect(":memory:", isolation_level=None)
                empty.row_factory = sqlite3.Row
                empty.executescript(_SCHEMA)
            try:
                yield empty
            finally:
                empty.close()
            return
        with self._connected() as connection, _in_plain_words(self.path):
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction of the one writer: all of it, on the disk, or nothing. Raises StoreProblem."""
        with _in_plain_words(self.path):
            shared_folder(self.path.parent)
            if not self.path.exists():
                self.path.touch()
                share(self.path)
        with self._connected() as connection, _in_plain_words(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                    for statement in _SCHEMA.split(";"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with _in_plain_words(self.path):
            connection = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
            connection.row_factory = sqlite3.Row
        try:
            with _in_plain_words(self.path):
                connection.execute("PRAGMA synchronous = FULL")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise StoreProblem(
                    f"{self.path}: written by a later cityctl", hint="update cityctl on this computer"
                )
            yield connection
        finally:
            connection.close()


@contextmanager
def _in_plain_words(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as problem:
        said = str(problem)
        hint = "it holds the findings over time; a report without --record needs none"
        if "not a database" in said or "malformed" in said:
            hint = f"move {path.name} aside: the next `report run --record` begins a new one"
        elif _is_closed(path):
            said, hint = FAULTS[errno.EACCES]
        elif "locked" in said:
            hint = "another run is writing there; try again when it is done"
        raise StoreProblem(f"the book of findings cannot be used: {path} ({said})", hint=hint) from problem


def _is_closed(path: Path) -> bool:
    """Whether this user may not write the book, its folder, or what a run that was cut off left beside it."""
    places = (path.parent, path, path.with_name(f"{path.name}-journal"))
    return any(place.exists() and not os.access(place, os.R_OK | os.W_OK) for place in places)
