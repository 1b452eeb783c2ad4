"""The landing: polled readings that are in no segment yet, one row a batch, durable when it is committed.

A file of its own: polls do not wait for imports, and a list that is lost takes no reading with it. Knows rows
of readings and of the register; knows no segment.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from cityctl.disk import sync_file
from cityctl.store.folder import in_plain_words, locked
from cityctl.store.register import Series, enrolled, registered
from cityctl.store.sqlite_file import BUSY, SqliteFile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LANDING = "landing.sqlite"
_VERSION = 1

_TABLES = """
CREATE TABLE state (id TEXT NOT NULL);
INSERT INTO state VALUES ('{id}');
CREATE TABLE series (
    id INTEGER PRIMARY KEY, point TEXT NOT NULL UNIQUE, quantity TEXT, unit TEXT, first_seen_us INTEGER NOT NULL
);
CREATE TABLE batches (key TEXT PRIMARY KEY, received_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE landed (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_us INTEGER NOT NULL, rows INTEGER NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, readings BLOB NOT NULL
);
"""
"""AUTOINCREMENT: the list remembers up to which id batches are in segments, so that no id may come twice."""

Row = tuple[str, int, float | None, int]
"""point, time [µs since 1970 UTC], value, quality"""


class LandedBatch(NamedTuple):
    """One batch as it lies in the file; `readings`: numbers of series, times, values, qualities in columns."""

    id: int
    received_us: int
    rows: int
    readings: bytes


@dataclass(frozen=True)
class Landed:
    """Batches that had landed at one instant, and the names of their series; decoded when they are asked for.

    `landing`: the id of the landing; `through`: the last batch in it.
    """

    landing: str = ""
    through: int = 0
    batches: tuple[LandedBatch, ...] = ()
    names: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many readings."""
        return sum(batch.rows for batch in self.batches)

    def columns(self) -> LandedColumns:
        """The readings in columns, in the order in which they landed."""
        import numpy as np

        parts: list[list[npt.NDArray[np.generic]]] = [[], [], [], []]
        for batch in self.batches:
            at = 0
            for place, kind in enumerate(("<i4", "<i8", "<f8", "u1")):
                numbers = np.frombuffer(batch.readings, dtype=kind, count=batch.rows, offset=at)
                parts[place].append(numbers)
                at += numbers.nbytes
        series, times, values, qualities = (np.concatenate(part) for part in parts)
        numbers = np.array(sorted(self.names), dtype=np.int64)
        rows = [batch.rows for batch in self.batches]
        return LandedColumns(
            [self.names[int(number)] for number in numbers],
            np.searchsorted(numbers, series).astype(np.int32),
            times.astype(np.int64),
            values.astype(np.float64),
            qualities.astype(np.uint8),
            np.repeat(np.array([batch.received_us for batch in self.batches], dtype=np.int64), rows),
        )


class LandedColumns(NamedTuple):
    """Landed readings in columns of equal length; `codes` count in `names`; times in µs since 1970 UTC."""

    names: list[str]
    codes: npt.NDArray[np.int32]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    qualities: npt.NDArray[np.uint8]
    received: npt.NDArray[np.int64]


class Landing(SqliteFile):
    """The landing of one store folder."""

    together = True  # a dozen polls at once is what it is for

    def __init__(self, folder: Path, *, create: bool) -> None:
        super().__init__(folder / LANDING)
        self._numbers: dict[str, int] = {}  # of series, which never change within one file
        self._numbered: tuple[int, int, int] | None = None
        if create and not self.path.exists():
            with (
                in_plain_words(folder, "making a store"),
                locked(folder, purpose="making a store", wait=BUSY),
            ):
                self._lay_out(_TABLES.format(id=uuid4().hex), _VERSION)

    def land(
        self, rows: Sequence[Row], *, batch: str, received_us: int, series: Callable[[str], Series]
    ) -> int:
        """Take a batch in, unless its key was taken before. Returns how many readings were taken.

        `series` says what the register is to know of a point; it is only asked of those that are new to it.
        """
        with self.writing("taking in a poll") as connection:
            if not _first_time(connection, batch, received_us):
                return 0
            numbers = self._numbered_for(connection, {row[0] for row in rows}, series)
            if rows:
                _insert(connection, rows, numbers, received_us)
        # Only now: before the commit, another process might have been first.
        self._numbers, self._numbered = numbers, self._local.held[0]
        return len(rows)

    def refuse_reader(self) -> None:
        """Raises StoreProblem for who may not write; SQLite says so only where something is written."""
        with self.writing("taking in a poll") as connection:
            connection.execute("DELETE FROM landed WHERE id < 0")

    def landed(self) -> Landed:
        """All batches in the file, of one instant; those that are in segments already may be among them."""
        with self.reading("reading the landing") as connection:
            (landing,) = connection.execute("SELECT id FROM state").fetchone()
            found = connection.execute("SELECT id, received_us, rows, readings FROM landed ORDER BY id")
            batches = tuple(map(LandedBatch._make, found))
            names: dict[int, str] = {}
            if batches:
                names = dict(connection.execute("SELECT id, point FROM series"))
        return Landed(landing, batches[-1].id if batches else 0, batches, names)

    def waiting(self, flushed: dict[str, int]) -> tuple[int, int | None, int | None]:
        """Readings, first and last time [µs] of the batches that are in no segment yet."""
        with self.reading("reading the landing") as connection:
            (landing,) = connection.execute("SELECT id FROM state").fetchone()
            rows, first, last = connection.execute(
                "SELECT coalesce(sum(rows), 0), min(first_us), max(last_us) FROM landed WHERE id > ?",
                (flushed.get(landing, 0),),
            ).fetchone()
        return int(rows), first, last

    def series(self, points: Iterable[str] | None = None) -> dict[str, Series]:
        """Every series that ever landed, or those of the given points."""
        with self.reading("reading the landing") as connection:
            return registered(connection, points)

    def clear(self, landing: str, through: int) -> None:
        """Drop batches that are in segments now."""
        with self.writing("clearing the landing") as connection:
            connection.execute(
                "DELETE FROM landed WHERE id <= ? AND ? = (SELECT id FROM state)", (through, landing)
            )

    def forget_batches(self, before_us: int) -> None:
        """Drop batch keys that no retry can come back with."""
        with self.writing("clearing the landing") as connection:
            connection.execute("DELETE FROM batches WHERE received_us < ?", (before_us,))

    def take_over(
        self,
        landed: Sequence[tuple[str, int, float | None, int, int, str | None, str | None, int]],
        keys: Sequence[tuple[str, int]],
    ) -> None:
        """What landed in a list of version 1: readings with received and the series' quantity, unit and first
        sight; and the keys of its batches. A second time it changes nothing."""
        with self.writing("bringing the store up to date") as connection:
            if not _first_time(connection, "taken over from version 1", 2**62):
                return
            series = {row[0]: Series(row[0], row[5], row[6], row[7]) for row in landed}
            numbers = enrolled(connection, series.values())
            by_received: dict[int, list[Row]] = {}
            for point, time_us, value, quality, received_us, *_ in landed:
                by_received.setdefault(received_us, []).append((point, time_us, value, quality))
            for received_us, rows in by_received.items():
                _insert(connection, rows, numbers, received_us)
            connection.executemany("INSERT INTO batches VALUES (?, ?) ON CONFLICT DO NOTHING", keys)

    def _numbered_for(
        self, connection: sqlite3.Connection, points: set[str], series: Callable[[str], Series]
    ) -> dict[str, int]:
        known = self._numbers if self._numbered == self._local.held[0] else {}
        news = sorted(points - known.keys())
        return known | enrolled(connection, map(series, news)) if news else known


def make_own(copy: Path, flushed: Mapping[str, int]) -> None:
    """Make the copy of a landing another one, with an id of its own, and without what is in segments by now.

    `flushed`: of each landing the last batch that the list beside the copy has in segments. Were the copy to bear
    the id of the one it comes from, its next batches would have numbers that the list takes for flushed.
    """
    with in_plain_words(copy.parent, f"copying {LANDING}", copy):
        connection = sqlite3.connect(copy, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            (landing,) = connection.execute("SELECT id FROM state").fetchone()
            connection.execute("DELETE FROM landed WHERE id <= ?", (flushed.get(landing, 0),))
            connection.execute("UPDATE state SET id = ?", (uuid4().hex,))
            connection.execute("COMMIT")
        finally:
            connection.close()
    sync_file(copy)


def _first_time(connection: sqlite3.Connection, batch: str, received_us: int) -> bool:
    taken = connection.execute(
        "INSERT INTO batches VALUES (?, ?) ON CONFLICT DO NOTHING", (batch, received_us)
    )
    return taken.rowcount > 0


def _insert(
    connection: sqlite3.Connection, rows: Sequence[Row], numbers: dict[str, int], received_us: int
) -> None:
    """One row for the whole batch: a thousand rows of SQL cost twenty times as much."""
    series = array("i", [numbers[row[0]] for row in rows])
    times = array("q", [row[1] for row in rows])
    values = array("d", [nan if row[2] is None else row[2] for row in rows])
    qualities = array("B", [row[3] for row in rows])
    readings = b"".join(column.tobytes() for column in (series, times, values, qualities))
    connection.execute(
        "INSERT INTO landed (received_us, rows, first_us, last_us, readings) VALUES (?, ?, ?, ?, ?)",
        (received_us, len(rows), min(times), max(times), readings),
    )
