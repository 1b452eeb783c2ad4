"""What a day's course tells of a zone's restlessness, and leaks that only the leak-free nights can tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.watch.creeping import with_pressure
from cityctl.analysis.water.watch.shape import PRIOR, Evened, Wandering
from tests.analysis.water.watch.test_watching import nights, watched

COURSE = np.array([1.0, 1.4, 1.3, 1.2, 1.3, 1.1, 0.6, 0.3]) * 20
KINDS = (np.arange(300) % 7).astype(np.int64)


def courses(scale: Any, noise: float = 0.2, seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    return COURSE * np.asarray(scale)[None, :, None] + noise * rng.normal(0, 1, (1, 300, 8))


def wandering(course: Any, inflow: Any) -> Any:
    told = Wandering(course, inflow)
    told.advance(0, course.shape[1])
    return told.told


def without_weekdays(values: Any, kinds: Any) -> Any:
    even = Evened(values, kinds)
    even.advance(0, values.shape[1])
    return even.left


def test_season_and_leaks_do_not_wander() -> None:
    """Demand that rises by a third and a leak of a fifth leave the course's shape as it is."""
    scale = 1 + 0.17 * np.sin(np.arange(300) / 58)
    course = courses(scale)
    course[:, 150:] += 4.0
    told = wandering(course, np.full((1, 300), 20.0))
    assert told[0, 299] < PRIOR / 2


def test_another_course_is_restlessness() -> None:
    """Gardens that are wetted for two weeks of each four, in two parts of the day."""
    course = courses(np.ones(300))
    course[:, (np.arange(300) // 14) % 2 == 1, 1:3] += 3.0
    assert wandering(course, np.full((1, 300), 20.0))[0, 299] > 3 * PRIOR


def test_the_past_is_told_without_the_future() -> None:
    course = courses(np.ones(300), seed=2)
    changed = course.copy()
    changed[:, 200:, 2] += 10
    inflow = np.full((1, 300), 20.0)
    assert np.array_equal(wandering(course, inflow)[:, :200], wandering(changed, inflow)[:, :200])
    assert np.array_equal(
        without_weekdays(course, KINDS)[:, :200], without_weekdays(changed, KINDS)[:, :200], equal_nan=True
    )


def test_weekdays_are_learnt() -> None:
    values = courses(np.ones(300), noise=0.05)
    values[:, KINDS == 6] += 5.0
    left = without_weekdays(values, KINDS)[0, 150:, 0]
    assert left[KINDS[150:] == 6].mean() == pytest.approx(left[KINDS[150:] == 2].mean(), abs=0.3)


def test_a_leak_slower_than_any_window_is_found_against_leak_free_nights() -> None:
    """3 m³/h that take 150 nights to come: a fortnight brings less than a night's noise."""
    flow, day, kinds = nights(20, 31, season=0.0)
    leak = np.clip((np.arange(flow.shape[1]) - 100) / 150, 0, 1) * 3.0
    events = watched(flow + leak, day + leak, kinds).events
    found = [one for one in events if one]
    assert len(found) >= 18
    assert all(one[0].detected > 110 for one in found)


def test_pressure_needs_flow_beside_it() -> None:
    """Evidence adds in squares: with 5 standard errors of head 6 in all need the root of 11, 4.2 the least, 2."""
    told = [with_pressure(certainty, fallen) for certainty in (6.0, 4.2) for fallen in (0.0, 4.9, 5.1, 9.0)]
    assert told == pytest.approx([6.0, 6.0, np.sqrt(11), np.sqrt(11), 4.2, 4.2, 2.0, 2.0])
