"""Degree-day models whose heating may set in softly: laws, and models that are known because they were made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.analysis.energy.models.bends import bent
from cityctl.analysis.energy.models.parts import Part, softened

EVERY = frozenset(range(6))


@settings(max_examples=60)
@given(beyond=st.floats(-60, 120), bend=st.sampled_from([0.0, 2.0, 5.0, 12.0]))
def test_far_from_its_bend_a_curve_is_degree_days(beyond: float, bend: float) -> None:
    """Of D = u - k (1 - exp(-u / k)), u = beyond + k: nothing where u is below 0, u - k where it is large."""
    told = float(softened(np.array([beyond]), bend)[0])
    assert told >= max(beyond, 0.0) - 1e-9
    assert (
        told <= max(beyond, 0.0) + bend / np.e + 1e-9
    )  # the most by which it lies above, at the balance point
    if beyond <= -bend:
        assert told == 0


def test_a_sharp_building_stays_sharp_and_a_soft_one_is_found() -> None:
    """Made without noise: the very balance points and bends come back."""
    temperature = np.random.default_rng(5).uniform(15, 95, 365)
    for bend in (0.0, 5.0):
        use = 40 + 2.5 * softened(55 - temperature, bend) + 1.5 * np.maximum(temperature - 70, 0)
        start = Part(EVERY, 57.0, 68.0, 2.3, 1.4, 41.0)
        found = bent(start, temperature, use, np.ones(365, bool))
        assert (found.heating, found.heating_bend) == (55.0, bend)
        assert (found.cooling, found.cooling_bend) == (70.0, 0.0)
        assert found.beta_heating == pytest.approx(2.5, rel=1e-6)
        assert found.beta_cooling == pytest.approx(1.5, rel=1e-6)
        assert found.intercept == pytest.approx(40, rel=1e-6)


def test_only_the_days_of_a_part_count() -> None:
    random = np.random.default_rng(6)
    temperature = random.uniform(20, 80, 300)
    here = np.arange(300) % 2 == 0
    use = np.where(here, 10 + 3 * np.maximum(60 - temperature, 0), 1e6)
    found = bent(Part(EVERY, 58.0, None, 2.0, 0.0, 11.0), temperature, use, here)
    assert (found.heating, found.cooling) == (60.0, None)
    assert found.beta_heating == pytest.approx(3)
