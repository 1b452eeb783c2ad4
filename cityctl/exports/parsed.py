"""What a parser hands on: series, readings as Arrow columns, and what was refused, each with its place.

A reading that a parser takes stands in exactly one chunk; a reading that it cannot take stands in exactly one
rejection. Together they are what was received. Knows no format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityctl import arrow
from cityctl.reading import Kind, Quality

Direction = Literal["", "forward", "reverse", "net", "total"]

# Rejections of one kind and series that are listed one by one; the others are told as one with their count.
LISTED = 200


@dataclass(frozen=True)
class Series:
    """A series of an export. `unit` is that of its values as parsed; None where the export names none.

    `said_unit` is what the export says where that is no unit that cityctl knows.
    """

    id: str
    unit: str | None = None
    quantity: str | None = None
    direction: Direction = ""
    kind: Kind | None = None
    every: int | None = None  # seconds
    title: str = ""
    usage_point: str = ""
    said_unit: str = ""


@dataclass(frozen=True)
class Rejection:
    """`count` readings that could not be taken, and why; `line` is the first one's, where there are lines."""

    file: str
    line: int | None
    place: str
    series: str | None
    reason: str
    count: int = 1


@dataclass(frozen=True)
class Replaced:
    """All readings of a series from `start` up to `end` (µs), `every` s one, stand in this export.

    They replace what was known of that span.
    """

    series: str
    start: int
    end: int
    every: int


@dataclass
class Chunk:
    """A part of an export, in the order in which it stands there.

    `readings` has the columns series (dictionary of text), time (timestamp[us], UTC), value (float64),
    quality (uint8) and place (int64: line, row or reading number). `blank` counts the cells that say "no
    reading": they were not received and are not rejected. `absent` says what the export itself shows to be
    missing; `following` is the page that it says comes after it. `words` are those that stand among the values by
    their codes (`reading.code_of`).
    """

    readings: Any = None
    series: tuple[Series, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    blank: int = 0
    notes: tuple[str, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    absent: tuple[str, ...] = ()
    following: str = ""
    words: Mapping[int, str] = field(default_factory=dict)


def readings_table(
    series: Any,
    times: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
    qualities: npt.NDArray[np.uint8] | None,
    places: npt.NDArray[np.int64],
) -> Any:
    """The readings of a chunk; `series` is one name for all of them, or an Arrow array of names.

    A reading of quality BAD has no value, whatever stands in `values`.
    """
    count = len(times)
    if isinstance(series, str):
        names = arrow.named(np.zeros(count, np.int32), [series])
    else:
        names = series if pa.types.is_dictionary(series.type) else series.dictionary_encode()
    if qualities is None:
        qualities = np.zeros(count, np.uint8)
    return arrow.table(
        series=names,
        time=arrow.times(times),
        value=arrow.floats(np.where(qualities == Quality.BAD, np.nan, values)),
        quality=arrow.octets(qualities),
        place=arrow.integers(places),
    )


@dataclass
class _Fold:
    first: int | None
    last: int | None = None
    count: int = 0


@dataclass
class Rejections:
    """Collects the rejections of one file: the first of each kind singly, the rest as counts."""

    file: str
    word: str = "line"
    _seen: dict[tuple[str | None, str], int] = field(default_factory=dict)
    _folds: dict[tuple[str | None, str], _Fold] = field(default_factory=dict)
    _fresh: list[Rejection] = field(default_factory=list)

    def add(self, line: int | None, series: str | None, kind: str, detail: str = "", place: str = "") -> None:
        """One reading cannot be taken: `kind` says why in general, `detail` (first) what was found."""
        key = (series, kind)
        seen = self._seen.get(key, 0)
        if seen < LISTED:
            self._seen[key] = seen + 1
            reason = f"{detail} {kind}" if detail else kind
            self._fresh.append(Rejection(self.file, line, place or self._place(line), series, reason))
        else:
            fold = self._folds.setdefault(key, _Fold(line))
            fold.last = line
            fold.count += 1

    def add_many(self, lines: Iterable[int], series: str | None, kind: str, count: int, place: str) -> None:
        """`count` readings in one place (a block, a day) share one reason."""
        first = next(iter(lines), None)
        self._fresh.append(Rejection(self.file, first, place, series, kind, count))

    def taken(self) -> tuple[Rejection, ...]:
        """The rejections since the last call that are told singly."""
        fresh, self._fresh = tuple(self._fresh), []
        return fresh

    def rest(self) -> tuple[Rejection, ...]:
        """At the end of the file: the rejections that were only counted."""
        told = tuple(
            Rejection(
                self.file,
                fold.first,
                f"{self.word}s {fold.first} to {fold.last}" if fold.first is not None else "",
                series,
                f"{kind} ({fold.count} more like those above)",
                fold.count,
            )
            for (series, kind), fold in self._folds.items()
        )
        self._folds = {}
        return told

    def _place(self, line: int | None) -> str:
        return f"{self.word} {line}" if line is not None else ""


def counted(chunks: Iterable[Chunk]) -> Iterator[tuple[int, int]]:
    """(readings, rejected) of each chunk: what a parser received is the sum of both."""
    for chunk in chunks:
        rows = chunk.readings.num_rows if chunk.readings is not None else 0
        yield rows, sum(rejection.count for rejection in chunk.rejections)
