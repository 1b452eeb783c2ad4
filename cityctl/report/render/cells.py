"""What a cell is, and how it is written: for people (shown) and for files (settled, written).

One place decides what counts as missing, so that every format holds the same numbers. Knows no format.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from cityctl.result import Code, Column, Table

Cell = None | bool | int | float | str | datetime | date | list["Cell"]

MISSING = "-"
SHARE_UNIT = "0..1"  # what files say about a share; people see per cent

# C0 and C1 controls, line and paragraph separators, marks that turn the writing direction, lone surrogates:
# none of them may reach a terminal, a page or a spreadsheet from a name that somebody else chose.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: str) -> str:
    r"""The text with everything that could steer a terminal written out: ESC becomes `\x1b`."""
    return _UNSAFE.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    sign = match[0]
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
    if sign in named:
        return named[sign]
    return f"\\x{ord(sign):02x}" if ord(sign) < 0x100 else f"\\u{ord(sign):04x}"


def prose(text: str) -> str:
    """A sentence for people: line breaks become spaces, and nothing in it steers a terminal."""
    return clean(" ".join(text.split()))


def settled(cell: object) -> Cell:
    """The cell as one of a few plain types; NaN, infinity and NaT are None, times are aware UTC.

    A naive datetime is UTC, as everywhere inside. A number of another library becomes int or float.
    """
    if type(cell) is float:  # most cells are
        return cell if math.isfinite(cell) else None
    if cell is None or isinstance(cell, (bool, str)):
        return cell
    if isinstance(cell, datetime):
        if cell != cell:  # pandas' NaT calls itself a datetime
            return None
        return cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell.astimezone(UTC)
    if isinstance(cell, int):
        return int(cell)
    if isinstance(cell, float | Decimal):
        return float(cell) if math.isfinite(cell) else None
    if isinstance(cell, date):
        return cell
    if isinstance(cell, Mapping):
        return ", ".join(f"{key}: {_word(value)}" for key, value in cell.items())
    if isinstance(cell, bytes | bytearray | memoryview):
        return bytes(cell).hex()
    if isinstance(cell, Sequence):
        return [settled(part) for part in cell]
    if hasattr(cell, "tolist"):  # numpy's scalars and arrays
        return settled(cell.tolist())
    return str(cell)


def _word(cell: object) -> str:
    plain = settled(cell)
    return MISSING if plain is None else str(plain)


def cell_of(cell: object, column: Column) -> Cell:
    """The settled cell as its column means it: a whole number in an "integer" column is an int."""
    plain = settled(cell)
    if column.kind == "integer" and isinstance(plain, float) and plain.is_integer():
        return int(plain)
    return plain


def shown(cell: object, column: Column, zone: tzinfo, *, group: str = "") -> str:
    """The cell as people read it, rounded to the column's digits, times in the city's zone.

    `group` stands between thousands, in whole counts from 10 000 on; a missing cell is `-`. A number that is
    a name is never grouped.
    """
    if isinstance(cell, Code):
        return str(int(cell))
    plain = cell_of(cell, column)
    if plain is None or plain == "":
        return MISSING
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    if isinstance(plain, int | float):
        return _number(plain, column, group if column.grouped else "")
    if isinstance(plain, datetime):
        return local_time(plain, zone)
    if isinstance(plain, date):
        return plain.isoformat()
    if isinstance(plain, list):
        return ",".join(_part(part, column, zone) for part in plain) or MISSING
    return clean(plain)


def _part(part: Cell, column: Column, zone: tzinfo) -> str:
    return MISSING if part is None else shown(part, column, zone)


def _number(value: int | float, column: Column, group: str) -> str:
    if column.kind == "share":
        text = f"{value * 100:.{column.digits}f}"
    elif column.kind == "integer":
        text = f"{value:.0f}"
    elif column.kind in ("number", "spark"):
        text = f"{value:.{column.digits}f}"
    else:
        text = repr(value)
    if text.startswith("-") and not text.strip("-0."):
        text = text[1:]  # a rounded -0.04 is no negative zero
    if group:
        whole, dot, rest = text.partition(".")
        sign, figures = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        if len(figures) > (4 if column.kind == "integer" else 3) and figures.isdigit():
            text = sign + f"{int(figures):,}".replace(",", group) + dot + rest
    return text


def local_time(moment: datetime, zone: tzinfo) -> str:
    """`2026-11-19 02:15` in the city's zone; the hour that comes twice a year carries its offset."""
    local = moment.astimezone(zone)
    text = f"{local:%Y-%m-%d %H:%M}"
    if local.microsecond:
        text += f"{local:%S.%f}".rstrip("0").join((":", ""))
    elif local.second:
        text += f"{local:%S}".join((":", ""))
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    if twice:
        offset = f"{local:%z}"
        text += f" {offset[:3]}:{offset[3:5]}"
    return text


def utc_text(moment: datetime) -> str:
    """`2026-11-19T01:15:00Z`, for machines."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def unit_of(column: Column) -> str | None:
    """The unit that files name: the column's own, or 0..1 for a share."""
    return SHARE_UNIT if column.kind == "share" else column.unit


def shown_unit(column: Column) -> str:
    """The unit that people see over the column: `m³/h`, `%`, or nothing."""
    if column.kind == "share":
        return "%"
    if not column.unit:
        return ""
    from cityctl.units import pretty

    return clean(pretty(column.unit))


def keys_of(table: Table) -> list[str]:
    """The columns' keys, each once: `select 1 as a, 2 as a` gives a and a_2."""
    taken: dict[str, int] = {}
    keys: list[str] = []
    for column in table.columns:
        key = column.key
        while key in taken:
            taken[column.key] += 1
            key = f"{column.key}_{taken[column.key]}"
        taken[key] = 1
        keys.append(key)
    return keys


def is_right(column: Column) -> bool:
    """Whether the column stands right-aligned: figures do."""
    return column.kind in ("number", "integer", "share")


def text_width(text: str) -> int:
    """How many cells of a terminal the text takes: wide East Asian signs take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_sign_width(sign) for sign in text)


def _sign_width(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in ("W", "F") else 1
