"""The head of a delimited text: its encoding, delimiter, preamble, column names and a row of units.

Looks at the first lines alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cityctl.errors import CityctlError, InputRefused
from cityctl.exports.table.cells import is_total, plain_name
from cityctl.exports.table.clock.stamps import looks_like_epoch, looks_like_time
from cityctl.exports.table.encoding import decoded
from cityctl.exports.table.numbers import is_blank, looks_like_number
from cityctl.exports.table.preamble import said_unit, said_zone
from cityctl.exports.table.records import cells, records
from cityctl.exports.table.words import POINT_WORDS, TIME_WORDS, UNIT_WORDS
from cityctl.units import unit

_LOOKED_AT = 200  # lines: longer preambles are not known
_WIDEST = 20_000  # columns
_DELIMITERS = (",", ";", "\t", "|")
_WIDTH = re.compile(r"\d{1,3}[sdn]")


@dataclass(frozen=True)
class Head:
    """Where a table begins: its first line of data is line `data_line`, counted from 1."""

    encoding: str
    guessed: bool  # its encoding: it is no UTF-8, and nobody said what it is
    delimiter: str
    columns: tuple[str, ...]
    units: tuple[str | None, ...]
    data_line: int
    sample: tuple[tuple[str, ...], ...]  # the first rows of data
    lone_returns: bool = False  # lines end with a carriage return alone
    unit: str | None = None  # what a preamble says about all values
    zone: str | None = None  # and about the zone of all times
    above: tuple[tuple[str, ...], ...] = ()  # the rows above the first one of data

    def is_repeated(self, row: Sequence[str]) -> bool:
        """Whether a row among the data stands above them too, as where files were put together."""
        said = _trimmed(row)
        return bool(said) and (said in self.above or list(said) == list(self.columns))

    def is_fact(self, row: Sequence[str]) -> bool:
        """Whether a row without a time says something that is said above the data too, such as `From;2024-01-01`."""
        said = _trimmed(row)
        return (
            len(said) > 1 and bool(said[0]) and any(said[0] == one[0] for one in self.above if len(one) > 1)
        )

    def is_another(self, row: Sequence[str], time: int, alone: bool) -> bool:
        """Whether a row without a time names other columns, or another unit or meter, than stand above the data.

        `alone`: the rows name no meter.
        """
        said = [cell.casefold() for cell in _trimmed(row)]
        facts = {plain_name(one[0]) for one in self.above if len(one) > 1}
        named = len(said) > 1 and plain_name(said[0]) in facts & {
            *UNIT_WORDS,
            *(POINT_WORDS if alone else ()),
        }
        name = self.columns[time].casefold()
        return named or (not name.isdecimal() and name in said)


def read_head(
    name: str, start: bytes, wanted: Sequence[str], delimiter: str | None, encoding: str | None = None
) -> Head:
    """The head of a table from its first bytes; `wanted` are columns that were named.

    Raises InputRefused where there is no table.
    """
    text, encoding, guessed = decoded(start, encoding)
    if "\x00" in text:
        raise InputRefused(f"{name}: this is no text", hint="name the format with --format")
    lone_returns = "\r" in text and "\n" not in text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    whole = text if len(start) < (1 << 16) else text[: text.rfind("\n") + 1]
    lines = whole.split("\n")
    if not whole and text.strip():
        raise InputRefused(
            f"{name}: its first line has more than {len(text) >> 10} kB: no delimited text",
            hint="look at it; --format names another format",
        )
    if not any(line.strip() for line in lines):
        raise InputRefused(f"{name}: the file is empty", hint="fetch it again")
    sign = delimiter or _find_delimiter(lines)
    found = list(records(lines[:_LOOKED_AT], sign, _is_data))
    rows = [row for _, _, row in found]
    widest = max(len(row) for row in rows)
    if widest > _WIDEST:
        raise InputRefused(f"{name}: a line of {widest} cells", hint=f"at most {_WIDEST} columns are read")
    at, columns, units = _find_columns(rows, wanted)
    above = found[at - 1][0] + found[at - 1][1] if at else 0
    return Head(
        encoding=encoding,
        guessed=guessed,
        delimiter=sign,
        columns=tuple(columns),
        units=tuple(units),
        data_line=above + 1,
        sample=tuple(tuple(row) for row in rows[at : at + 100] if _says_more(row, columns)),
        lone_returns=lone_returns,
        unit=said_unit(rows[:at]),
        zone=said_zone(rows[:at]),
        above=tuple(_trimmed(row) for row in rows[:at]),
    )


def _trimmed(row: Sequence[str]) -> tuple[str, ...]:
    """The cells of a row without the blank ones at its end."""
    said = [cell.strip() for cell in row]
    while said and not said[-1]:
        said.pop()
    return tuple(said)


def _says_more(row: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether a row is neither empty nor the head again."""
    said = [cell.strip() for cell in row]
    return any(said) and said != list(columns)


