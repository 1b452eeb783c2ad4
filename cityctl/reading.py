"""What a reading is: a point's value at an instant, with its quality.

The store keeps every value in the canonical unit of its quantity (units.canonical). Readings of kind
"interval" (kWh or m³ used within an interval) carry the START of their interval as their time.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from enum import IntEnum
from typing import Literal, NamedTuple

Kind = Literal["gauge", "counter", "interval", "state"]
"""gauge: an instant's value or an interval's mean · counter: an ever-rising register ·
interval: an amount within an interval · state: a code with a name (pump running, valve open)."""

COLUMNS = ("point", "time", "value", "quality", "received")

EARLIEST, LATEST = -2_208_988_800_000_000, 7_258_118_400_000_000
"""Times of readings, in µs since 1970: from 1900 on, and before 2200."""


class Quality(IntEnum):
    """How far a reading can be trusted; the worst of several wins (the largest)."""

    GOOD = 0
    ESTIMATED = 1  # substituted, interpolated or forecast by the source
    SUSPECT = 2  # outside plausible limits, or flagged as questionable by the source
    BAD = 3  # the device says that it has no valid value; the value is None


class Reading(NamedTuple):
    """One reading: point id, instant (aware, UTC), value in the canonical unit, quality."""

    point: str
    time: datetime
    value: float | None
    quality: Quality = Quality.GOOD


# Texts as readings of states: an alarm, a mode in plain words. A reading holds a number, so that each word has a
# code. It is worked out from the text alone: whoever stores a word, in whatever order, gives it the same one.

LEAST_WORD = 2**51
"""Codes of words begin here: above what devices count states with, below 2**53, up to which floats hold integers."""

_SHEET = re.compile(r"^'(?=\s*[=+@-])")  # how an export keeps a spreadsheet from running a text as a formula


def word_of(cell: str) -> str:
    """The word that a cell holds: without blanks around it, and without an export's apostrophe."""
    return _SHEET.sub("", cell.strip())


def code_of(word: str) -> int:
    """The code of a word: 50 bits of its sha256. Of a million words, two share one with a chance of 1 : 2000."""
    return LEAST_WORD + (int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big") >> 14)
