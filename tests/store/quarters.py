"""A small city with quarters of an hour, and how the tests of the store's commands look at their answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
DAY1 = datetime(2026, 12, 1, tzinfo=UTC)

CITY = """
name: Test
time_zone: Europe/Berlin
networks: {water: {kind: water}}
points:
  flow: {unit: L/s, every: 15m}
  other: {unit: m3/h, every: 15m}
  daily: {unit: m3, kind: interval, every: 1d}
  twice: {formula: 2 * other, unit: m3/h}
"""


def local(text: str) -> datetime:
    """Local time in Berlin as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def rows_of(result, key):
    """The rows of a result's table, by column."""
    (found,) = [table for table in result.tables if table.key == key]
    return [dict(zip([column.key for column in found.columns], row, strict=True)) for row in found.rows]


def quarters(point: str, first: str, count: int, without=()):
    """Rows of a point every 15 minutes, with the values 0, 1, 2 ..."""
    return [
        (point, local(first) + timedelta(minutes=15 * n), float(n)) for n in range(count) if n not in without
    ]
