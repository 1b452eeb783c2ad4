"""Steps of pressure by night, and what night flow that moves with them is told as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.nights.seen import Moved, Seen
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.valves import set_anew
from cityctl.analysis.water.watch.watching import watch
from tests.analysis.water.watch.test_watching import COURSE, nights

STEP = 150


def heads(*steps: tuple[int, float], sensors: int = 3, noise: float = 0.2) -> Any:
    """(sensors x nights x parts) [m]: 50 m by night, and so many more from these nights on."""
    rng = np.random.default_rng(5)
    at = np.arange(260)
    level = sum((more * (at >= night) for night, more in steps), np.full(260, 50.0))
    return np.broadcast_to(level[:, None], (sensors, 260, 8)) + noise * rng.normal(0, 1, (sensors, 260, 8))


def told(own: Any) -> list[tuple[int, int, float]]:
    """(night, night since, ratio) of one zone."""
    found = set_anew({0: own}, 1, 260)
    known = np.flatnonzero(found.since[0] >= 0).tolist()
    return [(at, int(found.since[0, at]), float(found.ratio[0, at])) for at in known]


def test_a_step_is_told_in_its_second_night() -> None:
    """By hand: 60 m for 50, and 42 for 60."""
    assert told(heads((STEP, 10.0), (200, -18.0))) == [
        (STEP + 1, STEP, pytest.approx(1.2, abs=0.01)),
        (201, 200, pytest.approx(0.7, abs=0.01)),
    ]


def test_what_does_not_stay_or_is_small_is_no_step() -> None:
    assert told(heads((STEP, 10.0), (STEP + 1, -10.0))) == []
    assert told(heads((STEP, 1.2))) == []
    assert told(heads(*((STEP + day, 0.5) for day in range(20)))) == []
    weekends = [(night, 8.0 if night % 7 == 5 else -8.0) for night in range(260) if night % 7 in (5, 0)]
    assert told(heads(*weekends)) == []
    assert told(np.full((2, 260, 8), np.nan)) == []


def test_a_step_that_is_undone_within_days_is_told_twice() -> None:
    """As for works of five days; what comes again and again is a valve's schedule."""
    known = [(at, since) for at, since, _ in told(heads((STEP, -10.0), (STEP + 5, 10.0)))]
    assert known == [(STEP + 1, STEP), (STEP + 6, STEP + 5)]
    again = [(STEP + 7 * week + day, more) for week in range(10) for day, more in ((0, -10.0), (3, 10.0))]
    assert [since for _, since, _ in told(heads(*again))] == [STEP, STEP + 3]


def test_one_sensor_of_three_that_is_set_anew_is_no_step() -> None:
    own = heads()
    own[0, STEP:] += 10.0
    assert told(own) == []


def watched(ratio: float, leak: Any, *, sensed: bool = True) -> list[list[Event]]:
    """Twelve zones of which 8 m³/h leak by the pressure, which is multiplied from a night on, and another leak."""
    flow, day, kinds = nights(12, 43)
    more = np.where(np.arange(260) >= STEP, 8.0 * (ratio - 1), 0.0)
    flow, day = flow + 8.0 + more + leak, day + 8.0 + more + leak
    course = day[:, :, None] + COURSE
    course[..., -1] = flow
    seen = Seen(flow, np.zeros_like(flow), kinds, np.full_like(flow, 30.0), day, course)
    moved: Moved = set_anew(dict.fromkeys(range(12), heads((STEP, 50.0 * (ratio - 1)))), *flow.shape)
    return watch(Assumptions(), Watchfulness(), replace(seen, moved=moved) if sensed else seen).events


def test_more_pressure_makes_no_leak() -> None:
    """Night flow rises by 8 x 0.3 = 2.4 m³/h."""
    assert sum(map(len, watched(1.3, 0.0, sensed=False))) >= 12
    assert sum(map(len, watched(1.3, 0.0))) <= 1


def test_less_pressure_mends_no_leak() -> None:
    """Of 3 m³/h since night 120, while night flow falls by 8 x 0.35 = 2.8 m³/h: it was over in most zones."""
    leak = 3.0 * (np.arange(260) >= 120)
    over = [found[0].repaired is not None for found in watched(0.65, leak, sensed=False)]
    assert sum(over) >= 9
    told = watched(0.65, leak)
    assert all(found[0].repaired is None for found in told)
    assert np.median([found[0].flow for found in told]) == pytest.approx(3.0, abs=0.3)


def test_a_leak_is_found_beside_a_step() -> None:
    """Of 4 m³/h four nights later, and of 8 m³/h in the same night, which is more than the pressure explains."""
    at = np.arange(260)
    for begin, leak in ((STEP + 4, 4.0), (STEP, 8.0)):
        told = watched(1.3, leak * (at >= begin))
        assert sum(len(found) == 1 for found in told) >= 11
        more = 2.4 if begin == STEP else 0.0  # both began at once
        assert np.median([found[0].flow for found in told]) == pytest.approx(leak + more, abs=0.4)
