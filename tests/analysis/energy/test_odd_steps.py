"""Readings that do not fill windows of 15 min, as those of 10, 20 and 7 min: no window has more than its share.

Expected figures: readings spread evenly over their minutes, and the means of those minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy.basis.windowed import is_cut
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Odd steps
time_zone: UTC
networks: {{power: {{kind: power}}}}
zones: {{f1: {{network: power, kind: feeder}}, house: {{network: power, parent: f1}}}}
tariffs: {{t: {{network: power, recipe: t}}}}
points:
  use: {{unit: {unit}, kind: {kind}, every: {every}m, zone: house, role: consumption}}
  supply: {{unit: kW, every: {every}m, zone: f1, role: supply}}
"""
TARIFF = """
tariff: t
currency: EUR
versions:
  - window: {window}m
    energy: [{{name: all, price: 0.2}}]
    demand: [{{name: demand, price: 10}}]
"""
FINE = """
tariff: t
currency: EUR
versions:
  - {window: 15m, slide: 5m, demand: [{name: demand, price: 10}]}
  - {from: 2024-03-01, window: 15m, demand: [{name: demand, price: 10}]}
"""
SPAN = ("2024-03-01", "2024-04-01")


def made(every: int) -> tuple[Any, Any, Any]:
    """Times and mean powers of readings that have whole days to fill, and the power of each minute."""
    times = slots(*SPAN, every)
    power = (
        50
        + 30 * np.sin(np.arange(len(times)) * every / 229)
        + np.random.default_rng(5).normal(0, 5, len(times))
    )
    return times, power, np.repeat(power, every)[: 31 * 1440]


def means(minutes: Any, window: int) -> Any:
    return minutes.reshape(-1, window).mean(axis=1)


@pytest.mark.parametrize(("every", "window"), [(10, 15), (20, 15), (20, 30), (12, 15), (6, 15), (40, 60)])
def test_demand_is_the_mean_of_its_window(billed: Callable[..., Result], every: int, window: int) -> None:
    times, power, minutes = made(every)
    city = CITY.format(unit="kWh", kind="interval", every=every)
    found = billed(city, TARIFF.format(window=window), {"use": (times, power * every / 60)}, *SPAN)
    lines = {row["charge"]: row["billed"] for row in rows_of(found, "lines")}
    assert lines["demand"] == pytest.approx(means(minutes, window).max())
    assert lines["all"] == pytest.approx(minutes.sum() / 60)
    assert rows_of(found, "bills")[0]["billed_share"] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["counter", "gauge"])
def test_registers_and_powers_too(billed: Callable[..., Result], kind: str) -> None:
    times, power, minutes = made(10)
    if kind == "counter":
        times = np.append(times, times[-1] + 10)
        power = np.concatenate([[0.0], np.cumsum(power / 6)])
    city = CITY.format(unit="kWh" if kind == "counter" else "kW", kind=kind, every=10)
    found = billed(city, TARIFF.format(window=15), {"use": (times, power)}, *SPAN)
    lines = {row["charge"]: row["billed"] for row in rows_of(found, "lines")}
    assert lines["demand"] == pytest.approx(means(minutes, 15).max())


def test_finer_windows_of_another_version(billed: Callable[..., Result]) -> None:
    """A version of sliding windows makes windows of 5 min of all: readings of 10 are still cut at each quarter."""
    times, power, minutes = made(10)
    city = CITY.format(unit="kWh", kind="interval", every=10)
    found = billed(city, FINE, {"use": (times, power / 6)}, *SPAN)
    (line,) = rows_of(found, "lines")
    assert line["billed"] == pytest.approx(means(minutes, 15).max())
    assert "windows of demand end within its readings of 10 min" in rows_of(found, "bills")[0]["note"]


def test_a_load_has_the_windows_of_its_minutes(ask: Callable[..., Result]) -> None:
    times, power, minutes = made(10)
    city = CITY.format(unit="kWh", kind="interval", every=10)
    (row,) = rows_of(ask("energy/load", city, {"use": (times, power / 6)}, *SPAN), "loads")
    quarters = means(minutes, 15)
    assert row["peak_kw"] == pytest.approx(quarters.max())
    assert row["base_kw"] == pytest.approx(np.quantile(quarters, 0.05))
    assert row["night_kw"] == pytest.approx(minutes.reshape(31, 1440)[:, 60:300].mean())
    assert row["metered_share"] == pytest.approx(1.0)


def test_a_feeder_loses_no_window(ask: Callable[..., Result]) -> None:
    """Power that flows back for a third of all readings, 10 min each, does so for a third of the time."""
    times, _, _ = made(10)
    supply = np.where(np.arange(len(times)) // 6 % 3 == 0, -40.0, 60.0)  # hour by hour
    city = CITY.format(unit="kWh", kind="interval", every=10)
    series = {"supply": (times, supply), "use": (times, np.full(len(times), 1.0))}
    (row,) = rows_of(ask("energy/feeders", city, series, *SPAN), "feeders")
    assert row["reverse_h"] == pytest.approx(31 * 8)


def test_what_is_cut() -> None:
    """What fills windows, or is filled by them, is not, nor what is longer than an hour; neither is a third of one."""
    assert [every for every in (1, 5, 7, 10, 15, 20, 30, 40, 60, 100) if is_cut(60.0 * every, 15)] == [
        7,
        10,
        20,
        40,
    ]
    assert not is_cut(None, 15)
    assert not is_cut(900 / 7, 15)


def test_a_power_without_its_step_is_told(ask: Callable[..., Result], billed: Callable[..., Result]) -> None:
    city = CITY.format(unit="kW", kind="gauge", every=10).replace("every: 10m, zone: house", "zone: house")
    series = {"use": (slots(*SPAN, 10), np.full(31 * 144, 5.0))}
    for found in (
        ask("energy/load", city, series, *SPAN),
        billed(city, TARIFF.format(window=15), series, *SPAN),
    ):
        assert "a power without `every`" in found.completeness.missing[0].why
