"""Rows of a table as readings: times to UTC, cells to numbers, and each cell that cannot be taken to a rejection.

Works block by block with bounded memory; only the readings of doubled hours wait for the end of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta, tzinfo
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityctl import arrow
from cityctl.errors import InputRefused
from cityctl.exports.meaning import AMOUNTS
from cityctl.exports.parsed import Chunk, Rejections, Series, readings_table
from cityctl.exports.shape import Shape
from cityctl.exports.table import numbers
from cityctl.exports.table.beside import check_times_beside
from cityctl.exports.table.bills import Bills, are_bills
from cityctl.exports.table.clock.doubled import DoubledHours
from cityctl.exports.table.clock.said import zone_said
from cityctl.exports.table.clock.zone import CERTAIN, DOUBLED, ZoneNotSaid
from cityctl.exports.table.days import DayRows
from cityctl.exports.table.factors import factors_of
from cityctl.exports.table.left import LeftOut
from cityctl.exports.table.modes import read_words
from cityctl.exports.table.naming import SeriesNames, are_named, told_kind
from cityctl.exports.table.numbers import is_blank
from cityctl.exports.table.quality import NO_READING, QualityWords
from cityctl.exports.table.roles import Roles
from cityctl.exports.table.texts import as_text, is_text, shown
from cityctl.exports.table.times import BLANK_TIME, NO_TIME, TOTAL, TimeColumn, Times
from cityctl.units import unit

_DAY = 86_400_000_000
_LOOKED_AT = 1000  # rows of a block without a time


@dataclass(frozen=True)
class Block:
    """Some rows of a table: the columns that are read, by index, and the line of each row."""

    columns: dict[int, Any]
    lines: npt.NDArray[np.int64]


class TableReader:
    """Reads one table, block after block."""

    def __init__(
        self,
        name: str,
        stem: str,
        columns: Sequence[str],
        roles: Roles,
        shape: Shape,
        *,
        word: str = "line",
        above: str | None = None,
    ) -> None:
        """`above` is what stands above the table about the zone of its times."""
        self.name = name
        self.columns = columns
        self.roles = roles
        self.shape = shape
        self.rejections = Rejections(name, word)
        self.alone = shape.series or stem
        self.decimal: numbers.Decimal | None = shape.decimal
        self._series = SeriesNames(roles, shape, self.alone, columns)
        self._words = QualityWords(
            shape.qualities, columns[roles.quality] if roles.quality is not None else ""
        )
        self._doubled = DoubledHours(self.rejections)
        self._kind = shape.kind or told_kind(roles.kind, roles.value_unit or shape.unit)
        ends = roles.ends and self._kind != "counter"
        self._says = " and ".join(f"`{columns[index]}`" for index in roles.time)
        self._zone = self._zone_of(self._says)
        if self._zone is None and above is not None:
            self._zone, self._says = self._zone_of(above), ""
        self._time = TimeColumn(
            name,
            columns[roles.time[0]],
            shape,
            self._doubled,
            ends=ends,
            period=roles.period,
            zone=self._zone,
        )
        self._taken = False
        self._begun = False
        self._bills: Bills | None = None
        self._until: TimeColumn | None = None
        self.left = LeftOut(name, word)
        self.values = self._value_columns()

    def _value_columns(self) -> tuple[int, ...]:
        alone = () if self.roles.value is None else (self.roles.value,)
        series = (column.index for column in self.roles.series)
        return (*alone, *series, *(slot.index for slot in self.roles.slots))

    def take(self, block: Block) -> Iterator[Chunk]:
        """The readings of some rows."""
        for index, word in self.roles.behind.items():
            if index in self.values:
                block.columns[index] = numbers.without_unit(block.columns[index], word)
        if self.decimal is None:
            texts = [cells for index in self.values if is_text((cells := block.columns[index]).type)]
            signed = [numbers.with_signs(cells) for cells in texts]
            told = list(chain.from_iterable(signed))
            whole = (numbers.told_by_whole(self.name, cells) for cells in texts)
            self.decimal, self._taken = numbers.decimal_of(self.name, told, self.shape.delimiter, whole)
            for alike in [told] if self.roles.slots else signed:
                numbers.check_alike(self.name, alike, self.decimal or ".")
        self._time.commas = self.decimal == ","
        if self.roles.layout == "day":
            yield from self._take_days(block)
            return
        if not self._begun:
            self._look_for_bills(block)
        check_times_beside(self.name, self.columns, self.roles.again, block.columns)
        zones = as_text(block.columns[self.roles.zone]) if self.roles.zone is not None else None
        times = self._time.read([block.columns[index] for index in self.roles.time], zones)
        self._note_ends(block)
        self._note_remarks(block, times)
        self.left.add_totals(block.lines[times.states == TOTAL].tolist())
        quality = None
        if self.roles.quality is not None:
            quality = self._words.read(block.columns[self.roles.quality])
        if self.roles.value is not None:
            names = self._series.of(block.columns, len(block.lines))
            said = self._series.announce(names, None, self._time.every)
            lane = self.alone if self.roles.point is None else None
            cells, factors = block.columns[self.roles.value], self._factors(block)
            yield self._chunk(names, lane, times, cells, quality, block.lines, said, factors)
            return
        each = self._series.of(block.columns, len(block.lines)) if self.roles.point is not None else None
        for column in self.roles.series:
            if each is not None:
                named = arrow.texts(
                    [name and f"{name}/{column.name}" for name in each.dictionary.to_pylist()]
                )
                of_each = pa.DictionaryArray.from_arrays(each.indices, named)
                if column.said is not None:
                    of_each = self._series.by_units(of_each, block.columns[column.said], len(block.lines))
                said = self._series.announce(of_each, column, self._time.every)
                cells = block.columns[column.index]
                yield self._chunk(of_each, None, times, cells, quality, block.lines, said)
                continue
            single = len(self.roles.series) == 1 and self.shape.series is not None
            series: Any = self.alone if single else column.name
            if column.said is not None:
                series = self._series.by_units(series, block.columns[column.said], len(block.lines))
            said = self._series.announce(series, column, self._time.every)
            graded = quality
            if column.quality is not None:
                graded = self._words.read(block.columns[column.quality])
            yield self._chunk(series, "", times, block.columns[column.index], graded, block.lines, said)

    def _factors(self, block: Block) -> npt.NDArray[np.float64] | None:
        """What the values of a block are to be multiplied by. Raises InputRefused where that is left open."""
        value, factor = self.roles.value, self.roles.factor
        if value is None or factor is None:
            return None
        return factors_of(
            self.name,
            (self.columns[value], self.columns[factor]),
            (block.columns[value], block.columns[factor]),
            block.lines,
            decimal=self.decimal or ".",
            said=self.roles.times_factor,
        )

    def _look_for_bills(self, block: Block) -> None:
        """Whether the rows are bills, as the first of them tell."""
        self._begun = True
        roles = self.roles
        if self._kind == "counter" or roles.period is not None or len(roles.time) != 1 or not self._amounts():
            return
        raw = self._time.raw(block.columns[roles.time[0]])
        until = None
        if roles.until is not None and not self._time.ends:
            zone = self._zone_of(self.columns[roles.until]) or self._zone
            until = TimeColumn(self.name, self.columns[roles.until], self.shape, self._doubled, zone=zone)
            last = until.raw(block.columns[roles.until])
            read = raw.read & last.read
            found = are_bills(self.alone, raw.micros[read], last.micros[read])
        else:
            names = self._series.of(block.columns, len(block.lines))
            kept = names if isinstance(names, str) else names.filter(arrow.flags(raw.read))
            found = are_bills(kept, raw.micros[raw.read], None)
        if not found:
            self.roles = replace(roles, until=None)
            return
        self._bills = Bills(self.name, self._time.ends, self.rejections)
        self._until = until
        self._time.ends = False  # they are no intervals of one length

    def _amounts(self) -> bool:
        """Whether what the values count is used within a period, as far as their units tell."""
        texts = [one.unit or self.shape.unit for one in self.roles.series]
        texts += [self.roles.value_unit or self.shape.unit] if self.roles.value is not None else []
        texts += list(self.shape.units.values())
        known = {unit(text).quantity for text in texts if text}
        return self.roles.unit is not None or (bool(known) and known <= AMOUNTS)

    def _note_ends(self, block: Block) -> None:
        if self._bills is not None and self._until is not None and self.roles.until is not None:
            ends = self._until.read([block.columns[self.roles.until]])
            known = ends.states == CERTAIN
            self._bills.until(block.lines[known], ends.utc[known])

    def _note_remarks(self, block: Block, times: Times) -> None:
        """Lines of text among the rows: what stands for a time is none, and no value beside it."""
        for index in np.flatnonzero(times.states == NO_TIME)[:_LOOKED_AT].tolist():
            cells = (block.columns[at][index].as_py() for at in self.values)
            if all(cell is None or is_blank(str(cell)) for cell in cells):
                said = str(block.columns[self.roles.time[0]][index].as_py())
                self.left.add_remark(int(block.lines[index]), shown(said))

    def finish(self) -> Iterator[Chunk]:
        """What waited for the end of the table, and what there is to say about it. Raises InputRefused."""
        self._time.check_clock()
        readings = self._doubled.resolve(self._time.clock, self._time.shift)
        if self._bills is not None:
            self._bills.hold(readings)
            readings = None
            yield self._bills.finish()
        notes = self._zone_told() + self._time.order_told()
        if self._words.unknown:
            words = ", ".join(f"`{word}`" for word in sorted(self._words.unknown)[:8])
            notes.append(f"{self.name}: quality words not known, taken as suspect: {words}")
        notes += self._series.notes(self.name, self._kind)
        notes += self.left.notes()
        if self._taken:
            notes.append(
                f"{self.name}: its cells are parted by `;`: commas taken as decimal signs (--decimal)"
            )
        if self._time.ends and self.shape.stamp != "end":
            notes.append(f"{self.name}: its times label the ends of intervals; kept by their start")
        intervals = not self._time.ends and self._bills is None and self._kind != "counter"
        if intervals and (through := self._time.span.of_ends(self._time.zone)):
            notes.append(
                f"{self.name}: its times run from {through}, as ends of intervals do; taken as beginnings (--stamp end)"
            )
        if self.roles.left_out:
            names = ", ".join(f"`{name}`" for name in self.roles.left_out)
            notes.append(f"{self.name}: columns left out: {names}")
        rejections = self.rejections.taken() + self.rejections.rest()
        yield Chunk(readings, rejections=rejections, notes=tuple(notes), absent=self.left.absent())

    def _zone_of(self, said: str) -> tzinfo | None:
        """The zone that a name or a line says. Raises InputRefused where it leaves open whose it is."""
        try:
            return zone_said(said, self.shape.time_zone)
        except InputRefused as problem:
            raise InputRefused(f"{self.name}: {said}: {problem.message}", hint=problem.hint) from None

    def _zone_told(self) -> list[str]:
        """The zone that the table says, where another one was known or none."""
        if self._zone is None or not self._time.walled or str(self._zone) == self.shape.time_zone:
            return []
        where = f"as {self._says} says" if self._says else "as it says above the table"
        return [f"{self.name}: its times are in {self._zone}, {where}"]

    def _chunk(
        self,
        series: Any,
        lane: str | None,
        times: Times,
        cells: Any,
        quality: npt.NDArray[np.uint8] | None,
        lines: npt.NDArray[np.int64],
        said: tuple[Series, ...],
        factors: npt.NDArray[np.float64] | None = None,
    ) -> Chunk:
        """One series column, or one value column with its series column (`lane` None: each series its own)."""
        values, states = numbers.read_numbers(cells, self.decimal or ".", self.shape.missing)
        values = values if factors is None else values * factors
        words: dict[int, str] = {}
        if self.shape.states is not None and (states == numbers.BAD).any():
            words = read_words(series, cells, values, states, self.shape.states)
        if quality is not None:
            states = np.where(quality == NO_READING, numbers.BLANK, states)
        filled = states != numbers.BLANK
        untold = times.states == BLANK_TIME
        if self.left.totals:
            filled &= times.states != TOTAL
            untold |= times.states == TOTAL
        sound = filled & (states == numbers.OK)
        named = True if isinstance(series, str) else are_named(series)
        good = sound & (times.states == CERTAIN) & named
        doubled = sound & (times.states == DOUBLED) & named
        refused = filled & ~good & ~doubled
        for index in np.flatnonzero(refused).tolist():
            name = series if isinstance(series, str) else series[index].as_py()
            self.rejections.add(int(lines[index]), name or None, *self._why_not(name, times, cells, index))
        if doubled.any():
            at = np.flatnonzero(doubled)
            told = quality[at] if quality is not None else np.zeros(len(at), np.uint8)
            names = (
                [series] * len(at) if isinstance(series, str) else series.take(arrow.integers(at)).to_pylist()
            )
            self._doubled.keep(names, lane, times.local[at], values[at], told, lines[at])
        blank = int((~filled & ~untold).sum())
        if self._bills is not None and blank:
            at = np.flatnonzero(~filled & (times.states == CERTAIN) & named)
            of = (
                [series] * len(at) if isinstance(series, str) else series.take(arrow.integers(at)).to_pylist()
            )
            self._bills.blank(of, times.utc[at])
        readings = None
        if good.all() and len(good):
            readings = readings_table(series, times.utc, values, quality, lines)
        elif good.any():
            kept = series if isinstance(series, str) else series.filter(arrow.flags(good))
            told_quality = quality[good] if quality is not None else None
            readings = readings_table(kept, times.utc[good], values[good], told_quality, lines[good])
        if said and readings is not None and self._bills is None:
            said = self._series.judged(said, readings)
        if self._bills is not None:
            self._bills.hold(readings)
            readings = None
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
        if self.roles.zone is not None:
            self._time.settle(as_text(block.columns[self.roles.zone]))
        raw = self._time.raw(column)
        if self._time.clock is None and (raw.read & ~raw.utc).any():
            raise ZoneNotSaid(f"{self.name}: its days are local days, and no time zone was said")
        names = self._series.of(block.columns, len(block.lines))
        if isinstance(names, str):
            names = arrow.named(np.zeros(len(raw.micros), np.int32), [names])
        every = timedelta(minutes=self.roles.slots[0].length)
        said = self._series.announce(names, None, every)
        cells = {
            slot: numbers.read_numbers(block.columns[slot.index], self.decimal or ".", self.shape.missing)
            for slot in self.roles.slots
        }
        unread = {
            int(row): f"`{shown(column[int(row)].as_py())}` is no day" for row in np.flatnonzero(raw.bad)
        }
        unread |= {int(row): "the day is blank" for row in np.flatnonzero(raw.blank)}
        unread |= {int(row): "the row names no series" for row in np.flatnonzero(~are_named(names))}
        days = DayRows(self._time.clock, self.rejections, raw.micros // _DAY * _DAY, names, block.lines)
        for readings, empty in days.readings(self.roles.slots, cells, unread, self.columns):
            yield Chunk(readings, said, self.rejections.taken(), empty)
            said = ()
