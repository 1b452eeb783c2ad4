"""What came of one device, kept as it came: a row of values an answer. Pure data.

A poll of a city brings values by the ten thousand. Each becomes an object of its own only where somebody asks
for it; who needs them all at once takes the rows.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import NamedTuple

from cityctl.reading import Quality


class Value(NamedTuple):
    """A point's value in the connector's unit, or its text; and the time of its frame (UTC)."""

    point: str
    value: float | str | None
    quality: Quality
    time: datetime


@dataclass(slots=True)
class Row:
    """The values of one answer. `places` has the points in the order of `values`, each with its place there."""

    places: Mapping[str, int]
    values: Sequence[float | str | None]
    qualities: Sequence[Quality]
    time: datetime

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Value]:
        return map(Value, self.places, self.values, self.qualities, repeat(self.time))

    def without(self, point: str) -> Row:
        """The same without one point."""
        kept = [at for name, at in self.places.items() if name != point]
        names = [name for name in self.places if name != point]
        return Row(
            {name: at for at, name in enumerate(names)},
            [self.values[at] for at in kept],
            [self.qualities[at] for at in kept],
            self.time,
        )


class Values(Mapping[str, Value]):
    """A device's values by the name of their point. `rows` has no point twice."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def __getitem__(self, point: str) -> Value:
        for row in self.rows:
            at = row.places.get(point)
            if at is not None:
                return Value(point, row.values[at], row.qualities[at], row.time)
        raise KeyError(point)

    def __contains__(self, point: object) -> bool:
        return any(point in row.places for row in self.rows)

    def __iter__(self) -> Iterator[str]:
        for row in self.rows:
            yield from row.places

    def __len__(self) -> int:
        return sum(map(len, self.rows))

    def items(self) -> ItemsView[str, Value]:
        """Names and values, in the order in which they came."""
        return _Items(self)

    def values(self) -> ValuesView[Value]:
        """The values, in the order in which they came."""
        return _All(self)

    def drop(self, point: str) -> None:
        """Forget a point; nothing where there is none of that name."""
        self.rows = [row.without(point) if point in row.places else row for row in self.rows]

    def clear(self) -> None:
        """Forget them all."""
        self.rows.clear()


class _Items(ItemsView[str, Value]):
    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self._of = values

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        for row in self._of.rows:
            yield from zip(row.places, row, strict=True)


class _All(ValuesView[Value]):
    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self._of = values

    def __iter__(self) -> Iterator[Value]:
        for row in self._of.rows:
            yield from row
