"""Letters that stand for a time zone: CET, MEZ, AEST; and those that several zones share: EST, CST, IST, BST.

Shared letters are read as the city's zone uses them (or the one that was said with --time-zone), and in America and
Australia as they are used there. Elsewhere nothing is guessed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cityctl.errors import InputRefused

# Hours ahead of UTC.
_HOURS: dict[str, float] = {
    "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "WEZ": 0, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2,
    "EEST": 3, "OEZ": 2, "OESZ": 3, "MSK": 3, "WAT": 1, "CAT": 2, "SAST": 2, "EAT": 3, "PKT": 5, "SGT": 8, "HKT": 8,
    "JST": 9, "KST": 9, "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "BRT": -3, "ART": -3, "NST": -3.5, "NDT": -2.5, "MST": -7, "MDT": -6, "ADT": -3, "EDT": -4, "CDT": -5,
    "PST": -8, "PDT": -7, "AKST": -9, "IDT": 3,
    "AKDT": -8, "HST": -10,
}  # fmt: skip
# A zone that uses them in each meaning; in _VAST, the one of the same part of the world is meant.
_SHARED: dict[str, dict[str, float]] = {
    "EST": {"America/New_York": -5, "Australia/Brisbane": 10},
    "EDT": {"Australia/Sydney": 11},
    "CST": {"America/Chicago": -6, "Asia/Shanghai": 8, "Australia/Darwin": 9.5},
    "CDT": {"Australia/Adelaide": 10.5},
    "AST": {"America/Halifax": -4, "Asia/Riyadh": 3},
    "WST": {"Australia/Perth": 8, "Pacific/Apia": 13},
    "GST": {"Asia/Dubai": 4, "Atlantic/South_Georgia": -2},
    "IST": {"Asia/Kolkata": 5.5, "Europe/Dublin": 1, "Asia/Jerusalem": 2},
    "BST": {"Europe/London": 1, "Asia/Dhaka": 6},
}
_VAST = ("America", "Australia")
_PARTS = {"US": "America", "Canada": "America"}
# The clock on the wall, where its two names are said.
_WALLS = {
    frozenset({"CET", "CEST"}): "Europe/Brussels", frozenset({"MEZ", "MESZ"}): "Europe/Berlin",
    frozenset({"EET", "EEST"}): "Europe/Athens", frozenset({"WET", "WEST"}): "Europe/Lisbon",
    frozenset({"GMT", "BST"}): "Europe/London", frozenset({"GMT", "IST"}): "Europe/Dublin",
    frozenset({"MST", "MDT"}): "America/Denver", frozenset({"PST", "PDT"}): "America/Los_Angeles",
    frozenset({"AKST", "AKDT"}): "America/Anchorage", frozenset({"AEST", "AEDT"}): "Australia/Sydney",
    frozenset({"ACST", "ACDT"}): "Australia/Adelaide", frozenset({"NZST", "NZDT"}): "Pacific/Auckland",
    frozenset({"IST", "IDT"}): "Asia/Jerusalem", frozenset({"NST", "NDT"}): "America/St_Johns",
    **{frozenset({word}): "America/New_York" for word in ("ET", "EPT")},
    **{frozenset({word}): "America/Chicago" for word in ("CT", "CPT")},
    **{frozenset({word}): "America/Denver" for word in ("MT", "MPT")},
    **{frozenset({word}): "America/Los_Angeles" for word in ("PT", "PPT")},
}  # fmt: skip
STANDING = frozenset(_HOURS) | frozenset(_SHARED)
KNOWN = STANDING | frozenset().union(*_WALLS)


class SeveralZones(InputRefused):
    """Letters stand for several zones, and nobody said for which."""

    def __init__(self, letters: str) -> None:
        told = (f"{zone} ({shown(timedelta(hours=hours))})" for zone, hours in _SHARED[letters].items())
        super().__init__(
            f"`{letters}` stands for several time zones", hint=f"say whose: --time-zone {' or '.join(told)}"
        )


def ahead(letters: str, zone: str | None) -> timedelta:
    """How far the letters' clock is ahead of UTC; `zone` is the city's, or the one that was said.

    `letters` are among STANDING. Raises SeveralZones where that leaves it open.
    """
    own = _own(zone) if zone else {}
    if letters in own:
        return own[letters]
    part = _part(zone or "")
    for known, hours in _SHARED.get(letters, {}).items():
        if known == zone or (part in _VAST and _part(known) == part):
            return timedelta(hours=hours)
    if letters not in _HOURS:
        raise SeveralZones(letters)
    return timedelta(hours=_HOURS[letters])


def wall_of(letters: frozenset[str]) -> str | None:
    """The zone whose clocks go by both names, such as CET and CEST."""
    return _WALLS.get(letters)


def in_america(zone: str | None) -> bool:
    """Whether a zone lies in America."""
    return _part(zone or "") == "America"


def offsets_of(zone: str) -> set[timedelta]:
    """How far a zone's clocks are ahead of UTC, in winter and in summer."""
    return set(_own(zone).values())


@lru_cache(maxsize=64)
def _own(zone: str) -> dict[str, timedelta]:
    """What a zone calls its own time in winter and in summer, and how far that is ahead of UTC."""
    moments = [datetime(2024, month, 1, tzinfo=ZoneInfo(zone)) for month in (1, 7)]
    return {moment.tzname() or "": moment.utcoffset() or timedelta() for moment in moments}


def shown(offset: timedelta) -> str:
    """`+05:30`."""
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _part(zone: str) -> str:
    part = zone.partition("/")[0]
    return _PARTS.get(part, part)
