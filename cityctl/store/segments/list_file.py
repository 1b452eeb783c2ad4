"""The file that the segment list lives in: its tables, its version, and how an older one is brought up to date.

Version 1 kept landed readings in this file as well, one a row; since version 2 they have a file of their own,
so that a lost list takes no reading with it, and polls do not wait for imports. Since version 3 there is a
dictionary of words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cityctl.disk import shared_folder
from cityctl.errors import StoreProblem
from cityctl.store.folder import LIST, SEGMENTS, ListDamaged, in_plain_words, locked, missing
from cityctl.store.landing import Landing
from cityctl.store.segments.words import TABLE
from cityctl.store.sqlite_file import BUSY, SqliteFile

SCHEMA = 3

_SINCE_2 = """
CREATE TABLE flushed (landing TEXT PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE dirty (
    month TEXT PRIMARY KEY, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, generation INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE dropped (month TEXT PRIMARY KEY, at_us INTEGER NOT NULL, late INTEGER NOT NULL) WITHOUT ROWID;
"""
"""flushed: of each landing (by its own id) the last batch that is in segments · dirty: months (UTC) with
readings that are in no roll-up yet · dropped: months whose raw readings were dropped once they were rolled up,
and how many came in late that their roll-ups cannot take in."""

_TABLES = f"""
CREATE TABLE state (generation INTEGER NOT NULL);
INSERT INTO state VALUES (0);
CREATE TABLE segments (
    path TEXT PRIMARY KEY, month TEXT NOT NULL, kind TEXT NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, generation INTEGER NOT NULL, batch TEXT NOT NULL, source TEXT NOT NULL,
    received_us INTEGER NOT NULL, removed_at_us INTEGER, damage TEXT
) WITHOUT ROWID;
CREATE INDEX live ON segments (month) WHERE removed_at_us IS NULL;
CREATE TABLE series (
    id INTEGER PRIMARY KEY, point TEXT NOT NULL UNIQUE, quantity TEXT, unit TEXT, first_seen_us INTEGER NOT NULL
);
{_SINCE_2}
{TABLE}
"""


class ListFile(SqliteFile):
    """The list's file. Raises StoreProblem where there is none, or one that this version cannot read."""

    def __init__(self, folder: Path, *, create: bool) -> None:
        super().__init__(folder / LIST)
        if not self.path.exists():
            self._make(create=create)
        with in_plain_words(folder, "opening the store"):
            version = self._version()
        if version > SCHEMA:
            raise StoreProblem(
                f"{self.path} was written by a newer cityctl (schema {version}, this one knows {SCHEMA})",
                hint="update cityctl",
            )
        if version < 1:
            raise ListDamaged(
                f"{self.path} is no list of segments: it is empty, or another program's",
                hint=f"`cityctl data rebuild` makes it anew from the segments in {folder / SEGMENTS}; a store "
                "elsewhere is named in CITYCTL_STORE",
            )
        self.landing = Landing(folder, create=True)
        if version < SCHEMA:
            self._update()

    def close(self) -> None:
        """Close the list and the landing; they may be used again afterwards."""
        super().close()
        self.landing.close()

    @contextmanager
    def reading(self, doing: str = "reading the list") -> Iterator[sqlite3.Connection]:
        """Everything that is read inside is of one instant."""
        with super().reading(doing) as connection:
            yield connection

    @contextmanager
    def writing(self, doing: str = "writing the list") -> Iterator[sqlite3.Connection]:
        """Everything that is written inside becomes visible and durable at once, or not at all."""
        with super().writing(doing) as connection:
            yield connection

    def _version(self) -> int:
        return int(self.connection().execute("PRAGMA user_version").fetchone()[0])

    def _make(self, *, create: bool) -> None:
        if next((self.folder / SEGMENTS).glob("month=*/*.parquet"), None) is not None:
            raise StoreProblem(
                f"the store's list of segments is gone: {self.path}",
                tried=[f"looked for it; the readings lie unharmed in {self.folder / SEGMENTS}"],
                hint="`cityctl data rebuild` makes it anew from the segments",
            )
        if not create:
            raise missing(self.folder)
        with in_plain_words(self.folder, "making a store"):
            shared_folder(self.folder)
            with locked(self.folder, purpose="making a store", wait=BUSY):
                self._lay_out(_TABLES, SCHEMA)

    def _update(self) -> None:
        """From earlier versions; may be killed anywhere and run again."""
        with (
            locked(self.folder, purpose="bringing the store up to date", wait=BUSY),
            self.writing("bringing the store up to date") as connection,
        ):
            if self._version() >= SCHEMA:  # another process was faster
                return
            if self._version() < 2:
                self._from_1(connection)
            connection.execute(TABLE)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")

    def _from_1(self, connection: sqlite3.Connection) -> None:
        """Landed readings move into their own file."""
        landed = connection.execute(
            "SELECT s.point, l.time_us, l.value, l.quality, l.received_us, s.quantity, s.unit, "
            "s.first_seen_us FROM landing AS l JOIN series AS s ON s.id = l.series ORDER BY l.id"
        ).fetchall()
        keys = connection.execute("SELECT key, received_us FROM batches").fetchall()
        self.landing.take_over(landed, keys)
        for statement in _SINCE_2.split(";"):
            connection.execute(statement)
        connection.execute("ALTER TABLE segments ADD COLUMN damage TEXT")
        # What is stored was never rolled up.
        connection.execute(
            "INSERT INTO dirty SELECT month, min(first_us), max(last_us), max(generation) FROM segments "
            "WHERE removed_at_us IS NULL GROUP BY month"
        )
        connection.execute("DROP TABLE landing")
        connection.execute("DROP TABLE batches")
