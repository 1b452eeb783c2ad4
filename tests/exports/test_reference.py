"""Every reference file gives the counts and sums that independent parsers found, or is refused with its reason.

Expected figures: `expected.json` beside the files (XPath and npm @cityssm/green-button-parser for Green Button, a
plain walk of CSV for NEM, pydifact 0.2.3, dsmr-parser 1.11.2, plain walks for NGSI and WaterML).
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.console import Console
from cityctl.exports.shape import Shape
from cityctl.units import linear

NOW = datetime(2026, 11, 23, tzinfo=UTC)
FOLDER = (
    Path(os.environ.get("CITYCTL_SHARED") or Path(__file__).resolve().parents[3] / "shared")
    / "data"
    / "exports"
)


def expected(kind: str) -> list[Any]:
    """(file, what is expected of it) of a folder; one that skips where the reference data is not there."""
    path = FOLDER / kind / "expected.json"
    if not path.is_file():
        return [
            pytest.param("", {}, marks=pytest.mark.skip(f"reference data is not beside the project ({path})"))
        ]
    found = json.loads(path.read_text("utf-8"))
    return [pytest.param(name, said, id=name.rsplit("/", 1)[-1][:60]) for name, said in found.items()]


@dataclass
class Told:
    rows: list[dict[str, Any]]
    rejections: list[dict[str, Any]]
    refused: str

    def total(self, key: str) -> int:
        return sum(row[key] for row in self.rows)

    def sums(self) -> list[float]:
        return sorted(row["sum"] for row in self.rows if row["sum"] is not None)


def look(path: Path, **words: Any) -> Told:
    """What a dry run without a project tells of one file; its balance closes."""
    quiet = Console(quiet=True, out=io.StringIO(), error=io.StringIO())
    result = import_files(None, [path], Options(Shape(**words), dry_run=True), now=NOW, console=quiet)
    tables = [
        [dict(zip([column.key for column in table.columns], row, strict=True)) for row in table.rows]
        for table in result.tables
    ]
    for row in tables[0]:
        parts = ("new", "unchanged", "revised", "duplicate", "rejected")
        assert row["received"] == sum(row[part] for part in parts)
    refused = " ".join(one["reason"] for one in tables[1] if one["count"] == 0)
    rejected = sum(row["rejected"] for row in tables[0])
    assert rejected == sum(one["count"] for one in tables[1])
    return Told(tables[0], tables[1], refused)


def near(found: list[float], wanted: list[float]) -> bool:
    return len(found) == len(wanted) and all(
        a == pytest.approx(b, rel=1e-9, abs=1e-9) for a, b in zip(found, wanted, strict=True)
    )


def canonical(value: float, unit: str) -> float:
    targets = {
        "Wh": "kWh",
        "varh": "kvarh",
        "VArh": "kvarh",
        "kVArh": "kvarh",
        "KVARH": "kvarh",
        "therm": "kWh",
        "US gal": "m3",
    }
    source = {"VArh": "varh", "KWH": "kWh", "KVARH": "kvarh", "kVArh": "kvarh", "US gal": "gal"}.get(
        unit, unit
    )
    target = targets.get(unit, "kvarh" if "var" in unit.lower() else "kWh")
    return value * linear(source, target)[0]


@pytest.mark.parametrize(("name", "said"), expected("nem"))
def test_nem(name: str, said: dict[str, Any]) -> None:
    told = look(FOLDER / "nem" / name)
    if name.startswith("invalid/"):
        assert told.refused
        assert told.total("new") == 0
        return
    naive = said["naive"]
    channels: dict[tuple[str, str], float] = {}
    for key, channel in naive["channels"].items():
        parts = key.split("/")
        unit = parts[2] if "nem13" not in name and "NEM13" not in name else "kWh"
        at = (parts[0], parts[1])
        channels[at] = channels.get(at, 0.0) + canonical(float(channel["sum"]), unit)
    found = {tuple(row["series"].split("/")[:2]): row["sum"] for row in told.rows}
    if naive.get("bad300"):  # a record that wraps, which the plain walk does not follow: nothing may be lost
        assert told.total("received") == naive["readings"] == told.total("new")
        return
    assert told.total("received") == (naive["readings"] or naive["n250"])
    assert told.total("rejected") == 0
    assert {key: pytest.approx(value, rel=1e-9, abs=1e-9) for key, value in channels.items()} == found


@pytest.mark.parametrize(("name", "said"), expected("greenbutton"))
def test_green_button(name: str, said: dict[str, Any]) -> None:
    told = look(FOLDER / "greenbutton" / name)
    if name == "1hrLP_32DaysM_D000_BAD.xml":
        assert told.total("new") == 0
        assert told.refused
        return
    assert told.total("received") == said["interval_readings"]
    amounts = {"Wh": "kWh", "therm": "kWh", "US gal": "m3"}
    for one in said["series"]:
        rows = [
            row
            for row in told.rows
            if one["meter_reading"].rsplit("RetailCustomer", 1)[-1] in (row["series"] or "")
        ]
        if one["unit"] not in amounts or len(rows) != 1 or rows[0]["rejected"] or rows[0]["sum"] is None:
            continue
        if one["intervals"] == one["unique_starts"]:
            assert rows[0]["sum"] == pytest.approx(canonical(one["scaled_sum"], one["unit"]), rel=1e-9)
        assert rows[0]["direction"] == {"1": "forward", "19": "reverse", "4": "net"}.get(
            one["flow_direction"], ""
        )
        assert f"{rows[0]['first']:%Y-%m-%dT%H:%M:%SZ}" == one["first_start_utc"]


@pytest.mark.parametrize(("name", "said"), expected("mscons"))
def test_mscons(name: str, said: dict[str, Any]) -> None:
    told = look(FOLDER / "mscons" / name)
    assert told.total("received") == said["qty"]
    assert near(told.sums(), sorted(float(one["sum"]) for one in said["series"]))
    assert {row["series"] for row in told.rows} == {f"{one['loc']}/{one['obis']}" for one in said["series"]}


@pytest.mark.parametrize(("name", "said"), expected("dsmr"))
def test_dsmr(name: str, said: dict[str, Any]) -> None:
    told = look(FOLDER / "dsmr" / f"{name}.txt")
    if "error" in said:
        assert told.total("new") == 0
        assert told.rejections
        return
    by_code = {row["series"].rsplit("/", 1)[-1]: row for row in told.rows}
    stamp = said.get("P1_MESSAGE_TIMESTAMP")
    for code in ("1-0:1.8.1", "1-0:1.8.2", "1-0:2.8.1", "1-0:2.8.2"):
        row = by_code[code]
        assert row["unit"] == "kWh"
        if stamp:
            assert (row["new"], row["first"].isoformat()) == (1, stamp["value"])
        else:
            assert (row["new"], row["rejected"]) == (0, 1)  # no time is said
    for device in said["MBUS_DEVICES"]:
        for key, reading in device.items():
            if key.endswith("METER_READING") and reading["unit"]:
                assert any(
                    row["new"] == 1
                    and row["unit"] == "m3"
                    and row["first"].isoformat() == reading["datetime"]
                    for row in told.rows
                )


@pytest.mark.parametrize(("name", "said"), expected("ngsi"))
def test_ngsi(name: str, said: dict[str, Any]) -> None:
    told = look(FOLDER / "ngsi" / name)
    found = {row["series"].removeprefix(said["id"] + "/") for row in told.rows}
    assert set(said["numeric"]) <= found
    with_unit = {row["series"].removeprefix(said["id"] + "/") for row in told.rows if row["new"]}
    assert with_unit <= set(said["units"])
    for row in told.rows:
        assert row["new"] == 1 or row["rejected"] == 1


@pytest.mark.parametrize(("name", "said"), expected("sensorthings"))
def test_sensorthings(name: str, said: dict[str, Any]) -> None:
    told = look(FOLDER / "sensorthings" / name)
    if said.get("rows"):
        assert told.total("received") == said["rows"]
    elif "result" in said["keys"]:
        assert told.total("received") == 1
    else:
        assert "no observations" in told.refused
    assert told.total("new") == 0  # no Datastream says a unit


@pytest.mark.parametrize(("name", "said"), expected("waterml"))
def test_waterml(name: str, said: dict[str, Any]) -> None:
    told = look(FOLDER / "waterml" / name)
    if not said.get("series"):
        assert told.refused
        return
    assert told.total("received") == sum(
        one.get("valid", one.get("points_with_value")) for one in said["series"]
    )
    assert told.total("rejected") == 0
    assert told.sums() == []  # flows and levels are no amounts


def test_csv_of_two_utilities(shared: Path) -> None:
    folder = shared / "data" / "exports" / "csv"
    one = look(folder / "sce_one_day_constant_power.csv", time_zone="America/Los_Angeles")
    assert [(row["received"], row["new"], row["sum"], row["unit"]) for row in one.rows] == [
        (96, 96, 24.0, "kWh")
    ]
    two = look(folder / "sce_two_days_constant_power.csv", time_zone="America/Los_Angeles")
    assert [(row["received"], row["sum"]) for row in two.rows] == [(192, 48.0)]
    head = look(folder / "sce_header_only.csv", time_zone="America/Los_Angeles")
    assert head.total("received") == 0
    sense = look(folder / "sense_sample.csv", time_zone="America/Los_Angeles")
    lines = len((folder / "sense_sample.csv").read_text("utf-8").splitlines()) - 2  # a sentence and the head
    assert sense.total("received") == sense.total("new") == 2 * lines  # Avg Wattage and kWh of each device
    assert {row["unit"] for row in sense.rows} == {"kW", "kWh"}
