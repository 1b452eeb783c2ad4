"""`data export`: the same readings in each form, in the city's units and both times, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from cityctl.errors import UsageProblem
from cityctl.store.asked.export import export, stream
from tests.store.quarters import DAY1, local, quarters, rows_of


def _exported(project, words=(), form="csv", **when) -> bytes:
    pieces: list[bytes] = []
    stream(project, words, form=form, write=pieces.append, now=DAY1, **when)
    return b"".join(pieces)


def test_csv_speaks_the_citys_units_and_both_times(made):
    project = made(
        [
            ("flow", local("2026-11-10 00:00"), 36.0),
            ("flow", local("2026-11-10 00:15"), None, 3),
            ("other", local("2026-07-01 12:00"), 1.5, 1),
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
            *quarters("flow", "2026-11-10 00:00", 5),
            ('=cmd, "x"', local("2026-11-10 00:00") + timedelta(microseconds=1500), 1 / 3),
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
    assert from_parquet[0]["time"] == local("2026-11-10 00:00") + timedelta(microseconds=1500)
    assert len(from_csv) == len(from_jsonl) == len(from_parquet) == 6


def test_an_interval_and_people(made):
    project = made(quarters("flow", "2026-11-10 00:00", 96 * 2))
    result = export(
        project, ["flow"], form="table", path=None, out=print, terminal=True, since="2026-11-11", now=DAY1
    )
    assert result is not None
    rows = rows_of(result, "readings")
    assert len(rows) == 96
    assert (rows[0]["time"], rows[0]["local"]) == (local("2026-11-11 00:00"), "2026-11-11T00:00:00+01:00")


def test_a_file_is_there_whole_or_not_at_all(made, tmp_path):
    project = made(quarters("flow", "2026-11-10 00:00", 4))
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
    project = made(quarters("flow", "2026-11-10 00:00", 4))
    with pytest.raises(UsageProblem, match="no text for a terminal"):
        export(project, [], form="parquet", path=None, out=print, terminal=True, now=DAY1)
