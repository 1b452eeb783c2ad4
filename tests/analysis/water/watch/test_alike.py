"""What a zone is told depends on its own nights and on the calendar, not on where the rows begin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.basis.rows import day_use, trailing
from cityctl.analysis.water.nights.seen import ROUND, Seen
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.watching import Watch, watch

NIGHTS = 330
COURSE = np.array([-4.0, 6.0, 3.0, -2.0, 5.0, 2.0, -10.0, 0.0])  # parts of a day beside its mean [m³/h]
WEEKEND = np.array([0.0, 0.0, 0.0, 0.0, 0.3, 1.5, 2.5])


def restless(zones: int, seed: int) -> tuple[Any, Any]:
    """(night flow, day flow) [m³/h] of zones whose level wanders, with a leak that comes and goes in each."""
    rng = np.random.default_rng(seed)
    wander = np.cumsum(rng.standard_t(4, (zones, NIGHTS)) * 0.06, axis=1)
    flow = 7 + WEEKEND[np.arange(NIGHTS) % 7] + wander + 0.25 * rng.standard_normal((zones, NIGHTS))
    day = 26 + wander + 0.5 * rng.standard_normal((zones, NIGHTS))
    for zone, begin in enumerate(rng.integers(100, 250, zones)):
        for values in (flow, day):
            values[zone, begin : begin + 60] += 2.0
    return flow, day


def watched(flow: Any, day: Any, empty: int, phase: int = 0) -> Watch:
    """The watch over these nights, with so many `empty` ones before them."""
    before = np.full((len(flow), empty), np.nan)
    flow, day = np.hstack([before, flow]), np.hstack([before, day])
    kinds = ((np.arange(flow.shape[1]) - empty) % 7).astype(np.int64)
    parts = day[:, :, None] + COURSE
    parts[..., -1] = flow
    inflow = trailing((flow + 3 * day) / 4, 56, 7)
    seen = Seen(flow, day_use(day, flow), kinds, inflow, day, parts, phase=(phase - empty) % ROUND)
    return watch(Assumptions(), Watchfulness(), seen)


def said(watching: Watch, empty: int) -> list[list[tuple[Any, ...]]]:
    return [
        [
            (one.detected - empty, one.started - empty, one.repaired and one.repaired - empty, one.how)
            for one in own
        ]
        for own in watching.events
    ]


@pytest.mark.parametrize("empty", [1, 5, 28, 100])
def test_empty_nights_before_a_zone_change_nothing(empty: int) -> None:
    """Such nights are there where another zone of the city is measured for longer."""
    flow, day = restless(24, 5)
    plain, later = watched(flow, day, 0), watched(flow, day, empty)
    assert sum(map(len, plain.events)) > 12
    assert said(later, empty) == said(plain, 0)
    np.testing.assert_allclose(later.baseline[:, empty:], plain.baseline, rtol=1e-9)
    np.testing.assert_allclose(later.doubt[:, empty:], plain.doubt, rtol=1e-9)


def test_zones_are_told_the_same_alone_and_among_others() -> None:
    flow, day = restless(12, 6)
    late = flow.copy()
    late[3:, :90] = np.nan
    among = said(watched(late, np.where(np.isnan(late), np.nan, day), 0), 0)[5]
    alone = said(watched(flow[5:6, 90:], day[5:6, 90:], 90 % 7, phase=90), 90 % 7)[0]
    assert [(one[0] + 90, one[1] + 90, one[2] and one[2] + 90, one[3]) for one in alone] == among
    assert among


def test_weeks_are_those_of_the_calendar() -> None:
    """The phase is where the first night lies in a round of 28."""
    flow, day = restless(2, 7)
    model = watched(flow, day, 0, phase=30).model
    assert model.week(0) == 0
    assert [model.week(night) for night in (4, 5, 11, 12)] == [0, 1, 1, 2]
    assert replace(Seen(flow, flow, np.zeros(NIGHTS, np.int64), flow, day, flow[..., None]), phase=3).of(
        np.array([1])
    ).phase == 3  # fmt: skip
