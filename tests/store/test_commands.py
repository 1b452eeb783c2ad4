"""`data status | gaps | export | sql | compact`: their answers, from real files, in the city's days and units."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from cityctl.city.project import Project
from cityctl.errors import ExitCode, StoreProblem, UsageProblem
from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.care import compacted
from cityctl.store.export import export, stream
from cityctl.store.gaps import gaps
from cityctl.store.sql import sql
from cityctl.store.status import status

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


@pytest.fixture
def made(project, monkeypatch, table):
    """Make a project whose store holds the given rows of (point, local time, value[, quality])."""
    monkeypatch.delenv("CITYCTL_STORE", raising=False)

    def make(rows=(), city=CITY):
        found = Project(project(city))
        if rows:
            with Store.open(found.store_folder) as store:
                store.add(table(rows), source="x", received=DAY1, points=found.city.points())
        return found

    return make


def _at(text: str) -> datetime:
    """Local time in Berlin as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def _rows(result, key):
    (found,) = [table for table in result.tables if table.key == key]
    return [dict(zip([column.key for column in found.columns], row, strict=True)) for row in found.rows]


def _quarters(point: str, first: str, count: int, without=()):
    return [
        (point, _at(first) + timedelta(minutes=15 * n), float(n)) for n in range(count) if n not in without
    ]


# --- status -----------------------------------------------------------------------------------------------


def test_status_counts_points_readings_and_bytes(made):
    project = made([*_quarters("flow", "2026-11-10 00:00", 10), ("other", _at("2026-11-11 00:00"), None, 3)])
    with Store.open(project.store_folder) as store:
        store.land([Reading("other", _at("2026-11-11 00:15"), 1.0)], batch="1", received=DAY1)
        size = sum(segment.bytes for segment in store.snapshot().segments)
    result = status(project)
    (store_row,) = _rows(result, "store")
    assert (store_row["points"], store_row["readings"], store_row["segments"], store_row["landed"]) == (
        2,
        12,
        1,
        1,
    )
    assert (store_row["first"], store_row["last"]) == (_at("2026-11-10 00:00"), _at("2026-11-11 00:15"))
    assert store_row["bytes_a_reading"] == size / 11
    flow, other = _rows(result, "points")
    assert (flow["point"], flow["quantity"], flow["unit"], flow["readings"]) == ("flow", "flow", "m³/h", 10)
    assert (other["readings"], other["no_value"], other["not_good"]) == (2, 1, 1)
    assert result.exit_code() is ExitCode.DONE


def test_status_of_some_points(made):
    project = made([*_quarters("flow", "2026-11-10 00:00", 2), *_quarters("other", "2026-11-10 00:00", 3)])
    assert [row["point"] for row in _rows(status(project, ["o*"]), "points")] == ["other"]
    with pytest.raises(UsageProblem, match="no point `flwo`") as problem:
        status(project, ["flwo"])
    assert problem.value.hint == "did you mean `flow`?"


@pytest.mark.parametrize(
    "ask", [status, lambda p: sql(p, "select 1", now=DAY1), lambda p: gaps(p, now=DAY1), compacted]
)
def test_without_readings_there_is_a_hint_and_no_folder_is_made(made, ask):
    project = made()
    with pytest.raises(StoreProblem, match="no readings yet") as problem:
        ask(project)
    assert "cityctl poll" in (problem.value.hint or "")
    assert not project.store_folder.exists()
    Store.open(project.store_folder).close()
    with pytest.raises(StoreProblem, match="no readings yet"):
        ask(project)


# --- gaps -------------------------------------------------------------------------------------------------


def _gaps(project, words=(), *, since, until, now):
    result = gaps(project, words, since=since, until=until, now=_at(now))
    found = [
        (
            row["point"],
            f"{row['since'].astimezone(BERLIN):%d %H:%M}",
            f"{row['until'].astimezone(BERLIN):%d %H:%M}",
            row["missing"],
            row["due"],
        )
        for row in _rows(result, "gaps")
    ]
    return result, found


