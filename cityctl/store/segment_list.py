"""The list of what the store holds: which segments count, and which readings have landed.

A segment that is not on the list does not exist; everything that one add writes comes onto the list in one
transaction. Knows rows of the list, opens no Parquet file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from cityctl.store.list_file import ListFile
from cityctl.store.register import Series, enrol, enrolled, registered

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SegmentKind = Literal["new", "revised", "confirmed"]
"""new: readings that nothing stored before had · revised: readings that replace stored ones, and are the
only ones that readers must lay over others · confirmed: readings that were received again unchanged
(without values); readers never look at them, they only settle what a version received out of turn means."""

_COLUMNS = "path, month, kind, first_us, last_us, rows, bytes, sha256, generation, batch, source, received_us"


class LandedRow(NamedTuple):
    """A polled reading that has landed and is in no segment yet; times in µs since 1970 UTC."""

    point: str
    time_us: int
    value: float | None
    quality: int
    received_us: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One immutable Parquet file. Times in µs since 1970 UTC, `last_us` included.

    `received_us` is the latest one inside. Of two segments of one month, the later path holds the later word.
    """

    path: str
    month: str
    kind: SegmentKind
    first_us: int
    last_us: int
    rows: int
    bytes: int
    sha256: str
    generation: int
    batch: str
    source: str
    received_us: int


@dataclass(frozen=True)
class Snapshot:
    """What counted at one instant: a generation of the list, its segments, and what had landed."""

    generation: int
    segments: tuple[Segment, ...]
    landed: tuple[LandedRow, ...]
    landed_through: int


class SegmentList(ListFile):
    """The list of one store folder."""

    def __init__(self, folder: Path, *, create: bool) -> None:
        super().__init__(folder, create=create)
        self._numbers: dict[str, int] = {}  # of series, which never change

    def generation(self) -> int:
        """A number that rises with every change of the segments."""
        with self.reading() as connection:
            return int(connection.execute("SELECT generation FROM state").fetchone()[0])

    def snapshot(self, *, landing: bool = True) -> Snapshot:
        """What counts now, all of it as of one instant; without the landing where that is not wanted."""
        landed: list[LandedRow] = []
        through = 0
        with self.reading() as connection:
            (generation,) = connection.execute("SELECT generation FROM state").fetchone()
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM segments WHERE removed_at_us IS NULL ORDER BY path"
            ).fetchall()
            if landing:
                found = connection.execute(
                    "SELECT s.point, l.time_us, l.value, l.quality, l.received_us FROM landing AS l "
                    "JOIN series AS s ON s.id = l.series"
                )
                landed = [LandedRow._make(row) for row in found]
                (through,) = connection.execute("SELECT coalesce(max(id), 0) FROM landing").fetchone()
        return Snapshot(generation, tuple(Segment(*row) for row in rows), tuple(landed), through)

    def span(self) -> tuple[datetime, datetime] | None:
        """Times of the first and the last reading; None where there is none."""
        with self.reading() as connection:
            first, last = connection.execute(
                "SELECT min(a), max(b) FROM ("
                "SELECT min(first_us) AS a, max(last_us) AS b FROM segments WHERE removed_at_us IS NULL UNION ALL "
                "SELECT min(time_us), max(time_us) FROM landing)"
            ).fetchone()
        if first is None:
            return None
        return EPOCH + timedelta(microseconds=first), EPOCH + timedelta(microseconds=last)

    def landed_rows(self) -> int:
        """How many readings wait in the landing."""
        with self.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM landing").fetchone()[0])

    def series(self, points: Iterable[str] | None = None) -> dict[str, Series]:
        """The register: all series, or those of the given points that exist."""
        with self.reading() as connection:
            return registered(connection, points)

    def commit(
        self,
        *,
        add: Sequence[Segment],
        remove: Sequence[Segment] = (),
        series: Iterable[Series] = (),
        landed_through: int = 0,
        at_us: int,
    ) -> None:
        """One transaction: segments come and go, series are enrolled, flushed landing rows leave."""
        marks = ",".join("?" * len(Segment.__slots__))
        with self.writing() as connection:
            enrol(connection, series)
            connection.executemany(
                f"INSERT INTO segments ({_COLUMNS}) VALUES ({marks})",
                [tuple(getattr(segment, name) for name in Segment.__slots__) for segment in add],
            )
            connection.executemany(
                "UPDATE segments SET removed_at_us = ? WHERE path = ?",
                [(at_us, segment.path) for segment in remove],
            )
            if landed_through:
                connection.execute("DELETE FROM landing WHERE id <= ?", (landed_through,))
            connection.execute("UPDATE state SET generation = generation + 1")

    def land(
        self,
        rows: Sequence[tuple[str, int, float | None, int]],
        *,
        batch: str,
        received_us: int,
        series: Iterable[Series],
    ) -> int:
        """Take polled readings in, unless this batch was taken before. Returns how many were taken."""
        with self.writing("taking in a poll") as connection:
            known = connection.execute(
                "INSERT INTO batches VALUES (?, ?) ON CONFLICT DO NOTHING", (batch, received_us)
            )
            if known.rowcount == 0:
                return 0
            news = enrolled(connection, [entry for entry in series if entry.point not in self._numbers])
            numbers = self._numbers | news if news else self._numbers
            connection.executemany(
                "INSERT INTO landing (series, time_us, value, quality, received_us) VALUES (?, ?, ?, ?, ?)",
                [(numbers[point], time, value, quality, received_us) for point, time, value, quality in rows],
            )
        self._numbers = numbers  # only now: before the commit, another process might have been first
        return len(rows)

    def forget_batches(self, before_us: int) -> None:
        """Drop batch keys that no retry can come back with."""
        with self.writing() as connection:
            connection.execute("DELETE FROM batches WHERE received_us < ?", (before_us,))

    def removed(self, before_us: int) -> list[str]:
        """Paths of segments that left the list before an instant, and whose files may be deleted."""
        with self.reading() as connection:
            rows = connection.execute("SELECT path FROM segments WHERE removed_at_us <= ?", (before_us,))
            return [path for (path,) in rows]

    def known_paths(self) -> set[str]:
        """Paths of all segments on the list, those that left it included."""
        with self.reading() as connection:
            return {path for (path,) in connection.execute("SELECT path FROM segments")}

    def forget_removed(self, paths: Iterable[str]) -> None:
        """Drop the rows of removed segments whose files are gone."""
        with self.writing() as connection:
            connection.executemany(
                "DELETE FROM segments WHERE path = ? AND removed_at_us IS NOT NULL",
                [(path,) for path in paths],
            )
