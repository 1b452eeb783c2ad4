"""Digits by size: a hamlet's night flow of 0.03 m³/h is no 0.0, and a city's is not shown to the litre.

What people read only: cells keep their full precision.
"""

from __future__ import annotations

import math
from dataclasses import replace

from cityctl.result import Table

UNITS = ("m3/h", "m3/d", "m3")
FIGURES, MOST = 2, 3  # significant figures of the smallest zone, and digits at most


def sized(table: Table) -> Table:
    """The table with as many digits in its flows and volumes as its smallest zone needs for two figures.

    A zone's size is told by the first column of each unit: what stands beside it may be a mere difference.
    """
    columns = list(table.columns)
    for unit in UNITS:
        own = [
            at
            for at, column in enumerate(columns)
            if column.unit == unit and column.kind in ("number", "spark")
        ]
        if own:
            needed = digits_of(_smallest(table, own[0]))
            for at in own:
                columns[at] = replace(columns[at], digits=max(columns[at].digits, needed))
    return replace(table, columns=columns)


def digits_of(size: float) -> int:
    """Digits that show two significant figures of a size; 0 of nothing."""
    if not size > 0:
        return 0
    return min(MOST, max(0, FIGURES - 1 - math.floor(math.log10(size))))


def flow_text(flow: float, digits: int = 1) -> str:
    """A flow [m³/h] in a sentence: so many digits, or two significant figures of a small one."""
    return f"{flow:.{max(digits, digits_of(abs(flow)))}f}"


def _smallest(table: Table, column: int) -> float:
    """Of each zone the largest figure in a column, of these the smallest above nothing; 0 where there is none."""
    names = [one.key for one in table.columns]
    zone = names.index("zone") if "zone" in names else None
    largest: dict[object, float] = {}
    for at, row in enumerate(table.rows):
        name = at if zone is None else row[zone]
        largest[name] = max(largest.get(name, 0.0), _figure(row[column]))
    return min((size for size in largest.values() if size > 0), default=0.0)


def _figure(cell: object) -> float:
    if isinstance(cell, list):
        return max((_figure(part) for part in cell), default=0.0)
    return abs(cell) if isinstance(cell, int | float) and math.isfinite(cell) else 0.0
