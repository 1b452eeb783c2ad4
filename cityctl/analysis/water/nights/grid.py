"""Rows about points and nights laid out as arrays. Knows Arrow and NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.basis.zones import Asked
from cityctl.arrow import numbers_of

EPOCH = date(1970, 1, 1)  # Arrow's days count from there


def first_of(table: Any) -> date | None:
    """The first night of a table; None where it has none."""
    nights = numbers_of(table["night"], "int32", missing=0)
    return EPOCH + timedelta(days=int(nights.min())) if len(nights) else None


class Grid:
    """The rows of a table about things and nights, and their `parts` where there are several.

    `names` are the things that matter, in their order; the table has them in the column `key`, dictionary-encoded.
    """

    def __init__(
        self, table: Any, names: Sequence[str], dates: Sequence[date], parts: int = 1, key: str = "point"
    ) -> None:
        self._table = table
        self._row_of = {name: row for row, name in enumerate(names)}
        self._shape = (len(names), len(dates), parts) if parts > 1 else (len(names), len(dates))
        encoded = table[key].combine_chunks()
        rows = np.array(
            [self._row_of.get(name, -1) for name in encoded.dictionary.to_pylist()], dtype=np.int64
        )
        row = rows[numbers_of(encoded.indices, "int32", missing=0)]
        night = numbers_of(table["night"], "int32", missing=0) - (dates[0] - EPOCH).days
        self._inside = (row >= 0) & (night >= 0) & (night < len(dates))
        part = numbers_of(table["part"], "int64", missing=0) if parts > 1 else 0
        self._place = ((row * len(dates) + night) * parts + part)[self._inside]

    def of(self, column: str, missing: float = np.nan) -> Array:
        """One column as (names x nights), or (names x nights x parts); `missing` where no row stands."""
        told = np.full(self._shape, missing)
        told.ravel()[self._place] = numbers_of(self._table[column], "float64", missing=np.nan)[self._inside]
        return told

    def of_zones(self, zones: Sequence[Asked]) -> Callable[[str], Array]:
        """What gives a column by zones, of which these names are the inflows; nan for zones without one."""
        rows = np.array([self._row_of.get(zone.inflow or "", -1) for zone in zones])

        def told(column: str) -> Array:
            found = np.full((len(zones), *self._shape[1:]), np.nan)
            found[rows >= 0] = self.of(column)[rows[rows >= 0]]
            return found

        return told
