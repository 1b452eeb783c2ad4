"""What the rows above a table say about all of its values and times."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cityctl.exports.table.cells import plain_name
from cityctl.exports.table.names import phrase_unit
from cityctl.exports.table.words import UNIT_WORDS

_ZONE = re.compile(
    r"\b(?:time\s?zone|zeitzone|zeitbasis|zeitbezug|fuseau horaire|huso horario|fuso orario|tijdzone|tidszone"
    r"|(?:times?|timestamps?|zeiten|zeitangaben|zeitstempel)(?: are| sind)? in)\s*[:=]?\s*(\S.*)",
    re.I,
)
# As Windows calls the clock on the wall: (UTC+01:00) Amsterdam, Berlin, Rome.
_WALL = re.compile(r"\((?:UTC|GMT)[^)]*\)\s*[A-Z][a-z]")


def said_unit(above: Sequence[Sequence[str]]) -> str | None:
    """The unit that a preamble says: in the cell behind or below a cell that is called `Unit`."""
    for index, row in enumerate(above):
        below = above[index + 1] if index + 1 < len(above) else ()
        for at, cell in enumerate(row):
            if plain_name(cell) in UNIT_WORDS:
                found = [phrase_unit(text) for text in (*row[at + 1 : at + 2], *below[at : at + 1])]
                if any(found):
                    return next(said for said in found if said)
    return None


def said_zone(above: Sequence[Sequence[str]]) -> str | None:
    """What a preamble says of the zone: `UTC` in `Time zone: UTC`, `MEZ` in `Alle Zeiten in MEZ`."""
    for row in above:
        found = _ZONE.search(" ".join(cell.strip() for cell in row))
        if found is not None and not _WALL.match(found[1]):
            return found[1]
    return None
