"""Use on some nights of each week: one leak or a few until the week has shown itself, and none after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.weekly import by_week
from tests.analysis.water.watch.test_watching import nights, watched

KINDS = np.arange(28) % 7
SHIFT = [0.0, 4.0, 4.0, 4.0, 4.0, 4.0, 0.0]
FIVE, FOUR, WATERING = [1, 2, 3, 4, 5], [0, 1, 2, 3], [0, 2, 4]
BEGIN = 140


def test_the_use_of_each_weekday_is_told() -> None:
    assert by_week(np.array(SHIFT)[KINDS], KINDS, 0.3) == SHIFT


def test_a_week_that_is_not_known_well_tells_nothing() -> None:
    used = np.array(SHIFT)[KINDS]
    assert by_week(used[:13], KINDS[:13], 0.3) == []
    assert by_week(np.where(np.arange(28) % 4, used, np.nan), KINDS, 0.3) == []
    assert by_week(used, KINDS, 1.1) == []  # 4 m³/h of a scatter of 1.1
    six = np.where(KINDS[:20] == 6, 0.0, 4.0)
    assert by_week(six, KINDS[:20], 0.3) == []  # two Sundays
    assert by_week(np.append(six, 0.0), KINDS[:21], 0.3)


@pytest.mark.parametrize("odd", [8, 13])
def test_one_night_that_the_week_does_not_explain_is_enough_for_a_leak(odd: int) -> None:
    """Night 8 has the use and lacks it, night 13 is without it and has half of it."""
    used = np.array(SHIFT)[KINDS]
    used[odd] = 1.9
    assert by_week(used, KINDS, 0.3) == []


def test_what_never_rose_has_no_use() -> None:
    assert by_week(-np.array(SHIFT)[KINDS], KINDS, 0.3) == []
    assert by_week(np.zeros(28), KINDS, 0.0) == []


def zones(on: Sequence[int], *, end: int | None = None, leak: int | None = None) -> list[list[Event]]:
    """Eight zones that take 4 m³/h more on some nights of each week and the days before, and a leak of 3 m³/h."""
    flow, day, kinds = nights(8, 31)
    at = np.arange(len(kinds))
    more: Any = 4.0 * (np.isin(kinds, on) & (at >= BEGIN) & (at < (end or len(kinds))))
    if leak is not None:
        more = more + 3.0 * (at >= leak)
    return watched(flow + more, day + more, kinds).events


@pytest.mark.parametrize("on", [FIVE, FOUR, WATERING])
def test_nights_of_the_week_raise_no_alarm_once_they_have_shown_themselves(on: list[int]) -> None:
    """Before: 17, 17 and 2.1 events a zone in 17 weeks, one every week; watering left one in two zones open."""
    told = zones(on)
    assert np.mean([len(found) for found in told]) < 3
    assert sum(event.detected > BEGIN + 35 for found in told for event in found) <= 1
    closed = [event for found in told for event in found if event.weekly]
    assert not [event for found in told for event in found if event.repaired is None]
    for event in closed:
        assert [kind for kind, use in enumerate(event.weekly) if use] == on
        assert [use for use in event.weekly if use] == pytest.approx([4.0] * len(on), abs=0.8)


def test_a_leak_beside_them_is_found_and_stays_one() -> None:
    """One in each zone, within three nights, of 3 m³/h."""
    for found in zones(FIVE, leak=200):
        (leak,) = [event for event in found if not event.weekly]
        assert 200 <= leak.detected <= 203
        assert leak.repaired is None
        assert leak.flow == pytest.approx(3.0, abs=0.8)


def test_a_leak_from_before_them_runs_on() -> None:
    told = zones(FIVE, leak=100)
    runs = [[event for event in found if event.repaired is None and event.started <= 101] for found in told]
    assert sum(len(found) == 1 for found in runs) >= 7


def test_when_they_end_nothing_is_raised() -> None:
    assert not [event for found in zones(FIVE, end=200) for event in found if event.detected >= 200]
