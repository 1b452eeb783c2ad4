"""Which column of a table is what: time, series, value, quality, or one series each, or one slot of the day each.

What is said is taken; what is left out is found where the table leaves no doubt. A column that is named and
not there is an error that lists the columns there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cityctl.errors import InputRefused, listed
from cityctl.exports.meaning import direction_of, known_unit
from cityctl.exports.shape import Shape
from cityctl.exports.table.beside import times_beside
from cityctl.exports.table.cells import (
    any_number,
    are_ids,
    are_numbers,
    by_words,
    counts_rows,
    days_only,
    may_grade,
    may_name,
    mostly,
    plain_name,
    says_ways,
    unit_behind,
)
from cityctl.exports.table.choice import Columns
from cityctl.exports.table.clock.stamps import looks_like_time
from cityctl.exports.table.kinds import found_kind, labels_end
from cityctl.exports.table.names import match_column, phrase_unit, unknown_column, without_unit
from cityctl.exports.table.naming import told_kind
from cityctl.exports.table.quality import are_codes, are_grades
from cityctl.exports.table.roles import Roles, SeriesColumn
from cityctl.exports.table.slots import find_slots
from cityctl.exports.table.when import time_columns, zone_column
from cityctl.exports.table.words import (
    POINT_WORDS,
    QUALITY_WORDS,
    VALUE_WORDS,
)
from cityctl.reading import Kind

_SHORTEST = 28  # days of a month
_FEWEST = 4  # rows of each day that tell that there are hours


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
    behind = {index: word for index, column in enumerate(cells) if (word := unit_behind(column))}
    for index, word in behind.items():
        cells[index] = [cell.strip().removesuffix(word) for cell in cells[index]]
    units = [
        said or (phrase_unit(behind[index]) if index in behind else None) for index, said in enumerate(units)
    ]
    if numbers is None:
        numbers = [index for index, column in enumerate(cells) if are_numbers(column)]
    time, period = time_columns(name, columns, cells, shape, times)
    zone = zone_column(columns, cells, time)
    roles = _Layouts(name, columns, units, cells, shape, time, period, frozenset(numbers), zone).roles()
    _check_clock(name, columns, cells, roles)
    again = times_beside(name, columns, cells, roles)
    roles = replace(roles, zone=zone, behind=behind, again=again)
    if roles.ends or roles.layout == "day" or period is not None or len(time) != 1:
        return roles
    for index in sorted(set(range(len(columns))) - set(roles.read)):
        if labels_end(columns[index]) and (index in times or mostly(looks_like_time, cells[index])):
            left_out = tuple(column for column in roles.left_out if column != columns[index])
            return replace(roles, until=index, left_out=left_out)
    return roles


def _check_clock(name: str, columns: Sequence[str], cells: Sequence[Sequence[str]], roles: Roles) -> None:
    """Raises InputRefused where the first days come again and again, and no column tells their rows apart."""
    if roles.layout == "day" or roles.period is not None or len(roles.time) != 1:
        return
    told = (roles.point, roles.channel, roles.direction, roles.unit)
    when = [cell for cell in cells[roles.time[0]] if looks_like_time(cell)]
    names = [cells[index] for index in told if index is not None]
    different = len(set(zip(*cells, strict=True)))
    days = len(set(zip(cells[roles.time[0]], *names, strict=True)))
    if when and days_only(when) and max(days, 1) * _FEWEST <= different:
        raise InputRefused(
            f"{name}: `{when[0]}` and other days in column `{columns[roles.time[0]]}` stand in {_FEWEST} rows and more "
            "each, and no column was found that tells their hours, or whose they are",
            tried=[f"columns: {listed(columns, 40)}"],
            hint=f"name the column: --time '{columns[roles.time[0]]} + HOURS', or --point METER",
        )


@dataclass(frozen=True)
class _Layouts(Columns):
    """The roles of the columns in each layout."""

    def roles(self) -> Roles:
        value, factor = self._value_said()
        quality, point = (
            self.named(wanted, word)
            for wanted, word in ((self.shape.quality, "quality"), (self.shape.point, "series"))
        )
        if quality is None:
            free = [
                i
                for i in range(len(self.columns))
                if i not in (*self.time, self.zone) and may_grade(self.cells[i])
            ]
            quality = by_words(self.columns, QUALITY_WORDS, free)
            if quality is None:
                quality = next((i for i in free if i != point and are_grades(self.cells[i])), None)
            if quality is not None and quality in self.numbers and self.shape.layout == "wide":
                quality = None
        taken = {*self.time, self.zone, point, value, factor, quality}
        others = [i for i in range(len(self.columns)) if i not in taken]
        found = None
        if self.shape.layout != "long" and value is None:
            found = self._days(point, others)
        if found is None and self.shape.layout != "wide":
            found = self._long(point, value, quality, others)
        if found is not None and factor is not None:
            found = replace(found, factor=factor, times_factor=True)
        return found if found is not None else self._wide(quality)

    def _value_said(self) -> tuple[int | None, int | None]:
        """The columns of the value, and of what it is to be multiplied by, where they are said."""
        said = self.shape.value
        if said is None or match_column(self.columns, said) is not None or " * " not in said:
            return self.named(said, "value"), None
        first, _, second = said.partition(" * ")
        return self.named(first, "value"), self.named(second, "value")

    def _days(self, point: int | None, others: Sequence[int]) -> Roles | None:
        """A day a row; None where no columns are the slots of a day."""
        slots = find_slots(self.columns) if days_only(self.cells[self.time[0]]) else ()
        held = {slot.index for slot in slots}
        if not slots or self.time[0] in held:  # columns without names are called by their number
            return None
        if point is None:
            point = by_words(self.columns, POINT_WORDS, [i for i in others if i not in held])
        left = [i for i in others if i != point and i not in held]
        unit, way = self.unit_column(left), self.direction_column(left)
        words = [i for i in left if i not in (unit, way) and i not in self.numbers]
        channel, usual = self.channel_column(point, words)
        unread = [i for i in left if i not in (unit, way, channel) and self.is_filled(i)]
        return Roles(
            "day",
            self.time[:1],
            point=point,
            slots=slots,
            value_unit=self.taken_unit(slots[0].index),
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
                words = [i for i in fitting if i not in self.numbers and not says_ways(self.cells[i])]
                point = self.separating(None, words)
            if point is None:  # long numbers, and those that begin with 0, are measured by nothing
                point = next((i for i in others if i in self.numbers and are_ids(self.cells[i])), None)
        left = [i for i in others if i != point]
        said = self.units_beside()
        unit = None if said else self.unit_column(left)
        measured = [i for i in left if i in said or self.is_measured(i)]
        wordy = unit is not None or any(says_ways(self.cells[i]) for i in left)
        lone = not mapped and wordy and len(measured) < 2
        if point is None and not lone and value is None and not forced:
            return None
        if value is None:
            ways = [i for i in left if i in self.numbers and direction_of(without_unit(self.columns[i]))]
            each = measured if len(measured) > 1 else ways
            if point is not None and len(each) > 1 and unit is None and not forced and not mapped:
                return self._of_each(point, quality, each, left)
            value = self.value_column([i for i in left if i not in (unit,)], measured, point)
        left = [i for i in left if i != value]
        unit = self.unit_column(left, beside=value)
        way = self.direction_column(left)
        words = [i for i in left if i not in (unit, way)]
        channel, usual = self.channel_column(point, words)
        told = [self.cells[i] for i in (point, channel, unit, way) if i is not None]
        names = list(zip(*told, strict=True)) if told else [()] * len(self.cells[value])
        kind = self._kind(value, names, unit)
        factor = self.factor_column(value, kind, [i for i in words if i in self.numbers])
        aside = {unit, way, channel, factor}
        return Roles(
            "long",
            self.time,
            point=point,
            value=value,
            value_unit=self.taken_unit(value),
            factor=factor,
            quality=quality,
            channel=channel,
            usual=usual,
            unit=unit,
            direction=way,
            kind=kind,
            ends=self.ends,
            period=self.period,
            left_out=tuple(self.columns[i] for i in left if i not in aside and i in self.numbers),
        )

    def _kind(self, value: int, names: Sequence[tuple[str, ...]], unit: int | None) -> Kind | None:
        """What its name and first values tell, where the units beside them leave room for it."""
        found = found_kind(self.columns[value], names, self.cells[value])
        said = {known_unit(cell) for cell in self.cells[unit]} if unit is not None else set()
        return next((None for one in said if one and told_kind(found, one.symbol) is None), found)

    def _of_each(
        self, point: int, quality: int | None, measured: Sequence[int], left: Sequence[int]
    ) -> Roles:
        """Several columns of one meter in each row, each with its unit."""
        beside = self.units_beside().values()
        words = [i for i in left if i not in (*measured, *beside) and i not in self.numbers]
        channel, usual = self.channel_column(point, words)
        told = (self.cells[i] for i in (point, channel) if i is not None)
        series = self.series_of(measured, list(zip(*told, strict=True)))
        unread = [i for i in left if i not in (*measured, *beside, channel) and self.is_filled(i)]
        return Roles(
            "wide",
            self.time,
            point=point,
            channel=channel,
            usual=usual,
            quality=quality,
            series=series,
            kind=_common(series),
            ends=self.ends,
            period=self.period,
            left_out=tuple(self.columns[i] for i in unread),
        )

    def _grades_beside(self, index: int) -> int | None:
        """The column that says how good values are: words right of them (`A Status`), or bytes called so (`A.Q`)."""
        called_so = (i for i in range(len(self.columns)) if self.graded_by(i) == index)
        coded = next((i for i in called_so if are_codes(self.cells[i])), None)
        after = index + 1
        if coded is not None:
            return coded
        if after >= len(self.columns) or after in self.numbers or not may_grade(self.cells[after]):
            return None
        called = plain_name(self.columns[after].partition(" #")[0])
        own = plain_name(self.columns[index])
        graded = called.endswith(tuple(word for word in QUALITY_WORDS if len(word) > 3)) or (
            called.startswith(own) and called.removeprefix(own) in ("cd", "qualifier", "qualifiers")
        )
        return after if graded and self.is_filled(after) else None

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
                i in self.numbers and i not in (*self.time, self.zone) and not self.is_beside(i)
                for i in range(len(self.columns))
            )
            for index, column in enumerate(self.cells):
                if index in (*self.time, self.zone) or (index == quality and index not in self.numbers):
                    continue
                if (
                    counts_rows(self.columns[index], column)
                    or self.holds_codes(index)
                    or self.says_time_again(index)
                    or (aside and self.is_beside(index))
                ):
                    left_out.append(self.columns[index])
                    continue
                chosen.append(index)
            held = self.units_beside().values()
            chosen = [i for i in chosen if i not in held]
            worded = [i for i in chosen if i not in self.numbers and not any_number(self.cells[i])]
            left_out += [self.columns[i] for i in worded if self.is_filled(i)]
            chosen = [i for i in chosen if self.columns[i] not in left_out]
        if not chosen:
            raise InputRefused(
                f"{self.name}: no column holds numbers",
                tried=[f"columns: {listed(self.columns, 40)}"],
                hint="check the file",
            )
        if [self.columns[i] for i in chosen][:_SHORTEST] == [str(day) for day in range(1, _SHORTEST + 1)]:
            raise InputRefused(
                f"{self.name}: its columns are called 1 to {len(chosen)}, as days of a month are",
                hint="turn the table: a row for each day",
            )
        series = self.series_of(chosen)
        if len(series) > 1:
            series = tuple(replace(one, quality=self._grades_beside(one.index)) for one in series)
            beside = {self.columns[one.quality] for one in series if one.quality is not None}
            left_out = [column for column in left_out if column not in beside]
        return Roles(
            "wide",
            self.time,
            series=series,
            quality=quality if len(series) == 1 and quality not in chosen else None,
            kind=_common(series),
            ends=self.ends,
            period=self.period,
            left_out=tuple(left_out),
        )


def _common(series: Sequence[SeriesColumn]) -> Kind | None:
    """The kind that all columns have, where their units leave room for it."""
    kinds = {told_kind(column.kind, column.unit) for column in series}
    return kinds.pop() if len(kinds) == 1 else None
