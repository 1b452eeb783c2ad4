"""Stamps that fall a little before or after their slot: what is whole stays whole, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots
from tests.analysis.energy.town_hall import ask_one, made

CITY = """
name: Clocks
time_zone: Europe/Berlin
networks: {power: {kind: power}}
zones: {f1: {network: power, kind: feeder}, house: {network: power, parent: f1}, depot: {network: power}}
assets:
  roof: {kind: pv, zone: depot, solar: {peak: 10 kW}}
points:
  supply: {unit: kW, every: 15m, zone: f1, role: supply}
  use: {unit: kWh, kind: counter, every: 15m, zone: house, role: consumption}
  pv: {unit: kW, every: 15m, asset: roof, role: generation}
  sun: {unit: W/m2, every: 15m, asset: roof}
  volts: {unit: V, every: 10m, zone: house, role: voltage}
"""
WEEK = ("2026-01-04T23:00", "2026-01-11T23:00")  # Monday 5 to Sunday 11 January, in Berlin
ASKED = ("2026-01-05", "2026-01-12")


def around(minutes: int, *seconds: int) -> Any:
    """Slots of a week and one more, stamped in turn by so many seconds beside the beginning."""
    times = slots(WEEK[0], "2026-01-12T00:00", minutes).astype("datetime64[us]")
    return times + np.resize(seconds, len(times)) * np.timedelta64(1, "s")


def test_feeders_balance_each_day_and_see_each_window(ask: Callable[..., Result]) -> None:
    """12 kW come in and 10 are metered, day and night; the supply is read early and late in turn."""
    times = around(15, -3, 2, 0, -59, 1)
    data = {"supply": (times, np.full(len(times), 12.0)), "use": (times, 2.5 * np.arange(len(times)))}
    (row,) = rows_of(ask("energy/feeders", CITY, data, *ASKED), "feeders")
    assert (row["balance_days"], row["uneven_days"]) == (7, 0)
    assert row["fed_in_kwh"] == pytest.approx(12 * 168)
    assert row["taken_kwh"] == pytest.approx(10 * 168, rel=1e-3)  # the first rise is known by the minute
    assert row["feeder_peak_kw"] == pytest.approx(12.0)


def test_a_plants_energy_is_whole(ask: Callable[..., Result]) -> None:
    """8 kW of 10 kWp at 1 000 W/m²: PR 80 %, all day long."""
    times = around(15, -2, 1)
    data = {"pv": (times, np.full(len(times), 8.0)), "sun": (times, np.full(len(times), 1000.0))}
    (row,) = rows_of(ask("energy/solar", CITY, data, *ASKED), "plants")
    assert row["generated_kwh"] == pytest.approx(8 * 168)
    assert row["performance_ratio"] == pytest.approx(0.8)
    assert row["solar_metered"] == 1.0


def test_no_block_of_a_week_is_lost(ask: Callable[..., Result]) -> None:
    times = around(10, -2, 1)
    found = ask("energy/power_quality", CITY, {"volts": (times, np.full(len(times), 230.0))}, *ASKED)
    assert {row["valid_blocks"] for row in rows_of(found, "weeks")} == {1008}


def test_a_clock_that_is_always_early_is_left_alone(ask: Callable[..., Result]) -> None:
    """00:14:59 may be the end of a quarter: the 8 kW of the first hour of a day stay in it."""
    times = around(15, 899)
    hour = np.arange(len(times)) % 96 < 4
    data = {"supply": (times, np.where(hour, 8.0, 0.0)), "use": (times, np.zeros(len(times)))}
    (row,) = rows_of(ask("energy/feeders", CITY, data, *ASKED), "feeders")
    assert row["balance_days"] == 7
    assert row["fed_in_kwh"] == pytest.approx(7 * 8)


@pytest.mark.parametrize("method", ["caltrack2", "towt"])
def test_savings_keep_each_hour(ask: Callable[..., Result], method: str) -> None:
    """A new gateway since the measure stamps readings early and late in turn: the tenth saved is a tenth still."""
    series = made(noise=0.05)
    plain = ask_one(ask, series, method=method)
    times, kwh = series["hall_kwh"]
    times = times.astype("datetime64[us]")
    beside = np.resize([-3, 2, 1, -40], len(times)) * np.timedelta64(1, "s")
    series["hall_kwh"] = (np.where(times < np.datetime64("2025-01-01"), times, times + beside), kwh)
    series["temperature"] = (times + beside, series["temperature"][1])
    row = ask_one(ask, series, method=method)
    for key in ("observed_kwh", "counterfactual_kwh", "avoided_kwh", "days"):
        assert row[key] == pytest.approx(plain[key], rel=1e-9)
