"""Nights of a hamlet: twenty connections behind a meter that sends a pulse each 100 L, none in most quarter hours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, Leak, inflow

Ask = Callable[..., Result]
PULSE = 0.4  # m³/h: 100 L within a quarter of an hour
SINCE, UNTIL = "2026-01-01", "2026-03-29"  # Berlin is an hour ahead of UTC


def hamlet(seed: int, leaks: tuple[Leak, ...] = ()) -> dict[str, Any]:
    """0.05 m³/h by night and a mean of 0.3, as whole pulses that come by chance (Poisson)."""
    times, flow = inflow(SINCE, UNTIL, seed=seed, night=0.05, day=0.5, season=0.0, noise=0.0, leaks=leaks)
    return {"hafen_inflow": (times, PULSE * np.random.default_rng(seed).poisson(flow / PULSE))}


def by_hand(series: dict[str, Any], month: str) -> dict[str, float]:
    """The mean of all readings from 02:00 to 04:00 of each night [m³/h]."""
    times, flow = series["hafen_inflow"]
    days = times.astype("datetime64[D]")
    inside = (times - days >= np.timedelta64(1, "h")) & (times - days < np.timedelta64(3, "h"))
    chosen = np.unique(days[days.astype("datetime64[M]") == np.datetime64(month)])
    return {str(day): float(flow[inside & (days == day)].mean()) for day in chosen}


def test_all_pulses_of_a_night_are_its_flow(ask: Ask) -> None:
    """Each stands alone and lies above the day's mean: they were left out as spikes, and 0 told of most nights."""
    series = hamlet(1)
    result = ask("water/night_flow", CITY, series, "2026-02-01", "2026-02-28", each_night="yes")
    told = {str(row["date"]): row["mnf"] for row in rows_of(result, "nights") if row["zone"] == "Hafen"}
    whole = by_hand(series, "2026-02")
    assert told == pytest.approx({day: whole[day] for day in told})
    assert len(told) >= 27
    assert np.mean(list(told.values())) == pytest.approx(
        0.05, abs=0.02
    )  # 40 pulses in 28 nights, give or take 6


def test_pulses_that_meet_are_no_leak(ask: Ask) -> None:
    """Two pulses side by side were a night of 0.1 m³/h after weeks of 0.0: a leak by fifty standard errors."""
    found = [ask("water/leaks", CITY, hamlet(seed), "2026-01-10", "2026-03-28") for seed in (2, 3)]
    assert [rows_of(one, "events") for one in found] == [[], []]


def test_a_leak_of_a_hamlet_is_one_with_its_flow(ask: Ask) -> None:
    series = hamlet(7, (Leak("2026-02-20T12:00", 0.3),))
    (row,) = rows_of(ask("water/leaks", CITY, series, "2026-01-10", "2026-03-28"), "events")
    assert row["state"] == "steady"
    assert row["flow_low"] < 0.3 < row["flow_high"]
    assert abs(row["started_at"].timestamp() - 1771588800) < 4 * 86400  # 20 February, 12:00 UTC
