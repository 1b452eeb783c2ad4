"""The wall clock of the simulated city, for arrays of instants: local day, minute of the day, kind of day.

Demand follows the wall clock, so the day on which the clocks change has 23 or 25 hours of it. Knows nothing of
water or energy.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityctl.sim.town.noise import Floats, Integers

DAY = 86_400
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


@lru_cache(maxsize=64)
def _changes(zone: ZoneInfo, year: int) -> tuple[tuple[int, int], ...]:
    """(instant, UTC offset from then on) of a calendar year: its first instant, and each clock change in it."""

    def offset(second: int) -> int:
        local = datetime.fromtimestamp(second, UTC).astimezone(zone)
        return int((local.utcoffset() or timedelta()).total_seconds())

    begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
    found = [(begin, offset(begin))]
    for day in range(begin, end, DAY):
        before, after = offset(day), offset(day + DAY)
        if before == after:
            continue
        low, high = day, day + DAY
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == before else (low, middle)
        found.append((high, after))
    return tuple(found)


@lru_cache(maxsize=64)
def _holidays(country: str, region: str | None, year: int) -> frozenset[int]:
    from holidays import country_holidays

    return frozenset(day_number(day) for day in country_holidays(country, subdiv=region, years=year))


class LocalTime:
    """What the clock on the wall shows at given instants (seconds since 1970 UTC)."""

    def __init__(self, zone: ZoneInfo, country: str, region: str | None) -> None:
        self.zone = zone
        self.country = country
        self.region = region

    def local(self, seconds: Integers) -> Integers:
        """Seconds since 1970-01-01 00:00 of the wall clock."""
        if seconds.size == 0:
            return seconds
        first, last = (datetime.fromtimestamp(int(edge), UTC).year for edge in (seconds.min(), seconds.max()))
        changes = [change for year in range(first, last + 1) for change in _changes(self.zone, year)]
        instants = np.array([instant for instant, _ in changes], dtype=np.int64)
        offsets = np.array([offset for _, offset in changes], dtype=np.int64)
        local: Integers = seconds + offsets[np.searchsorted(instants, seconds, side="right") - 1]
        return local

    def weekday(self, day: Integers) -> Integers:
        """0 for Monday ... 6 for Sunday; 1970-01-01 was a Thursday."""
        return (day + 3) % 7

    def is_holiday(self, day: Integers) -> NDArray[np.bool_]:
        """Which local days are public holidays."""
        if day.size == 0:
            return np.zeros(day.shape, dtype=np.bool_)
        begin, end = int(day.min()), int(day.max())
        first, last = ((_EPOCH + timedelta(days=edge)).year for edge in (begin, end))
        known = np.zeros(end - begin + 1, dtype=np.bool_)
        for year in range(first, last + 1):
            for holiday in _holidays(self.country, self.region, year):
                if begin <= holiday <= end:
                    known[holiday - begin] = True
        return known[day - begin]

    def kind(self, day: Integers) -> Integers:
        """0 workday, 1 Saturday, 2 Sunday or public holiday."""
        weekday = self.weekday(day)
        kind = np.where(weekday == 5, 1, np.where(weekday == 6, 2, 0))
        return np.where(self.is_holiday(day), 2, kind).astype(np.int64)


def by_hour(shape: Floats, local_seconds: Integers) -> Floats:
    """A day's shape given by 24 hourly means, read between the middles of the hours, around the clock."""
    position = (local_seconds % DAY) / 3600.0 - 0.5
    left = np.floor(position).astype(np.int64)
    part = position - left
    blended: Floats = shape[left % 24] * (1.0 - part) + shape[(left + 1) % 24] * part
    return blended
