"""Which of a table's columns holds values, units, directions and channels: by its name, and by its first cells."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from cityctl.errors import InputRefused, listed
from cityctl.exports.shape import Shape
from cityctl.exports.table.cells import (
    are_ids,
    are_units,
    are_ways,
    by_words,
    is_aside,
    may_grade,
    plain_name,
    says_ways,
)
from cityctl.exports.table.kinds import found_kind
from cityctl.exports.table.names import (
    column_unit,
    counts_thousands,
    match_column,
    unknown_column,
    without_unit,
)
from cityctl.exports.table.numbers import is_blank
from cityctl.exports.table.roles import Period, SeriesColumn
from cityctl.exports.table.when import label_ends
from cityctl.exports.table.words import (
    CHANNEL_WORDS,
    DIRECTION_WORDS,
    FACTOR_WORDS,
    QUALITY_WORDS,
    TIME_WORDS,
    UNIT_WORDS,
    VALUE_WORDS,
)
from cityctl.reading import Kind
from cityctl.units import unit as unit_named

_UNITS = ("unit", "units", "uom")
_GRADES = re.compile(r"(.+)[\W_](?:q|quality|qualitydetail|opcquality)", re.I)
_CODES = frozenset(["status", "code", "flag", "flags", "quality", "validity", "qc"])
_READ = re.compile(r"(?:^|[\W_]|[a-z])(?:read(?:ing)?|index|stand|odometer|lectura|relevé)s?$", re.I)
_NUMBERS = re.compile(r"(?:ID|(?:^|[\s_])(?i:id|no|nr|num|number|nummer|code))\.?$")


@dataclass(frozen=True)
class Columns:
    """A table whose times are known: its column names and units, and the first cells of each column."""

    name: str
    columns: Sequence[str]
    units: Sequence[str | None]
    cells: Sequence[Sequence[str]]
    shape: Shape
    time: tuple[int, ...]
    period: Period | None
    numbers: frozenset[int]
    zone: int | None = None

    @property
    def ends(self) -> bool:
        """Whether the times label the ends of intervals."""
        return label_ends(self.columns, self.cells, self.time, self.shape)

    def unit_of(self, index: int) -> str | None:
        """The unit that the head says for a column."""
        return self.units[index] or column_unit(self.columns[index], self.columns)

    def taken_unit(self, index: int) -> str | None:
        """The unit of a column whose values are taken. Raises InputRefused where it is thousands of a unit."""
        column = self.columns[index]
        said = self.shape.units.get(column) or self.unit_of(index)
        if said is None and self.shape.unit is None and counts_thousands(column):
            raise InputRefused(
                f"{self.name}: column `{column}` counts thousands of a unit",
                hint="say which unit that makes: --unit MWh for 1000 kWh",
            )
        return said

    def series_of(
        self, indices: Sequence[int], meters: Sequence[Hashable] | None = None
    ) -> tuple[SeriesColumn, ...]:
        """Columns as series, each with its unit and kind; `meters` are the names of the first rows, if there are.

        A column that stands still is a register where another one is that is called alike but for a number (T1, T2).
        """
        kinds = {
            i: found_kind(self.columns[i], meters or [""] * len(self.cells[i]), self.cells[i])
            for i in indices
        }
        families = {_family(self.columns[i]) for i in indices if kinds[i] == "counter"}
        for i in indices:
            if len(set(self.cells[i])) == 1 and _family(self.columns[i]) in families:
                kinds[i] = "counter"
        said = self.units_beside()
        return tuple(
            SeriesColumn(i, self.columns[i], self.taken_unit(i), kinds[i], said=said.get(i)) for i in indices
        )

    def named(self, wanted: str | None, word: str) -> int | None:
        if wanted is None:
            return None
        found = match_column(self.columns, wanted)
        if found is None:
            raise unknown_column(self.name, self.columns, wanted, word)
        return found

    def is_filled(self, index: int) -> bool:
        return any(not is_blank(cell) for cell in self.cells[index])

    def is_beside(self, index: int) -> bool:
        """Whether a column holds remarks or money, and nobody says a unit for it."""
        return is_aside(self.columns[index]) and self.columns[index] not in self.shape.units

    def holds_codes(self, index: int) -> bool:
        """Whether a column holds whole numbers that say how good readings are: `Status`, `Info code`."""
        column = self.columns[index]
        last = re.split(r"[\s_/]+", column.partition(" #")[0])[-1].casefold()
        called = last in _CODES or plain_name(column.partition(" #")[0]) in QUALITY_WORDS
        if self.graded_by(index) is not None:
            return True
        return called and self.unit_of(index) is None and may_grade(self.cells[index])

    def graded_by(self, index: int) -> int | None:
        """The column of values that one of qualities is called after, as historians do it: `FT1`, `FT1.Q`."""
        found = _GRADES.fullmatch(self.columns[index])
        if found is None or found[1] not in self.columns or not may_grade(self.cells[index]):
            return None
        return self.columns.index(found[1])

    def says_time_again(self, index: int) -> bool:
        """Whether a column of numbers is called a time: `Time_ms` beside `TimeString`."""
        first = re.split(r"[\s_]+", self.columns[index])[0].casefold()
        return index in self.numbers and first in TIME_WORDS and self.unit_of(index) is None

    def is_measured(self, index: int) -> bool:
        """Whether a column holds numbers of a unit that a meter measures."""
        said = self.unit_of(index)
        known = unit_named(said) if said and index in self.numbers else None
        return known is not None and known.quantity not in ("", "time", "angle", "state", "count")

    def _numbers_meters(self, index: int, point: int | None) -> bool:
        """Whether a column is called a number of something, and has one whole number for each meter."""
        cells = self.cells[index]
        if point is None or not _NUMBERS.search(self.columns[index]):
            return False
        pairs = set(zip(self.cells[point], cells, strict=True))
        return all(cell.strip().isdecimal() for cell in cells) and len(pairs) == len(set(self.cells[point]))

    def value_column(self, others: Sequence[int], measured: Sequence[int], point: int | None) -> int:
        names = {
            index
            for index in others
            if (are_ids(self.cells[index]) and plain_name(self.columns[index]) not in VALUE_WORDS)
            or self._numbers_meters(index, point)
        }
        names |= {i for i in others if plain_name(self.columns[i]) in FACTOR_WORDS}
        others = [i for i in others if i not in names and not is_aside(self.columns[i])] or list(others)
        numeric = [index for index in others if index in self.numbers]
        found = by_words(self.columns, VALUE_WORDS, numeric)
        if found is None:
            found = by_words(self.columns, VALUE_WORDS, others)
        if found is not None:
            return found
        if len(measured) == 1:
            return measured[0]
        if len(numeric) == 1:
            return numeric[0]
        for word in VALUE_WORDS:
            fitting = [i for i in numeric if plain_name(self.columns[i]).startswith(word)]
            fitting = fitting or [i for i in numeric if plain_name(self.columns[i]).endswith(word)]
            if len(fitting) == 1:
                return fitting[0]
        if len(others) == 1:
            return others[0]
        several = listed(self.columns[i] for i in numeric or others)
        raise InputRefused(
            f"{self.name}: several columns may hold the value: {several}",
            hint="name it with --value, or say --layout wide",
        )

    def factor_column(self, value: int, kind: Kind | None, among: Sequence[int]) -> int | None:
        """The column of what readings of a register may yet have to be multiplied by; use is told multiplied."""
        called = _READ.search(without_unit(self.columns[value])) is not None
        if self.shape.value is not None or not (called or "counter" in (kind, self.shape.kind)):
            return None
        return by_words(self.columns, FACTOR_WORDS, among)

    def unit_column(self, among: Sequence[int], beside: int | None = None) -> int | None:
        """The column of units; of several, the one that is called as the values are (`Flow`, `Flow_Unit`)."""
        said = self.named(self.shape.unit_from, "unit")
        if said is not None:
            return said
        if beside is not None and (each := self.units_beside()):
            return each.get(beside)
        fitting = [i for i in among if are_units(self.cells[i])]
        own = plain_name(self.columns[beside]) if beside is not None else ""
        words = tuple(f"{own}{word}" for word in _UNITS) if own else ()
        found = by_words(self.columns, (*words, *UNIT_WORDS), fitting)
        nameless = [i for i in fitting if self.columns[i] == str(i + 1)]
        return nameless[0] if found is None and len(nameless) == 1 else found

    def units_beside(self) -> dict[int, int]:
        """The column of units of each column of values, where there are several: `Volume;Unit;Flow;Unit`.

        It is called as the values are (`Flow`, `Flow_Unit`), or stands behind them, or before them, as all others do.
        """
        if self.shape.unit_from is not None:
            return {}
        names = [plain_name(column.partition(" #")[0]) for column in self.columns]
        held = [i for i, name in enumerate(names) if name.endswith(UNIT_WORDS) and are_units(self.cells[i])]
        called = {f"{plain_name(self.columns[i])}{word}": i for i in self.numbers for word in _UNITS}
        found = {value: i for i in held if (value := called.get(names[i])) is not None}
        left = [i for i in held if i not in found.values()]
        for step in (-1, 1):
            beside = {i + step: i for i in left if i + step in self.numbers and i + step not in self.time}
            if left and len(beside) == len(left) and not beside.keys() & found.keys():
                found |= beside
                break
        return found if len(found) > 1 else {}

    def direction_column(self, among: Sequence[int]) -> int | None:
        fitting = [i for i in among if are_ways(self.cells[i])]
        found = by_words(self.columns, DIRECTION_WORDS, fitting)
        if found is None:
            unnamed = [i for i in fitting if plain_name(self.columns[i]) not in CHANNEL_WORDS]
            found = next((i for i in unnamed if says_ways(self.cells[i])), None)
        return found

    def channel_column(self, point: int | None, among: Sequence[int]) -> tuple[int | None, str]:
        """(the column that keeps series of one meter apart, what stands in all its first cells or nothing)."""
        varied = [i for i in among if len(set(self.cells[i])) > 1]
        found = by_words(self.columns, CHANNEL_WORDS, varied)
        if found is None:
            found = self.separating(point, [i for i in varied if i not in self.numbers])
        if found is not None:
            return found, ""
        found = by_words(self.columns, CHANNEL_WORDS, [i for i in among if i not in self.numbers])
        if found is None or not self.cells[found] or not self.cells[found][0].strip():
            return None, ""
        return found, self.cells[found][0].strip()

    def separating(self, point: int | None, among: Sequence[int]) -> int | None:
        """The column of words that tells rows of one time (and one meter) apart, where many of them come again."""
        when = list(
            zip(*(self.cells[i] for i in (*self.time, *([] if point is None else [point]))), strict=True)
        )
        if len(when) < 4 or len(set(when)) * 3 > len(when) * 2:
            return None
        for index in among:
            told = [cell.strip() for cell in self.cells[index]]
            if len(set(zip(when, told, strict=True))) == len(when) and len(set(told)) * 2 <= len(told):
                return index
        return None


def _family(column: str) -> str:
    """A column's name without what numbers it among others."""
    return re.sub(r"\d+", "", column)