def _find_delimiter(lines: Sequence[str]) -> str:
    """The sign that cuts most lines into the same number of cells, and into times and numbers."""
    filled = [line for line in lines[:_LOOKED_AT] if line.strip() and not line.startswith("#")]

    def fitness(sign: str) -> tuple[float, float, int]:
        rows = [cells(line, sign) for line in filled]
        widths = Counter(len(row) for row in rows)
        tables = {width: lines for width, lines in widths.items() if width > 1}
        if not tables:
            return (0.0, 0.0, 0)
        width = max(tables, key=lambda width: (tables[width], width))
        last = [cell for row in rows[-20:] if len(row) == width for cell in row]
        understood = sum(looks_like_time(cell) or looks_like_number(cell) or is_blank(cell) for cell in last)
        return (tables[width] / len(filled), understood / max(1, len(last)), width)

    return max(_DELIMITERS, key=fitness)


def _is_data(row: Sequence[str]) -> bool:
    """Whether a row holds a time, beside at least one other cell."""
    return len(row) > 1 and any(looks_like_time(cell) for cell in row)


def _first_data(rows: Sequence[Sequence[str]]) -> int | None:
    """Index of the first row of data: behind a small table of another width, where one stands above it."""
    data = [index for index, row in enumerate(rows) if _is_data(row)]
    if not data:
        since = next((i for i, row in enumerate(rows) if any(looks_like_epoch(cell) for cell in row)), None)
        return since if since is not None else _below_names(rows)
    width = Counter(len(rows[index]) for index in data).most_common(1)[0][0]
    if len(rows[data[0]]) == width:
        return _behind_facts(rows, data)
    for count, index in enumerate(data[:4]):
        if len(rows[index]) == width:
            above = rows[index - 1]
            return index if count and not _is_data(above) and len(above) == width else data[0]
    return data[0]


def _below_names(rows: Sequence[Sequence[str]]) -> int | None:
    """Index of the first row with a number below names of columns, whose times are written in a way of their own."""
    for index, (above, row) in enumerate(pairwise(rows), 1):
        if len(row) == len(above) and _names_times(above) and any(looks_like_number(cell) for cell in row):
            return index
    return None


def _behind_facts(rows: Sequence[Sequence[str]], data: Sequence[int]) -> int:
    """Index of the first row of data: not a fact such as `Period,2024-01` above the head of the table."""
    first = data[0]
    if first and _names_times(_head_of(rows, first)) and any(looks_like_number(cell) for cell in rows[first]):
        return first  # below names of its own, with a value: a table, whatever comes behind it
    for index in data[1:4]:
        above = _head_of(rows, index)
        if not _is_data(above) and above != rows[first - 1] and _names_times(above):
            return index
    return first


def _head_of(rows: Sequence[Sequence[str]], index: int) -> Sequence[str]:
    """The row above a row; where that holds units, the one above it."""
    above = rows[index - 1]
    return rows[index - 2] if index > 1 and _are_units(above) else above


def _names_times(row: Sequence[str]) -> bool:
    """Whether a row holds names alone, and that of a column of times among them."""
    said = [cell.strip() for cell in row]
    words = all(said) and not any(looks_like_number(cell) or looks_like_time(cell) for cell in said)
    return words and any(plain_name(cell).startswith(TIME_WORDS) for cell in said)


