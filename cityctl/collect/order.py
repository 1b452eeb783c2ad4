"""Repeated instants: whether a series runs strictly forward or backward, and what repeats where it does not.

A series in order needs no memory. For the others the export is read a second time: of readings that give one
instant different values, the store keeps one (the better quality, then the larger value), and the others are
reported with their place, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.exports.parsed import Chunk, Rejection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LISTED = 200


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


@dataclass
class Order:
    """Watches the readings of one export go by."""

    unordered: set[str] = field(default_factory=set)
    _last: dict[str, int] = field(default_factory=dict)
    _direction: dict[str, int] = field(default_factory=dict)

    def watch(
        self, names: list[str], codes: npt.NDArray[np.int32], times: npt.NDArray[np.int64], groups: Groups
    ) -> None:
        """Readings of several series: `codes` count in `names`; times in µs."""
        if len(names) == 1:
            self._watch_one(names[0], times)
            return
        sorted_codes, sorted_times = codes[groups.order], times[groups.order]
        starts, ends = groups.starts, groups.ends
        steps = np.diff(sorted_times, append=0) > 0
        # How many steps within each series go forward: all of them, in an export that is in order.
        up = np.add.reduceat(steps, starts, dtype=np.int64) - steps[ends - 1]
        for start, end, rising in zip(starts.tolist(), ends.tolist(), up.tolist(), strict=True):
            name = names[int(sorted_codes[start])]
            last = self._last.get(name)
            whole = 1 < end - start == rising + 1 and (last is None or sorted_times[start] > last)
            if whole and self._direction.setdefault(name, 1) > 0:
                self._last[name] = int(sorted_times[end - 1])
                continue
            self._watch_one(name, sorted_times[start:end])

    def _watch_one(self, name: str, times: npt.NDArray[np.int64]) -> None:
        if name in self.unordered or not len(times):
            return
        last = self._last.get(name)
        steps = np.diff(times) if last is None else np.diff(times, prepend=last)
        self._last[name] = int(times[-1])
        if not len(steps):
            return
        known = self._direction.setdefault(name, 1 if steps[0] > 0 else -1)
        if not bool((steps > 0).all() if known > 0 else (steps < 0).all()):
            self.unordered.add(name)


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
    codes = column.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    return names, codes


def columns_of(
    readings: Any,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Times [µs], values (NaN: none), qualities and places of a chunk's readings."""
    times = readings["time"].combine_chunks().view("int64").to_numpy(zero_copy_only=False)
    values = readings["value"].combine_chunks().to_numpy(zero_copy_only=False)
    qualities = readings["quality"].combine_chunks().to_numpy(zero_copy_only=False)
    places = readings["place"].combine_chunks().to_numpy(zero_copy_only=False)
    return times, values, qualities, places


# What the store takes, in µs since 1970: 1900 up to and without 2200.
EARLIEST, LATEST = -2_208_988_800_000_000, 7_258_118_400_000_000


def outside_years(readings: Any) -> npt.NDArray[np.bool_] | None:
    """Which readings have a time outside of 1900 to 2199; None where none has."""
    times = readings["time"].combine_chunks().view("int64").to_numpy(zero_copy_only=False)
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
