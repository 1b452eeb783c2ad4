"""Rows of a JSON or XML document as blocks of a table: one column each for series, time, value and quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np

from cityctl import arrow
from cityctl.errors import InputRefused
from cityctl.exports.meaning import Instants, direction_of, epoch_micros, iso, kind_of
from cityctl.exports.parsed import Chunk, Series
from cityctl.exports.shape import Shape
from cityctl.exports.table.roles import Roles
from cityctl.exports.table.rows import Block, TableReader
from cityctl.exports.tree import paths

_MICRO = timedelta(microseconds=1)


@dataclass
class JsonRows:
    """Reads rows, block after block."""

    name: str
    stem: str
    shape: Shape
    field_of: Callable[[str, tuple[Any, ...]], Any] = paths.field
    word: str = "row"  # what `place` counts
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
        self._reader = TableReader(self.name, self.stem, names, roles, table, word=self.word)
        self._instants = Instants(self.name, shape.time_zone)
        self._alone = shape.series or self.stem

    def add(self, around: tuple[Any, ...], place: int | None = None) -> None:
        """One row, or one that holds lists of times and values; `place` is its line, where it is not just the next."""
        shape = self.shape
        series = text_of(self.field_of(shape.point, around)) if shape.point else self._alone
        time = self.field_of(shape.time, around) if shape.time else None
        value = self.field_of(shape.value or "@", around)
        graded = self.field_of(shape.quality, around) if shape.quality else None
        unit = text_of(self.field_of(shape.unit_from, around)) if shape.unit_from else ""
        way = text_of(self.field_of(shape.direction, around)) if shape.direction and not self._way else ""
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
        self._row(named, time, value, graded, place)

    def _row(
        self, named: tuple[str, str, str], time: Any, value: Any, graded: Any, place: int | None = None
    ) -> None:
        self._count = self._count + 1 if place is None else place
        series, unit, way = named
        cells = (series, time_of(time), text_of(value), text_of(graded), unit, way, self._count)
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
            first = self._instants.of(time_of(time))
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
        columns: dict[int, Any] = {index: arrow.texts(column) for index, column in enumerate(texts)}
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


def text_of(value: Any) -> str:
    """A field of a row as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def time_of(value: Any) -> str:
    """A time as text; a number counts from 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return iso(epoch_micros(value))
        except (ValueError, OverflowError):
            return repr(value)
    return text_of(value)
