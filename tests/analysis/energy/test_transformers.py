"""Hot spots and ageing against transformer-thermal-model 0.6.0 (IEC 60076-7), and by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cityctl.analysis.energy.ageing import ageing_rate
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Feeders
time_zone: UTC
networks: {power: {kind: power}}
zones: {north: {network: power, kind: feeder}}
assets:
  t1: {kind: transformer, zone: north, transformer: {rated: 630, no_load_loss: 800, load_loss: 5200}}
  t2: {kind: transformer, zone: north, transformer: {rated: 630, no_load_loss: 800, load_loss: 5200, paper: upgraded}}
points:
  t1-current: {unit: A, every: 15m, asset: t1, role: load}
  t2-current: {unit: A, every: 15m, asset: t2, role: load}
  outdoors: {unit: degC, every: 15m}
weather: {temperature: outdoors}
"""


def test_a_week_equals_another_tool(ask: Callable[..., Result], shared: Path) -> None:
    other = json.loads((shared / "data/quality/transformer_expected.json").read_text())["cases"]["dist_630A"]
    times = slots("2026-01-05", "2026-01-12T00:15", 15)
    hour = np.arange(len(times)) / 4
    of_day, weekday = hour % 24, hour // 24 % 7
    peaks = 400 + 350 * np.exp(-(((of_day - 19) / 3) ** 2)) + 150 * np.exp(-(((of_day - 8) / 2) ** 2))
    load = peaks * np.where(weekday < 5, 1.0, 0.8)
    series = {
        "t1-current": (times, load),
        "t2-current": (times, load),
        "outdoors": (times, 15 + 6 * np.sin((of_day - 9) / 24 * 2 * np.pi)),
    }
    found = ask("energy/transformers", CITY, series, "2026-01-05", "2026-01-13")
    rows = {row["asset"]: row for row in rows_of(found, "transformers")}
    row = rows["t1"]
    assert row["hot_spot_c"] == pytest.approx(other["hot_spot_max"], abs=0.1)
    assert row["top_oil_c"] == pytest.approx(other["top_oil_max"], abs=0.1)
    assert row["highest_load"] == pytest.approx(other["load_max_pu"])
    assert row["overloaded_h"] == pytest.approx(other["hours_over_1pu"], abs=0.3)
    assert row["aged_days"] == pytest.approx(other["days_aged_normal_paper"], rel=0.01)
    assert rows["t2"]["aged_days"] == pytest.approx(other["days_aged_TUP"], rel=0.01)
    spots = found.plots[0].lines[0].values
    assert np.abs(np.array(spots[::4], float) - np.array(other["hot_spot_hourly"])).max() < 0.1
    assert row["verdict"].startswith("HOT SPOT 126 °C above 120 °C")
    assert len(found.findings) == 2


def test_paper_ages_twice_as_fast_for_6_kelvin_more() -> None:
    assert ageing_rate(np.array([98.0, 104.0, 92.0]), upgraded=False) == pytest.approx([1, 2, 0.5])
    assert ageing_rate(np.array([110.0]), upgraded=True) == pytest.approx([1.0])


def test_what_is_lacking_is_named(ask: Callable[..., Result]) -> None:
    times = slots("2026-01-05", "2026-01-06", 15)
    found = ask(
        "energy/transformers", CITY, {"t1-current": (times, np.full(96, 300.0))}, "2026-01-05", "2026-01-06"
    )
    said = {one.what: one.why for one in found.completeness.missing}
    assert said == {
        "t1": "its outdoor temperature has gaps of more than 3 hours",
        "t2": "no readings of its load",
    }
