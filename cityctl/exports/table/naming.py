"""The series of a table's rows: their names, and what is told of each one when it is first seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityctl import arrow
from cityctl.errors import listed
from cityctl.exports.meaning import AMOUNTS, direction_in
from cityctl.exports.parsed import Series
from cityctl.exports.shape import Shape
from cityctl.exports.table import registers
from cityctl.exports.table.labels import Labels, bare_names
from cityctl.exports.table.names import said_in_brackets, without_unit
from cityctl.exports.table.roles import Roles, SeriesColumn
from cityctl.exports.table.texts import as_text
from cityctl.reading import Kind
from cityctl.units import unit

_COUNTED = AMOUNTS | {
    "time",
    "count",
    "mass",
    "state",
    "",
    "thermal volume",
}  # quantities that have registers


class SeriesNames:
    """Names the series of one table; `alone` is the name where there is no other."""

    def __init__(self, roles: Roles, shape: Shape, alone: str, columns: Sequence[str]) -> None:
        self.roles = roles
        self.shape = shape
        self.alone = alone
        self._announced: set[str] = set()
        self._value = columns[roles.value] if roles.value is not None else ""
        self._columns: dict[str, str] = {}  # where the values of a series stand
        self._rising: list[str] = []
        self._falling: list[str] = []
        self._labels = Labels(shape.units, roles.value_unit or shape.unit or "", roles.usual)

    def of(self, columns: Mapping[int, Any], count: int) -> Any:
        """The series of each row: one name for all, or a column of names."""
        roles = self.roles
        if (roles.point, roles.unit, roles.direction, roles.channel) == (None, None, None, None):
            return self.alone
        if roles.point is not None and (roles.unit, roles.direction, roles.channel) == (None, None, None):
            return trimmed(columns[roles.point])
        parts = [as_text(columns[i]) for i in (roles.point, roles.channel) if i is not None]
        if roles.point is None:
            parts.insert(0, arrow.texts([self.alone] * count))
        words, ways = (as_text(columns[i]) if i is not None else None for i in (roles.unit, roles.direction))
        return self._labels.names(parts, words, ways)

    def by_units(self, names: Any, words: Any, count: int) -> Any:
        """The series of a column whose units stand in a column beside it: a name for each that its rows say."""
        each = arrow.texts([names] * count) if isinstance(names, str) else as_text(names)
        return self._labels.names([each], as_text(words), None)

    def announce(
        self, names: Any, column: SeriesColumn | None, every: timedelta | None
    ) -> tuple[Series, ...]:
        """The series that were not seen before."""
        listed = [names] if isinstance(names, str) else names.dictionary.to_pylist()
        fresh = [name for name in listed if name and name not in self._announced]
        self._announced.update(fresh)
        told = []
        for name in fresh:
            self._columns[name] = column.name if column is not None else self._value
            in_head = column.unit if column is not None else self.roles.value_unit
            text = self.shape.units.get(name) or in_head or self.shape.unit or ""
            said = self._labels.said.get(name)
            known = said.unit if said is not None else unit(text) if text else None
            # [Nm³]: said, and not known
            unknown = said.text if said is not None else "" if text else said_in_brackets(self._columns[name])
            way = direction_in(column.name) if column is not None else ""
            found = column.kind if column is not None else self.roles.kind
            if said is not None and said.kind is not None:
                found = said.kind
            kind = told_kind(found, known.symbol if known else None)
            told.append(
                Series(
                    name,
                    unit=known.symbol if known else None,
                    said_unit=unknown if known is None else "",
                    direction=(said.direction if said is not None else "") or way,
                    quantity=known.quantity if known else None,
                    kind="state"
                    if self.shape.states and self.shape.states(name) is not None
                    else self.shape.kind or kind,
                    every=round(every.total_seconds()) if every is not None else None,
                )
            )
        return tuple(told)

    def judged(self, said: tuple[Series, ...], readings: Any) -> tuple[Series, ...]:
        """Series that are new, each with the kind that its own first readings tell."""
        names = readings.column("series").combine_chunks()
        codes = arrow.array_of(names.indices).astype(np.int64)
        times = arrow.array_of(readings.column("time").combine_chunks().view(pa.int64()))
        values = arrow.array_of(pc.fill_null(readings.column("value"), 0.0))
        column = without_unit(self._columns[said[0].id])
        told = registers.judged(column, codes, times, values)
        kinds = {name: told[code] for code, name in enumerate(names.dictionary.to_pylist()) if code in told}
        return tuple(self._as_judged(one, kinds.get(one.id)) for one in said)

    def _as_judged(self, series: Series, register: bool | None) -> Series:
        if self.shape.kind is not None or register is None or series.kind == "state":
            return series
        if not register and series.kind == "counter":
            self._falling.append(series.id)
            return replace(series, kind=None)
        if register and told_kind("counter", series.unit) is not None:
            self._rising.append(series.id)
            return replace(series, kind="counter")
        return series

    def notes(self, name: str, kind: Kind | None) -> list[str]:
        """What was told by names and values about registers; `kind` is that of the whole table."""
        if self.shape.kind is not None:
            return []
        counted = [
            one.name
            for one in self.roles.series
            if told_kind(one.kind, one.unit or self.shape.unit) == "counter"
        ]
        counted = [one for one in dict.fromkeys((*counted, *self._rising)) if one not in self._falling]
        which = listed(f"`{one}`" for one in counted)
        if kind is not None and not self._falling and (counted or not self.roles.series):
            which = "its values"
        told = (
            [f"{name}: {which} only rise: taken as readings of a register, not summed (--kind)"]
            if which
            else []
        )
        if self._falling:
            which = listed(f"`{one}`" for one in self._falling)
            told.append(
                f"{name}: {which} said to be readings of a register, but falls: taken as amounts (--kind)"
            )
        return told


def told_kind(found: Kind | None, symbol: str | None) -> Kind | None:
    """What names and values tell about a series, where its unit leaves room for it: flows only rise by chance."""
    return None if found is not None and symbol and unit(symbol).quantity not in _COUNTED else found


def trimmed(column: Any) -> Any:
    """A column of names, each distinct one once, without the blanks around them."""
    coded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(as_text(column))
    plain = bare_names(coded.dictionary)
    if plain.equals(coded.dictionary):
        return coded
    again = pc.dictionary_encode(plain)
    return pa.DictionaryArray.from_arrays(pc.take(again.indices, coded.indices), again.dictionary)


def are_named(series: Any) -> npt.NDArray[np.bool_]:
    """Which rows name a series."""
    empty = np.array([not name for name in series.dictionary.to_pylist()] + [True])
    found: npt.NDArray[np.bool_] = ~empty[arrow.array_of(pc.fill_null(series.indices, len(empty) - 1))]
    return found