def test_gaps_at_both_ends_and_in_the_middle(made):
    project = made(_quarters("flow", "2026-11-10 01:00", 40, without=range(10, 14)))
    result, found = _gaps(
        project, ["flow"], since="2026-11-10T00:00", until="2026-11-10T12:00", now="2026-11-20 00:00"
    )
    # 01:00 + 10 quarters = 03:30; the last reading is at 10:45.
    assert found == [
        ("flow", "10 00:00", "10 01:00", 4, "missing"),
        ("flow", "10 03:30", "10 04:30", 4, "missing"),
        ("flow", "10 11:00", "10 12:00", 4, "missing"),
    ]
    (row,) = _rows(result, "points")
    assert (row["wanted"], row["had"], row["missing"], row["not_due"]) == (48, 36, 12, 0)
    assert row["present"] == 0.75
    assert (result.completeness.wanted, result.completeness.had) == (48, 36)
    assert result.exit_code() is ExitCode.INCOMPLETE


def test_what_is_not_due_yet_is_not_missing(made):
    project = made(_quarters("flow", "2026-11-10 00:00", 40))  # the last at 09:45
    result, found = _gaps(project, ["flow"], since="2026-11-10", until="2026-11-10", now="2026-11-10 10:35")
    # At 10:35 the readings of 10:00 and 10:15 are due, that of 10:30 will be at 10:45.
    assert found == [
        ("flow", "10 10:00", "10 10:30", 2, "missing"),
        ("flow", "10 10:30", "11 00:00", 54, "not due yet"),
    ]
    (row,) = _rows(result, "points")
    assert (row["wanted"], row["had"], row["missing"], row["not_due"]) == (42, 40, 2, 54)


def test_complete_readings_have_no_gaps(made):
    project = made(_quarters("flow", "2026-11-10 00:07", 96))  # polled seven minutes past, all day
    result, found = _gaps(project, ["flow"], since="2026-11-10", until="2026-11-10", now="2026-11-20 00:00")
    assert found == []
    assert result.summary == "no gaps in 1 points"
    assert result.exit_code() is ExitCode.DONE


def test_a_point_without_any_reading_misses_all_that_are_due(made):
    project = made(_quarters("flow", "2026-11-10 00:00", 4))
    _, found = _gaps(project, ["other"], since="2026-11-10", until="2026-11-10", now="2026-11-20 00:00")
    assert found == [("other", "10 00:00", "11 00:00", 96, "missing")]
    _, found = _gaps(project, ["other"], since="2026-11-10", until="2026-11-10", now="2026-11-09 00:00")
    assert found == [("other", "10 00:00", "11 00:00", 96, "not due yet")]


@pytest.mark.parametrize(
    ("days", "missing"),
    [
        # Local midnights around the day of 23 hours and the one of 25: days 28 to 31 March, 24 to 27 October.
        (["2026-03-28", "2026-03-31"], ("03-29", "03-31", 2)),
        (["2026-10-24", "2026-10-27"], ("10-25", "10-27", 2)),
        (["2026-03-28", "2026-03-29", "2026-03-31"], ("03-30", "03-31", 1)),
        (["2026-10-24", "2026-10-26", "2026-10-27"], ("10-25", "10-26", 1)),
    ],
)
def test_daily_readings_are_counted_in_the_local_calendar(made, days, missing):
    project = made([("daily", _at(f"{day} 00:00"), 1.0) for day in days])
    result = gaps(project, ["daily"], since=days[0], until=days[-1], now=DAY1)
    (row,) = _rows(result, "gaps")
    since, until = (row[edge].astimezone(BERLIN) for edge in ("since", "until"))
    assert (f"{since:%m-%d}", f"{until:%m-%d}", row["missing"]) == missing
    assert (since.hour, until.hour) == (0, 0)


def test_daily_readings_missing_at_the_end_of_a_long_day(made):
    project = made([("daily", _at("2026-10-24 00:00"), 1.0)])
    result = gaps(project, ["daily"], since="2026-10-24", until="2026-10-26", now=DAY1)
    (row,) = _rows(result, "gaps")
    assert (row["since"], row["until"], row["missing"]) == (
        _at("2026-10-25 00:00"),
        _at("2026-10-27 00:00"),
        2,
    )


def test_a_reading_without_a_value_is_no_gap_but_not_had_either(made):
    rows = _quarters("flow", "2026-11-10 00:00", 96, without=[5])
    project = made([*rows, ("flow", _at("2026-11-10 01:15"), None, 3)])
    result, found = _gaps(project, ["flow"], since="2026-11-10", until="2026-11-10", now="2026-11-20 00:00")
    (row,) = _rows(result, "points")
    assert found == []
    assert (row["wanted"], row["had"], row["no_value"], row["missing"]) == (96, 95, 1, 0)


