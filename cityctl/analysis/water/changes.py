"""Changes in night flow that last: how large, how sure, since when, and whether they came at once or crept.

Each night the means of the last 2 to 14 nights are held against what the state of up to 56 nights ago lets expect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.expected import KEPT, Array, Expected

Nights = npt.NDArray[np.int64]

# Nights that are averaged -> how many nights before them the state lies that they are held against: short ones
# see bursts, long ones with a long gap see leaks that creep.
WINDOWS: dict[int, tuple[int, ...]] = {
    2: (0, 3, 7, 14),
    3: (0, 3, 7, 14),
    5: (0, 3, 7, 14, 28),
    7: (0, 7, 14, 28, 42),
    14: (0, 14, 28, 42),
}
BACK = 35  # nights within which the start of a change is looked for


@dataclass(frozen=True)
class Watchfulness:
    """When a change counts: `certainty` standard errors (half of one more for windows of 2 and 3 nights), at least
    `least_leak` of the zone's mean inflow, after `learning` nights; a rise within `growing` nights of the last one
    is growth unless it is `jump` times as steep; a fall within `match` of the running leaks' flow is their repair."""

    certainty: float = 6.0
    least_leak: float = 0.03
    learning: int = 14
    growing: int = 14
    jump: float = 3.0
    match: float = 0.4


@dataclass(frozen=True)
class Changes:
    """Of each zone: size [m³/h], its standard error, nights averaged, and the night whose state it is held against."""

    size: Array
    sd: Array
    width: Nights
    begin: Nights


@dataclass(frozen=True)
class Change:
    """A change of one zone; `begin` is its first night, `at_once` that the last two or three nights tell it all."""

    size: float
    sd: float
    width: int
    begin: int
    creeping: bool
    at_once: bool


def largest(model: Expected, given: Watchfulness, since: Nights, learnt: Nights, night: int) -> Changes:
    """The change of each zone that lies furthest beyond its threshold; size 0 where none does.

    `since`: no state before that night is of use, zone by zone; `learnt`: how many nights a zone has shown.
    """
    zones = len(model.flow)
    best = np.ones(zones)
    size, sd = np.zeros(zones), np.zeros(zones)
    width, begin = np.zeros(zones, dtype=np.int64), np.zeros(zones, dtype=np.int64)
    ready = model.known[:, night] & (learnt >= given.learning)
    fresh = since == model.first
    earliest = since + np.where(fresh, given.learning, 1)
    for wide, gaps in WINDOWS.items():
        start = night - wide + 1
        if start < 0:
            break
        window = slice(start, night + 1)
        known = model.known[:, window]
        count = known.sum(axis=1)
        enough = ready & (count >= max(2, 0.6 * wide))
        limit = given.certainty + (0.5 if wide <= 3 else 0.0)
        for gap in gaps:
            at = start - gap
            use = np.flatnonzero(enough & (at >= earliest))
            if at < 0 or not len(use):
                continue
            times = count[use]
            seen = model.design[window].take(use, axis=1)
            state = model.states[at % KEPT].take(use, axis=0)
            rest = model.flow[use, window] - np.einsum("wzf,zf->zw", seen, state)
            change = _steady(rest, times, wide)
            mean = np.einsum("wzf,zw->zf", seen, known[use] / times[:, None])
            toward = np.einsum("zij,zj->zi", model.spreads[at % KEPT].take(use, axis=0), mean)
            variance = (
                np.einsum("zi,zi->z", mean, toward)
                + model.drift[use] ** 2 * (gap + wide / 3)
                + model.added[use, night + 1] - model.added[use, at]
                + model.noise[use] ** 2 / times
            )  # fmt: skip
            with np.errstate(divide="ignore", invalid="ignore"):  # a zone without flow has no noise either
                score = np.abs(change) / np.sqrt(variance) / limit
            more = score > best[use]
            chosen = use[more]
            best[chosen], size[chosen], sd[chosen] = score[more], change[more], np.sqrt(variance[more])
            width[chosen], begin[chosen] = wide, at
    return Changes(size, sd, width, begin)


def placed(model: Expected, since: int, zone: int, night: int, found: Changes) -> Change:
    """Where a change began, and whether it crept: the step or ramp that leaves the least of the residuals."""
    size, sd = float(found.size[zone]), float(found.sd[zone])
    width, begin = int(found.width[zone]), int(found.begin[zone])
    at_once = width <= 3 and begin == night - width + 1
    first = max(since + 1, night - BACK, 0)
    if first >= begin:
        return Change(size, sd, width, begin, False, at_once)
    state, _ = model.before(zone, first)
    rest = model.flow[zone, first : night + 1] - model.design[first : night + 1, zone] @ state
    known = np.isfinite(rest)
    at = np.arange(len(rest))
    best: tuple[float, int, bool] | None = None
    for start in range(len(rest) - 1):
        for creeping in (False, True) if len(rest) - start >= 3 else (False,):
            shape = np.maximum(at - start + 1, 0.0) / (len(rest) - start) if creeping else (at >= start) * 1.0
            told = shape[known]
            weight = told @ told
            if not weight:
                continue
            height = float(told @ rest[known] / weight)
            left = float(((rest[known] - height * told) ** 2).sum())
            if height * size > 0 and (best is None or left < best[0]):
                best = (left, first + start, creeping)
    if best is None:
        return Change(size, sd, width, begin, False, at_once)
    return Change(size, sd, width, best[1], best[2], at_once)


def _steady(rest: Array, count: npt.NDArray[np.int64], width: int) -> Array:
    """The change that all of a short window, or the middle of a long one, bears out; one odd night makes none.

    `rest` (zones x nights) [m³/h] with nan for nights that are not known, of which each zone has `count` others.
    """
    ordered = np.sort(rest, axis=1)  # what is not known goes last
    zones = np.arange(len(rest))
    mean: Array = np.where(np.isfinite(rest), rest, 0.0).sum(axis=1) / count
    if width <= 3:
        low, high = ordered[:, 0], ordered[zones, count - 1]
    else:
        median = (ordered[zones, (count - 1) // 2] + ordered[zones, count // 2]) / 2
        low, high = np.minimum(mean, median), np.maximum(mean, median)
    steady: Array = np.where(mean > 0, np.maximum(low, 0.0), np.minimum(high, 0.0))
    return steady
