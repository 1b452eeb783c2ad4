"""What each leak took, told once more at the end, from all nights together. Numbers only.

While the watch goes on a leak is sized by the nights around its begin, and what a zone takes without any is known from
the nights before. At the end there are nights on both sides of it: of

    flow = level + wandering + sum of (share x what was told of a leak) + scatter

the shares and the level are those that are most likely together. The level wanders and comes back within a year, a
share is 1 but for SURE, and a night far off counts less (Huber 1964, Robust estimation of a location parameter). Where
the watch took a new level without a leak, so does this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.running import Running

SURE = 0.2  # standard error of what was told of a leak, as a share of it
LEAST, MOST = 0.5, 2.0  # shares of what was told that are believed
WANDERS = 1 / 3  # of what the watch lets a level wander in a night, which is on the safe side
BACK = exp(-1 / 365)  # of a wandering that is left a night later
ROUNDS = 3  # in which nights far off come to count less
MANY = 512  # zones at a time


def settled(watch: Running) -> list[list[Event]]:
    """The events of all zones, each with its sizes times its share; `doubt` stays as it was told."""
    found, model = list(watch.events), watch.model
    sound = (model.noise > 0) & (model.drift > 0)
    zones = [zone for zone in np.flatnonzero(sound).tolist() if found[zone]]
    for first in range(0, len(zones), MANY):
        some = zones[first : first + MANY]
        for zone, shares in zip(some, _shares(watch, some), strict=True):
            told = np.clip(shares[: len(found[zone])], LEAST, MOST).tolist()
            found[zone] = [_times(event, share) for event, share in zip(found[zone], told, strict=True)]
    return found


def _times(event: Event, share: float) -> Event:
    sizes = [(night, flow * share) for night, flow in event.sizes]
    return replace(event, flow=event.flow * share, sizes=sizes)


def _shares(watch: Running, zones: list[int]) -> list[Array]:
    """The share of each leak of each zone, and behind these its levels."""
    model = watch.model
    nights = np.arange(model.flow.shape[1])
    ways = (model.design[:, zones, 1:] * model.state[zones, 1:]).sum(axis=2).T
    flow = model.flow[zones] - ways + _not_yet(watch, zones, nights)
    flow -= np.nanmedian(flow, axis=1)[:, None]
    inflow, noise = model.inflow[zones].max(axis=1), model.noise[zones]
    shapes, sure = [], []
    for zone, scatter, wide in zip(zones, noise.tolist(), (inflow / noise).tolist(), strict=True):
        leaks = [_course(event, nights) / scatter for event in watch.events[zone]]
        levels = [(nights >= step) * wide for step in (0, *watch.anew[zone])]
        shapes.append(np.stack([*leaks, *levels], axis=1))
        sure.append(np.array([1.0] * len(leaks) + [0.0] * len(levels)))
    return _together(
        flow / noise[:, None], shapes, sure, WANDERS * model.drift[zones] / noise, model.given.outlier
    )


def _not_yet(watch: Running, zones: list[int], nights: npt.NDArray[np.int64]) -> Array:
    """What the weekdays use by night now and did not use before, see weekly.by_week (zones x nights) [m³/h]."""
    use = np.zeros((len(zones), len(nights)))
    for row, zone in enumerate(zones):
        begins = {
            tuple(event.weekly): event.started for event in reversed(watch.events[zone]) if event.weekly
        }
        for weekly, begin in begins.items():
            use[row, :begin] += np.array(weekly)[watch.model.kinds[:begin]]
    return use


def _course(event: Event, nights: npt.NDArray[np.int64]) -> Array:
    """What was told of a leak, by night [m³/h]; nothing of what was none."""
    if event.weekly:
        return np.zeros(len(nights))
    end = len(nights) if event.repaired is None else event.repaired
    return np.where((nights >= event.started) & (nights < end), event.sizes_at(nights.tolist()), 0.0)


def _together(
    flow: Array, shapes: Sequence[Array], usual: Sequence[Array], wanders: Array, far: float
) -> list[Array]:
    """How much of each of a zone's `shapes` (nights x shapes) there is in its `flow` (zones x nights, nan: not known).

    All in units of the zone's scatter. What is `usual` of a shape is 1 of a leak, which is sure, and 0 of a level.
    """
    known = np.isfinite(flow)
    flow = np.where(known, flow, 0.0)
    columns = np.zeros((*flow.shape, 1 + max(one.shape[1] for one in shapes)))
    columns[..., 0] = flow
    for zone, own in enumerate(shapes):
        columns[zone, :, 1 : 1 + own.shape[1]] = own
    weight = known.astype(float)
    for _ in range(ROUNDS):
        taken = _wandering(weight, weight[..., None] * columns, wanders)
        told = []
        for zone, own in enumerate(shapes):
            left = np.ascontiguousarray((columns[zone] - taken[zone])[:, : 1 + own.shape[1]])
            seen = (weight[zone, :, None] * own).T @ left
            sure = np.where(usual[zone] > 0, SURE**-2, 1.0)
            told.append(np.linalg.solve(seen[:, 1:] + np.diag(sure), seen[:, 0] + sure * usual[zone]))
            rest = np.abs(left[:, 0] - left[:, 1:] @ told[-1])
            weight[zone] = known[zone] / np.maximum(rest / far, 1.0)
    return told


def _wandering(weight: Array, seen: Array, wanders: Array) -> Array:
    """What a level that wanders takes of each column of `seen` (zones x nights x columns).

    Elimination along the nights: each is bound to the ones beside it alone.
    """
    bound = -BACK / wanders**2
    own = weight + ((1 + BACK**2) / wanders**2)[:, None]
    own[:, [0, -1]] = weight[:, [0, -1]] + (1 / wanders**2)[:, None]
    taken = seen.copy()
    for night in range(1, weight.shape[1]):
        part = bound / own[:, night - 1]
        own[:, night] -= part * bound
        taken[:, night] -= part[:, None] * taken[:, night - 1]
    taken[:, -1] /= own[:, -1, None]
    for night in range(weight.shape[1] - 2, -1, -1):
        taken[:, night] = (taken[:, night] - bound[:, None] * taken[:, night + 1]) / own[:, night, None]
    return taken
