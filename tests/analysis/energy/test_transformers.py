"""Hot spots and ageing against transformer-thermal-model 0.6.0 (IEC 60076-7), and by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cityctl.analysis.energy.grid.ageing import ageing_rate
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


@pytest.mark.parametrize(
    ("cooling", "top_oil", "hot_spot"),
    [("ONAN", 77.53989641, 103.44052836), ("ONAF", 79.79219333, 105.14134939)],
)
def test_power_transformers_equal_another_tool(
    ask: Callable[..., Result], cooling: str, top_oil: float, hot_spot: float
) -> None:
    """PowerTransformer of transformer-thermal-model 0.5.0 with its defaults: 700 A, 5 and 30 kW, the same profile."""
    times = slots("2026-01-05", "2026-01-12T00:15", 15)
    hour = np.arange(len(times)) / 4
    of_day, weekday = hour % 24, hour // 24 % 7
    peaks = 400 + 350 * np.exp(-(((of_day - 19) / 3) ** 2)) + 150 * np.exp(-(((of_day - 8) / 2) ** 2))
    series = {
        "t1-current": (times, peaks * np.where(weekday < 5, 1.0, 0.8)),
        "outdoors": (times, 15 + 6 * np.sin((of_day - 9) / 24 * 2 * np.pi)),
    }
    ratings = "{rated: 630, no_load_loss: 800, load_loss: 5200}"
    text = CITY.replace(ratings, f"{{rated: 700, no_load_loss: 5000, load_loss: 30000, cooling: {cooling}}}")
    rows = rows_of(ask("energy/transformers", text, series, "2026-01-05", "2026-01-13"), "transformers")
    assert rows[0]["top_oil_c"] == pytest.approx(top_oil, abs=0.001)
    assert rows[0]["hot_spot_c"] == pytest.approx(hot_spot, abs=0.001)


def test_it_is_warm_when_the_interval_begins(ask: Callable[..., Result]) -> None:
    """At the rated load for days, 20 °C around: oil 20 + 70 K (house), hot spot 1.2 x 23 K more; forwards or back."""
    times = slots("2026-01-01", "2026-01-06", 15)
    steady = np.full(len(times), 630.0)
    series = {
        "t1-current": (times, steady),
        "t2-current": (times, -steady),
        "outdoors": (times, steady * 0 + 20),
    }
    found = ask("energy/transformers", CITY, series, "2026-01-05", "2026-01-06")
    for row in rows_of(found, "transformers"):
        assert row["top_oil_c"] == pytest.approx(90.0, abs=0.01)
        assert row["hot_spot_c"] == pytest.approx(90 + 1.2 * 23, abs=0.01)
        assert row["in_days"] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("cooling", ["OFAF", "ODAF"])
def test_pumped_oil_at_the_rated_load(ask: Callable[..., Result], cooling: str) -> None:
    """In the end IEC 60354, table 2: hot spot 20 + 56 + 22, and 20 + 49 + 29: 98 °C both, the design temperature."""
    times = slots("2026-01-01", "2026-01-06", 15)
    series = {
        "t1-current": (times, np.full(len(times), 630.0)),
        "outdoors": (times, np.full(len(times), 20.0)),
    }
    text = CITY.replace("load_loss: 5200}", f"load_loss: 5200, cooling: {cooling}}}")
    row = rows_of(ask("energy/transformers", text, series, "2026-01-05", "2026-01-06"), "transformers")[0]
    assert row["hot_spot_c"] == pytest.approx(98.0, abs=0.01)
    assert row["ageing"] == pytest.approx(1.0, abs=0.01)


def test_a_wrong_unit_and_a_gap_are_named(ask: Callable[..., Result]) -> None:
    """W taken for kW is no overload; two of eight days of t2 are no week."""
    times = slots("2026-01-03", "2026-01-13", 15)
    few = times < np.datetime64("2026-01-07")
    series = {
        "t1-current": (times, np.full(len(times), 300_000.0)),
        "t2-current": (times[few], np.full(few.sum(), 300.0)),
        "outdoors": (times, np.full(len(times), 10.0)),
    }
    found = ask("energy/transformers", CITY, series, "2026-01-05", "2026-01-13")
    rows = {row["asset"]: row for row in rows_of(found, "transformers")}
    assert rows["t1"]["verdict"] == "IMPLAUSIBLE 476 times its rated load: is the unit right?"
    assert [(one.what, one.why) for one in found.completeness.missing] == [
        ("t2", "its load, with the temperature around it, is metered in 25 % of the interval")
    ]
    assert rows["t2"]["verdict"] == "NOT ASSESSABLE 25 % of the interval metered"
    assert [one.subject for one in found.findings] == ["t1"]
    assert found.summary == "1 of 2 transformers too warm or too full"


def test_what_no_transformer_lives_through_makes_no_hot_spot(ask: Callable[..., Result]) -> None:
    """W for kW before the interval only, and air of 10 000 °C: the life that they used went beyond all numbers."""
    times = slots("2026-01-03", "2026-01-13", 15)
    before = times < np.datetime64("2026-01-04T12:00")
    series = {
        "t1-current": (times, np.where(before, 300_000.0, 300.0)),
        "t2-current": (times, np.full(len(times), 300.0)),
        "outdoors": (times, np.full(len(times), 10.0)),
    }
    found = ask("energy/transformers", CITY, series, "2026-01-05", "2026-01-13")
    rows = {row["asset"]: row for row in rows_of(found, "transformers")}
    said = "IMPLAUSIBLE 476 times its rated load, before the interval: is the unit right?"
    assert (rows["t1"]["verdict"], rows["t1"]["hot_spot_c"]) == (said, None)
    assert rows["t2"]["verdict"] == "normal"
    series["outdoors"] = (times, np.full(len(times), 10_000.0))
    lacking = ask("energy/transformers", CITY, series, "2026-01-05", "2026-01-13").completeness.missing
    assert {one.why for one in lacking} == {"its outdoor temperature is beyond 80 degC: is the unit right?"}


def test_a_gap_of_hours_does_not_cool_it_down(ask: Callable[..., Result]) -> None:
    """At the rated load for days it is as warm after three hours without readings each day as it was before.

    20 °C around, 70 K of oil and 1.2 x 23 K of winding are 117.6 °C: 2^(19.6 / 6) = 9.6 times the usual ageing. t2 has
    its load all the time, and no outdoor temperature from 1 to 11: none within 3 hours from 4 to 8.
    """
    times = slots("2026-01-01", "2026-01-09", 15)
    hour = np.arange(len(times)) / 4 % 24
    kept, outdoors = (hour < 9) | (hour >= 12), (hour < 1) | (hour >= 11)
    series = {
        "t1-current": (times[kept], np.full(kept.sum(), 630.0)),
        "t2-current": (times, np.full(len(times), 630.0)),
        "outdoors": (times[outdoors], np.full(outdoors.sum(), 20.0)),
    }
    found = ask("energy/transformers", CITY, series, "2026-01-05", "2026-01-09")
    rows = {row["asset"]: row for row in rows_of(found, "transformers")}
    assert rows["t1"]["hot_spot_c"] == pytest.approx(117.6, abs=0.01)
    assert rows["t1"]["ageing"] == pytest.approx(2 ** (19.6 / 6), rel=0.001)
    assert rows["t2"]["ageing"] == pytest.approx(
        np.exp(15000 / 383 - 15000 / 390.6), rel=0.001
    )  # its paper is upgraded
    assert rows["t2"]["in_days"] == pytest.approx(4 * 20 / 24, abs=0.2)
    assert {one.what for one in found.completeness.missing} == {"t1", "t2"}


def test_rare_readings_tell_no_hot_spot(ask: Callable[..., Result]) -> None:
    times = slots("2026-01-01", "2026-01-09", 180)
    series = {
        "t1-current": (times, np.full(len(times), 900.0)),
        "outdoors": (times, np.full(len(times), 30.0)),
    }
    found = ask("energy/transformers", CITY, series, "2026-01-05", "2026-01-09")
    assert rows_of(found, "transformers") == []
    said = {one.what: one.why for one in found.completeness.missing}
    assert said["t1"] == "a reading of its load each 3 h: a hot spot takes one each 2 h"


def test_the_rated_load_is_said_in_the_unit_of_its_point(ask: Callable[..., Result]) -> None:
    """0.63 beside a load in MVA are 630 kVA, as which the load is kept."""
    times = slots("2026-01-05", "2026-01-06", 15)
    text = CITY.replace("t1-current: {unit: A", "t1-current: {unit: MVA").replace(
        "rated: 630, no_load_loss: 800, load_loss: 5200}}",
        "rated: 0.63, no_load_loss: 800, load_loss: 5200}}",
        1,
    )
    series = {
        "t1-current": (times, np.full(len(times), 315.0)),
        "outdoors": (times, np.full(len(times), 10.0)),
    }
    row = rows_of(ask("energy/transformers", text, series, "2026-01-05", "2026-01-06"), "transformers")[0]
    assert row["highest_load"] == pytest.approx(0.5)


@pytest.mark.parametrize(("unit", "rated", "highest"), [("A", 600, 1.5), ("kVA", 1500, 1.0)])
def test_phases_are_judged_together(
    ask: Callable[..., Result], unit: str, rated: float, highest: float
) -> None:
    """900, 300 and 300: 1.5 times 600 A in the fullest, 1 500 kVA in all; what one phase lacks is not judged."""
    times = slots("2026-01-05", "2026-01-06", 15)
    names = [f"t1-l{phase}" for phase in (1, 2, 3)]
    points = "".join(f"  {name}: {{unit: {unit}, every: 15m, asset: t1, role: load}}\n" for name in names)
    text = CITY.replace("rated: 630", f"rated: {rated}").replace(
        "  t1-current: {unit: A, every: 15m, asset: t1, role: load}\n", points
    )
    series = {
        name: (times, np.full(len(times), load)) for name, load in zip(names, (900, 300, 300), strict=True)
    }
    series["outdoors"] = (times, np.full(len(times), 10.0))
    row = rows_of(ask("energy/transformers", text, series, "2026-01-05", "2026-01-06"), "transformers")[0]
    assert row["highest_load"] == pytest.approx(highest)
    series["t1-l2"] = (times[:24], np.full(24, 300.0))
    found = ask("energy/transformers", text, series, "2026-01-05", "2026-01-06")
    assert found.completeness.missing[0].why.endswith("is metered in 24 % of the interval")
    other = text.replace(f"t1-l2: {{unit: {unit}", "t1-l2: {unit: kW")
    found = ask("energy/transformers", other, series, "2026-01-05", "2026-01-06")
    assert "leave `role: load` to points of one unit" in found.completeness.missing[0].why
