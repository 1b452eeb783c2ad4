"""Repeated instants: whether a series runs strictly forward or backward, and what repeats where it does not.

A series in order needs no memory. For the others the export is read a second time: of readings that give one
instant different values, the store keeps one (the better quality, then the larger value), and the others are
reported with their place, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl import arrow
from cityctl.exports.parsed import Chunk, Rejection
from cityctl.reading import EARLIEST, LATEST

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LISTED = 200
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Groups:
    """Readings by series: `order` puts those of one series together, in `starts` up to `ends`."""

    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def grouped(codes: npt.NDArray[np.int32]) -> Groups:
    """The readings of each code, in their own order."""
    jumps = np.flatnonzero(np.diff(codes)) + 1
    if (np.diff(codes[np.concatenate(([0], jumps))]) > 0).all():
        order = np.arange(len(codes))
        starts = np.concatenate(([0], jumps))
    else:
        order = np.argsort(codes.astype(np.uint16) if codes.max() < 65536 else codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return Groups(order, starts, np.append(starts[1:], len(codes)))


class Numbered:
    """Numbers for series, as they come, so that what is known of them stands in arrays."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def of(self, names: Sequence[str], codes: npt.NDArray[np.int32], groups: Groups) -> npt.NDArray[np.int64]:
        """The number of each group's series; `codes` count in `names`."""
        known = self.names
        present = codes[groups.order[groups.starts]].tolist()
        return np.array([known.setdefault(names[code], len(known)) for code in present], np.int64)

    def grown(self, known: npt.NDArray[Any], empty: Any) -> npt.NDArray[Any]:
        """An array with a row for each series; `empty` is what stands in new ones."""
        count = len(self.names)
        if len(known) >= count:
            return known
        more = np.full((max(count, 2 * len(known)) - len(known), *known.shape[1:]), empty, known.dtype)
        return np.concatenate((known, more))


class Order:
    """Watches the readings of one export go by."""

    def __init__(self) -> None:
        self._numbered = Numbered()
        self._last = np.empty(0, np.int64)
        self._direction = np.empty(0, np.int8)  # of each series: 1 forward, -1 backward, 0 not known yet
        self._torn = np.empty(0, np.bool_)

    @property
    def unordered(self) -> set[str]:
        """The series that run neither strictly forward nor strictly backward."""
        return {name for name, number in self._numbered.names.items() if self._torn[number]}

    def watch(
        self, names: list[str], codes: npt.NDArray[np.int32], times: npt.NDArray[np.int64], groups: Groups
    ) -> None:
        """Readings of several series: `codes` count in `names`; times in µs."""
        series = self._numbered.of(names, codes, groups)
        self._last = self._numbered.grown(self._last, _NEVER)
        self._direction = self._numbered.grown(self._direction, 0)
        self._torn = self._numbered.grown(self._torn, False)
        starts, ends = groups.starts, groups.ends
        run = times[groups.order]
        steps = np.sign(np.diff(run, append=run[-1:]))
        steps[ends - 1] = 0
        before, first = self._last[series], run[starts]
        follows = before != _NEVER
        come = np.where(follows, np.sign(np.where(follows, first - before, 0)), steps[starts])
        count = ends - starts - 1 + follows
        known = self._direction[series]
        known = np.where((known == 0) & (count > 0), np.where(come > 0, 1, -1), known)
        up = np.add.reduceat(steps > 0, starts, dtype=np.int64) + (follows & (come > 0))
        down = np.add.reduceat(steps < 0, starts, dtype=np.int64) + (follows & (come < 0))
        self._torn[series] |= np.where(known > 0, up, down) < count
        self._direction[series] = known
        self._last[series] = run[ends - 1]


@dataclass
class Repeats:
    """What repeats in a series: the sum of each instant's value that counts, and the readings that give way."""

    total: float
    conflicts: int
    distinct: int  # instants


