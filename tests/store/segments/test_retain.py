"""Roll-ups by hour, local day and month; readings go only once they are in them, and late ones are never lost."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cityctl.clock import midnight
from cityctl.engine.duck import Engine
from cityctl.store import Store
from cityctl.store.care import checking
from cityctl.store.segments import compaction, retain
from cityctl.store.segments.retain import Keep
from cityctl.store.views.rolled_views import attach_rollups

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY1 = datetime(2025, 3, 1, tzinfo=UTC)
START = datetime(2024, 3, 30, 22, tzinfo=UTC)  # the clocks go forward on the 31st: a day of 23 hours
YEAR = Keep(raw=timedelta(days=400))


@pytest.fixture
def days(store, table):
    """Five days of a reading each 15 minutes: 0, 1, 2 ..."""
    rows = [("a", START + timedelta(minutes=15 * n), float(n)) for n in range(480)]
    store.add(table(rows), source="x", received=DAY1)
    return rows


def _asked(store, sql, zone=BERLIN):
    with Engine(threads=1) as engine:
        attach_rollups(store, engine, zone)
        return engine.rows(sql)


def _by_hand(rows, zone):
    """(day's start, readings, mean, least, largest, first, last) added up in Python."""
    found = {}
    for _, time, value in rows:
        found.setdefault(midnight(time.astimezone(zone).date(), zone), []).append(value)
    return [
        (day.astimezone(UTC).replace(tzinfo=None), len(v), sum(v) / len(v), min(v), max(v), v[0], v[-1])
        for day, v in sorted(found.items())
    ]


@pytest.mark.parametrize(
    "zone", [BERLIN, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns"), ZoneInfo("UTC")]
)
@pytest.mark.parametrize("rolled", [False, True])
def test_days_are_local_ones_rolled_up_or_not(store, days, zone, rolled):
    if rolled:
        store.retain(YEAR, zone=zone, now=NOW)
        assert store.snapshot().segments == ()
    sql = "SELECT time, readings, mean, min, max, first, last FROM daily ORDER BY time"
    assert _asked(store, sql, zone) == _by_hand(days, zone)


def test_expected_follows_the_length_of_the_day(store, days):
    store.retain(Keep(), zone=BERLIN, now=NOW)
    expected = _asked(store, "SELECT expected FROM daily ORDER BY time")
    assert [row[0] for row in expected][1:3] == [92.0, 96.0]  # the day of 23 hours, and one of 24
    assert _asked(store, "SELECT expected FROM monthly ORDER BY time") == [(31 * 96 - 4,), (30 * 96,)]
    assert _asked(store, "SELECT DISTINCT expected FROM hourly") == [(4.0,)]


def test_how_often_a_reading_is_expected_is_taken_from_the_city(store, days):
    store.retain(Keep(), zone=BERLIN, now=NOW, every={"a": timedelta(minutes=5)})
    assert _asked(store, "SELECT DISTINCT expected FROM hourly") == [(12.0,)]


def test_nothing_is_dropped_without_a_rule_and_a_month_that_is_not_over_is_not_rolled_up(store, days):
    done = store.retain(Keep(), zone=BERLIN, now=datetime(2024, 4, 15, tzinfo=UTC))
    assert (done.rolled, done.dropped) == (["2024-03"], [])
    again = store.retain(Keep(), zone=BERLIN, now=NOW)
    assert again.rolled == ["2024-03", "2024-04"]
    assert store.retain(Keep(), zone=BERLIN, now=NOW).rolled == []


def test_a_dry_run_changes_nothing(store, days):
    generation = store.list.generation()
    assert store.retain(YEAR, zone=BERLIN, now=NOW, dry_run=True).readings == 480
    assert store.list.generation() == generation


def test_readings_go_only_after_their_roll_ups_are_on_the_list(store, days, monkeypatch):
    def dies(*given, **how):
        raise KeyboardInterrupt

    monkeypatch.setattr(retain, "_drop", dies)
    with pytest.raises(KeyboardInterrupt):
        store.retain(YEAR, zone=BERLIN, now=NOW)
    assert sum(segment.rows for segment in store.snapshot().segments) == 480
    assert _asked(store, "SELECT sum(readings) FROM hourly") == [(480,)]
    monkeypatch.undo()
    monkeypatch.setattr(retain, "_roll", dies)  # nothing is dirty any more
    assert store.retain(YEAR, zone=BERLIN, now=NOW).readings == 480
    assert _asked(store, "SELECT sum(readings) FROM hourly") == [(480,)]


def test_a_late_reading_makes_its_month_dirty_and_it_is_rolled_up_anew(store, days, table):
    store.retain(Keep(), zone=BERLIN, now=NOW)
    store.add(table([("a", days[3][1], 1000.0)]), source="late", received=DAY1 + timedelta(days=1))
    before = _asked(store, "SELECT max FROM hourly ORDER BY time LIMIT 1")
    assert before == [(1000.0,)]  # also before it is rolled up anew
    assert store.retain(Keep(), zone=BERLIN, now=NOW).rolled == ["2024-03"]
    assert _asked(store, "SELECT max FROM hourly ORDER BY time LIMIT 1") == before


def test_late_readings_of_a_dropped_month_are_neither_lost_nor_counted_twice(store, days, table):
    store.retain(YEAR, zone=BERLIN, now=NOW)

    def total(point):
        return _asked(store, f"SELECT sum(readings), sum(sum) FROM daily WHERE point = '{point}'")

    whole = total("a")
    # The same file again: as many readings an hour as were rolled up, so they are these.
    store.add(table(days), source="again", received=DAY1 + timedelta(days=1))
    assert total("a") == whole
    done = store.retain(YEAR, zone=BERLIN, now=NOW)
    assert (done.readings, done.late) == (480, {})
    assert total("a") == whole
    # Another point, and an hour that had none.
    after = days[-1][1] + timedelta(hours=2)
    store.add(table([("b", days[0][1], 5.0), ("a", after, 7.0)]), source="late", received=DAY1)
    assert store.retain(YEAR, zone=BERLIN, now=NOW).readings == 2
    assert total("b") == [(1, 5.0)]
    assert total("a") == [(481, whole[0][1] + 7.0)]


def test_a_late_reading_that_may_be_in_a_roll_up_stays_beside_it_and_is_named(store, days, table):
    store.retain(YEAR, zone=BERLIN, now=NOW)
    between = days[200][1] + timedelta(minutes=1)
    store.add(table([("a", between, 7.0)]), source="late", received=DAY1)
    for _ in range(2):
        done = store.retain(YEAR, zone=BERLIN, now=NOW)
        assert (done.late, done.readings) == ({"2024-04": 1}, 0)
        assert sum(segment.rows for segment in store.snapshot().segments) == 1
        assert _asked(store, "SELECT sum(readings) FROM monthly") == [(480,)]


def test_finer_roll_ups_go_by_their_own_rule_and_coarser_ones_stay(store, days, table):
    keep = Keep(raw=timedelta(days=100), hourly=timedelta(days=200), daily=timedelta(days=400))
    whole = _asked(store, "SELECT time, readings, sum FROM monthly ORDER BY time")
    store.retain(keep, zone=BERLIN, now=datetime(2024, 8, 1, tzinfo=UTC))
    assert {segment.kind for segment in store.snapshot().rollups} == {"hourly", "daily", "monthly"}
    store.retain(keep, zone=BERLIN, now=datetime(2024, 12, 1, tzinfo=UTC))
    assert {segment.kind for segment in store.snapshot().rollups} == {"daily", "monthly"}
    # Late readings of a new day are added to what is left of the month.
    store.add(table([("a", datetime(2024, 4, 20, 12, tzinfo=UTC), 3.0)]), source="late", received=DAY1)
    store.retain(keep, zone=BERLIN, now=datetime(2024, 12, 1, tzinfo=UTC))
    march, april = whole
    assert _asked(store, "SELECT time, readings, sum FROM monthly ORDER BY time") == [
        march,
        (april[0], april[1] + 1, april[2] + 3.0),
    ]
    store.retain(keep, zone=BERLIN, now=NOW)
    assert {segment.kind for segment in store.snapshot().rollups} == {"monthly"}


def test_a_changed_time_zone_rolls_up_anew(store, days):
    store.retain(Keep(), zone=ZoneInfo("UTC"), now=NOW)
    done = store.retain(Keep(), zone=BERLIN, now=NOW)
    assert done.rolled == ["2024-03", "2024-04"]
    sql = "SELECT time, readings, mean, min, max, first, last FROM daily ORDER BY time"
    assert _asked(store, sql) == _by_hand(days, BERLIN)


def test_roll_ups_of_many_points_lie_in_several_files(store, table, monkeypatch):
    rows = [
        (f"p{n:02d}", START + timedelta(hours=h), random.Random(n * h).random())
        for n in range(12)
        for h in range(50)
    ]
    store.add(table(rows), source="x", received=DAY1)
    monkeypatch.setattr(compaction, "LARGEST", 200)
    store.retain(YEAR, zone=BERLIN, now=NOW)
    assert len([held for held in store.snapshot().rollups if held.kind == "hourly"]) >= 3
    ((count, total),) = _asked(store, "SELECT sum(readings), sum(sum) FROM hourly")
    assert (count, total) == (600, pytest.approx(sum(row[2] for row in rows)))


def test_what_landed_is_in_the_views_before_it_is_in_a_segment(store, days):
    from cityctl.reading import Reading

    with Store.open(store.folder) as other:
        other.land([Reading("a", days[-1][1] + timedelta(minutes=15), 9.0)], batch="1", received=DAY1)
    assert _asked(store, "SELECT sum(readings) FROM hourly") == [(481,)]


def test_a_month_with_a_damaged_segment_is_not_dropped(store, days):
    segment = store.snapshot().segments[0]
    (store.folder / segment.path).unlink()
    checking.check(store)
    done = store.retain(YEAR, zone=BERLIN, now=NOW)
    assert segment.month not in done.dropped
    assert done.dropped == ["2024-04"]
