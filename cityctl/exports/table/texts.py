"""Columns as text, and times of day in the ways in which they are written beside a day."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityctl import arrow
from cityctl.exports.table.clock.stamps import looks_like_epoch, looks_like_time

# The letter of a pass within a clock (2A:15) or behind it (02:15A), and that of the second one.
_PASSES = ((r"(\d)[AB](:\d{2})", r"\dB:\d{2}"), (r"(:\d{2})\s?[AB](\s*)$", r":\d{2}\s?B\s*$"))


def counts_from_1970(column: Any) -> bool:
    """Whether whole numbers may be times: seconds since 1970, or ms, µs and ns, or 20240131."""
    first = next((str(value) for value in column.slice(0, 100).to_pylist() if value is not None), "")
    return looks_like_epoch(first) or looks_like_time(first)


def without_pass(column: Any) -> tuple[Any, npt.NDArray[np.float64] | None]:
    """Times without the letter of a pass (2A:15, 02:15B), and whether it is the second one (NaN: none is said).

    Without any B, an A behind a clock may be the morning's.
    """
    if not is_text(column.type) or not pc.any(pc.match_substring(column, "B")).as_py():
        return column, None
    forms = (one for one in _PASSES if pc.any(pc.match_substring_regex(column, one[1])).as_py())
    form, later = next(forms, ("", ""))
    if not form:
        return column, None
    marked = pc.match_substring_regex(column, form)
    said = pc.if_else(pc.match_substring_regex(column, later), 1.0, 0.0)
    second = pc.fill_null(pc.if_else(pc.fill_null(marked, False), said, np.nan), np.nan)
    return pc.replace_substring_regex(column, form, r"\1\2"), arrow.array_of(second)


def with_colons(clocks: Any) -> Any:
    """0015, 15 and 001500 as 00:15; of `00:15 - 00:30` the beginning."""
    clocks = pc.replace_substring_regex(
        clocks, r"^(\s*\d{1,2}:[\d:]+(?:\s*[AaPp]\.?[Mm]\.?)?)\s*(?:-|–|to|until|bis)\s*\d.*$", r"\1"
    )
    clocks = pc.replace_substring_regex(clocks, r"^\s*(\d{1,2})h\s*$", r"\1:00")
    figures = pc.match_substring_regex(clocks, r"^\s*\d{1,6}\s*$")
    if not pc.any(figures).as_py():
        return clocks
    padded = pc.utf8_lpad(pc.utf8_trim_whitespace(clocks), 4, "0")
    colons = pc.replace_substring_regex(padded, r"^(\d{2})(\d{2})(\d{2})?$", r"\1:\2:\3")
    return pc.if_else(figures, pc.utf8_rtrim(colons, ":"), clocks)


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def as_text(column: Any) -> Any:
    """A column as text: names may be numbers in a typed table."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column if is_text(column.type) else pc.cast(column, pa.string())


def shown(cell: object) -> str:
    """A cell for a message, not too long."""
    said = str(cell)
    return said if len(said) <= 60 else f"{said[:60]}..."
