"""How a cell is shown: as a day, a clock, a number with zeros in front, per cent or a unit behind it.

A value becomes the text that a person sees, with every figure that is stored. Knows no sheets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

from cityctl.exports.meaning import known_unit

# What is no letter of a format: quoted text, signs after a backslash, colours and places in brackets.
_ASIDE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_BEHIND = re.compile(r'(?:\\?\s|")*\s*"?\s*([^\s"#0?.,]+)"\s*$')
_THREE_FIGURES = re.compile(r"-?\d{1,3}\.\d{3}")
_LEAP = datetime(1900, 3, 1)  # noqa: DTZ001 - a wall clock's: before it days count from the eve of 1900
_LONGEST = timedelta(days=366)  # that a clock may count; more are a moment of which the clock is shown


@dataclass(frozen=True)
class Look:
    """How numbers of one format are shown; `width` is the number of figures, with zeros in front."""

    dated: str | None = None
    """date, time or datetime"""
    width: int = 0
    per_cent: bool = False
    unit: str = ""
    fractions: bool = False
    """of a second"""


@cache
def look_of(code: str) -> Look:
    """What the code of a number format says."""
    from openpyxl.styles.numbers import is_datetime

    first = code.split(";")[0]
    letters = _ASIDE.sub("", first)
    behind = _BEHIND.search(first)
    unit = behind[1] if behind is not None and known_unit(behind[1]) is not None else ""
    width = len(letters) if re.fullmatch(r"0{2,}", letters) else 0
    return Look(is_datetime(code), width, letters.rstrip().endswith("%"), unit, "s.0" in letters.lower())


def shown(value: object, code: str, epoch: datetime) -> str:
    """A cell's value as it is shown; `epoch` is the moment that the workbook's days count from."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        look = look_of(code)
        if look.per_cent:
            return f"{_number(value * 100)} %"
        if look.width and value == int(value):
            return f"{int(value):0{look.width}}"
        return f"{_number(value)} {look.unit}".rstrip()
    if isinstance(value, datetime):
        return _moment(value, look_of(code), epoch)
    if isinstance(value, timedelta):
        return _clock(value) if value < _LONGEST else (epoch + value).isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _moment(value: datetime, look: Look, epoch: datetime) -> str:
    if not look.fractions:  # days that were added up by quarters of an hour drift by thousandths of a second
        value = (value + timedelta(milliseconds=500)).replace(microsecond=0)
    since = (
        value - epoch - (timedelta(days=1) if epoch < value < _LEAP and epoch.year < 1900 else timedelta())
    )
    if look.dated == "time" and timedelta() <= since < _LONGEST:
        return _clock(since)
    if look.dated == "date" and value.time() == time():
        return f"{value:%Y-%m-%d}"
    return value.isoformat(" ")


def _clock(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _number(value: float) -> str:
    """A number with a decimal point; three figures behind it are four, so that nobody takes them for a thousand."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    said = repr(value)
    return f"{said}0" if _THREE_FIGURES.fullmatch(said) else said
