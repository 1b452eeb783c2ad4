"""Whether the day rises with the night, as it does with a leak."""

from __future__ import annotations

import numpy as np
import pytest

from cityctl.analysis.water.watch.daytime import by_night_alone
from tests.analysis.water.watch.test_watching import nights, watched

BEGIN = 150


def days(risen: float, scatter: float, seed: int, begin: int = BEGIN, count: int = BEGIN + 5) -> np.ndarray:
    """A zone's flow by day [m³/h], 30 and by `risen` more from the day after `begin` on."""
    own = 30 + scatter * np.random.default_rng(seed).normal(size=count)
    own[begin + 1 :] += risen
    return own


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_is_never_of_the_night_alone(seed: int) -> None:
    """Nor is one of which the day, with its lower pressures, shows three quarters."""
    assert not by_night_alone(days(2.0, 0.3, seed), BEGIN, 2.0, 0)
    assert not by_night_alone(days(1.5, 0.3, seed), BEGIN, 2.0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_a_rise_that_no_quiet_day_shows_is(seed: int) -> None:
    assert by_night_alone(days(0.0, 0.3, seed), BEGIN, 2.0, 0)


def test_days_that_vary_as_much_tell_nothing() -> None:
    """A leak of 1 m³/h where days scatter by 3 is taken for the night's own in 1 of 15: 1.5 standard errors."""
    taken = [by_night_alone(days(1.0, 3.0, seed), BEGIN, 1.0, 0) for seed in range(300)]
    assert np.mean(taken) < 0.1


def test_nothing_is_told_from_one_day_or_a_short_history() -> None:
    assert not by_night_alone(days(0.0, 0.1, 1, count=BEGIN + 1), BEGIN, 2.0, 0)
    assert not by_night_alone(days(0.0, 0.1, 1, begin=25, count=30), 25, 2.0, 0)
    assert not by_night_alone(days(0.0, 0.1, 1), BEGIN, 2.0, BEGIN)


def test_lost_days_are_left_out() -> None:
    own = days(0.0, 0.3, 3)
    own[100:140] = np.nan
    assert by_night_alone(own, BEGIN, 2.0, 0)


def test_a_mended_leak_before_is_left_out() -> None:
    """A burst of 20 m³/h ended in the night 145; the next begins in the night 150."""
    own = days(2.0, 0.3, 4)
    own[130:145] += 20
    assert by_night_alone(own, BEGIN, 2.0, 0)
    assert not by_night_alone(own, BEGIN, 2.0, 146)


def test_what_only_nights_use_is_their_way_after_a_while_and_a_leak_that_follows_is_told() -> None:
    """40 zones water their gardens from the night 170 on, and a main bursts in half of them in the night 220.

    One day tells little where days scatter by a fifth of the watering: in a third of the zones it is taken for a burst.
    """
    flow, day, kinds = nights(40, 31, season=0.0)
    flow[:, 170:] += 3.0
    flow[:20, 220:] += 3.0
    day[:20, 221:] += 3.0
    told = watched(flow, day, kinds).events
    assert sum(any(event.detected < 174 for event in events) for events in told) <= 14
    assert not any(174 <= event.detected < 220 for events in told for event in events)
    assert all(
        any(event.started >= 219 and event.detected <= 223 for event in events) for events in told[:20]
    )
    assert not any(event.detected >= 220 for events in told[20:] for event in events)


def test_a_leak_soon_after_watering_began_is_not_dated_back_to_it_nor_as_large() -> None:
    """40 zones water 15 m³/h in one night a week from the night 190 on; 1.5 m³/h leak from the night 211 on.

    The odd nights were taken for the leak's first ones, and lowered what the day seemed to use.
    """
    flow, day, kinds = nights(40, 33, season=0.0, noise=0.1)
    flow[:, 190::7] += 15.0
    flow[:, 211:] += 1.5
    day[:, 212:] += 1.5
    found = [event for events in watched(flow, day, kinds).events for event in events if event.detected < 225]
    assert len(found) >= 38
    assert np.mean([event.started >= 209 for event in found]) > 0.9
    assert np.median([event.flow for event in found]) == pytest.approx(1.5, rel=0.15)
