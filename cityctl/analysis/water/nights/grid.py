"""Rows about points and nights laid out as arrays. Knows Arrow and NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array
from cityctl.arrow import numbers_of

EPOCH = date(1970, 1, 1)  # Arrow's days count from there
_BESIDE = ("night", "part")


@dataclass(frozen=True)
class Sheet:
    """The rows of one table about things and consecutive nights, of which `first` is the first [days since 1970].

    `there` says which rows there were: (names x nights x parts of the 24 hours), as are `columns`, which hold nan where
    there was none.
    """

    first: int
    names: list[str]
    there: npt.NDArray[np.bool_]
    columns: dict[str, npt.NDArray[Any]]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Name -> its row."""
        return {name: row for row, name in enumerate(self.names)}

    def first_night(self) -> int | None:
        """The first night of which there is a row [days since 1970]; None without any."""
        nights = self.there.any(axis=(0, 2))
        return self.first + int(nights.argmax()) if nights.any() else None


def sheet_of(table: Any, first: int, nights: int, parts: int) -> Sheet:
    """A table whose first column names things, with a column `night` and, of several parts, `part`."""
    key, *others = table.column_names
    encoded = table[key].combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    names = sorted(texts)
    row_of = {name: row for row, name in enumerate(names)}
    rows = np.array([row_of[name] for name in texts], dtype=np.int64)
    row = rows[numbers_of(encoded.indices, "int32", missing=0)]
    night = numbers_of(table["night"], "int32", missing=0) - first
    part = numbers_of(table["part"], "int64", missing=0) if parts > 1 else 0
    place = (row * nights + night) * parts + part
    shape = (len(names), nights, parts)
    there = np.zeros(shape, dtype=np.bool_)
    there.ravel()[place] = True
    columns = {}
    for name in others:
        if name not in _BESIDE:
            values = numbers_of(table[name], "float64", missing=np.nan)
            told = np.full(shape, np.nan, dtype=_kind(table.schema.field(name).type, values))
            told.ravel()[place] = values
            columns[name] = told
    return Sheet(first, names, there, columns)


def _kind(kind: Any, values: Array) -> type[np.floating[Any]]:
    """Half the space is enough for counts: whole numbers up to 2^24 are exact in it."""
    import pyarrow as pa

    small = pa.types.is_integer(kind) and (not len(values) or np.nanmax(np.abs(values), initial=0.0) < 2**24)
    return np.float32 if small else np.float64


class Grid:
    """What sheets say of the things of these names, in their order, on these dates, which follow one another."""

    def __init__(self, sheets: Sequence[Sheet], names: Sequence[str], dates: Sequence[date]) -> None:
        self._shape = (len(names), len(dates))
        self._places = []
        begin = (dates[0] - EPOCH).days
        for sheet in sheets:
            nights = sheet.there.shape[1]
            first, end = max(sheet.first, begin), min(sheet.first + nights, begin + len(dates))
            if first >= end:
                continue
            to = slice(first - begin, end - begin)
            of = slice(first - sheet.first, end - sheet.first)
            rows = np.array([sheet.row_of.get(name, -1) for name in names], dtype=np.int64)
            whole = len(rows) == len(sheet.names) and bool((rows == np.arange(len(rows))).all())
            self._places.append((sheet, to, of, None if whole else rows))

    def of(self, column: str, missing: float = np.nan) -> Array:
        """One column as (names x nights), or (names x nights x parts); `missing` where no row stands."""
        parts = self._places[0][0].there.shape[2] if self._places else 1
        told = np.full((*self._shape, parts), missing)
        for sheet, to, of, rows in self._places:
            values = sheet.columns[column][:, of]
            if missing == missing:
                values = np.where(sheet.there[:, of], values, missing)
            if rows is None:
                told[:, to] = values
            else:
                told[rows >= 0, to] = values[rows[rows >= 0]]
        return told if parts > 1 else told.reshape(self._shape)
