"""Which column of a table is what: time, series, value, quality, or one series each, or one slot of the day each.

What is said is taken; what is left out is found where the table leaves no doubt. A column that is named and
not there is an error that lists the columns there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cityctl.errors import InputRefused, listed
from cityctl.exports.shape import Shape
from cityctl.exports.table.cells import (
    any_number,
    are_numbers,
    are_units,
    are_ways,
    by_words,
    counts_rows,
    days_only,
    may_name,
    mostly,
    plain_name,
)
from cityctl.exports.table.kinds import found_kind, hours, labels_end
from cityctl.exports.table.names import column_unit, match_column, unknown_column
from cityctl.exports.table.numbers import is_blank
from cityctl.exports.table.slots import Slot, find_slots
from cityctl.exports.table.stamps import looks_like_clock, looks_like_time
from cityctl.exports.table.words import (
    CHANNEL_WORDS,
    DIRECTION_WORDS,
    POINT_WORDS,
    QUALITY_WORDS,
    UNIT_WORDS,
    VALUE_WORDS,
)
from cityctl.reading import Kind


@dataclass(frozen=True)
class SeriesColumn:
    """A column that holds one series."""

    index: int
    name: str
    unit: str | None


@dataclass(frozen=True)
class Roles:
    """What each column is, by index. Exactly one of `value`, `series` and `slots` says where values are."""

    layout: Literal["long", "wide", "day"]
    time: tuple[int, ...]
    point: int | None = None
    value: int | None = None
    value_unit: str | None = None
    quality: int | None = None
    channel: int | None = None
    kind: Kind | None = None  # where names and first rows tell it
    ends: bool = False  # the times label the ends of intervals
    unit: int | None = None
    direction: int | None = None
    series: tuple[SeriesColumn, ...] = ()
    slots: tuple[Slot, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def read(self) -> tuple[int, ...]:
        """Indices of the columns that are read at all, ascending."""
        found = {*self.time, *(column.index for column in self.series), *(slot.index for slot in self.slots)}
        more = (self.point, self.value, self.quality, self.channel, self.unit, self.direction)
        found |= {index for index in more if index is not None}
        return tuple(sorted(found))


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
    time = _time_columns(name, columns, cells, shape, times)
    quality = _named(name, columns, shape.quality, "quality")
    if quality is None:
        free = [i for i in range(len(columns)) if i not in time]
        quality = by_words(columns, QUALITY_WORDS, free)
        if quality is not None and quality in numbers and shape.layout == "wide":
            quality = None
    point = _named(name, columns, shape.point, "series")
    value = _named(name, columns, shape.value, "value")
    others = [i for i in range(len(columns)) if i not in {*time, point, value, quality}]
    if shape.layout != "long" and value is None:
        slots = find_slots(columns) if days_only(cells[time[0]]) else ()
        if slots:
            if point is None:
                taken = {slot.index for slot in slots}
                point = by_words(columns, POINT_WORDS, [i for i in others if i not in taken])
            left = [i for i in others if i != point and i not in {slot.index for slot in slots}]
            unit, way = (
                _unit_column(name, columns, cells, left, shape),
                _direction_column(columns, cells, left),
            )
            channels = [i for i in left if len(set(cells[i])) > 1 and i not in (unit, way, *numbers)]
            channel = by_words(columns, CHANNEL_WORDS, channels) if point is not None else None
            return Roles("day", time, point=point, slots=slots, channel=channel, unit=unit, direction=way)
    if shape.layout != "wide":
        # Where a map names columns that are there, they are the series; else it names series of a long table.
        mapped = any(match_column(columns, word) is not None for word in shape.columns)
        if point is None and (shape.layout == "long" or not mapped):
            point = by_words(columns, POINT_WORDS, [i for i in others if may_name(cells[i], i in numbers)])
        told = point is None and not mapped and _unit_column(name, columns, cells, others, shape) is not None
        if point is not None or told or value is not None or shape.layout == "long":
            if value is None:
                value = _value_column(name, columns, [i for i in others if i != point], numbers)
            if value is not None:
                said = units[value] or column_unit(columns[value])
                left = [i for i in others if i not in (point, value)]
                unit, way = (
                    _unit_column(name, columns, cells, left, shape),
                    _direction_column(columns, cells, left),
                )
                names = cells[point] if point is not None else [""] * len(cells[value])
                channels = [i for i in left if len(set(cells[i])) > 1 and i not in (unit, way)]
                channel = by_words(columns, CHANNEL_WORDS, channels) if point is not None else None
                aside = {unit, way, channel}
                return Roles(
                    "long",
                    time,
                    point=point,
                    value=value,
                    value_unit=said,
                    quality=quality,
                    channel=channel,
                    unit=unit,
                    direction=way,
                    kind=found_kind(columns[value], names, cells[value]),
                    ends=_ends(columns, cells, time, shape),
                    left_out=tuple(columns[i] for i in left if i not in aside and i in numbers),
                )
    return _wide(name, columns, units, cells, shape, time, numbers, quality)


def _named(name: str, columns: Sequence[str], wanted: str | None, word: str) -> int | None:
    if wanted is None:
        return None
    found = match_column(columns, wanted)
    if found is None:
        raise unknown_column(name, columns, wanted, word)
    return found


def _time_columns(
    name: str, columns: Sequence[str], cells: Sequence[Sequence[str]], shape: Shape, times: Sequence[int]
) -> tuple[int, ...]:
    if shape.time is not None:
        found = match_column(columns, shape.time)
        if found is not None:
            return (found,)
        parts = [part for part in shape.time.split("+") if part.strip()]
        joined = [match_column(columns, part) for part in parts]
        if len(parts) == 2 and None not in joined:
            return tuple(index for index in joined if index is not None)
        raise unknown_column(name, columns, shape.time, "time")
    if times:
        return (times[0],)
    dated = [index for index, column in enumerate(cells) if mostly(looks_like_time, column)]
    if dated:
        if all(":" not in cell for cell in cells[dated[0]]) and not find_slots(columns):
            clocks = [index for index, column in enumerate(cells) if mostly(looks_like_clock, column)]
            clocks += [index for index, column in enumerate(cells) if hours(columns[index], column)]
            if clocks:
                return (dated[0], clocks[0])
        return (dated[0],)
    words = ("time", "timestamp", "datetime", "date", "zeit", "zeitstempel", "datum", "ts", "start")
    for exact in (True, False):
        for index, column in enumerate(columns):
            plain = plain_name(column)
            fits = plain.startswith(words) if exact else any(word in plain for word in words[:4])
            if fits and all(is_blank(cell) or looks_like_time(cell) for cell in cells[index][:1]):
                return (index,)
    raise InputRefused(
        f"{name}: no column holds times",
        tried=[f"columns: {listed(columns, 40)}"],
        hint="name it with --time",
    )


def _value_column(
    name: str, columns: Sequence[str], others: Sequence[int], numbers: Sequence[int]
) -> int | None:
    found = by_words(columns, VALUE_WORDS, [index for index in others if index in numbers])
    if found is None:
        found = by_words(columns, VALUE_WORDS, others)
    if found is not None:
        return found
    numeric = [index for index in others if index in numbers]
    if len(numeric) == 1:
        return numeric[0]
    for word in VALUE_WORDS:
        starting = [index for index in numeric if plain_name(columns[index]).startswith(word)]
        if len(starting) == 1:
            return starting[0]
    if len(others) == 1:
        return others[0]
    raise InputRefused(
        f"{name}: several columns may hold the value: {listed(columns[i] for i in numeric or others)}",
        hint="name it with --value, or say --layout wide",
    )


def _wide(
    name: str,
    columns: Sequence[str],
    units: Sequence[str | None],
    cells: Sequence[Sequence[str]],
    shape: Shape,
    time: tuple[int, ...],
    numbers: Sequence[int],
    quality: int | None,
) -> Roles:
    left_out: list[str] = []
    if shape.columns:
        chosen: list[int] = []
        for wanted in shape.columns:
            index = match_column(columns, wanted)
            if index is None:
                raise unknown_column(name, columns, wanted, "column map")
            chosen.append(index)
    else:
        chosen = []
        for index, column in enumerate(cells):
            if index in time or (index == quality and index not in numbers):
                continue
            if counts_rows(columns[index], column):
                left_out.append(columns[index])
                continue
            chosen.append(index)
        worded = [i for i in chosen if i not in numbers and not any_number(cells[i])]
        left_out += [columns[i] for i in worded if any(not is_blank(cell) for cell in cells[i])]
        chosen = [i for i in chosen if columns[i] not in left_out]
    if not chosen:
        raise InputRefused(
            f"{name}: no column holds numbers",
            tried=[f"columns: {listed(columns, 40)}"],
            hint="check the file",
        )
    series = tuple(
        SeriesColumn(i, columns[i], shape.units.get(columns[i]) or units[i] or column_unit(columns[i]))
        for i in chosen
    )
    alone = quality if len(series) == 1 and quality not in chosen else None
    kinds = {found_kind(columns[i], [""] * len(cells[i]), cells[i]) for i in chosen}
    return Roles(
        "wide",
        time,
        series=series,
        quality=alone,
        kind=kinds.pop() if len(kinds) == 1 else None,
        ends=_ends(columns, cells, time, shape),
        left_out=tuple(left_out),
    )


def _unit_column(
    name: str, columns: Sequence[str], cells: Sequence[Sequence[str]], among: Sequence[int], shape: Shape
) -> int | None:
    said = _named(name, columns, shape.unit_from, "unit")
    return (
        said if said is not None else by_words(columns, UNIT_WORDS, [i for i in among if are_units(cells[i])])
    )


def _direction_column(
    columns: Sequence[str], cells: Sequence[Sequence[str]], among: Sequence[int]
) -> int | None:
    return by_words(columns, DIRECTION_WORDS, [i for i in among if are_ways(cells[i])])


def _ends(columns: Sequence[str], cells: Sequence[Sequence[str]], time: Sequence[int], shape: Shape) -> bool:
    if shape.time is not None or shape.stamp == "end":  # what is said holds
        return False
    if len(time) == 2 and hours(columns[time[1]], cells[time[1]]):
        return hours(columns[time[1]], cells[time[1]]) == "end"
    return labels_end(columns[time[-1]])
