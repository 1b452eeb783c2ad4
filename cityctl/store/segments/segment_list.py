"""The list of what the store holds: which segments count, and up to where the landing is in them.

A segment that is not on the list does not exist; everything that one add writes comes onto the list in one
transaction. Knows rows of the list, opens no Parquet file.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cityctl.store.folder import SEGMENTS, ListDamaged
from cityctl.store.landing import Landed
from cityctl.store.register import Series, enrol, registered
from cityctl.store.segments.list_file import ListFile
from cityctl.store.segments.unlisted import files_ahead, outrun
from cityctl.store.segments.words import Words, known, learn

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SegmentKind = Literal["new", "revised", "confirmed", "replaced", "hourly", "daily", "monthly"]
"""new: readings that nothing stored before had · revised: readings that replace stored ones, and are the
only ones that readers must lay over others · confirmed: readings that were received again unchanged
(without values); readers never look at them, they only settle what a version received out of turn means ·
replaced: versions that gave way, for `data history` alone · hourly, daily, monthly: roll-ups."""

READINGS: tuple[SegmentKind, ...] = ("new", "revised", "confirmed")
ROLLUPS: tuple[SegmentKind, ...] = ("hourly", "daily", "monthly")


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


_COLUMNS = ", ".join(Segment.__slots__)
_TOLD = SEGMENTS + "/month={month}/{kind}"
_LOOKED_AT = 100_000  # segments that are remembered
_UNTOLD = re.compile(r"(?<=/)\d+-\d+-|-[^-/]*$")  # what a file's name says beside its kind


def listed(row: tuple[Any, ...], file: Path) -> Segment:
    """A row of a list as a segment. Raises ListDamaged where it is not the one that the segment's name tells.

    SQLite takes any text for a sound one: a kind that is none would leave its readings out without a word.
    """
    segment = Segment(*row)
    if _TOLD.format(month=segment.month, kind=segment.kind) != _UNTOLD.sub("", segment.path):
        raise ListDamaged(
            f"{file}: `{segment.path}` stands there as `{segment.kind}` of `{segment.month}`",
            hint="`cityctl data rebuild` makes the list anew from the segments",
        )
    return segment


@dataclass(frozen=True)
class Dirty:
    """A month (UTC, YYYY-MM) with readings that are in no roll-up yet: their span and their generation."""

    month: str
    first_us: int
    last_us: int
    generation: int


@dataclass(frozen=True)
class Snapshot:
    """What counted at one instant: a generation of the list, its segments, and what had landed.

    `segments` hold the readings, `replaced` versions that gave way, `rollups` roll-ups; `damaged` are those
    that a check found damaged (with the reason): they count for nothing, and are named where they would have.
    `dirty` and `dropped`: see `SegmentList.dirty` and `.dropped`.
    """

    generation: int
    segments: tuple[Segment, ...]
    landed: Landed
    replaced: tuple[Segment, ...] = ()
    rollups: tuple[Segment, ...] = ()
    damaged: tuple[tuple[Segment, str], ...] = ()
    dirty: tuple[Dirty, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Segment, ...]:
        """Every segment that counts."""
        return (*self.segments, *self.replaced, *self.rollups)


class SegmentList(ListFile):
    """The list of one store folder."""

    def __init__(self, folder: Path, *, create: bool) -> None:
        super().__init__(folder, create=create)
        self._looked_at: dict[tuple[Any, ...], Segment] = {}

    def generation(self) -> int:
        """A number that rises with every change of the segments."""
        with self.reading() as connection:
            return int(connection.execute("SELECT generation FROM state").fetchone()[0])

    def begin_at(self, generation: int) -> None:
        """Let a new list count on from a generation, as its folder holds segments of it."""
        with self.writing() as connection:
            connection.execute("UPDATE state SET generation = ?", (generation,))

    def snapshot(self, *, landing: bool = True) -> Snapshot:
        """What counts now, all of it as of one instant; without the landing where that is not wanted.

        The landing is read first: what goes from there into segments meanwhile is then found in these, and
        the list says which batches that are.
        """
        landed = self.landing.landed() if landing else Landed()
        with self.reading() as connection:
            (generation,) = connection.execute("SELECT generation FROM state").fetchone()
            rows = connection.execute(
                f"SELECT damage, {_COLUMNS} FROM segments WHERE removed_at_us IS NULL ORDER BY path"
            ).fetchall()
            through = _flushed(connection).get(landed.landing, 0)
            dirty, dropped = _dirty(connection), _dropped(connection)
        if landed.batches and landed.batches[0].id <= through:
            waiting = tuple(batch for batch in landed.batches if batch.id > through)
            landed = Landed(landed.landing, landed.through, waiting, landed.names)
        named = [(row[0], self._segment(row[1:])) for row in rows]
        whole = [segment for damage, segment in named if damage is None]
        return Snapshot(
            generation,
            tuple(segment for segment in whole if segment.kind in READINGS),
            landed,
            tuple(segment for segment in whole if segment.kind == "replaced"),
            tuple(segment for segment in whole if segment.kind in ROLLUPS),
            tuple((segment, damage) for damage, segment in named if damage is not None),
            tuple(dirty),
            dropped,
        )

    def _segment(self, row: tuple[Any, ...]) -> Segment:
        """A row of the list as a segment; one that was looked at before is the same."""
        found = self._looked_at.get(row)
        if found is None:
            found = listed(row, self.path)
            if len(self._looked_at) >= _LOOKED_AT:
                self._looked_at.clear()
            self._looked_at[row] = found
        return found

    def span(self) -> tuple[datetime, datetime] | None:
        """Times of the first and the last reading; None where there is none."""
        _, first_landed, last_landed = self._waiting()
        with self.reading() as connection:
            first, last = connection.execute(
                "SELECT min(first_us), max(last_us) FROM segments WHERE removed_at_us IS NULL "
                "AND kind IN ('new', 'revised')"
            ).fetchone()
        begin = min((at for at in (first, first_landed) if at is not None), default=None)
        end = max((at for at in (last, last_landed) if at is not None), default=None)
        if begin is None or end is None:
            return None
        return EPOCH + timedelta(microseconds=begin), EPOCH + timedelta(microseconds=end)

    def landed_rows(self) -> int:
        """How many readings wait in the landing."""
        return self._waiting()[0]

    def _waiting(self) -> tuple[int, int | None, int | None]:
        with self.reading() as connection:
            flushed = _flushed(connection)
        return self.landing.waiting(flushed)

    def series(self, points: Iterable[str] | None = None) -> dict[str, Series]:
        """The register: all series, or those of the given points that exist; by point."""
        wanted = None if points is None else list(points)
        landed = self.landing.series(wanted)
        with self.reading() as connection:
            known = registered(connection, wanted)
        for point, entry in landed.items():
            if point not in known or known[point].quantity is None:
                known[point] = entry
        return dict(sorted(known.items()))

    def commit(
        self,
        *,
        add: Sequence[Segment],
        remove: Sequence[Segment] = (),
        series: Iterable[Series] = (),
        landed: Landed | None = None,
        rolled: Sequence[Dirty] = (),
        dropped: Mapping[str, int] | None = None,
        settling: bool = False,
        words: Mapping[int, str] | None = None,
        at_us: int,
    ) -> None:
        """One transaction: segments come and go, series and words are enrolled, flushed batches leave the landing.

        `landed`: the batches that the added segments hold. `rolled`: months whose roll-ups are among the added
        segments; one that became dirty anew meanwhile stays so. `dropped`: months whose raw readings go, and
        how many late ones stay. `settling`: the readings are the same as before, so no month becomes dirty.
        """
        self._refuse_older()
        marks = ",".join("?" * len(Segment.__slots__))
        with self.writing() as connection:
            enrol(connection, series)
            learn(connection, words or {})
            connection.executemany(
                f"INSERT INTO segments ({_COLUMNS}) VALUES ({marks})",
                [tuple(getattr(segment, name) for name in Segment.__slots__) for segment in add],
            )
            connection.executemany(
                "UPDATE segments SET removed_at_us = ? WHERE path = ?",
                [(at_us, segment.path) for segment in remove],
            )
            if landed is not None and landed.batches:
                connection.execute(
                    "INSERT INTO flushed VALUES (?, ?) ON CONFLICT (landing) DO UPDATE SET "
                    "through = max(through, excluded.through)",
                    (landed.landing, landed.through),
                )
            if not settling:
                connection.executemany(
                    "INSERT INTO dirty VALUES (?, ?, ?, ?) ON CONFLICT (month) DO UPDATE SET "
                    "first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us), "
                    "generation = max(generation, excluded.generation)",
                    [
                        (segment.month, segment.first_us, segment.last_us, segment.generation)
                        for segment in add
                        if segment.kind in ("new", "revised")
                    ],
                )
            connection.executemany(
                "DELETE FROM dirty WHERE month = ? AND generation <= ?",
                [(month.month, month.generation) for month in rolled],
            )
            connection.executemany(
                "INSERT INTO dropped VALUES (?, ?, ?) ON CONFLICT (month) DO UPDATE SET late = excluded.late",
                [(month, at_us, late) for month, late in (dropped or {}).items()],
            )
            connection.execute("UPDATE state SET generation = generation + 1")

    def land(
        self,
        rows: Sequence[tuple[str, int, float | None, int]],
        *,
        batch: str,
        received_us: int,
        series: Callable[[str], Series],
    ) -> int:
        """Take polled readings in, unless this batch was taken before. Returns how many were taken."""
        return self.landing.land(rows, batch=batch, received_us=received_us, series=series)

    def forget_batches(self, before_us: int) -> None:
        """Drop batch keys that no retry can come back with."""
        self.landing.forget_batches(before_us)

    def clear_landing(self) -> None:
        """Take batches that are in segments out of the landing's file."""
        with self.reading() as connection:
            flushed = _flushed(connection)
        for landing, through in flushed.items():
            self.landing.clear(landing, through)

    def words(self) -> Words:
        """The words that stand in readings, by their codes."""
        with self.reading() as connection:
            return known(connection)

    def dirty(self) -> list[Dirty]:
        """Months with readings that are in no roll-up yet."""
        with self.reading() as connection:
            return _dirty(connection)

    def dropped(self) -> dict[str, int]:
        """Months (UTC) whose raw readings were dropped, and how many late ones stay beside their roll-ups."""
        with self.reading() as connection:
            return _dropped(connection)

    def quarantine(self, damages: Mapping[str, str | None]) -> None:
        """Mark segments as damaged, by path and reason; None takes the mark away."""
        self._refuse_older()
        with self.writing("marking damaged segments") as connection:
            connection.executemany(
                "UPDATE segments SET damage = ? WHERE path = ?",
                [(reason, path) for path, reason in damages.items()],
            )
            connection.execute("UPDATE state SET generation = generation + 1")

    def removed(self, before_us: int) -> list[str]:
        """Paths of segments that left the list before an instant, and whose files may be deleted."""
        with self.reading() as connection:
            rows = connection.execute("SELECT path FROM segments WHERE removed_at_us <= ?", (before_us,))
            return [path for (path,) in rows]

    def known_paths(self) -> set[str]:
        """Paths of all segments on the list, those that left it included."""
        with self.reading() as connection:
            return {path for (path,) in connection.execute("SELECT path FROM segments")}

    def files_ahead(self) -> list[str]:
        """Segments on no list that show this one to be older than they are; see `ahead`."""
        return files_ahead(self.folder, self.generation(), self.known_paths)

    def _refuse_older(self) -> None:
        if ahead := self.files_ahead():
            raise outrun(self.folder, ahead)

    def forget_removed(self, paths: Iterable[str]) -> None:
        """Drop the rows of removed segments whose files are gone."""
        with self.writing() as connection:
            connection.executemany(
                "DELETE FROM segments WHERE path = ? AND removed_at_us IS NOT NULL",
                [(path,) for path in paths],
            )


def _flushed(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT landing, through FROM flushed").fetchall())


def _dirty(connection: sqlite3.Connection) -> list[Dirty]:
    found = connection.execute("SELECT month, first_us, last_us, generation FROM dirty ORDER BY month")
    return [Dirty(*row) for row in found]


def _dropped(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT month, late FROM dropped ORDER BY month").fetchall())
