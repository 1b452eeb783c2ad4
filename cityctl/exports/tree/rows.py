"""Rows of a JSON or XML document as blocks of a table: one column each for series, time, value and quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from cityctl.errors import InputRefused, UsageProblem
from cityctl.exports import complaint
from cityctl.exports.meaning import Instants, direction_of, epoch_micros, iso, kind_of
from cityctl.exports.parsed import Chunk, Series
from cityctl.exports.shape import Shape
from cityctl.exports.table.columns import find_roles
from cityctl.exports.table.roles import Roles
from cityctl.exports.table.rows import Block, TableReader
from cityctl.exports.tree import paths

_MICRO = timedelta(microseconds=1)
_SAMPLE = 100


@dataclass
class JsonRows:
    """Reads rows, block after block."""

    name: str
    stem: str
    shape: Shape
    field_of: Callable[[str, tuple[Any, ...]], Any] = paths.field
    held: int = 0
    _count: int = 0
    _columns: tuple[list[Any], ...] = field(default_factory=lambda: tuple([] for _ in range(7)))

    def __post_init__(self) -> None:
        shape = self.shape
        self._way = direction_of((shape.direction or "").strip())
        roles = Roles(
            "long",
            (1,),
            point=0,
            value=2,
            quality=3 if shape.quality else None,
            unit=4 if shape.unit_from else None,
            direction=5 if shape.direction and not self._way else None,
        )
        # What is a path here would be a column's name there.
        table = replace(
            shape, point=None, time=None, value=None, quality=None, unit_from=None, direction=None
        )
        names = ("series", shape.time or "time", "value", "quality", "unit", "direction")
        self._reader = TableReader(self.name, self.stem, names, roles, table, word="row")
        self._instants = Instants(self.name, shape.time_zone)
        self._alone = shape.series or self.stem

    def add(self, around: tuple[Any, ...]) -> None:
        """One row, or one that holds lists of times and values."""
        shape = self.shape
        series = _text(self.field_of(shape.point, around)) if shape.point else self._alone
        time = self.field_of(shape.time, around) if shape.time else None
        value = self.field_of(shape.value or "@", around)
        graded = self.field_of(shape.quality, around) if shape.quality else None
        unit = _text(self.field_of(shape.unit_from, around)) if shape.unit_from else ""
        way = _text(self.field_of(shape.direction, around)) if shape.direction and not self._way else ""
        named = (series, unit, way)
        if isinstance(value, list):
            times = time if isinstance(time, list) else self._counted(time, len(value))
            grades = graded if isinstance(graded, list) else [graded] * len(value)
            if len(times) != len(value) or len(grades) != len(value):
                raise InputRefused(
                    f"{self.name}: a list of {len(value)} values beside one of {len(times)} times",
                    hint="check the paths of `time` and `value`",
                )
            for at, cell, grade in zip(times, value, grades, strict=True):
                self._row(named, at, cell, grade)
            return
        self._row(named, time, value, graded)

    def _row(self, named: tuple[str, str, str], time: Any, value: Any, graded: Any) -> None:
        self._count += 1
        series, unit, way = named
        cells = (series, _time(time), _text(value), _text(graded), unit, way, self._count)
        for column, cell in zip(self._columns, cells, strict=True):
            column.append(cell)
        self.held += 1

    def _counted(self, time: Any, count: int) -> list[str]:
        """The times of values that stand one after the other, from the first one's."""
        if self.shape.every is None:
            raise InputRefused(
                f"{self.name}: its values come as a list, and the length of their intervals is not said",
                hint="say it with `every:` (--every 15m)",
            )
        try:
            first = self._instants.of(_time(time))
        except ValueError as problem:
            raise InputRefused(
                f"{self.name}: the time of the first value: {problem}", hint="check `time`"
            ) from None
        return [iso(first + index * (self.shape.every // _MICRO)) for index in range(count)]

    def taken(self) -> Iterator[Chunk]:
        """The readings of the rows since the last call."""
        if not self.held:
            return
        *texts, numbers = self._columns
        columns: dict[int, Any] = {index: pa.array(column, pa.string()) for index, column in enumerate(texts)}
        self._columns, self.held = tuple([] for _ in range(7)), 0
        for chunk in self._reader.take(Block(columns, np.array(numbers, np.int64))):
            yield replace(chunk, series=tuple(self._told(one) for one in chunk.series))

    def finish(self) -> Iterator[Chunk]:
        """What waited for the end."""
        yield from self._reader.finish()

    def _told(self, series: Series) -> Series:
        return replace(
            series, direction=self._way or series.direction, kind=series.kind or kind_of(series.quantity)
        )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _time(value: Any) -> str:
    """A time as text; a number counts from 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return iso(epoch_micros(value))
        except (ValueError, OverflowError):
            return repr(value)
    return _text(value)


def found_shape(name: str, document: Any, shape: Shape) -> tuple[Any, Shape]:
    """(flat rows, how they are read) of a document about which nothing was said.

    Raises InputRefused where no list of objects holds times and numbers.
    """
    rows = _longest(document)
    if not rows:
        raise InputRefused(
            f"{name}: no list of rows with times and values in this JSON: {complaint.of_nothing(document)}",
            hint="say where they are: --rows, --time and --value, or in a service connector",
        )
    flat = [dict(_flat(row)) for row in rows]
    columns = list(dict.fromkeys(key for row in flat[:_SAMPLE] for key in row))
    sample = [[_time_or_text(key, row.get(key)) for key in columns] for row in flat[:_SAMPLE]]
    try:
        roles = find_roles(name, columns, [None] * len(columns), sample, replace(shape, layout="long"))
    except UsageProblem as problem:
        raise InputRefused(problem.message, hint=problem.hint) from None
    if roles.value is None:
        raise InputRefused(f"{name}: no field of its rows is a value", hint="name it with --value")

    if roles.period is not None:
        raise InputRefused(
            f"{name}: the times of its rows are a day and the number of an interval",
            hint="such rows are read from a table: save them as CSV",
        )

    def of(indices: Sequence[int | None], sign: str = " ") -> str | None:
        return _joined(flat, [columns[index] for index in indices if index is not None], sign)

    def called(words: Sequence[str], found: int | None) -> str | None:
        named = (index for index, key in enumerate(columns) if key.split(".")[-1].lower() in words)
        return of((next(named, found),))

    direction = called(("direction", "flowdirection"), roles.direction)
    return flat, replace(
        shape,
        rows="@",
        time=of((*roles.time, roles.zone)),
        point=of((roles.point, roles.channel), "/"),
        value=of((roles.value,)),
        quality=of((roles.quality,)),
        unit_from=called(("unit", "uom", "units", "unitcode"), roles.unit),
        direction=direction or shape.direction,
        unit=shape.unit or roles.value_unit,
        kind=shape.kind or roles.kind,
        stamp="end" if roles.ends else shape.stamp,
    )


def _joined(rows: Sequence[dict[str, Any]], keys: Sequence[str], sign: str) -> str | None:
    """The path of a field of flat rows; of several, such as a day and a clock, a field of both is made."""
    key = sign.join(keys)
    if len(keys) > 1:
        for row in rows:
            row[key] = sign.join(said for part in keys if (said := _text(row.get(part))))
    return '"' + key.replace('"', '\\"') + '"' if keys else None


def _longest(node: Any, depth: int = 0) -> list[Any]:
    """The longest list of objects in a document."""
    if isinstance(node, list):
        if node and all(isinstance(row, dict) for row in node):
            # One object around a list of its own is no row: its readings are.
            inside = _longest(node[0], depth + 1) if len(node) == 1 else []
            return inside or node
        return []
    if isinstance(node, dict) and depth < 8:
        return max((_longest(child, depth + 1) for child in node.values()), key=len, default=[])
    return []


def _flat(row: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        elif not isinstance(value, list):
            yield f"{before}{key}", value


def _time_or_text(key: str, value: Any) -> str:
    return _time(value) if any(word in key.lower() for word in ("time", "date", "start")) else _text(value)
