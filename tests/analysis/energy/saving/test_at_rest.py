"""Readings of 0 of an electricity meter: a load at rest, or missing. All figures are worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.analysis.energy.town_hall import Ask, ask_one, city, made, year

HOURS = 24 * 365  # of a baseline: all of 2024 but its first day


def of_hours(before: Any, since: Any) -> dict[str, Any]:
    """Readings of 24 hours of each day [kWh], before 2025 and since."""
    times, _, _ = year()
    later = times >= np.datetime64("2025-01-01")
    hour = times.astype("datetime64[h]").astype(int) % 24
    kwh = np.where(later, np.asarray(since, float)[hour], np.asarray(before, float)[hour])
    return {"temperature": made()["temperature"], "hall_kwh": (times, kwh)}


@pytest.mark.parametrize("method", ["caltrack2", "split", "towt"])
def test_lamps_that_are_out_by_day_use_nothing_by_day(ask: Ask, method: str) -> None:
    night = np.array([10.0] * 7 + [0.0] * 10 + [10.0] * 7)  # 14 hours of 10 kWh: 140 a day, not 240
    row = ask_one(ask, of_hours(night, 0.5 * night), method=method)
    assert row["baseline_kwh"] == pytest.approx(365 * 140)
    assert row["avoided_kwh"] == pytest.approx(365 * 70)


@pytest.mark.parametrize("method", ["caltrack2", "towt"])
def test_noon_at_which_the_roof_feeds_the_building_uses_nothing(ask: Ask, method: str) -> None:
    sunny = np.full(24, 10.0)
    sunny[9:15] = (
        0  # six hours that the new PV feeds: 60 of 240 kWh a day are saved, by the meter of what is bought
    )
    row = ask_one(ask, of_hours(np.full(24, 10.0), sunny), method=method)
    assert row["saving_pct"] == pytest.approx(25)


def test_a_register_that_stands_still_for_hours_counts_on(ask: Ask) -> None:
    series = of_hours(np.ones(24), np.ones(24))
    times, _ = series["hall_kwh"]
    for pulses in (3, 12):  # a register of 1 kWh that moves 8 times a day, or twice
        counted = np.floor(np.arange(len(times)) / pulses)
        row = ask_one(ask, {**series, "hall_kwh": (times, counted)}, city(kind="counter"))
        assert row["baseline_kwh"] == pytest.approx(HOURS / pulses, abs=1)


def test_a_few_zeros_are_missing_as_ever(ask: Ask) -> None:
    series = of_hours(np.full(24, 10.0), np.full(24, 10.0))
    times, kwh = series["hall_kwh"]
    lost = np.random.default_rng(1).random(len(times)) < 0.05
    row = ask_one(ask, {**series, "hall_kwh": (times, np.where(lost, 0.0, kwh))})
    assert row["baseline_kwh"] == pytest.approx(365 * 240)
    assert "readings of 0 taken as missing" in row["reasons"]
