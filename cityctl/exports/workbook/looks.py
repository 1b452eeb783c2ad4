"""How a cell's number is shown: as a day, a clock, a number with zeros in front, per cent or a unit behind it.

A number becomes the text that a person sees, with every figure that is stored. Knows no sheets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from cityctl.exports.meaning import known_unit

Kind = Literal["number", "day", "moment", "clock"]

_SINCE = datetime(1899, 12, 30)  # noqa: DTZ001 - a wall clock's
_SINCE_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - a wall clock's
_DAYS = frozenset([14, 15, 16, 17, *range(27, 32), 34, 35, 36, *range(50, 59)])  # built-in formats of days
_MOMENTS = frozenset([22])
_CLOCKS = frozenset([18, 19, 20, 21, 32, 33, 45, 46, 47])
_PER_CENT = frozenset([9, 10])
# What is no letter of a format: quoted text, signs after a backslash, colours and places in brackets.
_ASIDE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.I)
_BEHIND = re.compile(r'(?:\\?\s|")*\s*"?\s*([^\s"#0?.,]+)"\s*$')
_THREE_FIGURES = re.compile(r"-?\d{1,3}\.\d{3}")
_DAY = 86_400
_NEAR = 0.005  # s: what the last figures of a serial number leave out
_LONGEST = 366  # days that a clock may count; more are a moment of which the clock is shown
_LAST = 2_958_466  # days, up to the year 9999


@dataclass(frozen=True)
class Look:
    """How numbers of one style are shown; `width` is the number of figures, with zeros in front."""

    kind: Kind = "number"
    width: int = 0
    per_cent: bool = False
    unit: str = ""


@cache
def look_of(number: int, code: str = "") -> Look:
    """What a number format says, by its number where it is built in, else by its code."""
    if not code:
        kind: Kind = "day" if number in _DAYS else "moment" if number in _MOMENTS else "number"
        return Look("clock" if number in _CLOCKS else kind, per_cent=number in _PER_CENT)
    shown = code.split(";")[0]
    letters = _ASIDE.sub("", shown).casefold()
    if "general" not in letters and re.search(r"[ymdhs]", letters):
        dated, timed = re.search(r"[yd]|m{3,}", letters) is not None, re.search(r"[hs]", letters) is not None
        return Look("moment" if dated and timed else "clock" if timed else "day")
    behind = _BEHIND.search(shown)
    unit = behind[1] if behind is not None and known_unit(behind[1]) is not None else ""
    width = len(letters) if re.fullmatch(r"0{2,}", letters) else 0
    return Look("number", width, letters.rstrip().endswith("%"), unit)


def shown(text: str, look: Look, since_1904: bool) -> str:
    """A stored number as it is shown; what is no number stays as it is."""
    try:
        value = float(text)
    except ValueError:
        return text
    if look.kind != "number" and 0 <= value < _LAST:
        return _timed(value, look, since_1904)
    if look.per_cent:
        return f"{_number(value * 100)} %"
    if look.width and value == int(value):
        return f"{int(value):0{look.width}}"
    return f"{_number(value, text)} {look.unit}".rstrip()


def _timed(value: float, look: Look, since_1904: bool) -> str:
    """Days since 1900 as a day, a moment or a clock; a clock that holds a day as well is a moment."""
    seconds = value * _DAY
    whole = round(seconds)
    micros = whole * 1_000_000 if abs(seconds - whole) <= _NEAR else round(seconds * 1000) * 1000
    if value < 1 or (look.kind == "clock" and value < _LONGEST):
        minutes, second = divmod(micros // 1_000_000, 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}"
    moment = (_SINCE_1904 if since_1904 else _SINCE) + timedelta(microseconds=micros)
    if look.kind == "day" and (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return f"{moment:%Y-%m-%d}"
    return moment.isoformat(" ")


def _number(value: float, text: str = "") -> str:
    """A number with a decimal point; three figures behind it are four, so that nobody takes them for a thousand."""
    if re.fullmatch(r"-?\d+", text):
        return text
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    said = repr(value)
    return f"{said}0" if _THREE_FIGURES.fullmatch(said) else said
