"""How far each series was pulled, and the windows of the next pull."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cityctl.collect.watermark import Watermark, windows
from tests.collect.historian import (
    HOUR,
    NOW,
)


def test_windows_are_half_open_and_at_most_so_long() -> None:
    now = datetime(2026, 11, 23, 6, 0, 0, 5, tzinfo=UTC)
    day, week = timedelta(days=1), timedelta(days=7)
    known = {"now": now, "largest": week, "first": 10 * day, "settle": 2 * day}
    end = now.replace(microsecond=0)
    begin = end - 10 * day
    assert windows(None, since=None, until=None, **known) == [(begin, begin + week), (begin + week, end)]
    mark = Watermark(end - 9 * day, end - day)
    assert windows(mark, since=None, until=None, **known) == [(end - 3 * day, end)]
    assert windows(Watermark(end - day, end - day / 2), since=None, until=None, **known) == [(end - day, end)]
    assert windows(mark, since=end, until=None, **known) == []


def test_a_watermark_grows_without_gaps() -> None:
    at = [NOW + HOUR * step for step in range(10)]
    mark = Watermark(at[2], at[4])
    assert mark.covers((at[4], at[6])) == Watermark(at[2], at[6])
    assert mark.covers((at[0], at[3])) == Watermark(at[0], at[4])
    assert mark.covers((at[5], at[6])) == mark
    assert mark.covers((at[0], at[1])) == mark
