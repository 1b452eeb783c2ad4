"""Leaks told from the whole day in zones of restless nights, and what is none."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.basis.rows import day_use, trailing
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.resume import Standing
from cityctl.analysis.water.watch.watching import Watch, watch

NIGHTS, BEGIN = 270, 200
DAY = np.array([22.0, 32.0, 29.0, 24.0, 31.0, 28.0, 16.0, 12.0])  # m³/h by part of the day, from 04:00 on
INFLOW = float(DAY.mean())
WEEKEND = np.array([0.0, 0.0, 0.0, 0.0, 0.02, 0.06, 0.10])


def restless(zones: int, seed: int, stays: float = 0.85, nights: float = 0.10) -> Any:
    """(zones x nights x parts) [m³/h]: nights that scatter and wander by a tenth of the inflow, days by a fiftieth."""
    rng = np.random.default_rng(seed)
    night = np.arange(NIGHTS)
    parts = DAY * (1 + WEEKEND[night % 7, None]) + 0.02 * INFLOW * rng.normal(size=(zones, NIGHTS, 8))
    wander = np.zeros((zones, NIGHTS))
    for at in range(1, NIGHTS):
        wander[:, at] = stays * wander[:, at - 1] + np.sqrt(1 - stays**2) * rng.normal(size=zones)
    parts[..., 7] += nights / np.sqrt(2) * INFLOW * (wander + rng.normal(size=wander.shape))
    return parts


def cases() -> dict[str, Any]:
    """What 24 zones each took, by what happened there."""
    night = np.arange(NIGHTS)[:, None]
    year = 1 + 0.2 * np.cos(2 * np.pi * (night[:, 0] - np.linspace(0, 365, 24)[:, None]) / 365)
    small, large, since = 0.15 * INFLOW, 0.25 * INFLOW, night >= BEGIN
    very, gardens = {"nights": 0.2}, np.isin(np.arange(8), (0, 6, 7))
    return {
        "step": restless(24, 1, **very) + small * since,
        "mended": restless(24, 1, **very) + small * (since & (night < BEGIN + 30)),
        "burst": restless(24, 1) + large * since,
        "nothing": restless(24, 2),
        "season": restless(24, 3) * year[..., None],
        "holidays": restless(24, 4) * np.where((night >= 170) & (night < 184), 0.8, 1.0),
        "gardens": restless(24, 5) + large * since * gardens,
        "quiet": restless(24, 6, nights=0.01) + small * since,
    }


@cache
def everything() -> Watch:
    """All zones in one watch, which tells each by itself."""
    return watched(np.concatenate(list(cases().values())))


def told(case: str, day: bool = True) -> list[list[Event]]:
    """The events of the zones of a case; `day`: those only that the whole day told."""
    first = list(cases()).index(case) * 24
    own = everything().events[first : first + 24]
    return [[one for one in events if not day or one.all_day is not None] for events in own]


def seen(parts: Any, phase: int = 0) -> Seen:
    flow, day = parts[..., 7].copy(), parts[..., :6].mean(axis=2)
    kinds = ((np.arange(parts.shape[1]) + phase) % 7).astype(np.int64)
    inflow = trailing(parts.mean(axis=2), 56, 7)
    return Seen(flow, day_use(day, flow), kinds, inflow, day, parts, phase=phase)


def watched(parts: Any) -> Watch:
    return watch(Assumptions(), Watchfulness(), seen(parts))


def test_a_step_is_found_within_a_fortnight_with_its_size() -> None:
    """3.6 m³/h, 15 % of the inflow, where nights scatter by 16 %: by themselves they tell none of it in time."""
    within = [one for own in told("step", day=False) for one in own if 0 <= one.detected - BEGIN <= 14]
    assert all(one.all_day is not None for one in within)
    assert len(within) >= 12
    assert all(abs(one.flow / (0.15 * INFLOW) - 1) < 1 / 3 for one in within)
    assert all(abs(one.started - BEGIN) <= 4 for one in within)
    assert {one.how for one in within} == {"in all hours of the day, over 12 nights"}
    assert max(map(len, told("step"))) == 1
    assert sum(one.repaired is None for one in within) >= len(within) - 1  # nights alone said they were over


def test_a_mended_leak_is_over_and_none_is_told_of_it() -> None:
    found = [one for own in told("mended") for one in own]
    assert all(one.detected < BEGIN + 30 for one in found)
    ended = [one.repaired for one in found if one.repaired is not None]
    assert len(ended) >= 0.7 * len(found) >= 9
    assert abs(np.median(ended) - (BEGIN + 30)) <= 15


def test_what_nights_tell_is_not_told_twice() -> None:
    """6 m³/h: in many of the zones nights tell it first."""
    since = [[one for one in own if one.detected >= BEGIN] for own in told("burst", day=False)]
    assert max(map(len, since)) == 1
    assert sum(map(len, since)) >= 22
    assert 5 <= sum(map(len, told("burst"))) <= 19


@pytest.mark.parametrize("case", ["nothing", "season", "holidays", "gardens"])
def test_what_is_no_leak_raises_nothing_by_day(case: str) -> None:
    """A season of ± 20 %, fourteen nights of holidays that take a fifth, and gardens that are watered by night."""
    assert not any(told(case))


def test_zones_of_quiet_nights_are_told_by_their_nights() -> None:
    assert not any(told("quiet"))
    assert [len(own) for own in told("quiet", day=False)] == [1] * 24
    assert np.isnan(everything().all_day.moved[-24:, 110:]).all()


def test_going_on_and_another_begin_of_the_rows_change_nothing() -> None:
    """Taken up before the leaks are told, and after that; or with 28 empty nights before the first."""
    own = seen(cases()["step"][:8, :235])
    whole, first, second = (Standing(own, Assumptions(), Watchfulness()) for _ in range(3))
    whole.run()
    first.run(0, 206)
    for before, after, at, end in ((first, second, 206, 216), (second, first, 216, 235)):
        for name, view in after.standing(at).items():
            view[:] = before.standing(at)[name]
        after.note(before.noted())
        after.run(at, end)
    empty = np.full((8, 28, 8), np.nan)
    later = watched(np.concatenate([empty, own.parts], axis=1))
    found = [[(one.detected, one.flow) for one in events] for events in whole.events]
    assert sum(map(len, found)) >= 4
    assert [[(one.detected, one.flow) for one in events] for events in first.events] == found
    assert [[one.detected - 28 for one in events] for events in later.events] == [
        [at for at, _ in events] for events in found
    ]
