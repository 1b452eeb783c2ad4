"""How numbers stand in a sentence: thousands apart, counts with their word, shares in per cent; and how any text
becomes a plain name.

Knows no unit and no terminal; a table's cells are report/'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "å": "a", "ł": "l"}
)


def grouped(value: float, digits: int = 0) -> str:
    """A number, its thousands apart: `12 345.6`."""
    return f"{value:,.{digits}f}".replace(",", " ")


def counted(number: int, one: str, many: str | None = None) -> str:
    """A count with its word: `1 day`, `12 345 days`; `many` where the plural is not the word with an s."""
    return f"{grouped(number)} {one if number == 1 else many or f'{one}s'}"


def percent(share: float, digits: int = 0) -> str:
    """A share (0..1) in per cent: `7 %`."""
    return f"{100 * share:.{digits}f} %"


def plain_name(text: str) -> str:
    """A text in small letters, digits and `_`: `zaehlerstand_a` of `Zählerstand A+`; empty where it has none."""
    spelt = text.casefold().translate(_LETTERS)
    bare = unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def name_once(name: str, taken: Container[str]) -> str:
    """The name, or where it is taken the first of `name_2`, `name_3` .. that is not."""
    once, count = name, 1
    while once in taken:
        count += 1
        once = f"{name}_{count}"
    return once
