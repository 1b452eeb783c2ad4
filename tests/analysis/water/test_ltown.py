"""L-Town 2018 of BattLeDIM: the city of tests/cities/ltown through the store, scored against its true leaks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cityctl.analysis.catalog import find
from cityctl.analysis.question import Question
from cityctl.city.load import load
from cityctl.engine.duck import Engine
from cityctl.result import Result
from cityctl.store.store import Store
from cityctl.store.views import attach_city
from tests.analysis.conftest import days, rows_of

PROJECT = Path(__file__).parents[2] / "cities" / "ltown"
ZONES = {"Zone A+B": "A+B", "Zone C": "C"}


def columns(shared: Path) -> pd.DataFrame:
    folder = shared / "data/water/ltown_2018"
    flows = pd.read_parquet(folder / "flows.parquet").set_index("Timestamp")
    levels = pd.read_parquet(folder / "levels.parquet").set_index("Timestamp")
    return flows.join(levels).astype(float).rename(columns={"PUMP_1": "pump_1", "T1": "t1"})


@pytest.fixture(scope="module")
def year(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The report over all of 2018, the zones' inflows worked out from flows and level."""
    wide = columns(shared)
    parts = [
        pa.table(
            {
                "point": pa.array([name] * len(wide)),
                "time": pa.array(wide.index.to_numpy().astype("datetime64[us]")),
                "value": pa.array(wide[name].to_numpy()),
                "quality": pa.array(np.zeros(len(wide), np.uint8)),
            }
        )
        for name in wide.columns
    ]
    city = load(PROJECT)
    store = Store.open(tmp_path_factory.mktemp("ltown"))
    store.add(pa.concat_tables(parts), source="test", received=datetime(2020, 1, 1, tzinfo=UTC))
    analysis = find("water/night_flow")
    settled = analysis.settle({"each_night": True})
    interval = days("2018-01-01", "2019-01-01", city.zone_info)
    window = analysis.window(interval, settled, city)
    with Engine(threads=2) as engine:
        store.attach(engine, city, points=analysis.points(city, settled), interval=window)
        attach_city(engine, city, window)
        return analysis.answer(Question(city, interval, settled, engine))


def score(shared: Path, rows: list[dict[str, Any]], zone: str, tmp_path: Path) -> dict[str, Any]:
    """tools/score_leaks.py over the events of one zone, with its defaults."""
    alarms = [
        {"start": f"{row['detected_at']:%Y-%m-%d %H:%M}", "zone": ZONES[zone], "flow_m3h": row["flow_m3h"]}
        for row in rows
        if row["zone"] == zone
    ]
    path = tmp_path / "alarms.json"
    path.write_text(json.dumps(alarms))
    truth = shared / "data/water/ltown_2018/truth.json"
    words = [shared / "tools/score_leaks.py", path, truth, "--zones", ZONES[zone], "--json"]
    ended = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(ended.stdout)["zone_level"]
    print(
        zone, {key: told[key] for key in ("TP", "FP", "abrupt", "incipient", "volume_avoided_pct", "skill")}
    )
    return told


def test_zones_a_and_b_from_flows_alone(year: Result, shared: Path, tmp_path: Path) -> None:
    """8 of 12 with none false; 5 of 6 bursts in a night. What a first form reaches: it must not get worse."""
    told = score(shared, rows_of(year, "events"), "Zone A+B", tmp_path)
    assert told["TP"] >= 8
    assert told["FP"] == 0
    assert told["abrupt"].startswith("5/6 med 1.")
    assert told["volume_avoided_pct"] > 55


def test_zone_c_from_pump_and_tank(year: Result, shared: Path, tmp_path: Path) -> None:
    told = score(shared, rows_of(year, "events"), "Zone C", tmp_path)
    assert (told["TP"], told["FP"]) == (2, 0)


def test_the_tank_is_in_the_balance(year: Result) -> None:
    """The pump alone would give 0 or 44 m³/h by night; net of the tank no night is far from its neighbours."""
    flows = [row["mnf"] for row in rows_of(year, "nights") if row["zone"] == "Zone C"]
    assert len(flows) == 365
    assert min(flows) > 5
    assert max(flows) < 40
    assert np.median(np.abs(np.diff(flows))) < 3


def test_a_year_without_leaks_has_at_most_one_alarm(ask: Callable[..., Result], shared: Path) -> None:
    """The same year with the true leaks' flow taken off."""
    truth = json.loads((shared / "data/water/ltown_2018/truth.json").read_text())
    wide = columns(shared)
    change = wide["t1"].diff().fillna(0.0) * 12
    inflows = {"ab": wide["p227"] + wide["p235"] - wide["pump_1"], "c": wide["pump_1"] - 201.06 * change}
    series = {}
    for name, zones in (("ab", "AB"), ("c", "C")):
        leaks = sum(np.diff(leak["cum_m3_hourly"]) for leak in truth["leaks"] if leak["zone"] in zones)
        hour = np.minimum(np.arange(len(wide)) // 12, len(leaks) - 1)
        series[f"{name}_net"] = (wide.index.to_numpy(), inflows[name].to_numpy() - leaks[hour])
    city = """
name: L-Town without leaks
time_zone: UTC
networks: {water: {kind: water}}
zones:
  ab: {network: water, kind: dma, inflow: ab_net}
  c: {network: water, kind: dma, inflow: c_net}
points:
  ab_net: {unit: m3/h, every: 5m}
  c_net: {unit: m3/h, every: 5m}
"""
    result = ask("water/night_flow", city, series, "2018-01-01", "2019-01-01")
    assert len(rows_of(result, "events")) <= 1
