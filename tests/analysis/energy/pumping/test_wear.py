"""Wear of pumps: chance, what lasts for days, and a duty that changes with the season are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy.pumping import wear


def at_noon(day: Any) -> Any:
    return day.astype("datetime64[D]") + np.timedelta64(12, "h")


def variable_speed(
    days: int, season: float, worn: float, noise: float = 0.02, seed: int = 5
) -> tuple[Any, Any, Any, Any, Any]:
    """A pump on a pipe with 22 m of lift whose speed follows demand, a window each quarter of an hour.

    At full speed it lifts 60 - 0.0016 Q² m, 72 % at 150 m³/h, by the affinity laws at other speeds. Its demand goes by
    `season` from the first day to the last; it loses `worn` of its efficiency a year, `noise` is of the flow meter.
    """
    random = np.random.default_rng(seed)
    day = np.arange(days * 96) / 96
    flow = (100 + season * (day / days - 0.5)) * (1 + 0.3 * np.sin(2 * np.pi * (day - 1 / 3)))
    head = 22 + 0.0012 * flow**2
    speed = np.sqrt((head + 0.0016 * flow**2) / 60)
    efficiency = 0.72 * (1 - 0.9 * (flow / speed / 150 - 1) ** 2) * (1 - worn * day / 365.25)
    power = flow * head / 367 / efficiency
    at = np.datetime64("2026-02-01", "us") + (day * 86400).round().astype("timedelta64[s]")
    return at, flow * random.normal(1, noise, len(flow)), head, power, np.ones(len(flow), bool)


@pytest.mark.parametrize("season", [-45.0, 45.0])
@pytest.mark.parametrize("days", [60, 365])
def test_a_pump_that_lifts_more_or_less_with_the_season_does_not_wear(season: float, days: int) -> None:
    """The efficiency of its days moves by 6 points in the time, as the pump's curve says: at one flow it stays."""
    series = variable_speed(days, season, 0.0)
    _, each, _ = wear.by_day(*series)
    assert abs(each[-7:].mean() - each[:7].mean()) > 0.04
    found = wear.drift(*series)
    assert found is not None
    assert abs(found.change) < 0.02


def test_the_wear_of_a_pump_that_lifts_more_with_the_season_is_told() -> None:
    """It loses 10 % of some 67 % in a year, while its duty gains 6 points."""
    _, each, _ = wear.by_day(*variable_speed(365, 45.0, 0.0))
    found = wear.drift(*variable_speed(365, 45.0, 0.1))
    assert found is not None
    assert found.sure
    assert found.change == pytest.approx(-0.1 * each.mean(), rel=0.05)


def test_a_pump_of_one_speed_whose_flow_falls_as_it_wears() -> None:
    """Its flow falls by 8 % a year at the same head and power: efficiency falls by 8 % of it, 4.8 points.

    The flow meter's noise by the quarter of an hour is no other duty, although efficiency goes up and down with it.
    """
    random = np.random.default_rng(8)
    day = np.arange(365 * 96) / 96
    flow = 90 * (1 - 0.08 * day / 365.25) * random.normal(1, 0.03, len(day))
    at = np.datetime64("2026-02-01", "us") + (day * 86400).round().astype("timedelta64[s]")
    head, power = np.full(len(day), 35.0), np.full(len(day), 90 * 35 / 367 / 0.6)
    found = wear.drift(at, flow, head, power, np.ones(len(day), bool))
    assert found is not None
    assert found.change == pytest.approx(-0.08 * 0.6, rel=0.03)


def test_chance_is_no_wear() -> None:
    """60 pumps that do not wear, 14 days each with 1 % of scatter between days; then one that loses 10 points."""
    rng = np.random.default_rng(4)
    day = np.repeat(np.arange(14), 64)
    flow, head = np.full(len(day), 100.0), np.full(len(day), 40.0)
    on = np.ones(len(day), bool)
    steep, told = 0, 0
    for _ in range(60):
        power = 100 * 40 / 367 / (0.7 * np.repeat(rng.normal(1, 0.01, 14), 64))
        found = wear.drift(at_noon(day), flow, head, power, on)
        assert found is not None
        steep += found.change < -0.03
        told += found.change < -0.03 and found.sure
    assert steep > 20  # the line alone would call more than a third of them worn
    assert told <= 5
    day = np.arange(365)
    flow, head, on = np.full(365, 100.0), np.full(365, 40.0), np.ones(365, bool)
    power = 100 * 40 / 367 / ((0.7 - 0.1 * day / 365.25) * rng.normal(1, 0.01, 365))
    worn = wear.drift(at_noon(day), flow, head, power, on)
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
            for one in range(1, 28):
                noise[one] += alike * noise[one - 1]
            found = wear.drift(
                at_noon(day), flow, head, 100 * 40 / 367 / (0.7 - 0.05 * day / 365.25 + noise), on
            )
            assert found is not None
            held += abs(found.change + 0.05) <= wear.SURE * found.error
        assert held >= 92
