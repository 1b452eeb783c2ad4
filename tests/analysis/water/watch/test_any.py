"""Whatever a zone shows, the watch says something that can be true, and ends."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.analysis.water.nights.seen import ROUND
from cityctl.analysis.water.watch.allday import BLOCKS, LAG, NOW, USUAL, AllDay
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.settled import settled
from cityctl.analysis.water.watch.watching import watch
from tests.analysis.water.areas import seen

DAYS = 130
FOR = (5, 24, 72, 400, 2000)  # hours that a disturbance lasts


def disturbed(rng: np.random.Generator) -> Any:
    """Hourly inflow [m³/h] of a zone of any size and restlessness, with things that happen to meters and networks."""
    hours = np.arange(DAYS * 24)
    mean = rng.choice([0.0, 0.01, 1.0, 50.0, 5000.0])
    flow = mean * (1 + rng.choice([0.0, 0.3, 2.0]) * np.sin(np.pi * ((hours % 24) - 6) / 12).clip(0))
    flow *= 1 + rng.choice([0.0, 0.01, 0.1, 0.5]) * rng.standard_normal(len(hours))
    flow += mean * rng.choice([0.0, 0.001, 0.1]) * np.repeat(np.cumsum(rng.standard_normal(DAYS)), 24)
    for _ in range(rng.integers(0, 8)):
        begin = int(rng.integers(0, len(hours)))
        part = slice(begin, begin + int(rng.choice(FOR)))
        match rng.integers(0, 7):
            case 0:
                flow[part] = np.nan
            case 1:
                flow[part] = 0.0
            case 2:
                flow[part] += mean * rng.uniform(-2, 3)
            case 3:
                flow[part] *= rng.choice([-1.0, 3.6, 1000.0])
            case 4:
                flow[part] = flow[begin]
            case 5:
                flow[part] += mean * np.linspace(0, rng.uniform(-1, 2), len(flow[part]))
            case _:
                flow[: begin if rng.random() < 0.5 else None] = np.nan
    return flow


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, ROUND - 1), st.booleans())
def test_any_zones_can_be_watched(seed: int, phase: int, whole_days: bool) -> None:
    rng = np.random.default_rng(seed)
    nights = seen([disturbed(rng) for _ in range(rng.integers(1, 12))], pd.Timestamp("2021-01-01"), phase)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watching = watch(Assumptions(), Watchfulness(whole_days=whole_days), nights)
        found = settled(watching)
    for events in found:
        for event in events:
            assert 0 <= event.started <= event.detected < DAYS
            assert event.repaired is None or event.started <= event.repaired < DAYS
            assert event.flow > 0
            assert event.sd >= 0
            assert np.isfinite(event.sizes_at(range(event.started, DAYS))).all()


def test_days_of_a_zone_that_was_quiet_so_far_are_held_against_what_is_usual() -> None:
    """Of its own moves nothing is known in the night in which its nights become restless."""
    days = AllDay(np.zeros((1, 100, 8)))
    usual, apart, _ = days._usual(0, 99)
    assert (usual, apart.max()) == pytest.approx((USUAL, 0.03))
    assert len(apart) == len(BLOCKS)
    assert LAG > NOW


def test_a_zone_that_gives_more_than_it_takes_has_no_leak_of_nothing() -> None:
    """Net of what it hands on, or with its meter's sign the wrong way: shares of its inflow are below zero."""
    hours = np.arange(DAYS * 24)
    noise = np.random.default_rng(3).standard_normal(len(hours))
    nights = seen([-50.0 - 10 * (hours % 24 > 6) + noise], pd.Timestamp("2021-01-01"))
    watching = watch(Assumptions(), Watchfulness(), nights)
    assert watching.events == [[]]
    assert watching.anew == [[]]


@pytest.mark.parametrize("nights", [30, 60, 90, 110])
def test_a_zone_that_took_nothing_so_far_can_be_watched(nights: int) -> None:
    """It has neither scatter nor wandering to hold its first flow against."""
    flow = np.where(np.arange(DAYS * 24) < nights * 24, 0.0, 5.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watching = watch(Assumptions(), Watchfulness(), seen([flow], pd.Timestamp("2021-01-01")))
    assert all(event.sd > 0 for event in watching.events[0])
