r"""`data sql` for people: views by network and zone, local time, `\d`, near matches, a limit of time and rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cityctl import arrow
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.errors import ExitCode, UsageProblem
from cityctl.store import Store
from cityctl.store.asked import sql as asking
from cityctl.store.asked.sql import sql
from cityctl.store.segments.retain import Keep
from cityctl.store.segments.scan import micros
from cityctl.store.views.people_views import changes, local_time

DAY1 = datetime(2026, 12, 1, tzinfo=UTC)
CITY = """
name: Test
time_zone: Europe/Berlin
networks: {water: {kind: water}, power: {kind: power}}
zones:
  hafen: {name: Hafen, network: water, kind: dma}
  town-hall: {network: power, kind: building}
devices:
  pump: {connector: pump, host: 127.0.0.1, zone: hafen}
points:
  hafen_inflow: {unit: L/s, every: 1h, zone: hafen}
  hafen_total: {unit: m3, kind: counter, every: 1h, zone: hafen}
  hall_kw: {unit: kW, every: 1h, zone: town-hall}
"""
PUMP = """
connector: pump
vendor: T
model: T
class: pump
function_code: 3
points:
  mode: {address: 0, type: uint16, enum: {0: stopped, 1: running, 7: fault}}
sources: [by hand]
"""


@pytest.fixture
def made(project, table, monkeypatch):
    monkeypatch.delenv("CITYCTL_STORE", raising=False)
    folder = project(CITY)
    (folder / "connectors" / "devices").mkdir(parents=True)
    (folder / "connectors" / "devices" / "pump.yaml").write_text(PUMP, encoding="utf-8")
    found = Project(folder)
    begin = datetime(2026, 10, 24, 23, tzinfo=UTC)  # 01:00 in Berlin; at 01:00 UTC the clocks go back
    register = [10.0, 11.0, 0.0, 13.0]
    rows = [("hafen_inflow", begin + timedelta(hours=n), 3.6 * n) for n in range(4)]
    rows += [("hafen_total", begin + timedelta(hours=n), value) for n, value in enumerate(register)]
    rows += [("hall_kw", begin, 5.0, 1), ("pump/mode", begin, 7.0), ("stranger", begin, 1.0)]
    with Store.open(found.store_folder) as store:
        store.add(table(rows), source="x", received=DAY1, points=found.city.points())
    return found


def _ask(project, query, **how):
    return sql(project, query, now=DAY1, **how).tables[0].rows


def test_a_zone_is_a_view_in_local_time_and_its_own_units(made):
    found = _ask(
        made, "select local, value, unit, quality from water.hafen where point = 'hafen_inflow' order by time"
    )
    assert [row[0] for row in found] == [f"2026-10-25 0{hour}:00:00" for hour in (1, 2, 2, 3)]
    assert [row[1] for row in found] == pytest.approx([0, 1, 2, 3])
    assert {row[2:] for row in found} == {("L/s", "good")}
    assert _ask(made, "select point, value, quality from power.town_hall") == [("hall_kw", 5.0, "estimated")]


def test_what_is_made_of_local_time_stays_on_the_citys_clock_and_instants_stay_instants(made):
    # One hour before the clocks go back: 00:00 of the wall is 22:00 UTC, and was told as an instant of 00:00 UTC.
    (found,) = _ask(
        made,
        "with a as (select date_trunc('day', local) as day, max(local) as last, min(time) as first, "
        "date_trunc('day', min(time)) as utc from water.readings group by 1) "
        "select day, last, first, utc, first at time zone 'UTC' as zoned, day::date as plain, timestamp '2026-01-02' "
        "from a",
    )
    assert found[:2] == ("2026-10-25 00:00:00", "2026-10-25 03:00:00")
    assert found[2:4] == (datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC))
    assert found[4:] == (datetime(2026, 10, 24, 23, tzinfo=UTC), date(2026, 10, 25), "2026-01-02 00:00:00")


AT_TWO = datetime(2026, 10, 25, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select max(time) at time zone 'Asia/Kathmandu' from readings", "2026-10-25 07:45:00"),
        ("select timezone('Asia/Kathmandu', max(time)::timestamptz) from readings", "2026-10-25 07:45:00"),
        (
            "select max(time) at time zone 'UTC' at time zone 'Asia/Kathmandu' from readings",
            "2026-10-25 07:45:00",
        ),
        ("select strftime(max(time at time zone 'Asia/Kathmandu'), '%H:%M') from water.readings", "07:45"),
        (
            "select t at time zone 'UTC' from (select max(time) as t from readings)",
            datetime(2026, 10, 25, 2, tzinfo=UTC),
        ),
        (
            "select max(local) at time zone 'Europe/Berlin' from water.hafen",
            datetime(2026, 10, 25, 2, tzinfo=UTC),
        ),
    ],
)
def test_at_time_zone_is_the_clock_of_that_zone(made, query, told):
    """02:00 UTC is 07:45 in Kathmandu; DuckDB takes times without a zone for those of the wall there, 20:15 UTC."""
    ((time,),) = _ask(made, query)
    assert time == told


@pytest.mark.parametrize(
    "query",
    [
        "select c.local from calendar as c, readings as r where r.time = c.slot limit 1",
        "select max(local) from used",
        'select max(local) from "water"."hafen_wide"',
        "select local from (select time as local, local as time from water.hafen) limit 1",
    ],
)
def test_times_are_told_by_where_they_come_from(made, query):
    ((time,),) = _ask(made, query)
    assert isinstance(time, str) is ("time as local" not in query)


def test_a_state_has_its_name(made):
    assert _ask(made, "select value, state from water.readings where point = 'pump/mode'") == [(7.0, "fault")]


def test_wide_has_a_column_a_point(made):
    found = _ask(made, "select local, hafen_inflow, hafen_total from water.hafen_wide order by time")
    assert found[1][0] == "2026-10-25 02:00:00"
    assert found[1][1:] == pytest.approx((1.0, 11.0))


def test_repairs_are_told(made):
    found = _ask(made, "select point, local, repair, after, amount from repairs")
    assert found == [("hafen_total", "2026-10-25 02:00:00", "zero", 0.0, None)]
    assert _ask(made, "select sum(amount) from used") == [(3.0,)]


def test_backslash_d_lists_and_describes(made):
    names = [row[0] for row in _ask(made, "\\d")]
    assert {"readings", "repairs", "daily", "water.hafen", "water.hafen_wide", "power.town_hall"} <= set(
        names
    )
    for name in names:  # each of them can be asked
        _ask(made, f"select * from {name}")
    assert ("readings", "bigint", "how many have a value") in _ask(made, "\\d daily")
    assert ("local", "timestamp") in [row[:2] for row in _ask(made, "\\d water.hafen")]
    with pytest.raises(UsageProblem, match=r"no table or view `water\.hafne`") as problem:
        _ask(made, "\\d water.hafne")
    assert problem.value.hint == "did you mean `water.hafen`?"
    with pytest.raises(UsageProblem, match="is not known"):
        _ask(made, "\\x")


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("select * from reading", "did you mean `readings`?"),
        ("select * from water.hafne", "did you mean `water.hafen`?"),
        ("select vaule from readings", "did you mean `value`?"),
    ],
)
def test_a_near_match_is_named(made, query, meant):
    with pytest.raises(UsageProblem) as problem:
        _ask(made, query)
    assert (problem.value.hint or "").startswith(meant)


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "copy readings to '/tmp/x.csv'",
        "set threads = 1",
        "create table x as select 1",
        "drop view readings",
        "attach '/tmp/x.db' as x",
        "install httpfs",
        "select * from glob('/*')",
        "select 1; select 2",
    ],
)
def test_nothing_but_reading_is_let_through(made, query):
    with pytest.raises(UsageProblem):
        _ask(made, query)


def test_a_query_that_takes_too_long_is_stopped(made):
    with pytest.raises(UsageProblem, match=r"took longer than 0 s|took longer than 1 s") as problem:
        _ask(made, "select count(*) from range(100000000) a, range(100000) b", seconds=0.5)
    assert "--timeout" in (problem.value.hint or "")


def test_people_see_some_rows_and_files_get_all(made, monkeypatch):
    monkeypatch.setattr(asking, "FEW", 2)
    shown = sql(made, "select * from readings", now=DAY1)
    assert (len(shown.tables[0].rows), shown.exit_code()) == (2, ExitCode.DONE)
    assert shown.notes == ["cut after 2 rows: --limit takes more"]
    whole = sql(made, "select * from readings", now=DAY1, form="csv")
    assert len(whole.tables[0].rows) == 11
    monkeypatch.setattr(asking, "MANY", 3)
    assert sql(made, "select * from readings", now=DAY1, form="csv").exit_code() is ExitCode.INCOMPLETE


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "UTC",
    ],
)
def test_local_time_agrees_with_the_time_zone(name):
    """Against zoneinfo, every 1000 s of 30 days about each change of ten years, and to the second at the change."""
    zone = ZoneInfo(name)
    start, end = datetime(2019, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    instants = [start + timedelta(days=n) for n in range(0, 3650, 7)]
    for at, _ in changes(zone, start, end):
        change = epoch + timedelta(microseconds=at)
        instants += [change - timedelta(microseconds=1), change, change + timedelta(hours=1)]
    local = local_time(zone, Interval(start, end, zone))
    with Engine(threads=1) as engine:
        engine.keep("instants", arrow.table(moment=arrow.times([micros(moment) for moment in instants])))
        found = engine.rows(f"SELECT moment, {local.format('moment')} FROM instants")
    assert {at.replace(tzinfo=UTC): shown for at, shown in found} == {
        moment: moment.astimezone(zone).replace(tzinfo=None) for moment in instants
    }


def test_roll_ups_are_asked_by_local_day_also_where_the_readings_were_dropped(made):
    whole = _ask(made, "select time, readings, sum from daily where point = 'hafen_inflow'")
    # 25 October in Berlin begins at 22:00 UTC; 0 + 3.6 + 7.2 + 10.8 m3/h in it.
    assert whole == [(datetime(2026, 10, 24, 22, tzinfo=UTC), 4, pytest.approx(21.6))]
    assert _ask(made, "select sum(readings) from HOURLY", since="2026-10-26") == [(None,)]
    with Store.open(made.store_folder) as store:
        store.retain(
            Keep(raw=timedelta(days=1)), zone=made.city.zone_info, now=datetime(2027, 3, 1, tzinfo=UTC)
        )
        assert store.span() is None
    assert _ask(made, "select time, readings, sum from daily where point = 'hafen_inflow'") == whole
    assert _ask(made, "select count(*) from readings") == [(0,)]
