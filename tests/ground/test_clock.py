"""Times as people say them. Expected instants: by hand, from the IANA rules of the zones named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.clock import Interval, duration, interval, local_days, midnight, short, zone_named
from cityctl.errors import UsageProblem

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday, 13:00 in Berlin


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "last", "start", "end"),
    [
        (None, None, "7d", "2026-11-16T12:00", "2026-11-23T12:00"),
        (None, None, "36h", "2026-11-22T00:00", "2026-11-23T12:00"),
        (None, None, "last-week", "2026-11-15T23:00", "2026-11-22T23:00"),
        (None, None, "last-month", "2026-09-30T22:00", "2026-10-31T23:00"),
        (None, None, "yesterday", "2026-11-21T23:00", "2026-11-22T23:00"),
        ("last-month", None, None, "2026-09-30T22:00", "2026-11-23T12:00"),
        ("yesterday", None, None, "2026-11-21T23:00", "2026-11-23T12:00"),
        ("yesterday", "yesterday", None, "2026-11-21T23:00", "2026-11-22T23:00"),
        ("2026-11", None, None, "2026-10-31T23:00", "2026-11-23T12:00"),
        ("2018", "2018", None, "2017-12-31T23:00", "2018-12-31T23:00"),
        ("2026-11-01", "2026-11-02", None, "2026-10-31T23:00", "2026-11-02T23:00"),
        ("2026-11-15T06:30", "2026-11-15T06:30Z", None, "2026-11-15T05:30", "2026-11-15T06:30"),
        (None, "2026-11-02", "2d", "2026-10-31T23:00", "2026-11-02T23:00"),
        # Across the end of summer time "2d" goes back by the calendar: 49 hours.
        (None, "2026-10-25", "2d", "2026-10-23T22:00", "2026-10-25T23:00"),
    ],
)
def test_an_interval_is_half_open_utc_by_the_citys_calendar(since, until, last, start, end):
    meant = interval(since, until, last, zone=BERLIN, now=NOW)
    assert (meant.start, meant.end) == (utc(start), utc(end))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-01", 24)])
def test_a_day_on_which_the_clocks_change_has_23_or_25_hours(day, hours):
    assert interval(day, day, None, zone=BERLIN, now=NOW).length == timedelta(hours=hours)


def test_the_default_is_used_where_nothing_is_said():
    assert interval(None, None, None, zone=BERLIN, now=NOW, default="1d").length == timedelta(days=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2026-13", None, None), "not in the calendar"),
        (("2026-02-30", None, None), "not in the calendar"),
        (("tuesday", None, None), "no time that cityctl knows"),
        (("2026-03-29T02:30", None, None), "the clocks skip it"),
        (("2026-11-22", "2026-11-20", None), "the interval is empty"),
        (("2026-11-20", None, "7d"), "exclude each other"),
        ((None, "2026-11-20", "last-week"), "exclude each other"),
        ((None, None, "9000000d"), "before the calendar begins"),
    ],
)
def test_what_is_no_time_is_refused_with_a_sentence(words, said):
    with pytest.raises(UsageProblem, match=said):
        interval(*words, zone=BERLIN, now=NOW)


def test_midnight_that_does_not_exist_is_the_first_instant_of_the_day():
    # Sao Paulo skipped 2018-11-04 00:00 to 01:00; Samoa had no 2011-12-30 at all.
    assert midnight(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo")) == utc("2018-11-04T03:00")
    assert midnight(date(2011, 12, 30), ZoneInfo("Pacific/Apia")) == midnight(
        date(2011, 12, 31), ZoneInfo("Pacific/Apia")
    )


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)),
    st.integers(1, 60),
    st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_local_days_cover_an_interval_without_gap_or_overlap(begin, days, name):
    zone = ZoneInfo(name)
    span = Interval(begin.replace(tzinfo=UTC), begin.replace(tzinfo=UTC) + timedelta(days=days), zone)
    covered = local_days(span)
    assert covered[0][1] <= span.start < covered[0][2]
    assert covered[-1][1] < span.end <= covered[-1][2]
    assert all(left[2] == right[1] for left, right in pairwise(covered))


@given(st.integers(1, 10**7))
def test_a_duration_that_is_printed_reads_back(seconds):
    assert duration(short(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "15", "m", "15 parsecs", "-3d", "1h-3m"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UsageProblem, match="no duration"):
        duration(text)


def test_a_time_zone_that_is_spelt_wrong_gets_the_near_match():
    with pytest.raises(UsageProblem) as caught:
        zone_named("Europe/Berln")
    assert caught.value.hint == "did you mean `Europe/Berlin`?"
