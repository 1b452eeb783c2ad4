"""Pumps that run for minutes at a time: read as often as that, more seldom, and while they are switched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

LIFT = """
name: Sewage
time_zone: UTC
networks: {water: {kind: water}}
zones: {lift: {network: water}}
assets: {p: {kind: pump, zone: lift}}
points:
  flow: {unit: m3/h, every: 1m, asset: p}
  power: {unit: kW, every: 1m, asset: p}
  head: {unit: mH2O, every: 1m, asset: p}
"""


def lifting(standing: float) -> dict[str, Any]:
    """Five days of 6 minutes in each 20: 100 m³/h against 36.7 m, and 15 kW; its head while it stands."""
    times = slots("2026-01-01", "2026-01-06", 1)
    on = np.arange(len(times)) % 20 < 6
    told = {"flow": (100.0, 0.0), "power": (15.0, 0.0), "head": (36.7, standing)}
    bar = {"flow": 1.0, "power": 1.0, "head": 0.0980665}  # the store keeps pressures in bar
    return {name: (times, np.where(on, *pair) * bar[name]) for name, pair in told.items()}


def test_a_pump_that_runs_for_minutes_is_judged_by_minutes(ask: Callable[..., Result]) -> None:
    """5 x 72 runs of 6 minutes are 36 h, 3 600 m³ and 540 kWh; 100 x 36.7 / 367 / 15 = 66.7 %."""
    found = ask("energy/pumps", LIFT, lifting(20.0), "2026-01-01", "2026-01-06")
    (row,) = rows_of(found, "pumps")
    assert row["ran_h"] == pytest.approx(36.0)
    assert row["starts"] == 5 * 72 - 1  # the first one was before
    assert (row["pumped_m3"], row["pumping_kwh"]) == pytest.approx((3600, 540))
    assert row["head_m"] == pytest.approx(36.7)
    assert row["pump_efficiency"] == pytest.approx(10 / 15)
    assert row["verdict"] == "normal"
    assert found.completeness.complete


def test_readings_too_rare_for_its_runs_tell_no_efficiency(ask: Callable[..., Result]) -> None:
    """Means of 10 minutes hold 6, none, 4 or 2 of a run: the head is one of running and standing, and no figure."""
    city = LIFT.replace("every: 1m", "every: 10m")

    def asked(standing: float) -> tuple[Result, Any]:
        data = {
            name: (times[::10], values.reshape(-1, 10).mean(axis=1))
            for name, (times, values) in lifting(standing).items()
        }
        found = ask("energy/pumps", city, data, "2026-01-01", "2026-01-06")
        return found, rows_of(found, "pumps")[0]

    found, row = asked(20.0)
    often = "it is switched too often to be looked at each 15 min"
    assert row["verdict"] == f"NOT ASSESSABLE {often}: its head is a mixture"
    assert (row["pump_efficiency"], row["head_m"]) == (None, None)
    assert row["pumping_kwh"] == pytest.approx(540)
    assert [one.why for one in found.completeness.missing] == [f"{often}: its hours and starts are rough"]
    found, row = asked(36.0)  # a lift of which friction is little: what is mixed is alike
    assert row["pump_efficiency"] == pytest.approx(10 / 15, rel=0.02)
    assert not found.completeness.complete


def test_a_window_in_which_it_was_switched_tells_no_head(ask: Callable[..., Result]) -> None:
    """Runs of 100 minutes seen by the quarter: windows at their ends mix 36.7 m with 20 m of standing."""
    times = slots("2026-01-01", "2026-01-06", 1)
    on = (np.arange(len(times)) + 5) % 200 < 100
    city = LIFT.replace("every: 1m", "every: 15m")
    data = {
        name: (times[::15], np.where(on, run, rest).reshape(-1, 15).mean(axis=1))
        for name, run, rest in (
            ("flow", 100, 0),
            ("power", 15, 0),
            ("head", 36.7 * 0.0980665, 20 * 0.0980665),
        )
    }
    (row,) = rows_of(ask("energy/pumps", city, data, "2026-01-01", "2026-01-06"), "pumps")
    assert row["pump_efficiency"] == pytest.approx(10 / 15)
    assert row["pumped_m3"] == pytest.approx(6000, rel=0.02)
