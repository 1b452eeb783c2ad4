"""Records of delimited text: mostly a line each, some with cells over several lines, and quotes that never close.

One quote that nobody closed would make a single cell of all lines up to the next one. So a cell ends at the latest
where the line below is a row of the table itself; its quote is then taken as a sign like any other.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence

from cityctl.exports.table.clock.stamps import looks_like_time
from cityctl.exports.table.numbers import looks_like_number

_TALLEST = 200  # lines of one record

Row = list[str]


def cells(line: str, delimiter: str) -> Row:
    """The cells of one record; quotes that do not close are signs like any other."""
    if line.count('"') % 2 == 0:
        try:
            return next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            pass
    return line.split(delimiter)


def records(
    lines: Sequence[str], delimiter: str, is_row: Callable[[Row], bool]
) -> Iterator[tuple[int, int, Row]]:
    """(first line from 0, how many lines, cells) of each record. `is_row` tells a line that is one by itself."""
    at = 0
    while at < len(lines):
        count = _height(lines, at, delimiter, is_row) if lines[at].count('"') % 2 else 1
        yield at, count, cells("\n".join(lines[at : at + count]), delimiter)
        at += count


def _height(lines: Sequence[str], at: int, delimiter: str, is_row: Callable[[Row], bool]) -> int:
    """How many lines a record has that begins with a line whose quotes are open; 1 where they do not close."""
    for below in range(at + 1, min(len(lines), at + _TALLEST)):
        if lines[below].count('"') % 2:
            return below - at + 1
        if is_row(lines[below].split(delimiter)):
            return 1
    return 1


def whole_records(block: bytes) -> int:
    """Length of the whole records at the start of a block of text; 0 where there is none."""
    end = block.rfind(b"\n") + 1
    if b'"' not in block:
        return end
    quotes = block.count(b'"', 0, end)
    cut = end
    for _ in range(_TALLEST):
        if quotes % 2 == 0 or not cut:
            return cut
        before = block.rfind(b"\n", 0, cut - 1) + 1
        quotes -= block.count(b'"', before, cut)
        cut = before
    return end  # the quote that is open lies farther back than any record goes


def holds_readings(head: bytes) -> bool:
    """Whether any of the first rows of a sheet, its cells parted by tabs, holds a time and a number beside it."""
    rows = (cells(line, "\t") for line in head.decode("utf-8", "replace").splitlines())
    return any(
        any(looks_like_time(cell) for cell in row)
        and any(looks_like_number(cell) and not looks_like_time(cell) for cell in row)
        for row in rows
    )
