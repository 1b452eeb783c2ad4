"""Coverage: missing, estimated, late and not yet due apart; two stages find what looking at every reading finds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityctl.arrow import floats, octets, table, texts, times
from cityctl.clock import Interval, midnight
from cityctl.engine.duck import Engine
from cityctl.store.asked.coverage import coverage

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 3, 20, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine():
    with Engine(threads=1) as opened:
        yield opened


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _show(engine, rows):
    """Rows of (time, received[, quality])."""
    rows = [(*row, 0)[:3] for row in rows]
    engine.keep(
        "readings",
        table(
            point=texts(["p"] * len(rows)),
            time=times([_us(row[0]) for row in rows]),
            value=floats([1.0] * len(rows)),
            quality=octets([row[2] for row in rows]),
            received=times([_us(row[1]) for row in rows]),
        ),
    )


def _covered(engine, rows, *, every=QUARTER, since=BEGIN, until, now):
    _show(engine, rows)
    (found,), gaps = coverage(engine, {"p": every}, Interval(since, until, BERLIN), now)
    return found, gaps


def _quarters(count, *, start=BEGIN, without=()):
    return [start + n * QUARTER for n in range(count) if n not in without]


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)]
)
def test_a_local_day_wants_as_many_readings_as_it_has_hours(engine, day, hours):
    start, end = midnight(day, BERLIN), midnight(day + timedelta(days=1), BERLIN)
    rows = [(moment, end) for moment in _quarters(hours * 4, start=start, without={5, 6})]
    found, gaps = _covered(engine, rows, since=start, until=end, now=end)
    assert (found.wanted, found.had, found.missing) == (hours * 4, hours * 4 - 2, 2)
    assert [(gap.since, gap.missing) for gap in gaps] == [(start + 5 * QUARTER, 2)]


def test_what_comes_next_morning_is_not_due_before(engine):
    """Readings of each day come at 06:00 of the next, so by 05:00 a day and five hours are not due yet."""
    rows = []
    for day in range(10):
        noon = BEGIN + timedelta(days=day)
        rows += [(moment, noon + timedelta(hours=30)) for moment in _quarters(96, start=noon)]
    end = BEGIN + timedelta(days=12)
    # The first delivery is history; after it the slowest reading of a day takes 30 h less its quarter of an hour.
    at_five, _ = _covered(engine, rows, until=end, now=BEGIN + timedelta(days=11, hours=5))
    assert at_five.delay == timedelta(hours=29, minutes=45)
    assert (at_five.missing, at_five.received_late) == (0, 0)
    # At 07:00 the day that should have come an hour ago begins to be missing: its first hour and a quarter.
    at_seven, gaps = _covered(engine, rows, until=end, now=BEGIN + timedelta(days=11, hours=7))
    assert at_seven.missing == 5
    assert [(gap.missing, gap.due) for gap in gaps] == [(5, True), (192 - 5, False)]


def test_late_readings_are_told_and_the_first_delivery_is_not_late(engine):
    """A year's import, then polls within a minute; four readings that came a day late."""
    moments = _quarters(400)
    first = BEGIN + timedelta(days=2)
    rows = [(m, first if m < first else m + QUARTER + timedelta(minutes=1)) for m in moments]
    rows[300:304] = [(m, m + timedelta(days=1)) for m in moments[300:304]]
    found, gaps = _covered(engine, rows, until=moments[-1] + QUARTER, now=moments[-1] + timedelta(hours=1))
    assert (found.received_late, found.missing, gaps) == (4, 0, [])
    assert found.delay == timedelta(minutes=1)


def test_history_brought_in_after_an_outage_does_not_excuse_silence(engine):
    moments = _quarters(96 * 10)
    outage = [BEGIN + timedelta(days=5), BEGIN + timedelta(days=9)]
    rows = [
        (m, outage[1] if outage[0] <= m < outage[1] else m + QUARTER + timedelta(minutes=1)) for m in moments
    ]
    found, _ = _covered(
        engine, rows, until=BEGIN + timedelta(days=11), now=BEGIN + timedelta(days=10, hours=6)
    )
    assert found.delay == timedelta(minutes=1)
    assert found.missing == 6 * 4 - 1  # the last of the six hours is due a minute later
    assert found.received_late > 300


def test_estimated_readings_are_there_and_counted(engine):
    rows = [(moment, BEGIN, 1 if n % 4 == 0 else 0) for n, moment in enumerate(_quarters(96))]
    found, _ = _covered(engine, rows, until=BEGIN + timedelta(days=1), now=BEGIN + timedelta(days=1))
    assert (found.had, found.estimated, found.missing) == (96, 24, 0)


def test_a_point_without_readings_misses_all_of_them(engine):
    found, gaps = _covered(engine, [], until=BEGIN + timedelta(days=1), now=BEGIN + timedelta(days=1))
    assert (found.wanted, found.had, found.missing) == (96, 0, 96)
    assert [gap.missing for gap in gaps] == [96]


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    kept=st.sets(st.integers(0, 399), min_size=2),
    jitter=st.lists(st.sampled_from([0, 0, 0, 1, 61, 300, -200]), min_size=400, max_size=400),
    every=st.sampled_from([15, 30, 120]),
)
def test_counting_days_finds_the_gaps_that_looking_at_every_reading_finds(engine, kept, jitter, every):
    """The model: two readings further apart than one and a half intervals have the rest missing between them."""
    length = timedelta(minutes=every)
    moments = sorted({BEGIN + n * length + timedelta(seconds=jitter[n]) for n in kept})
    expected = [
        (before + length, after, round((after - before) / length) - 1)
        for before, after in pairwise(moments)
        if after - before > 1.5 * length
    ]
    _, gaps = _covered(
        engine,
        [(m, BEGIN) for m in moments],
        every=length,
        since=moments[0],
        until=moments[-1] + length,
        now=BEGIN,
    )
    assert [(gap.since, gap.until, gap.missing) for gap in gaps if gap.due] == expected
