"""Alarms and modes in plain words: what goes in as text comes out as that text, whatever way it takes."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cityctl.city.project import Project
from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.errors import InputRefused, StoreProblem
from cityctl.reading import code_of, word_of
from cityctl.store import Store
from cityctl.store.asked.export import stream
from cityctl.store.asked.history import history
from cityctl.store.asked.sql import sql
from cityctl.store.care.checking import check
from cityctl.store.care.healing import rebuild

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
CITY = """
name: Test
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hafen: {network: water, kind: dma}}
devices: {pump: {connector: pump, host: 127.0.0.1, zone: hafen}}
points:
  alarm: {quantity: state, kind: state, zone: hafen}
  flow: {unit: m3/h, zone: hafen}
"""
PUMP = """
connector: pump
vendor: T
model: T
class: pump
function_code: 3
points:
  mode: {address: 0, type: uint16, enum: {0: stopped, 1: running}}
sources: [by hand]
"""
BLANK = {"", "-", "--", "na", "n/a", "nan", "null", "none", "nil", "#n/a", "missing"}
"""What imports take for no reading, in any column."""


class Quiet:
    """A console that nobody looks at."""

    def __getattr__(self, name):
        from contextlib import nullcontext
        from types import SimpleNamespace

        if name == "progress":
            return lambda *_: nullcontext(SimpleNamespace(advance=lambda *_, **__: None))
        return lambda *_, **__: None


def _project(folder: Path) -> Project:
    (folder / "connectors" / "devices").mkdir(parents=True)
    (folder / "connectors" / "devices" / "pump.yaml").write_text(PUMP, encoding="utf-8")
    (folder / "city.yaml").write_text(CITY, encoding="utf-8")
    return Project(folder)


@pytest.fixture
def city(tmp_path, monkeypatch):
    monkeypatch.delenv("CITYCTL_STORE", raising=False)
    return _project(tmp_path / "city")


def _import(project, path, **more):
    return import_files(project, [path], Options(**more), now=NOW, console=Quiet())


def _exported(project, form="csv"):
    pieces = []
    stream(project, [], form=form, write=pieces.append, now=NOW)
    return b"".join(pieces)


def _written(folder, rows, form):
    path = folder / f"in.{form}"
    times = [f"{START + timedelta(hours=at):%Y-%m-%dT%H:%M:%SZ}" for at, _, _ in rows]
    lines = [
        {"point": point, "time": time, "value": value}
        for (_, point, value), time in zip(rows, times, strict=True)
    ]
    if form == "csv":
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, ["point", "time", "value"])
            writer.writeheader()
            writer.writerows(lines)
    elif form == "jsonl":
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(lines), path)
    return path


ROWS = [
    (0, "alarm", "Türkontakt, Schacht 7"),
    (1, "alarm", "ok"),
    (2, "alarm", "3"),
    (3, "alarm", '=2+3 "quoted"'),
    (0, "flow", "1.5"),
    (1, "flow", "2.5"),
    (0, "pump/mode", "Running"),
    (1, "pump/mode", "0"),
    (2, "pump/mode", "dry run"),
]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_words_come_out_as_they_went_in(city, tmp_path, form):
    path = _written(tmp_path, ROWS, form)
    result = _import(city, path)
    assert result.exit_code() == 0, result
    found = list(csv.DictReader(io.StringIO(_exported(city).decode())))
    values = {(row["point"], row["time"][11:13]): row["value"] for row in found}
    assert values["alarm", "00"] == "Türkontakt, Schacht 7"
    assert values["alarm", "03"] == '\'=2+3 "quoted"'  # no spreadsheet runs it
    assert float(values["alarm", "02"]) == 3
    assert float(values["flow", "01"]) == 2.5
    assert float(values["pump/mode", "00"]) == 1  # `Running` is a state that the connector names
    assert values["pump/mode", "02"] == "dry run"
    before = _exported(city)
    again = _import(city, path)
    assert again.tables[0].cells("new") == [0] * len(again.tables[0].rows)
    assert _exported(city) == before


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_an_export_brings_the_words_into_another_store(city, tmp_path, form):
    _import(city, _written(tmp_path, ROWS, "csv"))
    path = tmp_path / f"out.{form}"
    path.write_bytes(_exported(city, form))
    other = _project(tmp_path / "other")
    assert _import(other, path).exit_code() == 0
    assert _exported(other) == _exported(city)


def test_people_see_words(city, tmp_path):
    _import(city, _written(tmp_path, ROWS, "csv"))
    rows = sql(city, "select value, state from water.readings where point = 'alarm' order by time", now=NOW)
    assert rows.tables[0].rows[:3] == [(None, "Türkontakt, Schacht 7"), (None, "ok"), (3.0, None)]
    wide = sql(city, "select alarm, flow from water.hafen_wide order by time limit 2", now=NOW)
    assert wide.tables[0].rows == [("Türkontakt, Schacht 7", 1.5), ("ok", 2.5)]
    assert sql(city, "select word from words order by word", now=NOW).tables[0].rows[0] == ('=2+3 "quoted"',)
    table = history(city, ["alarm"], everything=True, now=NOW).tables[0]
    assert table.cells("word")[:3] == ["Türkontakt, Schacht 7", "ok", None]
    assert table.cells("value")[:3] == [None, None, 3.0]


def test_a_word_that_is_no_state_is_refused_with_its_line(city, tmp_path):
    result = _import(city, _written(tmp_path, [(0, "flow", "1.5"), (1, "flow", "broken")], "csv"))
    assert result.exit_code() == 4
    assert "is no number" in repr([table.rows for table in result.tables])
    assert len(_exported(city).splitlines()) == 2


def test_words_outlive_compaction_and_a_lost_list(city, tmp_path):
    _import(city, _written(tmp_path, ROWS[:4], "csv"))
    _import(city, _written(tmp_path, [(1, "alarm", "pressure low"), *ROWS[4:]], "csv"))
    before = _exported(city)
    with Store.open(city.store_folder) as store:
        store.compact()
        assert check(store).faults == []
    for ending in ("", "-wal", "-shm"):
        (city.store_folder / f"list.sqlite{ending}").unlink(missing_ok=True)
    rebuild(city.store_folder, city.city.points())
    assert _exported(city) == before
    assert b"pressure low" in before


def test_a_dictionary_that_was_tampered_with_is_found(city, tmp_path):
    _import(city, _written(tmp_path, ROWS, "csv"))
    with Store.open(city.store_folder) as store:
        with store.list.writing() as connection:
            connection.execute("UPDATE words SET text = 'no' WHERE text = 'ok'")
        assert any("words: 1 codes" in fault for fault in check(store).faults)
        with pytest.raises(StoreProblem, match="have the same code"):
            store.add(_table([("alarm", START, "ok")]), source="x", received=NOW, points=city.city.points())


def _table(rows):
    return pa.table(
        {
            "point": [row[0] for row in rows],
            "time": pa.array([row[1] for row in rows], pa.timestamp("us", "UTC")),
            "value": pa.array([row[2] for row in rows], pa.string()),
        }
    )


def test_arrow_brings_words_too(city):
    points = city.city.points()
    rows = [
        ("alarm", START, "ok"),
        ("pump/mode", START, "RUNNING"),
        ("flow", START, "much"),
        ("alarm", NOW, None),
    ]
    with Store.open(city.store_folder) as store:
        balance = store.add(_table(rows), source="x", received=NOW, points=points)
        assert (balance.total.new, balance.total.rejected) == (3, 1)
        assert store.list.words() == {code_of("ok"): "ok"}
        with pytest.raises(InputRefused, match="column `value` holds string"):
            store.add(_table(rows), source="x", received=NOW, points={"flow": points["flow"]})


_word = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: word_of(text) and word_of(text).lower() not in BLANK and not any(c.isdigit() for c in text)
)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(words=st.lists(_word, min_size=1, max_size=6), order=st.randoms(use_true_random=False))
@example(words=["=x", "'=x", ' a,"b"', "-", "Ä"], order=None)
def test_any_words_in_any_order_any_number_of_times(words, order):
    words = [word for word in words if word_of(word).lower() not in BLANK]
    with tempfile.TemporaryDirectory() as name:
        answers = []
        for turn in range(2):
            project = _project(Path(name) / f"{turn}")
            files = [_written_to(Path(name) / f"{turn}-{at}.csv", at, word) for at, word in enumerate(words)]
            if turn:
                files += files
                if order is not None:
                    order.shuffle(files)
            for file in files:
                _import(project, file)
            answers.append(_exported(project))
            rows = csv.DictReader(io.StringIO(answers[-1].decode(), newline=""))
            assert [word_of(row["value"]) for row in rows] == [word_of(word) for word in words]
        assert answers[0] == answers[1]


def _written_to(path, at, word):
    folder = path.with_suffix("")
    folder.mkdir()
    return _written(folder, [(at, "alarm", word), (at, "flow", "1.0")][:1], "csv").rename(path)
