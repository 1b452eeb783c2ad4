"""Axes: round figures for values, and round local times for instants."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from cityctl.clock import midnight

_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)
_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 600, 1200)
_MONDAY = date(2024, 1, 1).toordinal()


@dataclass(frozen=True)
class Scale:
    """A value axis from `low` to `high` with ticks at round figures."""

    low: float
    high: float
    ticks: tuple[float, ...]
    digits: int

    def written(self, value: float) -> str:
        """The value with as many digits as the ticks need, thousands apart."""
        text = f"{value:,.{self.digits}f}".replace(",", "\u202f")
        return text[1:] if text.startswith("-") and not text.strip("-0.\u202f") else text


def value_scale(low: float, high: float, *, from_zero: bool = False, about: int = 5) -> Scale:
    """About `about` ticks at 1, 2, 2.5 or 5 times a power of ten around low..high.

    Zero is the foot where bars stand on it, or where the values reach far enough down for it to cost little.
    """
    if from_zero or 0 < low < 0.5 * high:
        low = min(low, 0.0)
    if from_zero:
        high = max(high, 0.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):
        margin = abs(high) * 0.1 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step / power, 3) == 2.5:
        digits = max(0, digits + 1)
    ticks = tuple(index * step for index in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks, digits)


def time_ticks(start: datetime, end: datetime, zone: tzinfo, most: int = 9) -> list[tuple[datetime, str]]:
    """At most `most` round local times in start..end, with their labels; day changes name the day."""
    length = end - start
    for minutes in _MINUTES:
        if length / timedelta(minutes=minutes) <= most:
            found = _within(_clock_times(start, end, zone, minutes), start, end)
            return [(moment, _clock_label(moment, zone)) for moment in found]
    for days in _DAYS:
        if length / timedelta(days=days) <= most:
            found = _within(_days(start, end, zone, days), start, end)
            return [(moment, _day_label(moment, zone)) for moment in found]
    for months in _MONTHS:
        if length / timedelta(days=30.4 * months) <= most:
            found = _within(_months(start, end, zone, months), start, end)
            return [(moment, _month_label(moment, zone, months)) for moment in found]
    return []


def _within(moments: Iterator[datetime], start: datetime, end: datetime) -> list[datetime]:
    """Each instant once: where the clocks skip an hour, two wall times are one instant."""
    return sorted({moment for moment in moments if start <= moment <= end})


def _local_days(start: datetime, end: datetime, zone: tzinfo) -> Iterator[date]:
    day = start.astimezone(zone).date()
    last = end.astimezone(zone).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _clock_times(start: datetime, end: datetime, zone: tzinfo, minutes: int) -> Iterator[datetime]:
    for day in _local_days(start, end, zone):
        for minute in range(0, 1440, minutes):
            wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
            yield wall.astimezone(UTC)


def _days(start: datetime, end: datetime, zone: tzinfo, days: int) -> Iterator[datetime]:
    for day in _local_days(start, end, zone):
        if (day.toordinal() - _MONDAY) % days == 0:
            yield midnight(day, zone)


def _months(start: datetime, end: datetime, zone: tzinfo, months: int) -> Iterator[datetime]:
    first, last = start.astimezone(zone), end.astimezone(zone)
    for index in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        if index % months == 0:
            yield midnight(date(index // 12, index % 12 + 1, 1), zone)


def _clock_label(moment: datetime, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    return _day_label(moment, zone, "%a ") if local.hour == local.minute == 0 else f"{local:%H:%M}"


def _day_label(moment: datetime, zone: tzinfo, weekday: str = "") -> str:
    local = moment.astimezone(zone)
    name = f"{local:{weekday}}" if weekday else ""
    return f"{name}{local.day} {local:%b}"


def _month_label(moment: datetime, zone: tzinfo, months: int) -> str:
    local = moment.astimezone(zone)
    if months >= 12:
        return f"{local.year}"
    return f"{local:%b} {local.year}" if local.month == 1 else f"{local:%b}"