def _find_columns(
    rows: Sequence[Sequence[str]], wanted: Sequence[str]
) -> tuple[int, list[str], list[str | None]]:
    """(index of the first data row, column names, their units)."""
    named = {word.strip().casefold() for word in wanted}
    head: int | None = None
    for index, row in enumerate(rows):
        if named and not _is_data(row) and named & {cell.strip().casefold() for cell in row}:
            head = index
            break
    if head is None:
        data = _first_data(rows)
        if data is None:  # a head without data
            tables = [index for index, row in enumerate(rows) if len(row) > 1]
            head = tables[-1] if tables else 0
        else:
            width = len(rows[data])
            filled = [i for i in range(data) if any(cell.strip() for cell in rows[i])]
            # A remark of one cell between the names and the data names no columns.
            above = [i for i in filled if len(rows[i]) > 1 and not _are_widths(rows[i])] or filled
            while len(above) > 1 and _is_total(rows[above[-1]]) and _names_times(rows[above[-2]]):
                above.pop()
            head = above[-1] if above and _is_head(rows[above[-1]], width) else None
            if head is not None and len(above) > 1 and _are_units(rows[head]):
                first = rows[above[-2]]
                if _is_head(first, width):
                    told = _merged(_told_apart(rows, above[-2]), rows[head])
                    return head + 1, _names(told, width), _units(rows[head], width)
            if head is None:  # no names: the columns are called by their number
                return data, [str(number + 1) for number in range(width)], [None] * width
    told = _told_apart(rows, head)
    columns = _names(told, len(rows[head]))
    after = head + 1
    if after < len(rows) and _are_units(rows[after]):
        columns = _names(_merged(told, rows[after]), len(rows[head]))
        return after + 1, columns, _units(rows[after], len(columns))
    if after < len(rows) and _are_widths(rows[after]):
        after += 1
    # Names that were told apart may be units: kWh and kW below each of several meters.
    units = [
        _unit_of(name.strip()) if name is not one else None
        for name, one in zip(rows[head], told, strict=True)
    ]
    return after, columns, units[: len(columns)]


def _told_apart(rows: Sequence[Sequence[str]], head: int) -> Sequence[str]:
    """The names of columns; where some are the same, each with the name that stands over it (`Hafen/Flow`)."""
    names = rows[head]
    above = rows[head - 1] if head else ()
    said = [name.strip() for name in names if name.strip()]
    if len(set(said)) == len(said) or len(above) != len(names):
        return names
    over, told = "", []
    for name, group in zip(names, above, strict=True):
        over = group.strip() or over
        told.append(f"{over}/{name.strip()}" if over and said.count(name.strip()) > 1 else name)
    return told


def _merged(names: Sequence[str], units: Sequence[str]) -> Sequence[str]:
    """The names of columns; one that stands over several units goes with each of them (`Hafen/kWh`, `Hafen/kW`)."""
    width = min(len(names), len(units))
    follows = [at > 0 and not names[at].strip() and bool(units[at].strip()) for at in range(width)]
    over, told = "", list(names)
    for at in range(width):
        over = names[at].strip() or over
        begins = at + 1 < width and follows[at + 1] and bool(units[at].strip())
        if over and (follows[at] or begins):
            told[at] = f"{over}/{units[at].strip().strip('[]()')}"
    return told


def _is_total(row: Sequence[str]) -> bool:
    """Whether a row holds a word and a sum: `Gesamt;1204,5`."""
    return is_total(row[0]) and any(looks_like_number(cell) for cell in row[1:])


def _is_head(row: Sequence[str], width: int) -> bool:
    trimmed = len(row) - (1 if row and not row[-1].strip() else 0)
    if trimmed > width > 1:  # rows may leave out cells at their ends
        return _names_times(row)
    return len(row) > 1 and min(trimmed, len(row)) <= width and len(row) >= min(2, width)


def _are_units(row: Sequence[str]) -> bool:
    """Whether a row below the names holds units: at least one, and nothing else."""
    said = [cell.strip().strip("[]()") for cell in row if not is_blank(cell)]
    return bool(said) and all(_unit_of(cell) is not None and not looks_like_number(cell) for cell in said)


def _are_widths(row: Sequence[str]) -> bool:
    """Whether a row below the names holds the widths of columns and what they hold: 5s, 20d, 14n."""
    return len(row) > 1 and all(_WIDTH.fullmatch(cell.strip()) for cell in row)


def _unit_of(text: str) -> str | None:
    try:
        return unit(text).symbol if text else None
    except CityctlError:
        return None


def _units(row: Sequence[str], width: int) -> list[str | None]:
    cells = [*row, *[""] * width][:width]
    return [_unit_of(cell.strip().strip("[]()")) for cell in cells]


def _names(row: Sequence[str], width: int) -> list[str]:
    """Column names, told apart by a number where two are the same."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for index in range(width):
        name = row[index].replace("\xa0", " ").strip() if index < len(row) else ""
        name = name or f"column {index + 1}"
        plain = name
        while name in seen:
            seen[plain] += 1
            name = f"{plain} #{seen[plain]}"
        seen[name] = 1
        names.append(name)
    while names and names[-1] == f"column {len(names)}" and len(names) > 2:
        names.pop()  # a delimiter at the end of the line
    return names
