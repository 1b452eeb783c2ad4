"""When a charge applies: months, hours and days of the local calendar, as recipes write them.

months: 11-3            hours: [6-10, 18-22]            days: weekdays, or mon-sat, or sun
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS = {"all": range(7), "weekdays": range(5), "weekends": range(5, 7)}
_CLOCK = re.compile(r"(\d{1,2})(?::([0-5]\d))?")


def _parts(value: Any) -> list[str]:
    given = value if isinstance(value, list | tuple) else [value]
    return [part.strip().casefold() for one in given for part in str(one).split(",")]


def _months(value: Any) -> frozenset[int]:
    if isinstance(value, frozenset):
        return value
    found: set[int] = set()
    for part in _parts(value):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise ValueError(f"`{part}` are no months: write 6-9, or 11-3 over the turn of the year")
        low, high = int(first), int(last or first)
        if not (1 <= low <= 12 and 1 <= high <= 12):
            raise ValueError(f"`{part}`: months are 1 to 12")
        found.update(range(low, high + 1) if low <= high else [*range(low, 13), *range(1, high + 1)])
    return frozenset(found)


def _days(value: Any) -> frozenset[int]:
    if isinstance(value, frozenset):
        return value
    found: set[int] = set()
    for part in _parts(value):
        if part in _GROUPS:
            found.update(_GROUPS[part])
            continue
        first, _, last = part.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise ValueError(f"`{part}` are no days: write weekdays, weekends, all, mon-fri or sun")
        low, high = DAYS.index(first), DAYS.index(last or first)
        found.update(range(low, high + 1) if low <= high else [*range(low, 7), *range(high + 1)])
    return frozenset(found)


def _minute(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2] or 0) if found else -1
    if not 0 <= minute <= 1440:
        raise ValueError(f"`{text}` is no time of day: write 6, 6:30 or 24")
    return minute


def _hours(value: Any) -> tuple[tuple[int, int], ...]:
    if isinstance(value, tuple) and all(isinstance(one, tuple) for one in value):
        return value
    found: list[tuple[int, int]] = []
    for part in _parts(value):
        first, dash, last = part.partition("-")
        if not dash:
            raise ValueError(f"`{part}` are no hours: write 6-10, or 22-6 over midnight")
        low, high = _minute(first.strip()), _minute(last.strip())
        if low == high:
            raise ValueError(f"`{part}` holds no hour")
        found += [(low, high)] if low < high else [(low, 1440), (0, high)]
    return tuple(found)


_WORD = {"type": ["string", "integer"]}
_TEXT = WithJsonSchema({"anyOf": [_WORD, {"type": "array", "items": _WORD}]})
Months = Annotated[frozenset[int], BeforeValidator(_months), _TEXT]
Days = Annotated[frozenset[int], BeforeValidator(_days), _TEXT]
Hours = Annotated[tuple[tuple[int, int], ...], BeforeValidator(_hours), _TEXT]


class When(BaseModel):
    """The times in which a charge applies; all where nothing is said. Hours are [first, last) of the local day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    months: Months = Field(frozenset(range(1, 13)), description="months: 6-9, 11-3, or [1, 2, 12]")
    hours: Hours = Field(
        ((0, 1440),), description="hours of the local day, the last not included: 6-10, 22-6"
    )
    days: Days = Field(frozenset(range(7)), description="weekdays, weekends, all, mon-sat, sun")
    holidays: Literal["as-weekday", "as-sunday", "never", "only"] = Field(
        "as-weekday",
        description="how a public holiday is taken: as the day that it is, as a Sunday, or not at all",
    )

    def holds(self, month: Any, minute: Any, weekday: Any, holiday: Any) -> Any:
        """Whether it applies: arrays of month 1..12, minute of the local day, weekday 0..6, public holiday."""
        import numpy as np

        of_day = np.isin(weekday, list(self.days))
        if self.holidays == "as-sunday":
            of_day = np.where(holiday, 6 in self.days, of_day)
        elif self.holidays == "never":
            of_day &= ~holiday
        elif self.holidays == "only":
            of_day &= holiday
        of_hour = np.zeros(len(minute), bool)
        for low, high in self.hours:
            of_hour |= (minute >= low) & (minute < high)
        return of_day & of_hour & np.isin(month, list(self.months))
