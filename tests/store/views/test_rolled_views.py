"""`hourly`, `daily` and `monthly` are what `readings` shows, added up, wherever the readings lie."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityctl.engine.duck import Engine
from cityctl.reading import Quality, Reading
from cityctl.store import Store
from cityctl.store.segments.retain import Keep
from cityctl.store.views.rolled_views import attach_rollups
from tests.store.conftest import arrow

HOUR = datetime(2026, 3, 28, 23, tzinfo=UTC)  # the clocks of Berlin go forward within the hours that follow
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "UTC", "Asia/Kathmandu", "America/St_Johns")]

_SUMS = "sum(value), min(value), max(value), count(value), arg_min(value, time), arg_max(value, time)"
row = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from([0, 1, 5, 40]),
    st.sampled_from([None, 0.0, 1.25, 7.5]),
    st.sampled_from([0, 1]),
)
act = st.tuples(
    st.sampled_from(["add", "land", "compact", "roll up"]),
    st.lists(row, min_size=1, max_size=6),
    st.integers(0, 5),
)


def test_an_import_that_corrects_what_has_landed_is_in_the_hour(store, table):
    """Polled as 1, then imported as 5: the hour was the poll's until the next compaction."""
    store.land([Reading("a", HOUR, 1.0)], batch="1", received=HOUR)
    store.add(table([("a", HOUR, 5.0)]), source="x", received=HOUR + timedelta(hours=1))
    with Engine(threads=1) as engine:
        store.attach(engine, None)
        attach_rollups(store, engine, ZONES[0])
        for view in ("readings", "hourly", "daily", "monthly"):
            column = "value" if view == "readings" else "sum"
            assert engine.rows(f"SELECT {column} FROM {view}") == [(5.0,)], view


def test_days_of_a_zone_whose_clocks_move_by_half_an_hour(store, table):
    """Lord Howe, 4 October 2026: 02:00 was 02:30. What came behind that day was in no day, and in no month."""
    zone = ZoneInfo("Australia/Lord_Howe")
    begin = datetime(2026, 10, 1, tzinfo=zone).astimezone(UTC)
    rows = [("a", begin + timedelta(minutes=30 * n), 1.0) for n in range(31 * 48 - 1)]
    store.add(table(rows), source="x", received=NOW)
    for _ in range(2):
        with Engine(threads=1) as engine:
            attach_rollups(store, engine, zone)
            days = engine.rows("SELECT time, readings FROM daily ORDER BY time")
            assert [count for _, count in days] == [48] * 3 + [47] + [48] * 27
            assert days[4][0] == datetime(2026, 10, 4, 13)
            assert engine.rows("SELECT sum(readings) FROM hourly") == [(len(rows),)]
            assert engine.rows("SELECT readings FROM monthly") == [(len(rows),)]
        store.retain(Keep(), zone=zone, now=datetime(2026, 12, 1, tzinfo=UTC))


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(act, min_size=2, max_size=6), zone=st.sampled_from(ZONES))
def test_rolled_views_are_the_readings_added_up(acts, zone):
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name) / "store") as store:
        for number, (what, rows, received) in enumerate(acts):
            at = NOW - timedelta(days=9) + timedelta(hours=received)
            told = [(p, HOUR + timedelta(minutes=15 * n), v, q) for p, n, v, q in rows]
            if what == "add":
                store.add(arrow(told), source="x", received=at)
            elif what == "land":
                polled = [Reading(p, time, v, Quality(q)) for p, time, v, q in told]
                store.land(polled, batch=str(number), received=at)
            elif what == "compact":
                store.compact()
            elif what == "roll up":
                store.retain(Keep(), zone=zone, now=NOW)
        with Engine(threads=1) as engine:
            store.attach(engine, None)
            attach_rollups(store, engine, zone)
            for view, slot in (("hourly", "hour"), ("daily", "day"), ("monthly", "month")):
                # The hours of these zones begin a whole number of quarters off those of UTC.
                wall = f"(time AT TIME ZONE 'UTC' AT TIME ZONE '{zone.key}')"
                begin = f"min(date_trunc('{slot}', {wall}) AT TIME ZONE '{zone.key}' AT TIME ZONE 'UTC')"
                expected = engine.rows(
                    f"SELECT point, {begin}, {_SUMS} FROM readings WHERE value IS NOT NULL "
                    f"GROUP BY point, date_trunc('{slot}', {wall}) ORDER BY 1, 2"
                )
                assert expected == engine.rows(
                    f"SELECT point, time, sum, min, max, readings, first, last FROM {view} WHERE readings > 0 "
                    "ORDER BY 1, 2"
                )