def test_how_often_is_read_from_the_readings_where_city_yaml_is_silent(made):
    stored = [
        ("unlisted", _at("2026-11-10 00:00") + timedelta(minutes=10 * n), 1.0) for n in range(144) if n != 7
    ]
    project = made(stored)
    result, found = _gaps(project, since="2026-11-10", until="2026-11-10", now="2026-11-20 00:00")
    assert ("unlisted", "10 01:10", "10 01:20", 1, "missing") in found
    assert any("read from the readings themselves" in note for note in result.notes)
    # Every measured point of city.yaml is looked at too; derived ones only where they are named.
    assert {row["point"] for row in _rows(result, "points")} == {"flow", "other", "daily", "unlisted"}


# --- export -----------------------------------------------------------------------------------------------


def _exported(project, words=(), form="csv", **when) -> bytes:
    pieces: list[bytes] = []
    stream(project, words, form=form, write=pieces.append, now=DAY1, **when)
    return b"".join(pieces)


def test_csv_speaks_the_citys_units_and_both_times(made):
    project = made(
        [
            ("flow", _at("2026-11-10 00:00"), 36.0),
            ("flow", _at("2026-11-10 00:15"), None, 3),
            ("other", _at("2026-07-01 12:00"), 1.5, 1),
        ]
    )
    # The store holds m3/h; the city speaks L/s of `flow`: 36 m3/h are 10 L/s.
    assert _exported(project).decode().splitlines() == [
        "point,time,local,value,unit,quality",
        "flow,2026-11-09T23:00:00Z,2026-11-10T00:00:00+01:00,10,L/s,good",
        "flow,2026-11-09T23:15:00Z,2026-11-10T00:15:00+01:00,,L/s,bad",
        "other,2026-07-01T10:00:00Z,2026-07-01T12:00:00+02:00,1.5,m3/h,estimated",
        "twice,2026-07-01T10:00:00Z,2026-07-01T12:00:00+02:00,3,m3/h,estimated",
    ]


def test_the_hour_that_comes_twice_is_told_apart(made):
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    project = made([("flow", first + timedelta(hours=n), 1.0) for n in range(3)])
    lines = _exported(project, ["flow"]).decode().splitlines()[1:]
    assert [line.split(",")[2] for line in lines] == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T03:30:00+01:00",
    ]


def test_all_forms_hold_the_same(made, tmp_path):
    project = made(
        [
            *_quarters("flow", "2026-11-10 00:00", 5),
            ('=cmd, "x"', _at("2026-11-10 00:00") + timedelta(microseconds=1500), 1 / 3),
        ]
    )
    words = ["flow", "=cmd*"]
    from_csv = list(csv.DictReader(io.StringIO(_exported(project, words).decode())))
    from_jsonl = [json.loads(line) for line in _exported(project, words, "jsonl").decode().splitlines()]
    path = tmp_path / "out.parquet"
    assert export(project, words, form="parquet", path=path, out=print, terminal=False, now=DAY1) is None
    from_parquet = pq.read_table(path).to_pylist()
    assert [float(row["value"]) for row in from_csv] == [row["value"] for row in from_jsonl]
    assert [row["value"] for row in from_jsonl] == [row["value"] for row in from_parquet]
    assert from_jsonl[0] == {
        "point": '=cmd, "x"',
        "time": "2026-11-09T23:00:00.001500Z",
        "local": "2026-11-10T00:00:00.001500+01:00",
        "value": 1 / 3,
        "unit": None,
        "quality": "good",
    }
    assert from_csv[0]["point"] == '\'=cmd, "x"'  # no spreadsheet runs it
    assert from_parquet[0]["time"] == _at("2026-11-10 00:00") + timedelta(microseconds=1500)
    assert len(from_csv) == len(from_jsonl) == len(from_parquet) == 6


def test_an_interval_and_people(made):
    project = made(_quarters("flow", "2026-11-10 00:00", 96 * 2))
    result = export(
        project, ["flow"], form="table", path=None, out=print, terminal=True, since="2026-11-11", now=DAY1
    )
    assert result is not None
    rows = _rows(result, "readings")
    assert len(rows) == 96
    assert (rows[0]["time"], rows[0]["local"]) == (_at("2026-11-11 00:00"), "2026-11-11T00:00:00+01:00")


