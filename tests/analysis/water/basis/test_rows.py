"""Statistics of rows of nights, against numpy's where that has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cityctl.analysis.water.basis.rows import day_use, mean_of, quantile, trailing

NAN = float("nan")
ROWS = arrays(float, (4, 9), elements=st.one_of(st.just(NAN), st.integers(-50, 50).map(float)))


@given(ROWS, st.sampled_from([0.0, 0.1, 0.5, 0.8, 1.0]))
def test_a_quantile_is_that_of_the_known_values(values: np.ndarray, share: float) -> None:
    known = np.isfinite(values).any(axis=1)
    found = quantile(values, share)
    assert np.isnan(found[~known]).all()
    if known.any():
        assert found[known] == pytest.approx(np.nanquantile(values[known], share, axis=1))


def test_of_no_values_at_all_there_is_no_quantile() -> None:
    assert np.isnan(quantile(np.empty((3, 0)), 0.5)).all()
    assert quantile(np.empty((0, 4)), 0.5).tolist() == []


@given(ROWS)
def test_a_mean_is_that_of_the_known_values(values: np.ndarray) -> None:
    mean, count = mean_of(values)
    assert count.tolist() == np.isfinite(values).sum(axis=1).tolist()
    if count.any():
        assert mean[count > 0] == pytest.approx(np.nanmean(values[count > 0], axis=1))


def test_a_trailing_median_leaves_its_own_night_out_and_holds_over_gaps() -> None:
    found = trailing(np.array([[1.0, 3.0, NAN, NAN, NAN, 9.0, 9.0]]), 3, 2)
    # Of nights 0 and 1; then no two of three are known, and the last median holds.
    assert found.tolist() == [[2.0] * 7]


def test_a_leak_leaves_the_use_of_the_day_as_it_is() -> None:
    rng = np.random.default_rng(1)
    flow, day = rng.uniform(4, 6, (3, 60)), rng.uniform(20, 24, (3, 60))
    leak = np.where(np.arange(60) >= 30, 5.0, 0.0)
    # A night shares its day with the night before it, of which the leak's first day has none.
    assert day_use(day + leak, flow + leak)[:, 37:] == pytest.approx(day_use(day, flow)[:, 37:])


def test_gardens_that_are_watered_by_night_leave_the_use_of_the_day_as_it_is() -> None:
    """15 m³/h more in one night of each week, which makes 1.1 of the week's use while the next night is not known.

    From then on the higher of two nights of 4 to 5 m³/h stands for it: of seven, at most a seventh more.
    """
    rng = np.random.default_rng(2)
    flow, day = rng.uniform(4, 5, (3, 60)), rng.uniform(20, 24, (3, 60))
    watered = np.where((np.arange(60) >= 30) & (np.arange(60) % 7 == 0), 15.0, 0.0)
    moved = np.abs(day_use(day, flow + watered) - day_use(day, flow))
    assert moved[:, watered == 0].max() < 1 / 7
    assert moved.max() < 1.3


def test_no_night_tells_what_the_day_used_before_it() -> None:
    rng = np.random.default_rng(3)
    flow, day = rng.uniform(4, 15, (3, 60)), rng.uniform(20, 24, (3, 60))
    for last in (30, 41, 59):
        assert day_use(day[:, :last], flow[:, :last]).tolist() == day_use(day, flow)[:, :last].tolist()
