"""`data status | sql | compact`: their answers, from real files, in the city's days and units."""

from __future__ import annotations

import json

import pytest

from cityctl.errors import ExitCode, StoreProblem, UsageProblem
from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.asked.gaps import gaps
from cityctl.store.asked.sql import sql
from cityctl.store.asked.status import status
from cityctl.store.care.commands import compacted
from tests.store.quarters import DAY1, local, quarters, rows_of


def test_status_counts_points_readings_and_bytes(made):
    project = made([*quarters("flow", "2026-11-10 00:00", 10), ("other", local("2026-11-11 00:00"), None, 3)])
    with Store.open(project.store_folder) as store:
        store.land([Reading("other", local("2026-11-11 00:15"), 1.0)], batch="1", received=DAY1)
        size = sum(segment.bytes for segment in store.snapshot().segments)
    result = status(project)
    (store_row,) = rows_of(result, "store")
    assert (store_row["points"], store_row["readings"], store_row["segments"], store_row["landed"]) == (
        2,
        12,
        1,
        1,
    )
    assert (store_row["first"], store_row["last"]) == (local("2026-11-10 00:00"), local("2026-11-11 00:15"))
    assert store_row["bytes_a_reading"] == size / 11
    flow, other = rows_of(result, "points")
    assert (flow["point"], flow["quantity"], flow["unit"], flow["readings"]) == ("flow", "flow", "m³/h", 10)
    assert (other["readings"], other["no_value"], other["not_good"]) == (2, 1, 1)
    assert result.exit_code() is ExitCode.DONE


def test_status_of_some_points(made):
    project = made([*quarters("flow", "2026-11-10 00:00", 2), *quarters("other", "2026-11-10 00:00", 3)])
    assert [row["point"] for row in rows_of(status(project, ["o*"]), "points")] == ["other"]
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


def test_sql_sees_readings_points_calendar_and_derived_points(made):
    project = made([*quarters("flow", "2026-11-10 00:00", 8), *quarters("other", "2026-11-10 00:00", 4)])
    result = sql(
        project,
        "select p.unit, r.point, count(*) as n, max(r.time) as last from readings r join points p using (point) "
        "group by all order by r.point",
        now=DAY1,
    )
    assert result.tables[0].rows == [
        ("m3/h", "flow", 8, local("2026-11-10 01:45")),
        ("m3/h", "other", 4, local("2026-11-10 00:45")),
        ("m3/h", "twice", 4, local("2026-11-10 00:45")),
    ]
    assert [column.kind for column in result.tables[0].columns] == ["text", "text", "integer", "time"]
    by_hour = (
        "select c.local, count(*) from readings r join calendar c "
        "on c.slot = time_bucket(interval 30 minute, r.time) where point = 'flow' group by 1 order by 1"
    )
    assert [row[1] for row in sql(project, by_hour, now=DAY1).tables[0].rows] == [2, 2, 2, 2]


def test_sql_is_cut_and_says_so(made):
    project = made(quarters("flow", "2026-11-10 00:00", 8))
    result = sql(project, "select time from readings order by time", limit=3, now=DAY1)
    assert len(result.tables[0].rows) == 3
    assert result.summary == "the first 3 rows; there are more"


def test_sql_within_an_interval(made):
    project = made(quarters("flow", "2026-11-10 00:00", 96 * 3))
    result = sql(
        project,
        "select count(*) from readings where point = 'flow'",
        since="2026-11-11",
        until="2026-11-11",
        now=DAY1,
    )
    assert result.tables[0].rows == [(96,)]


def test_sql_cannot_write_a_segment(made):
    project = made(quarters("flow", "2026-11-10 00:00", 8))
    with Store.open(project.store_folder) as store:
        segment = store.folder / store.snapshot().segments[0].path
    before = segment.read_bytes()
    query = f"with x as (copy (select 1 as a) to '{segment}' (use_tmp_file false)) select * from x"
    with pytest.raises(UsageProblem):
        sql(project, query, now=DAY1)
    assert segment.read_bytes() == before


def test_the_commands_run(made, cityctl):
    project = made(quarters("flow", "2026-11-10 00:00", 96))
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
