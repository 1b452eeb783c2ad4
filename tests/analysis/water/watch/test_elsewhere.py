"""A leak that begins while another one grows: in flow it is that one's growth, in heads it has a place of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cityctl.analysis.water.basis.rows import day_use, trailing
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.falls import Falls, load_of
from cityctl.analysis.water.watch.watching import watch

NIGHTS, PARTS = 240, 8
COURSE = np.array([1.2, 1.4, 1.1, 1.0, 1.1, 1.2, 0.8, 0.4])
WEST, EAST = (
    np.array([0.05, 0.03, 0.01, 0, 0, 0]),
    np.array([0, 0, 0, 0.01, 0.03, 0.05]),
)  # metres for each m³/h
FIRST, SECOND = 120, 160


def zone(seed: int, *leaks: tuple[Any, Any]) -> Seen:
    """A zone of 100 m³/h with leaks (flow [m³/h] by night, head [m] for each m³/h by sensor), and its heads."""
    rng = np.random.default_rng(seed)
    own = 100 * COURSE * rng.normal(1, 0.015, (NIGHTS, PARTS))
    inflow = own + sum((flow[:, None] for flow, _ in leaks), np.zeros((NIGHTS, 1)))
    slope = rng.uniform(0.5, 2.0, 6)[:, None, None] / 100**1.852
    heads = 50 - slope * load_of(inflow) + rng.normal(0, 0.02, (6, NIGHTS, PARTS))
    for flow, place in leaks:
        heads -= place[:, None, None] * flow[None, :, None]
    night, day = inflow[None, :, -1], inflow[None, :, :-1].mean(axis=2)
    usual = trailing(inflow.mean(axis=1)[None], 56, 7)
    fallen = Falls({0: heads}, {0: load_of(inflow)})
    kinds = np.arange(NIGHTS, dtype=np.int64) % 7
    return Seen(night, day_use(day, night), kinds, usual, day, inflow[None], fallen)


def grown(begin: int, nights: float, size: float) -> Any:
    return np.clip((np.arange(NIGHTS) - begin) / nights, 0, 1) * size


def events(seen: Seen) -> list[Event]:
    return watch(Assumptions(), Watchfulness(), seen).events[0]


def told(seen: Seen) -> list[int]:
    return sorted(int(one.detected) for one in events(seen))


def both(seed: int) -> Seen:
    return zone(seed, (grown(FIRST, 90, 15.0), WEST), (grown(SECOND, 20, 6.0), EAST))


def test_a_second_leak_that_the_first_hides_in_flow_is_told_by_heads() -> None:
    zones = [both(seed) for seed in range(6)]
    without = [told(replace(zone, fallen=None)) for zone in zones]
    with_heads = [events(zone) for zone in zones]
    within = [
        any(SECOND < at <= SECOND + 20 for at in sorted(int(event.detected) for event in one)[1:])
        for one in with_heads
    ]
    assert sum(within) >= 5
    assert any("heads fell at another place" in event.how for event in with_heads[1])
    assert sum(any(SECOND < at <= SECOND + 20 for at in one[1:]) for one in without) <= 1


def test_the_growth_of_one_leak_is_one_leak() -> None:
    alone = [zone(seed, (grown(FIRST, 30, 15.0), WEST)) for seed in range(10)]
    assert sum(len(told(seen)) > 1 for seen in alone) <= 1


def test_a_valve_that_lowers_heads_and_flow_is_no_leak() -> None:
    """The flow sinks by 2 %, too little to be told, and all heads with it."""
    lowered = np.where(np.arange(NIGHTS) >= SECOND, -2.0, 0.0)
    assert [told(zone(seed, (lowered, np.full(6, -1.0)))) for seed in range(6)] == [[]] * 6
