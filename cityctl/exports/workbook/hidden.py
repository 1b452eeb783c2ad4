"""Rows and columns of a sheet that nobody sees: folded, filtered or hidden by hand. Knows no values."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import IO

from cityctl.errors import listed

_PIECE = 1 << 20
_LONGEST = 1 << 10  # bytes of a tag
_HIDDEN = rb'(?=[^>]*\shidden="(?:1|true)")'
_ROW = re.compile(rb"<(?:\w+:)?row\b" + _HIDDEN + rb'[^>]*\br="(\d+)"[^>]*(?<!/)>')  # one that holds cells
_COLUMN = re.compile(rb"<(?:\w+:)?col\b" + _HIDDEN + rb"([^>]*)>")
_EDGE = re.compile(rb'\b(min|max)="(\d+)"')


def hidden_parts(part: IO[bytes], width: int) -> str:
    """Which rows and columns are not shown, such as `rows 3 to 9, column C`; `part` is the XML of a sheet.

    Those beyond its `width` [cells] hold nothing.
    """
    from openpyxl.utils import get_column_letter

    rows: set[int] = set()
    columns: list[str] = []
    held = b""
    while piece := part.read(_PIECE):
        held += piece
        rows.update(int(found[1]) for found in _ROW.finditer(held))
        for found in _COLUMN.finditer(held):
            edges = {name: int(number) for name, number in _EDGE.findall(found[1])}
            first, last = edges.get(b"min", 1), min(edges.get(b"max", 0), width)
            if first <= last:
                columns.append(_span("column", get_column_letter(first), get_column_letter(last)))
        held = held[-_LONGEST:]
    told = [_span("row", str(first), str(last)) for first, last in _runs(sorted(rows))]
    told += dict.fromkeys(columns)
    return listed(told) if told else ""


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Numbers that follow each other, as first and last."""
    if not numbers:
        return []
    breaks = [(one, other) for one, other in pairwise(numbers) if other > one + 1]
    firsts = [numbers[0], *(other for _, other in breaks)]
    lasts = [*(one for one, _ in breaks), numbers[-1]]
    return list(zip(firsts, lasts, strict=True))


def _span(word: str, first: str, last: str) -> str:
    return f"{word} {first}" if first == last else f"{word}s {first} to {last}"
