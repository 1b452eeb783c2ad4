"""Sizes of leaks told once more from all nights together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.watch.settled import BACK, LEAST, MOST, ROUNDS, SURE, WANDERS, settled
from cityctl.analysis.water.watch.watching import Watch
from tests.analysis.water.watch.test_watching import YEAR, nights, watched

NIGHTS = np.arange(YEAR)


def leaking(zones: int, seed: int, *leaks: tuple[float, int, int], fall: float = 0.0) -> Watch:
    """Zones with leaks of so many m³/h between two nights, and a level that falls for good with the 70th night."""
    flow, day, kinds = nights(zones, seed, season=0.0)
    for size, begin, end in leaks:
        runs = size * ((begin <= NIGHTS) & (end > NIGHTS))
        flow, day = flow + runs, day + np.roll(runs, 1)
    flow, day = flow - fall * (NIGHTS >= 70), day - fall * (NIGHTS >= 70)
    return watched(flow, day, kinds)


def told_wrong(watch: Watch, times: float) -> None:
    for events in watch.events:
        events[:] = [
            replace(
                event, flow=event.flow * times, sizes=[(night, flow * times) for night, flow in event.sizes]
            )
            for event in events
        ]


def reference(watch: Watch, zone: int) -> Any:
    """The same shares from whole matrices: flow is level, wandering, leaks and scatter, each with its own variance."""
    model, events = watch.model, watch.events[zone]
    flow = model.flow[zone] - model.design[:, zone, 1:] @ model.state[zone, 1:]
    flow = flow - np.nanmedian(flow)
    leaks = np.array([
        [event.size_at(at) if event.started <= at and (event.repaired is None or at < event.repaired) else 0.0
         for at in NIGHTS]
        for event in events
    ]).T  # fmt: skip
    lag = np.abs(NIGHTS[:, None] - NIGHTS)
    wander = (WANDERS * model.drift[zone]) ** 2 / (1 - BACK**2) * BACK**lag
    levels = np.array([step <= NIGHTS for step in (0, *watch.anew[zone])]).astype(float)
    wander = wander + model.inflow[zone].max() ** 2 * levels.T @ levels
    known = np.isfinite(flow)
    scatter = np.where(known, model.noise[zone] ** 2, 1e12)
    flow = np.where(known, flow, 0.0)
    for _ in range(ROUNDS):
        around = np.linalg.inv(wander + np.diag(scatter))
        held = leaks.T @ around @ leaks + np.eye(len(events)) / SURE**2
        shares = np.linalg.solve(held, leaks.T @ around @ flow + 1 / SURE**2)
        rest = np.diag(scatter) @ around @ (flow - leaks @ shares)
        far = np.maximum(np.abs(rest) / model.noise[zone] / model.given.outlier, 1.0)
        scatter = np.where(known, model.noise[zone] ** 2 * far, 1e12)
    return np.clip(shares, LEAST, MOST)


def test_shares_are_the_most_likely_ones() -> None:
    """Against the closed form with whole matrices (generalised least squares), two leaks on top of each other."""
    watch = leaking(6, 3, (4.0, 100, 180), (2.0, 140, YEAR), fall=3.0)
    watch.model.flow[2, 30:45] = np.nan
    told_wrong(watch, 1.2)
    for zone, events in enumerate(settled(watch)):
        told = [after.flow / before.flow for after, before in zip(events, watch.events[zone], strict=True)]
        assert told == pytest.approx(reference(watch, zone), rel=1e-6)


@pytest.mark.parametrize("times", [0.7, 1.3])
def test_what_was_told_wrong_is_put_right(times: float) -> None:
    """A third too much or too little, of a leak of 3 m³/h with nights on both sides."""
    watch = leaking(30, 4, (3.0, 100, 180))
    told_wrong(watch, times)
    told = [sum(event.flow for event in events) for events in settled(watch)]
    assert np.median(told) == pytest.approx(3.0, rel=0.05)
    assert np.std(told) < 0.3
    assert all(
        event.sizes[-1][1] == pytest.approx(event.flow) for events in settled(watch) for event in events
    )


def test_a_level_that_fell_for_good_is_no_leak_s() -> None:
    """3 m³/h less from the 70th night on: a leak of 3 m³/h that comes later keeps its size."""
    watch = leaking(30, 5, (3.0, 150, YEAR), fall=3.0)
    assert sum(bool(anew) for anew in watch.anew) >= 28
    known = [sum(event.flow for event in events) for events in settled(watch)]
    watch.anew = [[] for _ in watch.anew]
    unknown = [sum(event.flow for event in events) for events in settled(watch)]
    assert np.median(known) == pytest.approx(3.0, rel=0.05)
    assert np.median(np.abs(np.array(unknown) - 3)) > 2 * np.median(np.abs(np.array(known) - 3))


def test_a_share_does_not_depend_on_the_zones_beside_it() -> None:
    watch = leaking(5, 6, (4.0, 100, 180), (2.0, 140, YEAR))
    together = settled(watch)
    for zone in range(5):
        kept, alone = watch.events, [[] for _ in watch.events]
        alone[zone] = kept[zone]
        watch.events = alone
        assert [event.flow for event in settled(watch)[zone]] == [event.flow for event in together[zone]]
        watch.events = kept


def test_a_zone_without_leaks_stays_so() -> None:
    assert settled(leaking(3, 7)) == [[], [], []]
