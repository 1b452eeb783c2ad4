"""Readings that reach over an end of the interval: use with a known season, read by the quarter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.balancing.shares import season_left
from cityctl.result import Result
from tests.analysis.water.test_balance import cells_of

METERS, SWING, LEAKAGE = 24, 0.35, 30.0
CITY = """
name: Made
time_zone: UTC
networks: {water: {kind: water}}
zones:
  all: {network: water, kind: dma, inflow: in}
points:
  in: {unit: m3, kind: interval, every: 1d, zone: all}
""" + "".join(f"  c{at}: {{unit: m3, kind: KIND, zone: all, role: consumption}}\n" for at in range(METERS))
DAYS = np.arange("2024-09-01", "2026-05-01", dtype="datetime64[D]")
USE = 10 * (1 + SWING * np.cos(2 * np.pi * (DAYS - np.datetime64("2025-07-20")).astype(int) / 365.25))  # m³/d


def made(kind: str) -> dict[str, Any]:
    """Each meter uses the same and is read every 91 days, on days of its own; a constant leakage flows in besides."""
    counted = np.concatenate([[0.0], np.cumsum(USE)])
    series: dict[str, Any] = {"in": (DAYS.astype("datetime64[m]"), METERS * USE + LEAKAGE)}
    for at in range(METERS):
        read = np.arange(4 * at % 91, len(DAYS), 91)
        values = counted[read] if kind == "counter" else np.diff(counted[read])
        series[f"c{at}"] = (DAYS[read[: len(values)]].astype("datetime64[m]"), values)
    return series


def used(since: str, until: str) -> float:
    return float(METERS * USE[(np.datetime64(since) <= DAYS) & (np.datetime64(until) > DAYS)].sum())


@pytest.mark.parametrize(
    ("kind", "since", "until"),
    [("counter", "2025-07-01", "2025-10-01"), ("interval", "2025-07-01", "2025-08-01")],
)
def test_quarterly_readings_are_shared_out_as_the_water_flowed_in(
    ask: Callable[..., Result], kind: str, since: str, until: str
) -> None:
    """By time the summer's quarter lacks 4 % and July 6 %, beside intervals of 2 %; by inflow less than 1 % is left."""
    found = ask("water/balance", CITY.replace("KIND", kind), made(kind), since, until)
    row, truth = cells_of(found)["billed_metered"], used(since, until)
    assert row["balance_volume"] == pytest.approx(truth, rel=0.01)
    assert row["balance_low"] < truth < row["balance_high"]
    assert row["balance_high"] - row["balance_volume"] > 0.03 * truth


def test_a_year_of_quarterly_readings_is_as_sure_as_its_meters(ask: Callable[..., Result]) -> None:
    """What one end of a year lacks the other has: half the interval stays at the meters' 2 %."""
    found = ask("water/balance", CITY.replace("KIND", "counter"), made("counter"), "2025-01-01", "2026-01-01")
    row, truth = cells_of(found)["billed_metered"], used("2025-01-01", "2026-01-01")
    assert row["balance_volume"] == pytest.approx(truth, rel=0.002)
    assert row["balance_high"] - row["balance_volume"] == pytest.approx(0.02 * truth, rel=0.05)


def test_where_no_inflow_tells_the_season_the_interval_counts_one(ask: Callable[..., Result]) -> None:
    """With the swing of these customers, 35 %, by time: 1 - (sin x / x)², x = pi 91 / 365.25, is 0.188 of it."""
    series = made("counter")
    given = {"system_input": 30_000.0, "season": SWING}
    found = ask("water/balance", CITY.replace("KIND", "counter"), series, "2025-07-01", "2025-08-01", **given)
    row, truth = cells_of(found)["billed_metered"], used("2025-07-01", "2025-08-01")
    half = row["balance_high"] - row["balance_volume"]
    assert row["balance_volume"] < 0.96 * truth
    assert half == pytest.approx(row["balance_volume"] * np.hypot(0.02, 0.188 * SWING), rel=0.01)
    assert row["balance_low"] < truth < row["balance_high"]


@pytest.mark.parametrize("days", [30, 91, 182])
def test_what_sharing_out_by_time_loses_of_a_season(days: int) -> None:
    """A wave of a year, averaged over spans that begin on any day, at the day of its top: summed up by hand."""
    starts = np.arange(days)
    means = [np.cos(2 * np.pi * (np.arange(days) + 0.5 - start) / 365.25).mean() for start in starts]
    assert 1 - np.mean(means) == pytest.approx(float(season_left(np.array(days))), abs=0.002)
