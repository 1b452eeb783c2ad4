"""Nights that move as a logger does not follow the city's clocks, told four nights later: no leak, and none is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.nights.seen import Moved, Seen
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.watching import watch
from tests.analysis.water.watch.test_watching import COURSE, nights

TURN, KNOWN, MORE = 150, 154, 3.0


def told(leak: Any, *, known: bool = True) -> list[list[Event]]:
    """Twelve zones that take 3 m³/h more in the window since the turn, and a leak; `known`: that it was the clock."""
    flow, day, kinds = nights(12, 41)
    day = day + np.random.default_rng(1).normal(0, 3, day.shape)  # days that tell nothing
    flow, day = flow + leak, day + leak
    flow[:, TURN:] += MORE
    course = day[:, :, None] + COURSE
    course[..., -1] = flow
    seen = Seen(flow, np.zeros_like(flow), kinds, np.full_like(flow, 20.0), day, course)
    if known:
        moved = Moved(np.full(flow.shape, -1), np.full(flow.shape, np.nan))
        moved.since[:, KNOWN] = TURN
        seen = replace(seen, moved=moved)
    return watch(Assumptions(), Watchfulness(), seen).events


def test_what_moved_with_the_clocks_is_no_leak() -> None:
    assert sum(map(len, told(0.0, known=False))) >= 12
    assert sum(map(len, told(0.0))) <= 1


@pytest.mark.parametrize("begin", [120, 158])
def test_a_leak_before_or_after_is_found_with_its_size_and_its_repair(begin: int) -> None:
    """Of 4 m³/h, until night 190."""
    at = np.arange(260)
    events = told(4.0 * ((at >= begin) & (at < 190)))
    assert sum(len(found) == 1 for found in events) >= 11
    first = [found[0] for found in events]
    assert np.median([event.flow for event in first]) == pytest.approx(4.0, abs=0.4)
    assert all(abs(event.started - begin) <= 2 for event in first)
    assert sum(event.repaired == 190 for event in first) >= 11
