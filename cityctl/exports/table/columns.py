"""Which column of a table is what: time, series, value, quality, or one series each, or one slot of the day each.

What is said is taken; what is left out is found where the table leaves no doubt. A column that is named and
not there is an error that lists the columns there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cityctl.errors import InputRefused, listed
from cityctl.exports.shape import Shape
from cityctl.exports.table.cells import (
    any_number,
    are_numbers,
    are_units,
    are_ways,
    begin_with_zero,
    by_words,
    counts_rows,
    days_only,
    is_aside,
    may_name,
    mostly,
    plain_name,
    says_ways,
)
from cityctl.exports.table.kinds import found_kind, labels_end
from cityctl.exports.table.names import column_unit, match_column, unknown_column
from cityctl.exports.table.numbers import is_blank
from cityctl.exports.table.roles import Period, Roles, SeriesColumn
from cityctl.exports.table.slots import find_slots
from cityctl.exports.table.stamps import looks_like_time
from cityctl.exports.table.when import label_ends, time_columns
from cityctl.exports.table.words import (
    CHANNEL_WORDS,
    DIRECTION_WORDS,
    POINT_WORDS,
    QUALITY_WORDS,
    UNIT_WORDS,
    VALUE_WORDS,
)
from cityctl.reading import Kind
from cityctl.units import unit as unit_named


def find_roles(
    name: str,
    columns: Sequence[str],
    units: Sequence[str | None],
    sample: Sequence[Sequence[str]],
    shape: Shape,
    *,
    times: Sequence[int] = (),
    numbers: Sequence[int] | None = None,
) -> Roles:
    """The roles of a table's columns.

    `sample` are its first rows as text. A typed table (Parquet) tells which columns hold `times` and
    `numbers`. Raises UsageProblem for a named column that is not there, InputRefused where the table cannot
    be understood without being told.
    """
    cells = [[row[index] if index < len(row) else "" for row in sample] for index in range(len(columns))]
    if numbers is None:
        numbers = [index for index, column in enumerate(cells) if are_numbers(column)]
    time, period = time_columns(name, columns, cells, shape, times)
    table = _Table(name, columns, units, cells, shape, time, period, frozenset(numbers))
    roles = table.roles()
    if roles.ends or roles.layout == "day" or period is not None or len(time) != 1:
        return roles
    for index in sorted(set(range(len(columns))) - set(roles.read)):
        if labels_end(columns[index]) and (index in times or mostly(looks_like_time, cells[index])):
            left_out = tuple(column for column in roles.left_out if column != columns[index])
            return replace(roles, until=index, left_out=left_out)
    return roles


@dataclass(frozen=True)
class _Table:
    """A table whose times are known: its column names and units, and the first cells of each column."""

    name: str
    columns: Sequence[str]
    units: Sequence[str | None]
    cells: Sequence[Sequence[str]]
    shape: Shape
    time: tuple[int, ...]
    period: Period | None
    numbers: frozenset[int]

    def roles(self) -> Roles:
        quality, point, value = (
            self._named(wanted, word)
            for wanted, word in (
                (self.shape.quality, "quality"),
                (self.shape.point, "series"),
                (self.shape.value, "value"),
            )
        )
        if quality is None:
            free = [i for i in range(len(self.columns)) if i not in self.time]
            quality = by_words(self.columns, QUALITY_WORDS, free)
            if quality is not None and quality in self.numbers and self.shape.layout == "wide":
                quality = None
        taken = {*self.time, point, value, quality}
        others = [i for i in range(len(self.columns)) if i not in taken]
        found = None
        if self.shape.layout != "long" and value is None:
            found = self._days(point, others)
        if found is None and self.shape.layout != "wide":
            found = self._long(point, value, quality, others)
        return found if found is not None else self._wide(quality)

    def _days(self, point: int | None, others: Sequence[int]) -> Roles | None:
        """A day a row; None where no columns are the slots of a day."""
        slots = find_slots(self.columns) if days_only(self.cells[self.time[0]]) else ()
        if not slots:
            return None
        held = {slot.index for slot in slots}
        if point is None:
            point = by_words(self.columns, POINT_WORDS, [i for i in others if i not in held])
        left = [i for i in others if i != point and i not in held]
        unit, way = self._unit_column(left), self._direction_column(left)
        words = [i for i in left if i not in (unit, way) and i not in self.numbers]
        channel, usual = self._channel(point, words)
        unread = [i for i in left if i not in (unit, way, channel) and self._filled(i)]
        return Roles(
            "day",
            self.time[:1],
            point=point,
            slots=slots,
            channel=channel,
            usual=usual,
            unit=unit,
            direction=way,
            left_out=tuple(self.columns[i] for i in unread),
        )

    def _long(
        self, point: int | None, value: int | None, quality: int | None, others: Sequence[int]
    ) -> Roles | None:
        """A reading a row, or some readings of one meter; None where the columns are series of their own."""
        # Where a map names columns that are there, they are the series; else it names series of a long table.
        mapped = any(match_column(self.columns, word) is not None for word in self.shape.columns)
        forced = self.shape.layout == "long"
        if point is None and (forced or not mapped):
            valued = by_words(self.columns, VALUE_WORDS, [i for i in others if i in self.numbers])
            fitting = [
                i
                for i in others
                if i != valued and may_name(self.cells[i], i in self.numbers, valued is not None)
            ]
            point = by_words(self.columns, POINT_WORDS, fitting)
            if point is None:
                point = self._separating(None, [i for i in fitting if i not in self.numbers])
            if point is None:  # numbers that begin with 0 are measured by nothing
                point = next(
                    (i for i in others if i in self.numbers and begin_with_zero(self.cells[i])), None
                )
        left = [i for i in others if i != point]
        unit = self._unit_column(left)
        told = point is None and not mapped and unit is not None
        if point is None and not told and value is None and not forced:
            return None
        if value is None:
            measured = [i for i in left if self._measured(i)]
            if point is not None and len(measured) > 1 and unit is None and not forced and not mapped:
                return self._of_each(point, quality, measured, left)
            value = self._value_column([i for i in left if i not in (unit,)], measured)
        left = [i for i in left if i != value]
        unit = self._unit_column(left, beside=value)
        way = self._direction_column(left)
        words = [i for i in left if i not in (unit, way)]
        channel, usual = self._channel(point, words)
        aside = {unit, way, channel}
        names = self.cells[point] if point is not None else [""] * len(self.cells[value])
        return Roles(
            "long",
            self.time,
            point=point,
            value=value,
            value_unit=self.units[value] or column_unit(self.columns[value], self.columns),
            quality=quality,
            channel=channel,
            usual=usual,
            unit=unit,
            direction=way,
            kind=found_kind(self.columns[value], names, self.cells[value]),
            ends=label_ends(self.columns, self.cells, self.time, self.shape),
            period=self.period,
            left_out=tuple(self.columns[i] for i in left if i not in aside and i in self.numbers),
        )

    def _of_each(
        self, point: int, quality: int | None, measured: Sequence[int], left: Sequence[int]
    ) -> Roles:
        """Several columns of one meter in each row, each with its unit."""
        series = tuple(
            SeriesColumn(
                i,
                self.columns[i],
                self.units[i] or column_unit(self.columns[i], self.columns),
                found_kind(self.columns[i], self.cells[point], self.cells[i]),
            )
            for i in measured
        )
        words = [i for i in left if i not in measured and i not in self.numbers]
        channel, usual = self._channel(point, words)
        unread = [i for i in left if i not in (*measured, channel) and self._filled(i)]
        return Roles(
            "wide",
            self.time,
            point=point,
            channel=channel,
            usual=usual,
            quality=quality,
            series=series,
            kind=_common(series),
            ends=label_ends(self.columns, self.cells, self.time, self.shape),
            period=self.period,
            left_out=tuple(self.columns[i] for i in unread),
        )

    def _wide(self, quality: int | None) -> Roles:
        left_out: list[str] = []
        if self.shape.columns:
            chosen: list[int] = []
            for wanted in self.shape.columns:
                index = match_column(self.columns, wanted)
                if index is None:
                    raise unknown_column(self.name, self.columns, wanted, "column map")
                chosen.append(index)
        else:
            chosen = []
            # Where nothing but money is counted, money is meant.
            aside = any(
                i in self.numbers and i not in self.time and not self._aside(i)
                for i in range(len(self.columns))
            )
            for index, column in enumerate(self.cells):
                if index in self.time or (index == quality and index not in self.numbers):
                    continue
                if counts_rows(self.columns[index], column) or (aside and self._aside(index)):
                    left_out.append(self.columns[index])
                    continue
                chosen.append(index)
            worded = [i for i in chosen if i not in self.numbers and not any_number(self.cells[i])]
            left_out += [self.columns[i] for i in worded if self._filled(i)]
            chosen = [i for i in chosen if self.columns[i] not in left_out]
        if not chosen:
            raise InputRefused(
                f"{self.name}: no column holds numbers",
                tried=[f"columns: {listed(self.columns, 40)}"],
                hint="check the file",
            )
        series = tuple(
            SeriesColumn(
                i,
                self.columns[i],
                self.shape.units.get(self.columns[i])
                or self.units[i]
                or column_unit(self.columns[i], self.columns),
                found_kind(self.columns[i], [""] * len(self.cells[i]), self.cells[i]),
            )
            for i in chosen
        )
        return Roles(
            "wide",
            self.time,
            series=series,
            quality=quality if len(series) == 1 and quality not in chosen else None,
            kind=_common(series),
            ends=label_ends(self.columns, self.cells, self.time, self.shape),
            period=self.period,
            left_out=tuple(left_out),
        )

    def _named(self, wanted: str | None, word: str) -> int | None:
        if wanted is None:
            return None
        found = match_column(self.columns, wanted)
        if found is None:
            raise unknown_column(self.name, self.columns, wanted, word)
        return found

    def _filled(self, index: int) -> bool:
        return any(not is_blank(cell) for cell in self.cells[index])

    def _aside(self, index: int) -> bool:
        """Whether a column holds remarks or money, and nobody says a unit for it."""
        return is_aside(self.columns[index]) and self.columns[index] not in self.shape.units

    def _measured(self, index: int) -> bool:
        """Whether a column holds numbers of a unit that a meter measures."""
        said = self.units[index] or column_unit(self.columns[index], self.columns)
        known = unit_named(said) if said and index in self.numbers else None
        return known is not None and known.quantity not in ("", "time", "angle", "state", "count")

    def _value_column(self, others: Sequence[int], measured: Sequence[int]) -> int:
        others = [index for index in others if not is_aside(self.columns[index])] or list(others)
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
            starting = [i for i in numeric if plain_name(self.columns[i]).startswith(word)]
            if len(starting) == 1:
                return starting[0]
        if len(others) == 1:
            return others[0]
        several = listed(self.columns[i] for i in numeric or others)
        raise InputRefused(
            f"{self.name}: several columns may hold the value: {several}",
            hint="name it with --value, or say --layout wide",
        )

    def _unit_column(self, among: Sequence[int], beside: int | None = None) -> int | None:
        """The column of units; of several, the one that is called as the values are (`Flow`, `Flow_Unit`)."""
        said = self._named(self.shape.unit_from, "unit")
        if said is not None:
            return said
        fitting = [i for i in among if are_units(self.cells[i])]
        own = plain_name(self.columns[beside]) if beside is not None else ""
        words = (f"{own}unit", f"{own}units", f"{own}uom") if own else ()
        return by_words(self.columns, (*words, *UNIT_WORDS), fitting)

    def _direction_column(self, among: Sequence[int]) -> int | None:
        fitting = [i for i in among if are_ways(self.cells[i])]
        found = by_words(self.columns, DIRECTION_WORDS, fitting)
        if found is None:
            unnamed = [i for i in fitting if plain_name(self.columns[i]) not in CHANNEL_WORDS]
            found = next((i for i in unnamed if says_ways(self.cells[i])), None)
        return found

    def _channel(self, point: int | None, among: Sequence[int]) -> tuple[int | None, str]:
        """(the column that keeps series of one meter apart, what stands in all its first cells or nothing)."""
        varied = [i for i in among if len(set(self.cells[i])) > 1]
        found = by_words(self.columns, CHANNEL_WORDS, varied)
        if found is None:
            found = self._separating(point, [i for i in varied if i not in self.numbers])
        if found is not None:
            return found, ""
        found = by_words(self.columns, CHANNEL_WORDS, [i for i in among if i not in self.numbers])
        if found is None or not self.cells[found] or not self.cells[found][0].strip():
            return None, ""
        return found, self.cells[found][0].strip()

    def _separating(self, point: int | None, among: Sequence[int]) -> int | None:
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


def _common(series: Sequence[SeriesColumn]) -> Kind | None:
    """The kind that all columns have."""
    kinds = {column.kind for column in series}
    return kinds.pop() if len(kinds) == 1 else None
