"""What the rows above a table say about all of its values and times."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cityctl.exports.table.cells import plain_name
from cityctl.exports.table.names import phrase_unit
from cityctl.exports.table.words import UNIT_WORDS
from cityctl.exports.table.zone import place_named, zone_in

_ZONE = re.compile(
    r"\b(?:time\s?zone|zeitzone|fuseau horaire|huso horario|fuso orario|tijdzone|(?:times?|zeiten)(?: are)? in)"
    r"\s*[:=]?\s*((?:UTC|GMT)(?:\s*[+-]\d{1,2}(?::?00)?)?(?![\w+-])|[A-Z]\w+/[\w/-]+)",
    re.I,
)


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
    """The zone that a preamble says: `Time zone: UTC`, `all times in GMT`, `Zeitzone;Europe/Berlin`."""
    for row in above:
        found = _ZONE.search(" ".join(cell.strip() for cell in row))
        if found is not None:
            return found[1] if place_named(found[1]) else zone_in(found[1])
    return None
