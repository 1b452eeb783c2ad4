"""The figures of pumps by worked examples, and what chance makes of them; the cheapest hours by laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.analysis.energy.pumping import figures


def test_a_worked_example() -> None:
    """50 m³/h against 30 m at 70 % for 10 h: 58.4 kWh; 50 x 30 / 367 / 0.7 x 10, and 0.002725 x 30 / 0.7 kWh/m³."""
    ones = np.ones(10)
    power = ones * 50 * 30 / 367 / 0.7
    found = figures.duty(1.0, ones * 50, ones * 30, power, ones.astype(bool))
    assert found.energy == pytest.approx(58.4, abs=0.05)
    assert found.efficiency == pytest.approx(0.70)
    assert found.specific == pytest.approx(0.002725 * 30 / 0.7, rel=1e-3)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_the_cheapest_hours_keep_the_tank(seed: int) -> None:
    """Never dearer than as it was, never beyond the tank's limits or the pumps' most, as full in the end."""
    random = np.random.default_rng(seed)
    steps = 96
    pumped = random.uniform(0, 30, steps)
    drawn = random.uniform(5, 25, steps)
    level = 500 + np.concatenate([[0], np.cumsum(pumped - drawn)[:-1]])
    price = random.choice([0.1, 0.2, 0.4], steps)
    found = figures.cheapest(price, pumped, level, specific=0.3, most=30.0, low=200.0, high=900.0)
    assert found is not None
    after = level[0] + np.cumsum(found.pumped - (pumped[:-1] - np.diff(level)))
    assert found.cost <= found.was + 1e-6
    assert after.min() >= min(200.0, level.min()) - 1e-6
    assert after.max() <= max(900.0, level.max()) + 1e-6
    assert after[-1] >= level[-1] - 1e-6
    assert found.pumped.max() <= 30 + 1e-9


def test_a_reading_that_is_missing_is_no_start() -> None:
    power = np.array([0.0, 0, 10, 10, np.nan, 10, 10, 0, np.nan, 10])
    assert figures.starts(power, np.nan_to_num(power) > 1) == 2


def test_pumps_of_one_speed_make_one_band_for_each_flow() -> None:
    """100 m³/h at 20 or 25 kW, 200 m³/h at 50 kW: one band with a choice, and its waste counted once."""
    on = np.zeros((3, 90), bool)
    on[0, :30], on[1, 30:60], on[:2, 60:] = True, True, True
    flow, power = on * 100.0, on * np.array([20.0, 25.0, 0.0])[:, None]
    (band,) = figures.best_by_duty(["a", "b", "c"], on, 0.25, flow, power)
    assert band.pumps == ("a",)
    assert band.wasted == pytest.approx(30 * 0.25 * 5)  # kWh that b used more in its 30 quarters


def test_a_curve_says_nothing_beyond_its_ends() -> None:
    """At 120 m³/h the curve has ended at 100; at 100 it gives no head."""
    curve = [(0.0, 50.0), (60.0, 40.0), (100.0, 0.0)]
    flow, head = np.array([60.0, 120.0, 100.0]), np.array([38.0, 30.0, 30.0])
    on = np.ones(3, bool)
    assert figures.off_curve(curve, flow, head, on) == pytest.approx(-0.05)
    assert figures.off_curve(curve, flow[1:], head[1:], on[1:]) is None
