"""Rows of a table as readings: times to UTC, cells to numbers, and each cell that cannot be taken to a rejection.

Works block by block with bounded memory; only the readings of doubled hours wait for the end of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityctl.exports.parsed import Chunk, Rejections, Series, readings_table
from cityctl.exports.shape import Shape
from cityctl.exports.table import numbers
from cityctl.exports.table.columns import Roles
from cityctl.exports.table.days import DayRows
from cityctl.exports.table.doubled import DoubledHours
from cityctl.exports.table.labels import Labels
from cityctl.exports.table.modes import read_words
from cityctl.exports.table.quality import NO_READING, QualityWords
from cityctl.exports.table.times import BLANK_TIME, TimeColumn, Times, as_text, is_text, shown
from cityctl.exports.table.zone import CERTAIN, DOUBLED, ZoneNotSaid
from cityctl.units import unit

_DAY = 86_400_000_000


@dataclass(frozen=True)
class Block:
    """Some rows of a table: the columns that are read, by index, and the line of each row."""

    columns: dict[int, Any]
    lines: npt.NDArray[np.int64]


class TableReader:
    """Reads one table, block after block."""

    def __init__(
        self, name: str, stem: str, columns: Sequence[str], roles: Roles, shape: Shape, *, word: str = "line"
    ) -> None:
        self.name = name
        self.columns = columns
        self.roles = roles
        self.shape = shape
        self.rejections = Rejections(name, word)
        self.alone = shape.series or stem
        self.decimal: numbers.Decimal | None = shape.decimal
        self._announced: set[str] = set()
        self._labels = Labels(shape.units, roles.value_unit or shape.unit or "")
        self._words = QualityWords(shape.qualities)
        self._doubled = DoubledHours(self.rejections)
        self._kind = shape.kind or roles.kind
        ends = roles.ends and self._kind != "counter"
        self._time = TimeColumn(name, columns[roles.time[0]], shape, self._doubled, ends=ends)
        self._values = self._value_columns()

    def _value_columns(self) -> tuple[int, ...]:
        alone = () if self.roles.value is None else (self.roles.value,)
        series = (column.index for column in self.roles.series)
        return (*alone, *series, *(slot.index for slot in self.roles.slots))

    def take(self, block: Block) -> Iterator[Chunk]:
        """The readings of some rows."""
        if self.decimal is None:
            texts = (block.columns[index] for index in self._values)
            signed = (numbers.with_signs(cells) for cells in texts if is_text(cells.type))
            self.decimal = numbers.find_decimal(self.name, chain.from_iterable(signed))
        if self.roles.layout == "day":
            yield from self._take_days(block)
            return
        times = self._time.read([block.columns[index] for index in self.roles.time])
        quality = None
        if self.roles.quality is not None:
            quality = self._words.read(block.columns[self.roles.quality])
        if self.roles.value is not None:
            names = self._names(block)
            said = self._announce(names, self.roles.value_unit, self._time.every)
            lane = self.alone if self.roles.point is None else None
            yield self._chunk(names, lane, times, block.columns[self.roles.value], quality, block.lines, said)
            return
        for column in self.roles.series:
            single = len(self.roles.series) == 1 and self.shape.series is not None
            series = self.alone if single else column.name
            said = self._announce(series, column.unit, self._time.every)
            yield self._chunk(series, "", times, block.columns[column.index], quality, block.lines, said)

    def finish(self) -> Iterator[Chunk]:
        """What waited for the end of the table, and what there is to say about it."""
        readings = self._doubled.resolve(self._time.clock, self._time.shift)
        notes: list[str] = []
        if self._words.unknown:
            words = ", ".join(f"`{word}`" for word in sorted(self._words.unknown)[:8])
            notes.append(f"{self.name}: quality words not known, taken as suspect: {words}")
        if self.roles.kind is not None and self.shape.kind is None:
            notes.append(
                f"{self.name}: its values only rise: taken as readings of a register, not summed (--kind)"
            )
        if self._time.ends and self.shape.stamp != "end":
            notes.append(f"{self.name}: its times label the ends of intervals; kept by their start")
        if self.roles.left_out:
            names = ", ".join(f"`{name}`" for name in self.roles.left_out)
            notes.append(f"{self.name}: columns left out: {names}")
        yield Chunk(readings, rejections=self.rejections.taken() + self.rejections.rest(), notes=tuple(notes))

    def _names(self, block: Block) -> Any:
        """The series of each row: one name for all, or a column of names."""
        roles = self.roles
        if roles.point is None and roles.unit is None and roles.direction is None:
            return self.alone
        count = len(block.lines)
        if roles.unit is None and roles.direction is None and roles.channel is None:
            assert roles.point is not None
            return trimmed(block.columns[roles.point])
        parts = [as_text(block.columns[i]) for i in (roles.point, roles.channel) if i is not None]
        words, ways = (
            as_text(block.columns[i]) if i is not None else None for i in (roles.unit, roles.direction)
        )
        return self._labels.names(parts or [pa.array([self.alone] * count, pa.string())], words, ways)

    def _announce(self, names: Any, said_unit: str | None, every: timedelta | None) -> tuple[Series, ...]:
        """The series that were not seen before."""
        listed = [names] if isinstance(names, str) else names.dictionary.to_pylist()
        fresh = [name for name in listed if name and name not in self._announced]
        self._announced.update(fresh)
        told = []
        for name in fresh:
            text = self.shape.units.get(name) or said_unit or self.shape.unit or ""
            said = self._labels.said.get(name)
            known = said.unit if said is not None else unit(text) if text else None
            told.append(
                Series(
                    name,
                    unit=known.symbol if known else None,
                    said_unit=said.text if said is not None and known is None else "",
                    direction=said.direction if said is not None else "",
                    quantity=known.quantity if known else None,
                    kind="state" if self.shape.states and self.shape.states(name) is not None else self._kind,
                    every=round(every.total_seconds()) if every is not None else None,
                )
            )
        return tuple(told)

    def _chunk(
        self,
        series: Any,
        lane: str | None,
        times: Times,
        cells: Any,
        quality: npt.NDArray[np.uint8] | None,
        lines: npt.NDArray[np.int64],
        said: tuple[Series, ...],
    ) -> Chunk:
        """One series column, or one value column with its series column (`lane` None: each series its own)."""
        values, states = numbers.read_numbers(cells, self.decimal or ".", self.shape.missing)
        words: dict[int, str] = {}
        if self.shape.states is not None and (states == numbers.BAD).any():
            words = read_words(series, cells, values, states, self.shape.states)
        if quality is not None:
            states = np.where(quality == NO_READING, numbers.BLANK, states)
        filled = states != numbers.BLANK
        sound = filled & (states == numbers.OK)
        named = True if isinstance(series, str) else _named(series)
        good = sound & (times.states == CERTAIN) & named
        doubled = sound & (times.states == DOUBLED) & named
        refused = filled & ~good & ~doubled
        for index in np.flatnonzero(refused).tolist():
            name = series if isinstance(series, str) else series[index].as_py()
            self.rejections.add(int(lines[index]), name or None, *self._why_not(name, times, cells, index))
        if doubled.any():
            at = np.flatnonzero(doubled)
            told = quality[at] if quality is not None else np.zeros(len(at), np.uint8)
            names = [series] * len(at) if isinstance(series, str) else series.take(pa.array(at)).to_pylist()
            self._doubled.keep(names, lane, times.local[at], values[at], told, lines[at])
        blank = int((~filled & (times.states != BLANK_TIME)).sum())
        readings = None
        if good.all():
            readings = readings_table(series, times.utc, values, quality, lines)
        elif good.any():
            kept = series if isinstance(series, str) else series.filter(pa.array(good))
            told_quality = quality[good] if quality is not None else None
            readings = readings_table(kept, times.utc[good], values[good], told_quality, lines[good])
        return Chunk(readings, said, self.rejections.taken(), blank, words=words)

    def _why_not(self, name: str | None, times: Times, cells: Any, index: int) -> tuple[str, str]:
        """(why, what) of a cell that cannot be taken."""
        if not name:
            return "the row names no series", ""
        if times.states[index] not in (CERTAIN, DOUBLED):
            return self._time.why_not(times, index)
        return numbers.why_not(cells[index].as_py(), self.decimal or "."), f"`{shown(cells[index].as_py())}`"

    def _take_days(self, block: Block) -> Iterator[Chunk]:
        column = block.columns[self.roles.time[0]]
        raw = self._time.raw(column)
        if self._time.clock is None and (raw.read & ~raw.utc).any():
            raise ZoneNotSaid(f"{self.name}: its days are local days, and no time zone was said")
        names = self._names(block)
        if isinstance(names, str):
            names = pa.array([names] * len(raw.micros)).dictionary_encode()
        every = timedelta(minutes=self.roles.slots[0].length)
        said = self._announce(names, None, every)
        cells = {
            slot: numbers.read_numbers(block.columns[slot.index], self.decimal or ".", self.shape.missing)
            for slot in self.roles.slots
        }
        unread = {
            int(row): f"`{shown(column[int(row)].as_py())}` is no day" for row in np.flatnonzero(raw.bad)
        }
        unread |= {int(row): "the day is blank" for row in np.flatnonzero(raw.blank)}
        unread |= {int(row): "the row names no series" for row in np.flatnonzero(~_named(names))}
        days = DayRows(self._time.clock, self.rejections, raw.micros // _DAY * _DAY, names, block.lines)
        for readings, empty in days.readings(self.roles.slots, cells, unread, self.columns):
            yield Chunk(readings, said, self.rejections.taken(), empty)
            said = ()


def trimmed(column: Any) -> Any:
    """A column of names, each distinct one once, without the blanks around them."""
    coded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(as_text(column))
    plain = pc.utf8_trim_whitespace(coded.dictionary)
    if plain.equals(coded.dictionary):
        return coded
    again = pc.dictionary_encode(plain)
    return pa.DictionaryArray.from_arrays(pc.take(again.indices, coded.indices), again.dictionary)


def _named(series: Any) -> npt.NDArray[np.bool_]:
    """Which rows name a series."""
    empty = np.array([not name for name in series.dictionary.to_pylist()] + [True])
    found: npt.NDArray[np.bool_] = ~empty[
        pc.fill_null(series.indices, len(empty) - 1).to_numpy(zero_copy_only=False)
    ]
    return found