def test_a_file_is_there_whole_or_not_at_all(made, tmp_path):
    project = made(_quarters("flow", "2026-11-10 00:00", 4))
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(UsageProblem, match="no point"):
        export(project, ["nowhere"], form="csv", path=path, out=print, terminal=False, now=DAY1)
    assert path.read_text() == "before"
    export(project, ["flow"], form="csv", path=path, out=print, terminal=False, now=DAY1)
    assert len(path.read_text().splitlines()) == 5
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["city", "out.csv"]
    with pytest.raises(UsageProblem, match="cannot write"):
        export(
            project, [], form="csv", path=tmp_path / "no" / "where.csv", out=print, terminal=False, now=DAY1
        )


def test_parquet_is_nothing_for_a_terminal(made):
    project = made(_quarters("flow", "2026-11-10 00:00", 4))
    with pytest.raises(UsageProblem, match="no text for a terminal"):
        export(project, [], form="parquet", path=None, out=print, terminal=True, now=DAY1)


# --- sql --------------------------------------------------------------------------------------------------


def test_sql_sees_readings_points_calendar_and_derived_points(made):
    project = made([*_quarters("flow", "2026-11-10 00:00", 8), *_quarters("other", "2026-11-10 00:00", 4)])
    result = sql(
        project,
        "select p.unit, r.point, count(*) as n, max(r.time) as last from readings r join points p using (point) "
        "group by all order by r.point",
        now=DAY1,
    )
    assert result.tables[0].rows == [
        ("m3/h", "flow", 8, _at("2026-11-10 01:45")),
        ("m3/h", "other", 4, _at("2026-11-10 00:45")),
        ("m3/h", "twice", 4, _at("2026-11-10 00:45")),
    ]
    assert [column.kind for column in result.tables[0].columns] == ["text", "text", "integer", "time"]
    by_hour = (
        "select c.local, count(*) from readings r join calendar c "
        "on c.slot = time_bucket(interval 30 minute, r.time) where point = 'flow' group by 1 order by 1"
    )
    assert [row[1] for row in sql(project, by_hour, now=DAY1).tables[0].rows] == [2, 2, 2, 2]


def test_sql_is_cut_and_says_so(made):
    project = made(_quarters("flow", "2026-11-10 00:00", 8))
    result = sql(project, "select time from readings order by time", limit=3, now=DAY1)
    assert len(result.tables[0].rows) == 3
    assert result.summary == "the first 3 rows; there are more"


def test_sql_within_an_interval(made):
    project = made(_quarters("flow", "2026-11-10 00:00", 96 * 3))
    result = sql(
        project,
        "select count(*) from readings where point = 'flow'",
        since="2026-11-11",
        until="2026-11-11",
        now=DAY1,
    )
    assert result.tables[0].rows == [(96,)]


def test_sql_cannot_write_a_segment(made):
    project = made(_quarters("flow", "2026-11-10 00:00", 8))
    with Store.open(project.store_folder) as store:
        segment = store.folder / store.snapshot().segments[0].path
    before = segment.read_bytes()
    query = f"with x as (copy (select 1 as a) to '{segment}' (use_tmp_file false)) select * from x"
    with pytest.raises(UsageProblem):
        sql(project, query, now=DAY1)
    assert segment.read_bytes() == before


# --- the commands themselves ------------------------------------------------------------------------------


def test_the_commands_run(made, cityctl):
    project = made(_quarters("flow", "2026-11-10 00:00", 96))
    at = {"cwd": project.folder, "CITYCTL_NOW": "2026-11-11T00:00+01:00"}
    ended = cityctl("data", "export", "flow", "-o", "csv", **at)
    assert (ended.returncode, len(ended.stdout.splitlines())) == (0, 97)
    ended = cityctl("data", "gaps", "other", "--last", "1d", "-o", "json", **at)
    assert ended.returncode == ExitCode.INCOMPLETE
    assert json.loads(ended.stdout)
    ended = cityctl("data", "sql", "select nothing from readings", **at)
    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert "hint: `cityctl data sql" in ended.stderr
    ended = cityctl("data", "status", cwd=project.folder, CITYCTL_STORE=str(project.folder / "nowhere"))
    assert ended.returncode == ExitCode.CONFIG
    assert "hint: `cityctl poll`" in ended.stderr
    assert "Traceback" not in ended.stderr
