"""What the name and the first cells of a column tell about it. Knows no roles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cityctl.exports.meaning import direction_of, known_unit
from cityctl.exports.table.names import without_unit
from cityctl.exports.table.numbers import is_blank, looks_like_number


def plain_name(column: str) -> str:
    return re.sub(r"[\W_]+", "", without_unit(column)).casefold()


def by_words(columns: Sequence[str], words: Sequence[str], among: Sequence[int]) -> int | None:
    plain = {plain_name(columns[index]): index for index in reversed(among)}
    return next((plain[word] for word in words if word in plain), None)


def days_only(cells: Sequence[str]) -> bool:
    return all(":" not in cell or cell.strip().endswith("00:00:00") for cell in cells)


def mostly(test: object, cells: Sequence[str]) -> bool:
    assert callable(test)
    filled = [cell for cell in cells[:60] if not is_blank(cell)]
    return bool(filled) and sum(bool(test(cell)) for cell in filled) * 2 > len(filled)


def are_numbers(cells: Sequence[str]) -> bool:
    return mostly(looks_like_number, cells)


def are_units(cells: Sequence[str]) -> bool:
    return mostly(lambda cell: known_unit(cell) is not None, cells) and not are_numbers(cells)


def are_ways(cells: Sequence[str]) -> bool:
    return mostly(direction_of, cells)


def any_number(cells: Sequence[str]) -> bool:
    return any(looks_like_number(cell) for cell in cells)


def counts_rows(column: str, cells: Sequence[str]) -> bool:
    """A nameless column 0, 1, 2 ...: the row numbers of the program that wrote the file."""
    if not re.fullmatch(r"column \d+|Unnamed: \d+|__index_level_\d+__|index", column):
        return False
    first = cells[0].strip() if cells else ""
    return first in ("0", "1") and [cell.strip() for cell in cells] == [
        str(int(first) + row) for row in range(len(cells))
    ]


def may_name(cells: Sequence[str], numeric: bool) -> bool:
    """A column of names; numbers may be names, but not where nearly each row has another one, unless they are long."""
    if not numeric:
        return True
    filled = [cell for cell in cells if not is_blank(cell)]
    if filled and all(re.fullmatch(r"\d{6,}", cell.strip()) for cell in filled):
        return True
    return all(re.fullmatch(r"\d+", cell.strip()) for cell in filled) and len(set(filled)) * 2 <= len(filled)
