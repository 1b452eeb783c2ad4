"""Days whose day and month a spreadsheet exchanged when it opened a table: `02/01/2026` of the 2nd of January.

Where its own order is the other one it takes days up to the 12th for dates of another month, and leaves the rest as
texts: nothing in a cell shows it, but the column does. Knows no sheets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

_DAY = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-]\d{2,4}\b")
_FEWEST = 3


@dataclass
class _Column:
    dates: set[date] = field(default_factory=set)
    months: tuple[set[int], set[int]] = field(
        default_factory=lambda: (set(), set())
    )  # of texts, by the day's place
    texts: int = 0
    open: bool = False  # a text that may be read either way: the spreadsheet would have made a date of it


@dataclass
class Exchanged:
    """Watches the cells of a sheet go by."""

    _columns: dict[int, _Column] = field(default_factory=dict)

    def watch(self, column: int, value: object) -> None:
        """A cell's value."""
        if isinstance(value, date):
            known = self._columns.setdefault(column, _Column())
            known.dates.add(date(value.year, value.month, value.day))
        elif isinstance(value, str) and (found := _DAY.match(value)) is not None:
            known = self._columns.setdefault(column, _Column())
            first, second = int(found[1]), int(found[2])
            known.texts += 1
            known.open |= first <= 12 and second <= 12
            known.months[first <= 12].add(second if first > 12 else first)

    def columns(self) -> list[int]:
        """Those that hold dates with day and month exchanged: a date's day is a month of the texts."""
        found = []
        for number, one in self._columns.items():
            days = {each.day for each in one.dates}
            alike = any(days <= months and not other for months, other in (one.months, one.months[::-1]))
            if alike and not one.open and min(len(one.dates), one.texts) >= _FEWEST:
                found.append(number)
        return found
