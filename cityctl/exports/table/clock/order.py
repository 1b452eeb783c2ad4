"""Whether the day or the month comes first, told by the texts themselves.

A number above twelve tells it; else the steps of the table do: readings that go on every half hour go on from one
day to the next, and not from one month to the next. Where neither does, the order that all write in the zone of the
times is taken, and that is said: the month first in the United States, the day first in Europe and Australia.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Literal

Order = Literal["ymd", "dmy", "mdy"]

_PARTS = re.compile(
    r"\s*(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?:[T\s,;]+(\d{1,2})[:.h](\d{2})\S*\s*([AaPp])?)?"
)
_LOOKED_AT = 5000
_DAY = 1440
_NEAR, _FAR = 2 * _DAY, 27 * _DAY  # minutes: the steps of a table that goes on; those of a wrong order
_FEWEST = 6  # steps within a day
# Zones of the United States, where the month comes first.
_MONTH_FIRST = re.compile(
    r"US/\w+|America/(?:New_York|Detroit|Kentucky/\w+|Indiana/\w+|Chicago|Menominee|North_Dakota/\w+|Denver|Boise|Phoenix"
    r"|Los_Angeles|Anchorage|Juneau|Sitka|Metlakatla|Yakutat|Nome|Adak)|Pacific/Honolulu"
)
_DAY_FIRST = re.compile(r"(?:Europe|Australia)/\w+|Pacific/Auckland")


def order_of_place(zone: str | None, texts: Iterable[str]) -> Order | None:
    """The order that all write where a zone is; None where both are met there.

    In Europe a clock with AM and PM is a program's from elsewhere.
    """
    halves = any((parts := _PARTS.match(text)) and parts[6] for text in texts)
    if zone is None or (halves and zone.startswith("Europe/")):
        return None
    return "mdy" if _MONTH_FIRST.fullmatch(zone) else "dmy" if _DAY_FIRST.fullmatch(zone) else None


def order_of_steps(texts: Iterable[str]) -> Order | None:
    """The order in which times go on without a gap, where the other order tears them apart; else None."""
    found: list[tuple[int, ...]] = []
    for text in texts:
        parts = _PARTS.match(text)
        if parts is None or parts[4] is None:
            continue
        hour = int(parts[4]) % 12 + (12 if parts[6] in "pP" else 0) if parts[6] else int(parts[4])
        found.append((int(parts[1]), int(parts[2]), int(parts[3]), hour * 60 + int(parts[5])))
        if len(found) >= _LOOKED_AT:
            break
    within = sum(one[:3] == other[:3] for one, other in pairwise(found))
    if within < _FEWEST:
        return None
    day_first, month_first = _longest(found, 0), _longest(found, 1)
    if day_first is not None and day_first <= _NEAR and (month_first is None or month_first >= _FAR):
        return "dmy"
    if month_first is not None and month_first <= _NEAR and (day_first is None or day_first >= _FAR):
        return "mdy"
    return None


def _longest(times: Sequence[tuple[int, ...]], day: int) -> int | None:
    """The longest step in minutes, if number `day` of a time is its day; None where one is no day then."""
    try:
        minutes = [
            date(parts[2] + (2000 if parts[2] < 100 else 0), parts[1 - day], parts[day]).toordinal() * _DAY
            + parts[3]
            for parts in times
        ]
    except ValueError:
        return None
    return max(abs(after - before) for before, after in pairwise(minutes))
