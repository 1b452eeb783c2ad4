"""The exponent of leakage by pressure, beside leakage that changes by itself: its interval over made nights."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.wandering import moved
from cityctl.analysis.water.zone_nights import exponent_of

NIGHTS = [date(2026, 9, 1) + timedelta(days=at) for at in range(42)]


def by_night(values: Any) -> dict[date, float]:
    return dict(zip(NIGHTS, np.asarray(values).tolist(), strict=False))


def test_the_exponent_is_found_again() -> None:
    heads = np.linspace(30, 60, 42)
    noise = np.exp(np.random.default_rng(2).normal(0, 0.02, 42))
    found = exponent_of(by_night(heads), by_night(0.05 * heads**1.2 * noise))
    assert found is not None
    assert found[1] < 1.2 < found[2]


def test_no_exponent_where_pressure_did_not_vary_or_few_nights_leak() -> None:
    heads = by_night(np.linspace(30, 60, 42))
    assert exponent_of(by_night([40.0 + 0.01 * n for n in range(42)]), heads) is None
    assert exponent_of(heads, by_night([5.0] * 9 + [0.0] * 33)) is None


@pytest.mark.parametrize("lowered", [28, 38])
def test_its_interval_holds_where_pressure_was_lowered_once_and_leakage_changes_by_itself(
    lowered: int,
) -> None:
    """Of 200 zones of N1 = 1 whose pressure falls by a tenth, neighbouring nights alike by 0.7, 19 in 20 intervals."""
    rng = np.random.default_rng(3)
    held = []
    for _ in range(200):
        heads = np.where(np.arange(42) < lowered, 50.0, 45.0) * np.exp(0.005 * rng.normal(size=42))
        own = 0.03 * rng.normal(size=42)
        for at in range(1, 42):
            own[at] = 0.7 * own[at - 1] + own[at] * np.sqrt(1 - 0.49)
        found = exponent_of(by_night(heads), by_night(5 * heads / 50 * np.exp(own)))
        assert found is not None
        held.append(found[1] <= 1 <= found[2])
    assert np.mean(held) >= 0.91


def test_independent_nights_are_as_by_least_squares() -> None:
    """Of nights that are known not to wander the slope is that of numpy.polyfit, and the interval hardly wider."""
    rng = np.random.default_rng(4)
    pressure = rng.normal(0, 0.05, 42)
    leakage = 1 + 1.1 * pressure + rng.normal(0, 0.03, 42)
    (slope, level), spread = np.polyfit(pressure, leakage, 1, cov=True)
    found = moved(NIGHTS, leakage.tolist(), pressure.tolist())
    assert found.effect == pytest.approx(slope, abs=0.1)
    assert found.level == pytest.approx(level, abs=0.02)
    assert 1 < found.half / (1.96 * np.sqrt(spread[0, 0])) < 1.3
