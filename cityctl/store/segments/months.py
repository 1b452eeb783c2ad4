"""Months of the city's calendar: their days, of 23 to 25 hours, and their hours. Knows time zones, no store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from cityctl.clock import midnight
from cityctl.store.segments.scan import micros

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class LocalMonth:
    """One month of the city's calendar; `name` is YYYY-MM."""

    name: str
    zone: ZoneInfo

    @property
    def first(self) -> date:
        """Its first day."""
        return date.fromisoformat(f"{self.name}-01")

    @property
    def start_us(self) -> int:
        """Its start [µs since 1970 UTC]."""
        return micros(midnight(self.first, self.zone))

    @property
    def end_us(self) -> int:
        """Its end, not included [µs since 1970 UTC]."""
        return micros(midnight((self.first + timedelta(days=31)).replace(day=1), self.zone))

    @property
    def days(self) -> list[tuple[int, int]]:
        """Start and end of its days [µs since 1970 UTC]: 23, 24 or 25 hours each."""
        first, after = self.first, (self.first + timedelta(days=31)).replace(day=1)
        edges = [
            micros(midnight(first + timedelta(days=n), self.zone)) for n in range((after - first).days + 1)
        ]
        return list(pairwise(edges))

    @property
    def shifts(self) -> list[tuple[int, int]]:
        """By how much hours begin off the UTC hour, each with the midnight from which on they do [µs].

        30 min in India, 45 in Nepal; where clocks move by half an hour, another one from the next midnight on.
        """
        found: list[tuple[int, int]] = []
        for start, _ in self.days:
            shift = -start % HOUR_US
            if not found or found[-1][1] != shift:
                found.append((start, shift))
        return found

    def hour_of(self, time: str) -> str:
        """SQL: the start of the hour that a time lies in, counted from the day's start."""
        far = 100 * 366 * 24 * HOUR_US  # DuckDB's // cuts off towards zero
        (_, first), *later = self.shifts
        shift = str(first + far)
        for start, of_these in later:
            shift = f"(CASE WHEN epoch_us({time}) < {start} THEN {shift} ELSE {of_these + far} END)"
        return f"make_timestamp((epoch_us({time}) + {shift}) // {HOUR_US} * {HOUR_US} - {shift})"


def local_months(zone: ZoneInfo, first_us: int, last_us: int) -> list[LocalMonth]:
    """The local months that a span of time touches, its end included."""
    first = (EPOCH + timedelta(microseconds=first_us)).astimezone(zone).date().replace(day=1)
    last = (EPOCH + timedelta(microseconds=last_us)).astimezone(zone).date()
    months = []
    while first <= last:
        months.append(LocalMonth(f"{first:%Y-%m}", zone))
        first = (first + timedelta(days=31)).replace(day=1)
    return months


def utc_months(month: LocalMonth) -> list[str]:
    """The months (UTC) that a local month touches."""
    last = datetime.fromtimestamp((month.end_us - 1) / 1e6, UTC)
    first = datetime.fromtimestamp(month.start_us / 1e6, UTC)
    return sorted({f"{first:%Y-%m}", f"{last:%Y-%m}", month.name})
