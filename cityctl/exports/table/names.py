"""Names of columns: found as they are written, else without regard to case and unit, else a clear error."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cityctl.errors import CityctlError, UsageProblem, listed, near
from cityctl.units import unit


def bracket_unit(column: str) -> str | None:
    """The unit in a column's name: `DMA 1 (L/s)`, `air_temperature [degC]`."""
    found = re.search(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*$", column)
    if found is None:
        return None
    try:
        return unit(found[1]).symbol
    except CityctlError:
        return None


def without_unit(column: str) -> str:
    """A column's name without the unit in brackets behind it."""
    return re.sub(r"\s*[(\[][^()\[\]]*[)\]]\s*$", "", column) if bracket_unit(column) else column


def match_column(columns: Sequence[str], wanted: str) -> int | None:
    """Index of the column of that name: as written, else without regard to case where one alone fits."""
    plain = wanted.strip()
    if plain in columns:
        return list(columns).index(plain)
    for form in (str.casefold, lambda text: without_unit(text).casefold()):
        fitting = [index for index, column in enumerate(columns) if form(column) == plain.casefold()]
        if len(fitting) == 1:
            return fitting[0]
    return None


def unknown_column(name: str, columns: Sequence[str], wanted: str, word: str) -> UsageProblem:
    """The error for a column that is named and not there."""
    match = near(wanted, columns)
    hint = f"did you mean `{match}`?" if match else f"columns: {listed(columns, 20)}"
    return UsageProblem(
        f"{name}: no column `{wanted}` (for the {word})", tried=[f"columns: {listed(columns, 40)}"], hint=hint
    )
