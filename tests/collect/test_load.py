"""Files into the store: the balance, units, maps and repeats. Figures by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cityctl.city.project import Project
from cityctl.engine.duck import Engine
from cityctl.errors import ConfigInvalid, ExitCode
from tests.collect.importing import FLOWS, closes, load, rejections, rows, stored


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
    assert any("1 cell blank" in note for note in result.notes)


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


MIXED = """
name: Mixed
time_zone: UTC
networks: {power: {kind: power}}
points:
  register: {unit: kWh, kind: counter, every: 1h}
  use: {unit: kWh, kind: interval, every: 1h}
  roof: {unit: kW, every: 1h}
"""


def test_a_register_that_begins_at_zero_is_one_by_its_point(
    project: Callable[[str], Path], tmp_path: Path
) -> None:
    """Its values tell no register; the sum of what a new meter showed was told as its use."""
    path = tmp_path / "new.csv"
    path.write_text(
        "time,register,use\n" + "".join(f"2021-01-01T{hour:02d}:00,{hour},1\n" for hour in range(24))
    )
    result = load(Project(project(MIXED)), [path], unit="kWh")
    assert {name: row["sum"] for name, row in rows(result).items()} == {"register": None, "use": 24.0}


def test_a_register_makes_no_registers_of_what_stands_below_it(
    project: Callable[[str], Path], tmp_path: Path
) -> None:
    """The first rows of a long table are a register's; the use and the power below it rise and fall."""
    kept = Project(project(MIXED))
    hours = [f"2024-03-{1 + at // 24:02}T{at % 24:02}:00Z" for at in range(96)]
    told = {
        "register": [1000 + 2.5 * at for at in range(96)],
        "use": [2.5 + at % 3 for at in range(96)],
        "roof": [max(0.0, 6.0 - abs(at % 24 - 12)) for at in range(96)],
    }
    text = "".join(
        f"{time},{name},{value}\n" for name in told for time, value in zip(hours, told[name], strict=True)
    )
    path = tmp_path / "all.csv"
    path.write_text("time,point,value\n" + text)
    result = load(kept, [path])
    assert rejections(result) == []
    assert {name: (row["new"], row["sum"]) for name, row in rows(result).items()} == {
        "register": (96, None), "use": (96, pytest.approx(96 * 3.5)), "roof": (96, None),
    }  # fmt: skip
    assert {quality for *_, quality in stored(kept)} == {0}
    assert any("`register` only rise" in note for note in result.notes)


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


def test_readings_of_the_future_and_of_decades_ago_are_taken_and_told(city: Project, tmp_path: Path) -> None:
    """NOW is in 2026: a logger's clock stood at 1970 until it was set, and another one counts the years to come."""
    table = tmp_path / "clocks.csv"
    stamps = {
        "p227": ("1970-01-01T00:00Z", "2026-01-01T00:00Z"),
        "p235": ("2026-01-01T00:00Z", "2031-01-01T00:00Z"),
    }
    lines = [f"{point},{at},1,m3/h" for point, own in stamps.items() for at in own]
    table.write_text("\n".join(["point,time,value,unit", *lines]))
    result = load(city, [table])
    assert result.notes == [
        f"{table}: readings up to 2031-01-01 lie in the future: `p235`",
        f"{table}: readings from 1970-01-01 on lie decades back: `p227`",
    ]
    assert result.exit_code() == ExitCode.DONE
    assert rows(result)["p235"]["new"] == 2


def test_a_ratio_has_no_unit_to_say(project: Callable[[str], Path], tmp_path: Path) -> None:
    """`unit: ""` is that of flicker and power factors: it was asked for again."""
    text = (
        "name: C\ntime_zone: UTC\nnetworks: {power: {kind: power}}\nzones: {a: {network: power}}\n"
        'points: {flicker: {unit: "", quantity: ratio, every: 2h, zone: a}}\n'
    )
    city = Project(project(text))
    path = tmp_path / "plt.csv"
    path.write_text("time,flicker\n2021-01-01T00:00Z,0.5\n2021-01-01T02:00Z,1.25\n")
    result = load(city, [path])
    assert [row[2] for row in stored(city)] == [0.5, 1.25]
    assert result.exit_code() == ExitCode.DONE
