"""How numbers stand in a sentence: thousands apart, counts with their word, shares in per cent.

Knows no unit and no terminal; a table's cells are report/'s.
"""

from __future__ import annotations


def grouped(value: float, digits: int = 0) -> str:
    """A number, its thousands apart: `12 345.6`."""
    return f"{value:,.{digits}f}".replace(",", " ")


def counted(number: int, one: str, many: str | None = None) -> str:
    """A count with its word: `1 day`, `12 345 days`; `many` where the plural is not the word with an s."""
    return f"{grouped(number)} {one if number == 1 else many or f'{one}s'}"


def percent(share: float, digits: int = 0) -> str:
    """A share (0..1) in per cent: `7 %`."""
    return f"{100 * share:.{digits}f} %"
