"""Formulas without a value: a program wrote them, and no spreadsheet has worked them out since.

Their cells are blank for whoever reads values alone; here they are found in the sheet's own text. Knows no looks.
"""

from __future__ import annotations

import re
from html import unescape
from typing import IO

_PIECE = 1 << 20
_LONGEST = 1 << 14  # bytes of a cell; a formula has at most 8192 signs
# `t="str"` is a formula whose value is a text: there an empty one was worked out.
_WITHOUT_VALUE = re.compile(
    rb'<(?:\w+:)?c\b(?![^>]*\bt="str")[^>]*\br="([A-Z]+[0-9]+)"[^>]*>\s*'
    rb"<(?:\w+:)?f\b[^>]*(?:/>|>([^<]*)</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)


def never_worked_out(part: IO[bytes]) -> dict[str, str]:
    """Cell -> its formula, such as `C2` -> `=A2+B2`, where it has no value; `part` is the XML of a sheet."""
    found: dict[str, str] = {}
    held = b""
    while piece := part.read(_PIECE):
        held += piece
        for match in _WITHOUT_VALUE.finditer(held):
            found[match[1].decode()] = f"={unescape((match[2] or b'...').decode())}"
        held = held[-_LONGEST:]
    return found
