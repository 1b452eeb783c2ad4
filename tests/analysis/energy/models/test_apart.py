"""Which kinds of day are unlike: ellipses whose overlap is known from geometry."""

from __future__ import annotations

import numpy as np
import pytest

from cityctl.analysis.energy.models import apart
from cityctl.analysis.energy.models.apart import SPREAD, _overlap, unlike


@pytest.mark.parametrize(("between", "alike"), [(1.9, True), (2.1, False)])
def test_circles_overlap_while_their_centres_are_closer_than_both_radii(between: float, alike: bool) -> None:
    """Variances that the spread makes circles of radius 1."""
    wide, high = SPREAD
    circle = [0.0, 0.0, 1 / wide**2, 1 / high**2, 0.0]
    for turn in (0.0, 0.5, 1.2):
        other = [between * np.cos(turn), between * np.sin(turn), *circle[2:]]
        assert bool(_overlap(np.array([circle]), np.array([other]))[0]) is alike


def year(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(outdoor temperature, kind of day) of a year of five weekdays and two days of weekend."""
    random = np.random.default_rng(seed)
    day = np.arange(364)
    season = np.where(day < 120, 0, np.where(day < 240, 1, 2))
    temperature = np.array([68.0, 55.0, 40.0])[season] + random.normal(0, 7, 364)
    return temperature, season + np.where(day % 7 >= 5, 3, 0)


def test_one_line_through_all_days_leaves_the_week_whole() -> None:
    temperature, cells = year()
    use = 100 + 2 * np.maximum(65 - temperature, 0) + np.random.default_rng(1).normal(0, 8, 364)
    found = unlike(temperature, use, cells)
    assert not found.week
    assert found.days == (86, 86, 88, 34, 34, 36)  # 52 weeks in three parts
    assert found.allows(frozenset({0, 1, 3, 4}))
    assert not found.allows(frozenset({0, 1}))  # weekdays alone


def test_a_shop_that_shuts_at_weekends_is_two_shops() -> None:
    temperature, cells = year()
    use = np.where(cells >= 3, 20.0, 100.0) + np.random.default_rng(1).normal(0, 3, 364)
    found = unlike(temperature, use, cells)
    assert found.week
    assert found.allows(frozenset({0, 1}))


def test_a_season_of_few_days_does_not_stand_alone() -> None:
    temperature, cells = year()
    use = np.where(cells % 3 == 0, 500.0, 100.0) + np.random.default_rng(1).normal(0, 3, 364)
    assert unlike(temperature, use, cells).allows(frozenset({0, 3}))
    few = np.flatnonzero(~((cells % 3 == 0) & (np.arange(364) > apart.LEAST_SEASON - 5)))
    assert not unlike(temperature[few], use[few], cells[few]).allows(frozenset({0, 3}))
