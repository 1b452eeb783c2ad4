"""What looks wrong at the door is reported with its place and kept as suspect; what is right is left alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.city.project import Project
from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.console import Console
from cityctl.engine.duck import Engine
from cityctl.exports.shape import Shape
from cityctl.result import Result
from cityctl.store import Store
from tests.exports.samples import nem12

START = datetime(2021, 1, 1)  # written into files, read as UTC
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CITY = "name: A\ntime_zone: UTC\nnetworks: {power: {kind: power}}\n"


def quiet() -> Console:
    return Console(quiet=True, out=io.StringIO(), error=io.StringIO())


def look(folder: Path, values: list[float], step: timedelta = timedelta(minutes=15), **words: Any) -> Result:
    path = folder / "a.csv"
    shifts = words.pop("shifts", {})
    rows = [
        f"{START + step * index + shifts.get(index, timedelta())},{value}"
        for index, value in enumerate(values)
    ]
    path.write_text("time,use\n" + "\n".join(rows) + "\n")
    shape = Shape(time_zone="UTC", **{"unit": "kWh", **words})
    return import_files(None, [path], Options(shape, dry_run=True), now=NOW, console=quiet())


def doubts(result: Result) -> list[tuple[Any, ...]]:
    """(line, what, count) of each doubt."""
    found = [table for table in result.tables if table.key == "doubts"]
    return [(row[1], str(row[4]).split(":")[0], row[5]) for table in found for row in table.rows]


def load(seed: int = 1, count: int = 960) -> list[float]:
    """A plausible load: a day's shape with noise, nights near nothing, rare peaks."""
    chance = np.random.default_rng(seed)
    shape = np.clip(np.sin(np.arange(count) / 96 * 2 * np.pi), 0.01, None)
    return [float(value) for value in np.round(shape * chance.uniform(0.5, 1.5, count), 3)]


@pytest.mark.parametrize("seed", range(5))
def test_a_plausible_load_is_left_alone(tmp_path: Path, seed: int) -> None:
    values = load(seed)
    values[100:140] = [0.0] * 40  # an outage
    values[500:508] = [9.0] * 8  # a car is charged
    result = look(tmp_path, values, kind="interval")
    assert doubts(result) == []
    assert not result.findings


def test_a_spike_is_named_with_its_line(tmp_path: Path) -> None:
    values = load()
    values[300] = 4000.0
    result = look(tmp_path, values, kind="interval")
    assert doubts(result) == [(302, "spike", 1)]
    (finding,) = result.findings
    assert "line 302" in finding.text
    assert finding.since == datetime(2021, 1, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_a_jump_by_a_thousand_is_another_unit(tmp_path: Path, factor: float) -> None:
    chance = np.random.default_rng(3)
    values = [float(value) for value in chance.uniform(1, 2, 500)]
    values[300:] = [value * factor for value in values[300:]]
    assert doubts(look(tmp_path, values, kind="interval")) == [(302, "unit jump", 200)]


@pytest.mark.parametrize("seed", range(3))
def test_a_month_of_days_is_judged_too(tmp_path: Path, seed: int) -> None:
    """31 values: one of a thousand times the others, or all from the 16th day on."""
    values = [round(float(value), 3) for value in np.random.default_rng(seed).uniform(8, 16, 31)]
    values[3:6] = [0.0, 0.4, 60.0]
    assert doubts(look(tmp_path, values, timedelta(days=1), kind="interval")) == []
    one = [*values[:15], values[15] * 1000, *values[16:]]
    assert doubts(look(tmp_path, one, timedelta(days=1), kind="interval")) == [(17, "spike", 1)]
    many = values[:15] + [value * 1000 for value in values[15:]]
    assert doubts(look(tmp_path, many[6:], timedelta(days=1), kind="interval")) == [(11, "unit jump", 16)]


def test_a_counter_that_falls(tmp_path: Path) -> None:
    values = [float(index) for index in range(100)]
    values[50:] = [value - 45 for value in values[50:]]
    assert doubts(look(tmp_path, values, kind="counter")) == [(52, "falling counter", 1)]
    assert doubts(look(tmp_path, [5.0, 5.0, 6.0], kind="counter")) == []


def test_days_that_begin_elsewhere(tmp_path: Path) -> None:
    day = timedelta(days=1)
    hour = timedelta(hours=1)
    chance = np.random.default_rng(3)
    values = [float(value) for value in chance.uniform(1, 2, 200)]
    odd = {40: hour, 41: hour, 90: 3 * hour}
    assert doubts(look(tmp_path, values, day, kind="interval", shifts=odd)) == [(42, "shifted midnight", 3)]
    season = dict.fromkeys(range(60, 200), -hour)
    assert doubts(look(tmp_path, values, day, kind="interval", shifts=season)) == []


def test_readings_in_doubt_are_stored_as_suspect_and_again_unchanged(
    tmp_path: Path, project: Callable[[str], Path]
) -> None:
    made = Project(project(CITY))
    values = load()
    values[300] = 4000.0
    path = tmp_path / "a.csv"
    rows = [f"{START + timedelta(minutes=15) * index},{value}" for index, value in enumerate(values)]
    path.write_text("time,use\n" + "\n".join(rows) + "\n")
    options = Options(Shape(time_zone="UTC", unit="kWh", kind="interval"), keep_all=True)
    first = import_files(made, [path], options, now=NOW, console=quiet())
    again = import_files(made, [path], options, now=NOW + timedelta(hours=1), console=quiet())
    assert [row[6] for row in first.tables[0].rows] == [960]
    assert [row[7] for row in again.tables[0].rows] == [960]
    with Store.open(made.store_folder) as store, Engine() as engine:
        store.attach(engine, None)
        found = engine.rows("SELECT value, quality FROM readings WHERE quality <> 0")
    assert found == [(4000.0, 2)]


def test_a_reissued_nem_day_replaces_the_whole_day(tmp_path: Path, project: Callable[[str], Path]) -> None:
    made = Project(project(CITY))
    path = tmp_path / "nem.csv"
    options = Options(keep_all=True)

    def bring(data: bytes, later: int) -> Result:
        path.write_bytes(data)
        return import_files(made, [path], options, now=NOW + timedelta(hours=later), console=quiet())

    def stored() -> list[tuple[Any, ...]]:
        with Store.open(made.store_folder) as store, Engine() as engine:
            store.attach(engine, None)
            return engine.rows("SELECT count(value), sum(value) FROM readings")

    bring(nem12({"20240101": [1] * 288, "20240102": [1] * 288}, length=5), 0)
    assert stored() == [(576, 576.0)]
    told = bring(nem12({"20240101": [6.5] * 48}), 1)  # the same day, in half-hours
    assert stored() == [(48 + 288, 48 * 6.5 + 288)]
    assert any("240 stored readings" in note for note in told.notes)
    bring(nem12({"20240101": [6.5] * 48}), 2)
    assert stored() == [(48 + 288, 48 * 6.5 + 288)]
