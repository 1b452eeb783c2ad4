"""Whether one leak explains a growth."""

from __future__ import annotations

import numpy as np
import pytest

from cityctl.analysis.water.watch.creeping import one_growth

NIGHTS = np.arange(70)
SCATTER = 0.5  # m³/h


def noisy(leak: np.ndarray, seed: int) -> np.ndarray:
    return leak + SCATTER * np.random.default_rng(seed).normal(size=len(leak))


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("lasts", [7, 25, 50])
def test_a_leak_that_grows_and_stays_leaves_no_more_than_scatter(power: int, lasts: int) -> None:
    grown = np.clip((NIGHTS - 15) / lasts, 0, 1) ** power
    left = [one_growth(noisy(3.0 + 10.0 * grown, seed), []) for seed in range(30)]
    assert np.mean(left) == pytest.approx(SCATTER**2, rel=0.2)
    assert max(left) < 2.2 * SCATTER**2


def test_a_second_one_on_top_leaves_more() -> None:
    two = 4.0 * np.clip((NIGHTS - 15) / 7, 0, 1) + 6.0 * np.clip((NIGHTS - 45) / 20, 0, 1)
    left = [one_growth(noisy(two, seed), []) for seed in range(30)]
    assert min(left) > 1.5 * SCATTER**2


def test_the_size_of_a_step_that_is_known_does_not_matter() -> None:
    grown = 8.0 * np.clip((NIGHTS - 15) / 25, 0, 1)
    step = 3.0 * (NIGHTS >= 30)
    assert one_growth(noisy(grown + step, 1), [30]) == pytest.approx(one_growth(noisy(grown, 1), [30]))
    assert one_growth(noisy(grown + step, 1), []) > 1.5 * SCATTER**2


def test_lost_nights_are_left_out() -> None:
    excess = noisy(8.0 * np.clip((NIGHTS - 15) / 25, 0, 1), 2)
    excess[20:30] = np.nan
    assert 0 < one_growth(excess, [25]) < 2 * SCATTER**2
