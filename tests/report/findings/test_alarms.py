"""Alarm figures after ISA-18.2, against streams of alarms that were counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.report.findings.alarms import TEN_MINUTES, figures, floods, most_within

START = datetime(2026, 11, 1, tzinfo=UTC)


def at(minutes):
    return START + timedelta(minutes=minutes)


def test_rates_are_of_the_whole_interval() -> None:
    told = figures([(at(60 * n), f"a{n}") for n in range(24)], [], start=START, end=START + timedelta(days=2))
    assert (told.alarms, told.per_day) == (24, 12)
    assert told.per_ten_minutes == pytest.approx(24 / 288)
    assert told.most_in_ten_minutes == 1
    assert told.floods == ()


def test_ten_in_ten_minutes_are_no_flood_eleven_are() -> None:
    end = START + timedelta(days=1)
    assert floods([at(0.9 * n) for n in range(10)], end) == []
    (flood,) = floods([at(0.9 * n) for n in range(11)], end)
    # after its ten minutes nothing more comes: fewer than 5, so it ends there
    assert (flood.start, flood.end, flood.alarms) == (START, at(10), 11)


def test_a_flood_goes_on_while_five_come_in_ten_minutes() -> None:
    times = (
        [at(0.5 * n) for n in range(12)] + [at(10 + n) for n in range(5)] + [at(20 + 2 * n) for n in range(4)]
    )
    (flood,) = floods(times, START + timedelta(days=1))
    assert (flood.end, flood.alarms) == (at(20), 17)  # 12 and 5; the 4 after it are none of it


def test_two_floods_and_their_share_of_a_day() -> None:
    times = [(at(600 * part + 0.5 * n), "x") for part in (0, 1) for n in range(11)]
    told = figures(times, [], start=START, end=START + timedelta(days=1))
    assert len(told.floods) == 2
    assert told.flood_share == pytest.approx(20 / 1440)


def test_three_within_a_minute_chatter() -> None:
    announced = [(at(0), "a"), (at(0.5), "a"), (at(1), "a"), (at(0), "b"), (at(0.5), "b"), (at(1.1), "b")]
    assert figures(announced, [], start=START, end=at(60)).chattering == ("a",)


def test_what_is_open_for_more_than_a_day_is_stale() -> None:
    end = START + timedelta(days=2)
    standing = [(at(0), "old"), (end - timedelta(hours=24), "a day"), (end, "new")]
    assert figures([], standing, start=START, end=end).stale == ("old",)


def test_an_interval_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        figures([], [], start=START, end=START)


@given(st.lists(st.integers(0, 600), max_size=80))
def test_floods_are_apart_and_hold_more_than_ten(minutes) -> None:
    times = sorted(at(minute) for minute in minutes)
    found = floods(times, at(601))
    for flood in found:
        assert flood.alarms > 10
        assert sum(flood.start <= time < flood.end for time in times) == flood.alarms
    for one, other in pairwise(found):
        assert one.end <= other.start
    assert bool(found) == (max(most_within(times, TEN_MINUTES), default=0) > 10)
