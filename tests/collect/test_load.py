"""Files into the store: the balance, the good part kept, and clear words for bad input. Figures by hand."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cityctl.city.project import Project
from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.console import Console
from cityctl.engine.duck import Engine
from cityctl.errors import ConfigInvalid, ExitCode, InputRefused, UsageProblem
from cityctl.exports.shape import Shape
from cityctl.result import Result
from cityctl.store import Store

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
CITY = """
name: Test city
time_zone: Europe/Berlin
networks: {water: {kind: water}, power: {kind: power}}
zones: {north: {network: water, kind: dma}}
files:
  flows: {path: in/flows.csv, layout: wide, time: Timestamp, time_zone: UTC, unit: L/s}
points:
  p227: {unit: m3/h, every: 5m}
  p235: {unit: m3/h, every: 5m}
  pump_1: {unit: m3/h, every: 5m}
  level: {unit: mH2O, every: 5m}
  use: {unit: kWh, kind: interval, every: 1h, series: METER.7}
  net: {formula: p227 + p235, unit: m3/h}
"""
FLOWS = "Timestamp,p227,P235\n2021-01-01 00:00,1,2\n2021-01-01 00:05,3,\n"


@pytest.fixture
def city(project: Callable[[str], Path]) -> Project:
    folder = project(CITY)
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "flows.csv").write_text(FLOWS)
    return Project(folder)


def quiet() -> Console:
    return Console(quiet=True, out=io.StringIO(), error=io.StringIO())


def load(project: Project | None, files: Sequence[Path] = (), *, later: int = 0, **words: Any) -> Result:
    options = {
        name: words.pop(name) for name in ("mapping", "keep_all", "dry_run", "format") if name in words
    }
    now = NOW + timedelta(hours=later)
    return import_files(project, files, Options(Shape(**words), **options), now=now, console=quiet())


def rows(result: Result) -> dict[str, dict[str, Any]]:
    """The balance by series."""
    table = result.tables[0]
    keys = [column.key for column in table.columns]
    return {str(row[0]): dict(zip(keys, row, strict=True)) for row in table.rows}


def rejections(result: Result) -> list[tuple[Any, ...]]:
    """(line, series, reason, count) of each rejection."""
    table = next(table for table in result.tables if table.key == "rejections")
    return [(row[1], row[3], row[4], row[5]) for row in table.rows]


def stored(project: Project) -> list[tuple[Any, ...]]:
    """(point, time, value, quality) of everything in the store."""
    with Store.open(project.store_folder) as store, Engine() as engine:
        store.attach(engine, None)
        return engine.rows("SELECT point, time, value, quality FROM readings ORDER BY ALL")


def closes(result: Result) -> bool:
    kinds = ("new", "unchanged", "revised", "duplicate", "rejected")
    return all(row["received"] == sum(row[kind] for kind in kinds) for row in rows(result).values())


def test_the_files_of_city_yaml_come_in_in_canonical_units(city: Project) -> None:
    result = load(city)
    assert stored(city) == [
        ("p227", datetime(2021, 1, 1), 3.6, 0),
        ("p227", datetime(2021, 1, 1, 0, 5), pytest.approx(10.8), 0),
        ("p235", datetime(2021, 1, 1), 7.2, 0),
    ]
    told = rows(result)
    assert told["p227"] | {"first": 0, "last": 0} == {
        "series": "p227", "point": "p227", "quantity": "flow", "unit": "m3/h", "direction": "", "received": 2, "new": 2,
        "unchanged": 0, "revised": 0, "duplicate": 0, "rejected": 0, "sum": None, "first": 0, "last": 0,
        "file": "in/flows.csv",
    }  # fmt: skip
    assert (told["p227"]["first"], told["p227"]["last"]) == (
        datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, 0, 5, tzinfo=UTC),
    )  # fmt: skip
    assert told["P235"]["point"] == "p235"
    assert result.exit_code() == ExitCode.DONE
    assert any("1 cells are blank" in note for note in result.notes)


def test_the_same_file_again_changes_nothing_and_a_changed_one_revises(city: Project) -> None:
    load(city)
    before = stored(city)
    again = rows(load(city, later=1))
    assert {name: (row["new"], row["unchanged"]) for name, row in again.items()} == {
        "p227": (0, 2),
        "P235": (0, 1),
    }
    assert stored(city) == before
    (city.folder / "in" / "flows.csv").write_text(FLOWS.replace(",3,", ",4,5"))
    result = load(city, later=2)
    assert {name: (row["new"], row["unchanged"], row["revised"]) for name, row in rows(result).items()} == {
        "p227": (0, 1, 1),
        "P235": (1, 1, 0),
    }
    assert closes(result)


def test_good_rows_stay_when_others_are_rejected(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "meter,time,value\n"
        "METER.7,2021-03-28 01:00,1\n"
        "METER.7,2021-03-28 02:00,2\n"  # 3: the clocks skip it
        'METER.7,2021-03-28 03:00,"3,5"\n'  # 4: decimal comma
        "METER.7,2021-03-28 24:00,4\n"
        "METER.7,soon,5\n"  # 6
        "METER.7,2021-03-28 01:00,1\n"  # a duplicate
        "METER.7,2021-03-29 00:00,9\n"  # 8: differs from line 5
        "METER.8,2021-03-29 00:00,9\n"  # nobody takes it
    )
    result = load(city, [path], unit="kWh", decimal=".")
    assert stored(city) == [
        ("use", datetime(2021, 3, 28), 1.0, 0),
        ("use", datetime(2021, 3, 28, 22), 9.0, 0),
    ]
    told = rows(result)
    kinds = ("received", "new", "duplicate", "rejected", "sum")
    assert [told["METER.7"][kind] for kind in kinds] == [7, 2, 1, 4, 10.0]
    assert [told["METER.8"][kind] for kind in kinds] == [1, 0, 0, 1, None]
    assert closes(result)
    by_line = {line: reason for line, _, reason, _ in rejections(result)}
    assert set(by_line) == {3, 4, 5, 6, None}
    assert "does not exist in Europe/Berlin" in by_line[3]
    assert "--decimal ," in by_line[4]
    assert "where line 8 gives 9 for the same instant" in by_line[5]
    assert by_line[6] == "`soon` is no time"
    assert "no point of the city takes `METER.8`" in by_line[None]
    assert result.exit_code() == ExitCode.INCOMPLETE


@pytest.mark.parametrize(
    ("text", "words", "kind", "why", "hint"),
    [
        ("time,flow\n2021-01-01,1\n", {"value": "flwo"}, UsageProblem, "`flwo`", "`flow`"),
        ("time,flow\n2021-01-01,1\n", {"mapping": {"flwo": "p227"}}, UsageProblem, "`flwo`", "`flow`"),
        ("time,flow\n2021-01-01,1\n", {"mapping": {"flow": "p272"}}, UsageProblem, "`p272`", "`p227`"),
        (
            "time,flow\n2021-01-01,1\n",
            {"mapping": {"flow": "net"}},
            UsageProblem,
            "formula",
            "without formula",
        ),
        ("time,flow\n01/02/2021,1\n", {"unit": "m3/h"}, InputRefused, "01/02/2021", "--time-format"),
        ('time,flow\n2021-01-01,"1,234"\n', {"unit": "m3/h"}, InputRefused, "1,234", "--decimal"),
        ("", {}, InputRefused, "empty", "again"),
        ("<xyz/>", {}, InputRefused, "<xyz>", "--format"),
        ("time,flow\n2021-01-01,1\n", {"format": "cvs"}, UsageProblem, "cvs", "csv"),
    ],
)
def test_bad_input_says_what_and_what_to_do(
    city: Project,
    tmp_path: Path,
    text: str,
    words: dict[str, Any],
    kind: type[Exception],
    why: str,
    hint: str,
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    if kind is UsageProblem:
        with pytest.raises(UsageProblem) as wrong:
            load(city, [path], **words)
        said = f"{wrong.value} hint: {wrong.value.hint}"
    else:
        result = load(city, [path], **words)
        assert result.exit_code() == ExitCode.INCOMPLETE
        ((missing),) = result.completeness.missing
        said = missing.why
        assert rejections(result) == [(None, "", said, 0)]
    assert why in said
    assert hint in said.partition("hint: ")[2]
    assert stored(city) == []


def test_readings_without_a_unit_are_not_imported_and_said_so(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text("time,flow,level [ell]\n2021-01-01,1,2\n2021-01-02,3,\n")
    result = load(city, [path], keep_all=True)
    assert stored(city) == []
    assert closes(result)
    assert [(series, count) for _, series, _, count in rejections(result)] == [
        ("flow", 2),
        ("level [ell]", 1),
    ]
    assert all("no unit" in reason and "--unit" in reason for _, _, reason, _ in rejections(result))
    assert result.exit_code() == ExitCode.INCOMPLETE


def test_one_bad_file_of_several_is_named_and_the_others_come_in(city: Project, tmp_path: Path) -> None:
    good, bad, absent = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "absent.csv"
    good.write_text("time,p227\n2021-01-01,1\n")
    bad.write_text("no,times\nin,here\n")
    result = load(city, [bad, good, absent], unit="m3/h")
    assert len(stored(city)) == 1
    assert {missing.what for missing in result.completeness.missing} == {str(bad), str(absent)}
    assert result.exit_code() == ExitCode.INCOMPLETE


def test_a_unit_of_another_quantity_is_rejected_with_the_reason(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,p227 (m³),level (m)\n2021-01-01,1,2\n")
    result = load(city, [path])
    assert stored(city) == [
        ("level", datetime(2020, 12, 31, 23), pytest.approx(0.196133), 0)
    ]  # 2 m of head in bar
    assert rejections(result) == [(None, "p227 (m³)", "it is volume in m3, and `p227` measures flow", 1)]


def test_a_feed_finds_its_point_by_the_usage_point(city: Project, tmp_path: Path) -> None:
    meter = '<link rel="self" href="UsagePoint/METER.7/MeterReading/1"/><link rel="related" href="R"/>'
    espi = 'xmlns="http://naesb.org/espi"'
    (tmp_path / "feed.xml").write_text(
        f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="self" href="UsagePoint/METER.7"/><content>'
        f"<UsagePoint {espi}/></content></entry><entry>{meter}<content><MeterReading {espi}/></content></entry>"
        f'<entry><link rel="self" href="R"/><content><ReadingType {espi}><uom>72</uom></ReadingType></content></entry>'
        f'<entry><link rel="up" href="UsagePoint/METER.7/MeterReading/1/IntervalBlock"/><content><IntervalBlock {espi}>'
        "<IntervalReading><timePeriod><start>0</start></timePeriod><value>2500</value></IntervalReading>"
        "</IntervalBlock></content></entry></feed>"
    )
    load(city, [tmp_path / "feed.xml"])
    assert stored(city) == [("use", datetime(1970, 1, 1), 2.5, 0)]


def test_a_register_is_no_amount_of_an_interval(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "METER.7.csv"
    path.write_text("time,value\n2021-01-01,1000\n")
    result = load(city, [path], unit="kWh", kind="counter", layout="long", series="METER.7")
    assert stored(city) == []
    assert "ever-rising register" in rejections(result)[0][2]


def test_all_keeps_what_no_point_takes_in_its_canonical_unit(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,boiler [MWh]\n2021-01-01,2\n")
    assert load(city, [path]).exit_code() == ExitCode.INCOMPLETE
    assert stored(city) == []
    result = load(city, [path], keep_all=True)
    assert stored(city) == [("boiler [MWh]", datetime(2020, 12, 31, 23), 2000.0, 0)]
    assert result.exit_code() == ExitCode.DONE


def test_a_map_chooses_columns_and_a_series_it_names_must_be_there(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,A (m³/h),B (m³/h)\n2021-01-01,1,oops\n")
    result = load(city, [path], mapping={"A": "p227"})
    assert [row[0] for row in stored(city)] == ["p227"]
    assert result.exit_code() == ExitCode.DONE
    long = tmp_path / "long.csv"
    long.write_text("meter,time,value\nA,2021-01-02,1\nB,2021-01-02,2\n")
    result = load(city, [long], unit="m3/h", mapping={"A": "p227", "C": "p235"})
    assert len(stored(city)) == 2
    assert [missing.why for missing in result.completeness.missing] == [
        "no series `C`, which the map names; near: `A`"
    ] or ("no series `C`" in result.completeness.missing[0].why)
    assert any("left out: `B`" in note for note in result.notes)


def test_a_dry_run_needs_no_project_and_stores_nothing(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,p227\n2021-01-01,1\n2021-01-01,1\n")
    told = rows(load(None, [path], dry_run=True, time_zone="UTC", unit="m3/h"))
    assert (told["p227"]["received"], told["p227"]["new"], told["p227"]["duplicate"]) == (2, 1, 1)
    with pytest.raises(ConfigInvalid, match=r"no city\.yaml"):
        load(None, [path])
    load(city)
    dry = load(city, dry_run=True)
    assert {row["unchanged"] for row in rows(dry).values()} == {1, 2}
    assert "nothing was stored" in dry.summary
    (city.folder / "in" / "flows.csv").write_text(FLOWS.replace(",3,", ",4,5"))
    told = rows(load(city, dry_run=True))
    assert [(row["new"], row["unchanged"], row["revised"]) for row in told.values()] == [(0, 1, 1), (1, 1, 0)]
    assert len(stored(city)) == 3


def test_a_file_that_brings_nothing_is_incomplete(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,p227\n")
    result = load(city, [path], unit="m3/h")
    assert [missing.why for missing in result.completeness.missing] == ["no readings in it"]


def test_the_command_speaks_json_anywhere(tmp_path: Path, cityctl: Callable[..., Any], shared: Path) -> None:
    folder = shared / "data" / "exports" / "greenbutton"
    ended = cityctl("data", "import", folder / "BatchFeedThreeUsagePoints_M.xml", "--dry-run", "-o", "json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)["rows"]
    expected = json.loads((folder / "expected.json").read_text())["BatchFeedThreeUsagePoints_M.xml"]["series"]
    assert [(row["series"], row["received"], row["sum"], row["unit"], row["first"]) for row in told] == [
        (one["meter_reading"], one["intervals"], pytest.approx(one["kWh"]), "kWh", one["first_start_utc"])
        for one in expected
    ]
    bad = cityctl("data", "import", folder / "1hrLP_32DaysM_D000_BAD.xml", "--dry-run", "-o", "json")
    assert bad.returncode == 4
    assert "<xyz>" in bad.stderr
    assert "<xyz>" in json.loads(bad.stdout)["completeness"]["missing"][0]["why"]
    assert "Traceback" not in bad.stderr


def test_real_city_files_come_in_within_seconds(shared: Path, project: Callable[[str], Path]) -> None:
    flows = shared / "data" / "water" / "ltown_2018" / "flows.parquet"
    made = Project(
        project(
            "name: L-Town\ntime_zone: UTC\nnetworks: {water: {kind: water}}\n"
            f"files: {{flows: {{path: '{flows}', layout: wide, time: Timestamp, time_zone: UTC, unit: m3/h}}}}\n"
            "points:\n  p227: {unit: m3/h, every: 5m}\n  p235: {unit: m3/h, every: 5m}\n"
            "  pump_1: {unit: m3/h, every: 5m}\n"
        )
    )
    result = load(made)
    # 105 120 rows of three flows (README of the data set); sums by DuckDB over the same file.
    assert [(row["point"], row["new"]) for row in rows(result).values()] == [
        ("p227", 105120), ("p235", 105120), ("pump_1", 105120),
    ]  # fmt: skip
    with Engine() as engine:
        expected = engine.rows(
            f"SELECT sum(p227::DOUBLE), sum(p235::DOUBLE), sum(PUMP_1::DOUBLE) FROM '{flows}'"
        )[0]
    found: dict[str, float] = {}
    for point, _, value, _ in stored(made):
        found[point] = found.get(point, 0.0) + value
    assert list(found.values()) == pytest.approx(expected, rel=1e-9)
    assert result.exit_code() == ExitCode.DONE


def test_repeats_before_a_last_line_that_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = ["A,2023-01-01T00:00Z,1", "A,2023-01-01T00:00Z,1", "A,2023-01-01T01:00Z,2", "A,2023-01-01T01:0"]
    path.write_text("meter,time,kwh\n" + "\n".join(rows))
    result = load(None, [path], dry_run=True)
    assert [tuple(row[5:7]) + tuple(row[9:11]) for row in result.tables[0].rows] == [
        (3, 2, 1, 0),
        (1, 0, 0, 1),
    ]
    assert "cut" in result.tables[1].rows[0][4]


def test_files_of_one_import_that_disagree_are_told_of(city, tmp_path):
    """Received at one instant, the larger value counts whatever the order; the one that gave way is named."""
    head = "point,time,value,unit\n"
    high, low = tmp_path / "high.csv", tmp_path / "low.csv"
    high.write_text(f"{head}p227,2021-01-01T00:00Z,99,m3/h\np227,2021-01-01T00:05Z,3,m3/h\n")
    low.write_text(f"{head}p227,2021-01-01T00:00Z,2,m3/h\n")
    notes = load(city, [high, low]).notes
    assert len(notes) == 1
    assert "low.csv: 1 readings of `p227` gave way to another value for their instant" in notes[0]
    assert load(city, [low], later=1).notes == []  # a later one is the later word
