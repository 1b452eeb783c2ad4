"""Night flow that rises on some nights of each week: shifts, cleaned streets, watering. A leak runs on all nights.

Told once the nights without it have come back at the old level, week after week. Numbers only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import DAYS, FIGURES, LEVEL
from cityctl.analysis.water.watch.running import Running

SHORTEST, LONGEST = 14, 35  # nights from the begin of a rise on that are looked at
EACH = 3  # nights at least with the use, and as many without it
KNOWN = 0.8  # share of the nights that have to be known
WITH, WITHOUT = 0.5, 0.3  # shares of the use that a night has at least, or less than
FAR = 4.0  # times what nights scatter: use that no scatter makes


def by_week(excess: Array, kinds: npt.NDArray[np.int64], noise: float) -> list[float]:
    """The use of each weekday [m³/h], 0 on those without it; empty where the week does not explain the nights.

    `excess` [m³/h]: what nights have beyond expectation without it, nan where that is not known, and their `kinds` as
    Expected has them; `noise` [m³/h] from night to night.
    """
    known = np.isfinite(excess)
    if len(excess) < SHORTEST or known.sum() < KNOWN * len(excess):
        return []
    own = [excess[known & (kinds == kind)] for kind in range(7)]
    means = np.array([one.mean() if len(one) else 0.0 for one in own])
    if means.max() <= 0:
        return []
    used = means > 0.5 * means.max()
    with_use = used[kinds] & known
    without = ~used[kinds] & known
    size = float(means[used].mean())
    if min(with_use.sum(), without.sum()) < EACH or size < FAR * noise:
        return []
    if excess[with_use].min() < WITH * size or np.abs(excess[without]).max() > WITHOUT * size:
        return []
    return [float(mean) if uses else 0.0 for mean, uses in zip(means, used, strict=True)]


def uses_of_week(watch: Running, night: int) -> Iterator[tuple[int, int, list[float]]]:
    """(zone, night, by_week's use) where the week explains what was told as a leak since that night."""
    for zone, events in enumerate(watch.events):
        for event in events:
            if event.weekly or not SHORTEST <= night - event.started < LONGEST:
                continue
            if use := by_week(*_beside_others(watch, zone, night, event), float(watch.model.noise[zone])):
                yield zone, event.started, use
                break


def _beside_others(
    watch: Running, zone: int, night: int, event: Event
) -> tuple[Array, npt.NDArray[np.int64]]:
    """(what the zone had beyond its state before a leak and beyond older leaks [m³/h], kinds) of the nights since."""
    model = watch.model
    since = np.arange(event.started + 1, night + 1)  # the first night may lie before it
    excess = model.flow[zone, since] - model.design[since, zone] @ event.base
    for other in watch.events[zone]:
        if other.started < event.started:
            runs = since < (night + 1 if other.repaired is None else other.repaired)
            excess -= np.where(runs, other.sizes_at(since.tolist()), 0.0)
    return excess, model.kinds[since]


def learn(watch: Running, zone: int, night: int, begin: int, use: list[float]) -> None:
    """Take what was told as leaks since the night `begin` as the way of the weekdays."""
    model = watch.model
    for event in watch.events[zone]:
        if event.started >= begin:
            event.weekly = use
            if event.repaired is None:
                event.repaired = night
                event.sizes.append((night, event.flow))
    ways = np.zeros(FIGURES)
    ways[DAYS] = use
    state, spread = model.before(zone, begin)
    state += ways
    doubt = model.noise[zone] ** 2 + (0.1 * max(use)) ** 2
    spread[np.diag_indices(FIGURES)] += np.where(ways > 0, doubt, 0.0)
    model.restart(zone, begin, night, state, spread, 0.0, True)
    model.growth[zone] = 0.0
    for event in watch.open(zone):
        event.base = event.base + ways
    level = watch.oldest(zone).base[LEVEL] if watch.open(zone) else state[LEVEL]
    for at in range(begin, night + 1):
        watch.baseline[zone, at] = float(level + model.design[at, zone, 1:] @ state[1:])
    watch.anew[zone] = [at for at in watch.anew[zone] if at < begin]
