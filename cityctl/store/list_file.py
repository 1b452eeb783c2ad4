"""The SQLite file that the list lives in: its tables, its connections, its transactions.

WAL mode and synchronous FULL: what was committed survives a power cut, and readers never wait for writers.
Knows SQLite, and nothing of what the rows mean.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cityctl.disk import sync_file, sync_folder
from cityctl.errors import StoreProblem
from cityctl.store.folder import LIST, in_plain_words, locked, missing

SCHEMA = 1
BUSY = 30.0  # seconds that a writer waits for another one's transaction

_TABLES = """
CREATE TABLE state (generation INTEGER NOT NULL);
INSERT INTO state VALUES (0);
CREATE TABLE segments (
    path TEXT PRIMARY KEY, month TEXT NOT NULL, kind TEXT NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, generation INTEGER NOT NULL, batch TEXT NOT NULL, source TEXT NOT NULL,
    received_us INTEGER NOT NULL, removed_at_us INTEGER
) WITHOUT ROWID;
CREATE INDEX live ON segments (month) WHERE removed_at_us IS NULL;
CREATE TABLE series (
    id INTEGER PRIMARY KEY, point TEXT NOT NULL UNIQUE, quantity TEXT, unit TEXT, first_seen_us INTEGER NOT NULL
);
CREATE TABLE batches (key TEXT PRIMARY KEY, received_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE landing (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, time_us INTEGER NOT NULL, value REAL,
    quality INTEGER NOT NULL, received_us INTEGER NOT NULL
);
"""


class ListFile:
    """One list file; may be used from several threads, and by the children of a fork."""

    def __init__(self, folder: Path, *, create: bool) -> None:
        self.folder = folder
        self.path = folder / LIST
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        if not self.path.exists():
            if not create:
                raise missing(folder)
            with in_plain_words(folder, "making a store"):
                folder.mkdir(parents=True, exist_ok=True)
                with locked(folder, purpose="making a store", wait=BUSY):
                    self._lay_out()
        with in_plain_words(folder, "opening the store"):
            version = self.connection().execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA:
            raise StoreProblem(
                f"{self.path} was written by a newer cityctl (schema {version}, this one knows {SCHEMA})",
                hint="update cityctl",
            )
        if version < SCHEMA:
            raise StoreProblem(
                f"{self.path} is no list of segments", hint="set CITYCTL_STORE to another folder"
            )

    def close(self) -> None:
        """Close the file; it may be used again afterwards."""
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._local = threading.local()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        held: tuple[int, sqlite3.Connection] | None = getattr(self._local, "held", None)
        # A connection must not be carried over a fork.
        if held is None or held[0] != os.getpid():
            connection = self._connect()
            self._open.append(connection)
            self._local.held = held = (os.getpid(), connection)
        return held[1]

    @contextmanager
    def reading(self, doing: str = "reading the list") -> Iterator[sqlite3.Connection]:
        """Everything that is read inside is of one instant."""
        with in_plain_words(self.folder, doing):
            connection = self.connection()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self, doing: str = "writing the list") -> Iterator[sqlite3.Connection]:
        """Everything that is written inside becomes visible and durable at once, or not at all."""
        with in_plain_words(self.folder, doing):
            connection = self.connection()
            _begin_writing(connection)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _lay_out(self) -> None:
        if self.path.exists():  # another process was faster
            return
        draft = self.path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        sync_file(draft)
        draft.replace(self.path)
        sync_folder(self.folder)

    def _connect(self) -> sqlite3.Connection:
        writable = os.access(self.folder, os.W_OK) and os.access(self.path, os.W_OK)
        # Without write permission SQLite cannot make its -shm file: where there is no -wal either, nobody
        # is writing and the file can be read as it is.
        resting = not self.path.with_name(f"{LIST}-wal").exists()
        mode = "rw" if writable else "ro&immutable=1" if resting else "ro"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def _begin_writing(connection: sqlite3.Connection) -> None:
    """Begin a transaction; where another writer is at it, look again every few milliseconds.

    SQLite's own waiting sleeps longer and longer, so that of many writers some would wait for seconds.
    """
    until = time.monotonic() + BUSY
    connection.execute("PRAGMA busy_timeout = 8")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as problem:
                if "locked" not in str(problem) or time.monotonic() >= until:
                    raise
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY * 1000)}")