def repeats(
    chunks: Iterable[Chunk], names: set[str], file: str, word: str
) -> tuple[dict[str, Repeats], list[Rejection]]:
    """(by series, rejections) of the series `names`, from a second reading of an export."""
    held: dict[str, list[tuple[Any, ...]]] = {name: [] for name in names}
    for chunk in chunks:
        if chunk.readings is None:
            continue
        for name, columns in split(within_years(chunk.readings)):
            if name in held and len(columns[0]):
                held[name].append(columns)
    found: dict[str, Repeats] = {}
    rejections: list[Rejection] = []
    for name, parts in held.items():
        if parts:
            times, values, qualities, places = (np.concatenate(column) for column in zip(*parts, strict=True))
            found[name] = _of_one(name, times, values, qualities, places, file, word, rejections)
    return found, rejections


def _of_one(
    name: str,
    times: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
    qualities: npt.NDArray[np.uint8],
    places: npt.NDArray[np.int64],
    file: str,
    word: str,
    rejections: list[Rejection],
) -> Repeats:
    missing = np.isnan(values)
    plain = np.where(missing, 0.0, values)
    rank = np.lexsort((plain, ~missing, -qualities.astype(np.int16), times))
    last = np.append(np.diff(times[rank]) != 0, True)
    winners = np.flatnonzero(last)
    winner = winners[np.searchsorted(winners, np.arange(len(rank)))]
    differs = (plain[rank] != plain[rank[winner]]) | (missing[rank] != missing[rank[winner]])
    at = np.flatnonzero(differs)
    for index in at[:_LISTED].tolist():
        row, kept = int(rank[index]), int(rank[winner[index]])
        why = (
            f"{_shown(values[row])} at {_time(times[row])}, where {word} {int(places[kept])} gives "
            f"{_shown(values[kept])} for the same instant"
        )
        place = int(places[row])
        rejections.append(
            Rejection(file, place if word in ("line", "row") else None, f"{word} {place}", name, why)
        )
    if len(at) > _LISTED:
        why = f"another value stands for the same instant ({len(at) - _LISTED} more like those above)"
        rejections.append(Rejection(file, None, "", name, why, len(at) - _LISTED))
    return Repeats(float(plain[rank[winners]].sum()), len(at), len(winners))


def split(readings: Any) -> Iterable[tuple[str, tuple[Any, ...]]]:
    """(series, (times, values, qualities, places)) of a chunk's readings, in their order."""
    names, codes = coded(readings)
    times, values, qualities, places = columns_of(readings)
    if len(names) == 1:
        yield names[0], (times, values, qualities, places)
        return
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    ends = np.append(starts[1:], len(order))[: len(starts)]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        some = order[start:end]
        yield names[int(codes[some[0]])], (times[some], values[some], qualities[some], places[some])


def coded(readings: Any) -> tuple[list[str], npt.NDArray[np.int32]]:
    """(names, code of each row) of a chunk's series column."""
    column = readings["series"].unify_dictionaries().combine_chunks()
    names: list[str] = column.dictionary.to_pylist()
    codes = arrow.array_of(column.indices).astype(np.int32, copy=False)
    return names, codes


def columns_of(
    readings: Any,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Times [µs], values (NaN: none), qualities and places of a chunk's readings."""
    times = arrow.array_of(readings["time"].combine_chunks().view("int64"))
    values = arrow.array_of(readings["value"].combine_chunks())
    qualities = arrow.array_of(readings["quality"].combine_chunks())
    places = arrow.array_of(readings["place"].combine_chunks())
    return times, values, qualities, places


def outside_years(readings: Any) -> npt.NDArray[np.bool_] | None:
    """Which readings have a time outside of 1900 to 2199; None where none has."""
    times = arrow.array_of(readings["time"].combine_chunks().view("int64"))
    if not len(times) or (times.min() >= EARLIEST and times.max() < LATEST):
        return None
    odd: npt.NDArray[np.bool_] = (times < EARLIEST) | (times >= LATEST)
    return odd


def within_years(readings: Any) -> Any:
    """The readings without those of `outside_years`."""
    odd = outside_years(readings)
    return readings if odd is None else readings.filter(~odd)


def moment(micros: int) -> datetime:
    """µs since 1970 as an aware instant."""
    return _EPOCH + timedelta(microseconds=micros)


def _time(micros: Any) -> str:
    return moment(int(micros)).strftime("%Y-%m-%d %H:%M:%SZ")


def _shown(value: Any) -> str:
    return "no value" if np.isnan(value) else f"{float(value):g}"
