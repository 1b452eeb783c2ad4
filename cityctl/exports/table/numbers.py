"""Numbers as exports write them: decimal comma or point, thousands separators, blank for missing.

Nothing is guessed: `1,234` alone is either one or a thousand, and is refused until the decimal sign is said. `0,234`
is no thousand, and a table whose cells are parted by `;` leaves the comma to its numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityctl import arrow
from cityctl.errors import InputRefused

Decimal = Literal[".", ","]
OK, BLANK, BAD = 0, 1, 2
_BLANKS = frozenset(["", "-", "--", "na", "n/a", "nan", "null", "none", "nil", "#n/a", "missing",
                     "unavailable", "unknown", "no data", "nodata", "n.a.", "n/d", "n/e", "n.v.", "k.a.", "#nv", "#n/v",
                     "keine daten", "sin datos", "?", "...", "…", "–", "—"])  # fmt: skip
_SPACES = re.compile(r"[\s\u00a0\u202f']")
_POINT = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_POINT_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?")
_COMMA = re.compile(r"[-+]?(?:\d+(?:,\d*)?|,\d+)(?:[eE][-+]?\d+)?")
_COMMA_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?")
_LONG = re.compile(r"[-+]?\d{4,}[.,]")  # four digits and more that nothing groups
_WHOLE = re.compile(r"[-+]?[1-9]\d*")
_SPACED = re.compile(r"[-+]?\d{1,3}(?:[\s\u00a0\u202f']\d{3})+(?:[.,]\d*)?")


def is_blank(text: str) -> bool:
    """Whether a cell says "no reading"."""
    return text.strip().lower() in _BLANKS


def _bare(text: str) -> str:
    """A number without blanks in it, and with its minus in front: `1 234,5-` as SAP writes it."""
    said = text.strip().replace("\u2212", "-")
    if said.endswith("-") and said[0].isdecimal():
        said = f"-{said[:-1].rstrip()}"
    return _SPACES.sub("", said) if _SPACED.fullmatch(said) else said


def looks_like_number(text: str) -> bool:
    """Whether a cell holds a number in one of the ways in which numbers are written."""
    said = _bare(text)
    return any(form.fullmatch(said) for form in (_POINT, _POINT_THOUSANDS, _COMMA, _COMMA_THOUSANDS))


def read_number(text: str, decimal: Decimal) -> float | None:
    """A number, or None where the cell is blank. Raises ValueError with the reason."""
    if is_blank(text):
        return None
    said = _bare(text)
    if decimal == ".":
        if _POINT_THOUSANDS.fullmatch(said):
            said = said.replace(",", "")
        if _POINT.fullmatch(said):
            return _finite(said)
        if _COMMA.fullmatch(said):
            raise ValueError("is no number with a decimal point: a decimal comma? (--decimal ,)")
    else:
        if _COMMA_THOUSANDS.fullmatch(said):
            said = said.replace(".", "")
        if _COMMA.fullmatch(said):
            return _finite(said.replace(",", "."))
        if _POINT.fullmatch(said):
            raise ValueError("is no number with a decimal comma: a decimal point? (--decimal .)")
    raise ValueError("is no number")


def _finite(said: str) -> float:
    value = float(said)
    if value in (float("inf"), float("-inf")):
        raise ValueError("is too large for a number")
    return value


def without_unit(texts: Any, word: str) -> Any:
    """A column of text without the unit that stands behind its numbers."""
    return pc.replace_substring_regex(texts, rf"\s*{re.escape(word)}\s*$", "")


def why_not(cell: object, decimal: Decimal) -> str:
    """Why a cell is no number."""
    try:
        read_number(str(cell), decimal)
    except ValueError as problem:
        return str(problem)
    return "is no number"


def with_signs(texts: Any) -> list[str]:
    """The distinct cells that may tell what the decimal sign is; of those with a point alone a few do."""
    distinct = pc.unique(texts).drop_null()
    commas = pc.match_substring(distinct, ",")
    points = pc.and_(pc.match_substring(distinct, "."), pc.invert(commas))
    sure = pc.and_(
        points, pc.match_substring_regex(distinct, r"\.(?:\d{0,2}|\d{4,})\s*$|^\s*[-+]?(?:0*|\d{4,})\.")
    )
    uneven = pc.and_(points, pc.invert(pc.match_substring_regex(distinct, r"\.\d{3}\s*$")))
    told: list[str] = []
    few = (distinct.filter(which)[:5] for which in (sure, points, uneven))
    for chosen in (distinct.filter(commas), *few):
        told += chosen.to_pylist()
    return told


def told_by_whole(name: str, texts: Any) -> Decimal | None:
    """The decimal sign of a column, told by whole numbers beside those with three figures behind a sign; else none.

    Programs write all decimals or leave zeros at the end out: 1.020 beside 950 is one thousand. Beside 2500, which
    nothing groups, it is none. Raises InputRefused where hundreds stand beside 1.104 alone.
    """
    distinct = [text.strip() for text in pc.unique(texts).drop_null().to_pylist()]
    signed = [text for text in distinct if "." in text or "," in text]
    whole = [text for text in distinct if _WHOLE.fullmatch(text)]
    signs: tuple[tuple[Decimal, Decimal, re.Pattern[str]], ...] = (
        (".", ",", _COMMA_THOUSANDS),
        (",", ".", _POINT_THOUSANDS),
    )
    for sign, other, form in signs:
        if not whole or not signed or not all(form.fullmatch(text) and text[-4] == sign for text in signed):
            continue
        if any(len(text.lstrip("+-")) > 3 for text in whole):
            return sign
        if any(text.endswith("0") for text in signed):
            return other
        if any(len(text.lstrip("+-")) == 3 for text in whole):
            raise _unsure(
                f"{name}: `{signed[0]}` may be a thousand where `{whole[0]}` stands, or have decimals"
            )
    return None


def decimal_of(
    name: str, texts: Iterable[str], delimiter: str | None, whole: Iterable[Decimal | None] = ()
) -> tuple[Decimal | None, bool]:
    """(decimal sign, whether it is taken for one between `;` alone) of the numbers of a table; none where none has one.

    `whole` are the signs that the whole numbers of columns tell, asked last. Raises InputRefused where it is unsure:
    also where both signs are met beside a number that either may part, and where `3.106` would be the one grouped
    number among ungrouped ones such as `47672,936`.
    """
    sure: dict[Decimal, str] = {}
    unsure: dict[Decimal, str] = {}  # by the sign that stands in it
    long: dict[Decimal, str] = {}
    for text in texts:
        said = _bare(text)
        if "." not in said and "," not in said:
            continue
        as_point = bool(_POINT.fullmatch(said) or _POINT_THOUSANDS.fullmatch(said))
        as_comma = bool(_COMMA.fullmatch(said) or _COMMA_THOUSANDS.fullmatch(said))
        if as_point and as_comma:
            unsure.setdefault("," if "," in said else ".", said)
        elif as_point or as_comma:
            sign: Decimal = "." if as_point else ","
            sure.setdefault(sign, said)
            if _LONG.match(said):
                long.setdefault(sign, said)
    if len(sure) == 2 and unsure:
        doubtful = next(iter(unsure.values()))
        raise _unsure(
            f"{name}: `{sure['.']}` has a decimal point, `{sure[',']}` a comma: `{doubtful}` may have either"
        )
    if len(sure) == 1:
        ((sign, _),) = sure.items()
        other = unsure.get("," if sign == "." else ".")
        if other and sign in long:
            raise _unsure(f"{name}: `{other}` is no thousand where `{long[sign]}` stands ungrouped")
        return sign, False
    if sure:
        return ".", False
    told: Decimal | None = next((one for one in whole if one), None) if unsure else None
    if len(unsure) == 1 and told is not None:
        return told, False
    if len(unsure) == 2:
        raise _unsure(
            f"{name}: `{unsure['.']}` and `{unsure[',']}` may have a decimal sign or a thousands separator"
        )
    if "," in unsure and delimiter != ";":
        raise _unsure(f"{name}: `{unsure[',']}` may be a decimal comma or a thousands separator")
    if "." in unsure and delimiter == ";":
        raise _unsure(f"{name}: `{unsure['.']}` between `;` may have a decimal point or be a thousand")
    return next(iter(unsure), None), bool(unsure) and delimiter == ";"


def check_alike(name: str, texts: Iterable[str], decimal: Decimal) -> None:
    """Raises InputRefused where the numbers of a column have three decimals, but one that would be a whole thousand.

    `5,458` among `5.123` and `0.494` may well be 5.458. Where others are grouped, or have fewer decimals as programs
    write them that leave zeros out, it is a thousand.
    """
    comma = "," if decimal == "." else "."
    said = [text.strip() for text in texts if looks_like_number(text)]
    pointed = [text for text in said if decimal in text]
    thousands = [text for text in said if comma in text]
    grouped = any(decimal in text or text.count(comma) > 1 for text in thousands)
    if pointed and thousands and not grouped and all(text[-4:-3] == decimal for text in pointed):
        near = thousands[0].replace(comma, decimal)
        raise _unsure(
            f"{name}: `{thousands[0]}` may be `{near}` where `{pointed[0]}` stands, or a thousand times that"
        )


def _unsure(message: str) -> InputRefused:
    return InputRefused(message, hint="say it with --decimal , or --decimal .")


def read_numbers(
    texts: Any, decimal: Decimal, missing: tuple[float, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    """(values, states OK, BLANK or BAD) of a column of text or of numbers."""
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        return _typed(texts, missing)
    count = len(texts)
    try:
        # The usual column: every cell a number with a decimal point, or empty.
        read = pc.cast(pc.if_else(pc.equal(texts, pa.scalar("")), None, texts), pa.float64())
        if decimal == ",":
            raise pa.ArrowInvalid
    except pa.ArrowInvalid:
        values, states = np.zeros(count, np.float64), np.zeros(count, np.uint8)
        coded = pc.dictionary_encode(texts)
        known = [_told(text, decimal) for text in coded.dictionary.to_pylist()]
        at = arrow.array_of(pc.fill_null(coded.indices, len(known)))
        values = np.array([value for value, _ in known] + [0.0], np.float64)[at]
        states = np.array([state for _, state in known] + [BLANK], np.uint8)[at]
        return values, _declared_missing(values, states, missing)
    return _typed(read, missing)


def _told(text: str, decimal: Decimal) -> tuple[float, int]:
    try:
        value = read_number(text, decimal)
    except ValueError:
        return 0.0, BAD
    return (0.0, BLANK) if value is None else (value, OK)


def _typed(column: Any, missing: tuple[float, ...]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    numbers = pc.cast(column, pa.float64())
    values = arrow.array_of(numbers).astype(np.float64, copy=True)
    states = np.zeros(len(values), np.uint8)
    states[np.isnan(values)] = BLANK
    states[np.isinf(values)] = BAD
    values[states != OK] = 0.0
    return values, _declared_missing(values, states, missing)


def _declared_missing(
    values: npt.NDArray[np.float64], states: npt.NDArray[np.uint8], missing: tuple[float, ...]
) -> npt.NDArray[np.uint8]:
    for value in missing:
        states[(states == OK) & (values == value)] = BLANK
    return states
