"""Amounts of a month and more: bills are of unlike length, so that each needs its own beginning and end.

A table gives both in a row, or the ends alone (each begins where the one before ended), or the beginnings alone and, in
a last row without a value, the end. The store keeps an amount by its beginning; where the next one does not begin at
its end, a reading without a value a second before the end says so. A later delivery, whose next bill begins there,
does not fall on it, in whatever order the two come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityctl import arrow
from cityctl.exports.parsed import Chunk, Rejections, readings_table
from cityctl.reading import Quality
from cityctl.wording import counted

Micros = npt.NDArray[np.int64]

SECOND = 1_000_000
_HOUR, _DAY = 3_600 * SECOND, 86_400 * SECOND
LEAST = 20 * _DAY  # between two rows of a series: below it, a table holds no bills
_NO_BEGINNING = "no row before it says when its period begins"
_NOT_FORWARD = "its period ends before it begins"


def are_bills(names: Any, micros: Micros, until: Micros | None) -> bool:
    """Whether rows lie as far apart as bills, each series for itself; a lone row tells by its length."""
    if until is not None and len(micros):
        return bool(np.median(until - micros) >= LEAST - 2 * _DAY)
    codes = np.zeros(len(micros), np.int64)
    if not isinstance(names, str):
        codes = arrow.array_of(names.indices.fill_null(-1)).astype(np.int64)
    order = np.lexsort((micros, codes))
    steps = np.diff(micros[order])[np.diff(codes[order]) == 0]
    steps = steps[steps > 0]
    return bool(len(steps) and np.median(steps) >= LEAST)


@dataclass
class Bills:
    """Holds a table's bills back until all are known, and gives each its beginning and end.

    `ends`: the times label ends; otherwise beginnings, with ends beside them where `until` is called.
    """

    name: str
    ends: bool
    rejections: Rejections
    _held: list[Any] = field(default_factory=list)
    _blank: dict[str, list[int]] = field(default_factory=dict)
    _until: dict[int, int] = field(default_factory=dict)

    def hold(self, readings: Any) -> None:
        """Readings of a chunk, by the times that stand in the table."""
        if readings is not None:
            self._held.append(readings)

    def blank(self, series: list[str], times: Micros) -> None:
        """Rows with a time and without a value: nothing is known from there on."""
        for name, at in zip(series, times.tolist(), strict=True):
            self._blank.setdefault(name, []).append(at)

    def until(self, lines: Micros, times: Micros) -> None:
        """When the periods of some rows end."""
        self._until |= dict(zip(lines.tolist(), times.tolist(), strict=True))

    def finish(self) -> Chunk:
        """All bills by their beginnings, and the ends that no other beginning tells."""
        rows = [row for table in self._held for row in _rows(table)]
        by_series: dict[str, list[_Row]] = {}
        for row in rows:
            by_series.setdefault(row.series, []).append(row)
        after = self._inclusive(by_series)
        told: list[_Row] = []
        for series, held in by_series.items():
            held.sort(key=lambda row: row.at)
            told += self._of_ends(series, held) if self.ends else self._of_beginnings(series, held, after)
        closed = sum(row.quality == Quality.BAD for row in told)
        notes = []
        if self.ends:
            notes.append(
                f"{self.name}: its times label the ends of bills; each begins where the one before ends"
            )
        elif after:
            notes.append(f"{self.name}: the last day of its periods belongs to them")
        if closed:
            notes.append(
                f"{self.name}: the end of {counted(closed, 'bill')} that no other follows at once "
                "is kept as a reading without a value"
            )
        return Chunk(_table(told), notes=tuple(notes))

    def _of_ends(self, series: str, held: list[_Row]) -> list[_Row]:
        bounds = sorted({row.at for row in held} | set(self._blank.get(series, ())))
        before = dict(zip(bounds[1:], bounds, strict=False))
        told = []
        for row in held:
            if row.at in before:
                told.append(_Row(series, before[row.at], row.value, row.quality, row.place, row.at))
            else:
                self.rejections.add(row.place, series, _NO_BEGINNING)
        return _with_ends(series, told)

    def _of_beginnings(self, series: str, held: list[_Row], after: int) -> list[_Row]:
        bounds = sorted({row.at for row in held} | set(self._blank.get(series, ())))
        following = dict(pairwise(bounds))
        told = []
        for row in held:
            end = self._until.get(row.place)
            near = following.get(row.at)
            if end is None or (near is not None and abs(end + after - near) <= _HOUR):
                end = near  # a last day of 23 or 25 hours
            else:
                end += after
            if end is not None and end <= row.at:
                self.rejections.add(row.place, series, _NOT_FORWARD)
                continue
            told.append(_Row(series, row.at, row.value, row.quality, row.place, end))
        return _with_ends(series, told)

    def _inclusive(self, by_series: dict[str, list[_Row]]) -> int:
        """µs from a written end to the next beginning where both never meet: `31 Jan` and then `1 Feb`."""
        gaps: list[int] = []
        for held in by_series.values():
            starts = np.unique([row.at for row in held])
            ends = np.array([self._until[row.place] for row in held if row.place in self._until])
            at = np.searchsorted(starts, ends)
            gaps += (starts[at[at < len(starts)]] - ends[at < len(starts)]).tolist()
        known = np.array(gaps, np.int64)
        if not len(known) or (known == 0).mean() > 0.5:
            return 0
        near = known[(known > 0) & (known <= _DAY + _HOUR)]
        if len(near) <= 0.5 * len(known):
            return 0
        lengths, counts = np.unique(near, return_counts=True)
        return int(lengths[np.argmax(counts)])


@dataclass(frozen=True)
class _Row:
    series: str
    at: int
    value: float | None
    quality: int
    place: int
    end: int | None = None


def _rows(table: Any) -> list[_Row]:
    columns = (
        table["series"].to_pylist(),
        table["time"].cast(pa.int64()).to_pylist(),
        *(table[name].to_pylist() for name in ("value", "quality", "place")),
    )
    return [_Row(*row) for row in zip(*columns, strict=True)]


def _with_ends(series: str, told: list[_Row]) -> list[_Row]:
    starts = {row.at for row in told}
    closing = {row.end: row.place for row in told if row.end is not None and row.end not in starts}
    return told + [
        _Row(series, end - SECOND, None, Quality.BAD, place)
        for end, place in closing.items()
        if end is not None
    ]


def _table(rows: list[_Row]) -> Any:
    if not rows:
        return None
    return readings_table(
        arrow.texts([row.series for row in rows]),
        np.array([row.at for row in rows], np.int64),
        np.array([np.nan if row.value is None else row.value for row in rows], float),
        np.array([row.quality for row in rows], np.uint8),
        np.array([row.place for row in rows], np.int64),
    )
