"""What is said of a leak beside its numbers: whether the day's flow rose as a leak's does, or as a drifting meter's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cityctl.analysis.water.words.telling import by_day_too
from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, Leak, inflow

NIGHT, DAY = np.full(14, 6.0), 24.0 + 0.1 * np.tile([-1.0, 1.0], 7)


def test_a_leak_adds_the_same_to_every_hour() -> None:
    assert by_day_too(NIGHT, DAY, NIGHT + 3, DAY + 3) == "; by day by as much, as a leak does"


def test_a_meter_that_drifts_adds_in_proportion() -> None:
    """A half more of 6 and of 24 m³/h: 3 by night and 12 by day."""
    said = by_day_too(NIGHT, DAY, NIGHT * 1.5, DAY * 1.5)
    assert said == "; by day by 4.0 times as much, in proportion: a meter that drifts or more demand does so"


def test_what_only_nights_use_is_told() -> None:
    """3 m³/h more by night and 0.5 by day; 2 by day may be a leak, whose flow is less at the day's pressures."""
    said = "; by day by less than half as much, as what only nights use does"
    assert by_day_too(NIGHT, DAY, NIGHT + 3, DAY + 0.5) == said
    assert by_day_too(NIGHT, DAY, NIGHT + 3, DAY + 2) == "; by day by as much, as a leak does"


@pytest.mark.parametrize("scatter", [0.1, 40.0])
def test_what_scatter_hides_is_not_said(scatter: float) -> None:
    restless = 24.0 + scatter * np.tile([-1.0, 1.0], 7)
    assert (by_day_too(NIGHT, restless, NIGHT + 3, restless + 3) == "") == (scatter > 10)
    assert by_day_too(NIGHT, DAY, NIGHT[:4] + 3, DAY[:4] + 3) == ""  # too few days
    assert by_day_too(NIGHT, NIGHT, NIGHT + 3, NIGHT + 3) == ""  # day and night are alike
    assert by_day_too(NIGHT, DAY, NIGHT + 3, DAY - 3) == "; by day it fell"
    assert by_day_too(NIGHT * np.nan, DAY, NIGHT, DAY) == ""


def test_the_evidence_says_it(ask: Callable[..., Result]) -> None:
    times, flow = inflow("2026-01-01", "2026-06-01", leaks=[Leak("2026-05-06T08:00", 4.0)])
    result = ask("water/leaks", CITY, {"hafen_inflow": (times, flow)}, "2026-05-01", "2026-06-01")
    (event,) = rows_of(result, "events")
    assert event["evidence"].endswith("; by day by as much, as a leak does")


def test_a_leak_that_creeps_is_held_against_the_day_of_its_last_fortnight(ask: Callable[..., Result]) -> None:
    """Of 2 m³/h within 110 days the first fortnight shows less than the day scatters by."""
    leak = Leak("2026-02-01T08:00", 2.0, days=110)
    times, flow = inflow("2025-10-01", "2026-06-01", noise=0.05, season=0.0, leaks=[leak])
    result = ask("water/leaks", CITY, {"hafen_inflow": (times, flow)}, "2026-05-01", "2026-06-01")
    assert rows_of(result, "events")
    for event in rows_of(result, "events"):
        assert event["evidence"].endswith("; by day by as much, as a leak does")
