"""One SQLite file of a store: its connections and its transactions.

WAL mode: readers never wait for writers. What `writing` has committed when it ends survives a power cut: by
SQLite's synchronous FULL, or, where many write at once (`together`), by an fsync of the WAL after the commit and
outside of the write lock, so that writers wait for the disk side by side and not one after the other. Knows
SQLite, and nothing of what the rows mean.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cityctl.disk import share, sync_file, sync_folder
from cityctl.errors import StoreProblem
from cityctl.store.folder import disk_problem, in_plain_words, list_problem

BUSY = 30.0  # seconds that a writer waits for another one's transaction
_OF_WRITING = {"SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE"}


class SqliteFile:
    """One file; may be used from several threads, and by the children of a fork."""

    together = False

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self.path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []

    def close(self) -> None:
        """Close the file; it may be used again afterwards."""
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._local = threading.local()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, to the file that bears the name now."""
        held: tuple[tuple[int, int, int], sqlite3.Connection] | None = getattr(self._local, "held", None)
        identity = self.identity()
        # A connection must not be carried over a fork; and a file that was put in the place of another (a
        # backup brought back) has to be opened anew, or commits would go into a file without a name.
        if held is None or held[0] != identity:
            connection = self._connect()
            self._open.append(connection)
            self._local.held = held = (identity, connection)
        return held[1]

    def identity(self) -> tuple[int, int, int]:
        """The process, and the file that bears the name now. Raises StoreProblem where there is none."""
        try:
            about = self.path.stat()
        except FileNotFoundError:
            raise self._gone() from None
        return os.getpid(), about.st_dev, about.st_ino

    @contextmanager
    def reading(self, doing: str) -> Iterator[sqlite3.Connection]:
        """Everything that is read inside is of one instant."""
        with in_plain_words(self.folder, doing, self.path):
            connection = self.connection()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self, doing: str) -> Iterator[sqlite3.Connection]:
        """Everything that is written inside becomes visible and durable at once, or not at all."""
        with in_plain_words(self.folder, doing, self.path):
            connection = self._begun()
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if self._local.together:
                # A checkpoint that moved the commit into the file meanwhile has synced the WAL before.
                sync_file(self.path.with_name(f"{self.path.name}-wal"))

    def copy(self, target: Path) -> None:
        """A copy as of one instant, by SQLite's own backup, durable but for its name; others go on writing."""
        doing = f"copying {self.path.name}"
        target.unlink(missing_ok=True)
        with in_plain_words(self.folder, doing, self.path), closing(sqlite3.connect(target)) as copy:
            try:
                self.connection().backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
            except sqlite3.Error as problem:
                # Of the two disks, the one that is written to.
                if "full" in str(problem):
                    raise list_problem(problem, target.parent, doing, target) from problem
                if getattr(problem, "sqlite_errorname", "") in _OF_WRITING:
                    fault = OSError(errno.EIO, str(problem), str(target))
                    raise disk_problem(fault, target.parent, doing) from problem
                raise
        with in_plain_words(target.parent, doing, target):
            sync_file(target)

    def write_ahead(self) -> None:
        """Make a copy a file of a living store: from now on with a WAL."""
        with in_plain_words(self.folder, f"opening {self.path.name}", self.path):
            self.connection().execute("PRAGMA journal_mode = WAL")
            self.close()

    def fault(self) -> str | None:
        """What SQLite's own check of the whole file finds wrong; None where it is sound."""
        with self.reading(f"checking {self.path.name}") as connection:
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if said == "ok" and version == 0:
            return "it is empty"  # which SQLite takes for a sound file
        return None if said == "ok" else str(said)

    def _begun(self) -> sqlite3.Connection:
        """This thread's connection, inside a writing transaction of the file that bears the name now."""
        for _ in range(5):
            connection = self.connection()
            _begin_writing(connection)
            held = self._local.held[0]
            try:
                if self.identity() == held:
                    return connection
            except StoreProblem:
                connection.execute("ROLLBACK")
                raise
            connection.execute("ROLLBACK")
        raise self._gone()

    def _gone(self) -> StoreProblem:
        return StoreProblem(
            f"{self.path} is gone",
            hint="bring the store back: `cityctl data restore DIR` or `cityctl data rebuild`",
        )

    def _lay_out(self, tables: str, version: int) -> None:
        """Make the file with its tables, whole or not at all. The caller holds the store's lock."""
        if self.path.exists():  # another process was faster
            return
        draft = self.path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(f"BEGIN; {tables} PRAGMA user_version = {version}; COMMIT;")
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        share(draft)
        sync_file(draft)
        # What an earlier file of this name left behind must not be taken for the new one's.
        for ending in ("-wal", "-shm"):
            self.path.with_name(f"{self.path.name}{ending}").unlink(missing_ok=True)
        draft.replace(self.path)
        sync_folder(self.folder)

    def _connect(self) -> sqlite3.Connection:
        writable = os.access(self.folder, os.W_OK) and os.access(self.path, os.W_OK)
        # Without write permission SQLite cannot make its -shm file: where there is no -wal either, nobody
        # is writing and the file can be read as it is.
        resting = not self.path.with_name(f"{self.path.name}-wal").exists()
        mode = "rw" if writable else "ro&immutable=1" if resting else "ro"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY,
            isolation_level=None,
            check_same_thread=False,
        )
        # A copy that is no file of a living store (a backup) has no WAL.
        wal = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        self._local.together = self.together and wal
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if self._local.together else 'FULL'}")
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
