"""The zone that a column's name or a line above the table says: `Time (UTC+1)`, `Zeit (MEZ)`, `[Europe/Berlin]`.

What a table says of itself goes before the city's zone and --time-zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from cityctl.errors import InputRefused
from cityctl.exports.table.clock.letters import KNOWN, STANDING, ahead, in_america, offsets_of, shown, wall_of

# Where a name runs words together: HourUTC, utcTime, UTCTimestamp.
_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=utc\b)")
_PLACE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z_]+(?:[/+-][A-Za-z0-9_]+)*")
_OFFSET = re.compile(
    r"(?<![^\W_])(?:UTC|GMT)\s*([+\u2212-])\s*(\d{1,2})(?::?([0-5]\d))?\s*h?(?![^\W_])"
    r"|[\[(]\s*([+\u2212-])(\d{2}):?([0-5]\d)\s*[\])]",
    re.I,
)
_WORD = re.compile(r"(?<![^\W_])[A-Za-z]{1,4}(?![^\W_])")
_BRACKETS = re.compile(r"[\[(]([^\])]*)[\])]")
_STANDARD = re.compile(
    r"winterzeit|normalzeit|normaltid|wintertijd|vintertid|local standard time|heure d.hiver|hora(?:rio)? de invierno"
    r"|ora solare|[\[(]LST[\])]",
    re.I,
)
# Letters that are no word of another meaning, and may be small; and those that are one even if they are not.
_SMALL = frozenset(
    ["UTC", "GMT", "CET", "CEST", "MEZ", "MESZ", "EET", "EEST", "OEZ", "OESZ", "AWST", "ACST", "ACDT", "AEST", "AEDT",
     "NZST", "NZDT", "AKST", "AKDT", "EPT", "CPT", "MPT", "PPT"]
)  # fmt: skip
_WORDS = frozenset(["WEST", "WET", "WAT", "CAT", "EAT", "ART", "AST", "ET", "CT", "MT", "PT"])
_FARTHEST = timedelta(hours=14)


def is_utc(name: str) -> bool:
    """Whether a name says UTC, and no other zone."""
    offsets, letters = _told(name)
    return not offsets and bool(letters) and letters <= {"UTC", "GMT"}


def without_zone(name: str) -> str:
    """A name without what it says of a zone: `Bis` of `Bis (MEZ)`."""
    bare = _OFFSET.sub(" ", name)
    for word in set(_letters(bare)):
        bare = re.sub(rf"(?<![^\W_]){word}(?![^\W_])", " ", bare, flags=re.I)
    return re.sub(r"[\[(][\s/]*[\])]", " ", bare).strip(" _")


def zone_said(name: str, known: str | None) -> tzinfo | None:
    """The zone that a name says; `known` is the city's, or that of --time-zone. None where it says none.

    Two clocks an hour apart, such as CET/CEST, are the one on the wall; the time of winter (`Normalzeit`) is that of
    the known zone. Raises SeveralZones, and InputRefused where nobody's wall goes by what it says.
    """
    for found in _PLACE.finditer(name):
        if (place := place_named(found[0])) is not None:
            return place
    offsets, letters = _told(name)
    if not in_america(known):  # `Hora (PT)` is Portugal's
        letters = frozenset(word for word in letters if len(word) > 2)
    wall = wall_of(letters)
    if wall is not None:
        offsets = offsets_of(wall)
    elif letters <= STANDING:
        offsets |= {ahead(word, known) for word in sorted(letters)}
    if not offsets and known and _STANDARD.search(name):
        offsets = {min(offsets_of(known))}
    if not offsets:
        return None
    if len(offsets) == 1:
        return _fixed(offsets.pop(), letters)
    if known and offsets == offsets_of(known):
        return ZoneInfo(known)
    if wall is None:
        raise InputRefused(
            "it says several offsets from UTC", hint="say the place whose clock it is with --time-zone"
        )
    return ZoneInfo(wall)


def place_named(text: str) -> ZoneInfo | None:
    """The zone whose name a text is, such as Europe/Berlin."""
    if not _PLACE.fullmatch(text):
        return None
    try:
        return ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        return None


def _fixed(offset: timedelta, letters: frozenset[str]) -> tzinfo:
    """A clock that never changes, called as people read it in a message."""
    named = f"UTC{shown(offset)}" if offset else "UTC"
    others = letters - {"UTC", "GMT"}
    return timezone(offset, f"{next(iter(others))} ({named})" if len(others) == 1 else named)


def _told(name: str) -> tuple[set[timedelta], frozenset[str]]:
    """(offsets from UTC, letters of zones) that a name says."""
    offsets = set()
    for found in _OFFSET.finditer(name):
        sign, hours, minutes = found.groups()[:3] if found[1] else found.groups()[3:]
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        if offset <= _FARTHEST:
            offsets.add(offset if sign == "+" else -offset)
    return offsets, frozenset(_letters(_OFFSET.sub(" ", name)))


def _letters(name: str) -> Iterator[str]:
    name = name.replace("CE(S)T", "CET/CEST").replace("ME(S)Z", "MEZ/MESZ")
    bracketed = set(_WORD.findall(" ".join(_BRACKETS.findall(name))))
    for found in _WORD.findall(_SEAM.sub(" ", name)):
        word = found.upper()
        large = found == word or name.endswith(f"_{found}")  # start_est: no word of a sentence
        if word in KNOWN and (word in _SMALL or (large and (word not in _WORDS or word in bracketed))):
            yield word
