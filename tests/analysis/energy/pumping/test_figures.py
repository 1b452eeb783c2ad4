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


def test_chance_is_no_wear() -> None:
    """60 pumps that do not wear, 14 days each with 1 % of scatter between days; then one that loses 10 points."""
    rng = np.random.default_rng(4)
    day = np.repeat(np.arange(14), 64)
    flow, head = np.full(len(day), 100.0), np.full(len(day), 40.0)
    on = np.ones(len(day), bool)
    steep, told = 0, 0
    for _ in range(60):
        power = 100 * 40 / 367 / (0.7 * np.repeat(rng.normal(1, 0.01, 14), 64))
        found = figures.drift(day, flow, head, power, on)
        assert found is not None
        steep += found.change < -0.03
        told += found.change < -0.03 and found.sure
    assert steep > 20  # the line alone would call more than a third of them worn
    assert told <= 5
    day = np.arange(365)
    flow, head, on = np.full(365, 100.0), np.full(365, 40.0), np.ones(365, bool)
    power = 100 * 40 / 367 / ((0.7 - 0.1 * day / 365.25) * rng.normal(1, 0.01, 365))
    worn = figures.drift(day, flow, head, power, on)
    assert worn is not None
    assert worn.sure
    assert worn.change == pytest.approx(-0.1, abs=3 * worn.error)
    # by hand: sd of the residuals 0.65 x 1 %, over sqrt(365) days whose spread is 1 year / sqrt(12)
    assert worn.error == pytest.approx(0.0065 / np.sqrt(365) * np.sqrt(12), rel=0.15)


def test_twice_the_error_holds_the_drift_of_19_in_20_pumps() -> None:
    """28 days of which each is like the one before (by 0.5 and by 0.8), 100 made pumps of each."""
    for alike in (0.5, 0.8):
        rng = np.random.default_rng(3)
        day = np.arange(28)
        flow, head, on = np.full(28, 100.0), np.full(28, 40.0), np.ones(28, bool)
        held = 0
        for _ in range(100):
            noise = rng.normal(0, 0.006 * np.sqrt(1 - alike**2), 28)
            noise[0] = rng.normal(0, 0.006)
            for at in range(1, 28):
                noise[at] += alike * noise[at - 1]
            found = figures.drift(day, flow, head, 100 * 40 / 367 / (0.7 - 0.05 * day / 365.25 + noise), on)
            assert found is not None
            held += abs(found.change + 0.05) <= figures.SURE * found.error
        assert held >= 92


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
