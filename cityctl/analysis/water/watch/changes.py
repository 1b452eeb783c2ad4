"""Changes in night flow that last: how large, how sure, since when, and whether they came at once or crept.

Each night the means of the last 2 to 14 nights are held against what the state of up to 56 nights ago lets expect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, middle
from cityctl.analysis.water.sensors.units import NEAR, UNIT_FACTORS
from cityctl.analysis.water.watch.expected import KEPT, Expected

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
# Each of two or three nights bears a change out, which chance does less often than their mean: Phi(-c / root of n) to
# the n-th equals Phi(-6) at so many standard errors fewer.
ALL_OF = {2: 0.3, 3: 0.6}
BACK = 35  # nights within which the start of a change is looked for


@dataclass(frozen=True)
class Watchfulness:
    """When a change counts: `certainty` standard errors (a little fewer where each night of a window bears it out,
    `one_night` times as many for a single one; in zones of quiet nights `slow` times as many against the leak-free
    nights, and `leaking` times as many where a leak runs already; up to `unknown` times more while a zone has shown
    fewer than `known` nights), at least `least_leak` of the zone's mean inflow, after `learning` nights. A leak that
    creeps grows until it has not for `growing` nights, and a rise within `pause` nights of its last growth is its own
    unless half of it came in one night, beside `jump` times what the leak grows in one; but one that has doubled
    `again` nights or more after it was told has another beside it, in zones of quiet nights. A fall within `match` of
    the running leaks' flow is their repair. `whole_days`: flows are means of whole days, of which the one in which a
    leak begins or ends shows only a part.
    """

    certainty: float = 5.9
    one_night: float = 1.6
    slow: float = 0.65
    leaking: float = 0.7
    unknown: float = 0.5
    known: int = 90
    least_leak: float = 0.02
    learning: int = 14
    growing: int = 14
    pause: int = 7
    jump: float = 2.0
    again: int = 14
    match: float = 0.4
    whole_days: bool = False


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


# Shares of the mean inflow up to which a zone is quiet, and from which on it is not: what nights scatter, and by how
# much the level wanders in a night.
SCATTER, WANDER = (0.02, 0.04), (0.0015, 0.0035)


def quiet(model: Expected, night: int) -> Array:
    """How quiet the nights of each zone are: 1 where they scatter little and keep their level, 0 where they do not.

    Where a level wanders by itself, one move follows the other: the first is no reason to expect a second leak.
    """
    told = np.ones(len(model.flow))
    for moved, (least, most) in ((model.noise, SCATTER), (model.drift, WANDER)):
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            share = np.nan_to_num(moved / model.inflow[:, night], posinf=1.0)
        told = np.minimum(told, np.clip((most - share) / (most - least), 0.0, 1.0))
    return told


def certainties(
    model: Expected, given: Watchfulness, leaking: npt.NDArray[np.bool_], learnt: Nights, night: int
) -> Array:
    """Standard errors that a rise must show, zone by zone: fewer where a leak runs and nights are quiet.

    A zone that leaks is likelier to have the next leak than one that never had any; of one that has shown less than a
    season nobody knows how it wanders.
    """
    eager = 1 - (1 - given.leaking) * quiet(model, night)
    told: Array = given.certainty * np.where(leaking, eager, wary(given, learnt))
    return told


def wary(given: Watchfulness, learnt: Nights) -> Array:
    """How many times the certainty zones need that have shown so many nights."""
    told: Array = 1 + given.unknown * np.clip(1 - learnt / given.known, 0.0, 1.0)
    return told


def largest(
    model: Expected, given: Watchfulness, since: Nights, learnt: Nights, certainty: Array, night: int
) -> Changes:
    """The change of each zone that lies furthest beyond its threshold; size 0 where none does.

    `since`: no state before that night is of use, zone by zone; `learnt`: how many nights a zone has shown;
    `certainty` of rises as certainties() tells it.
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
        window = slice(max(start, 0), night + 1)
        known = model.known[:, window]
        count = known.sum(axis=1)
        at = np.array([start - gap for gap in gaps if start - gap >= 0], dtype=np.int64)
        use = ready & (count >= max(2, 0.6 * wide)) & (at[:, None] >= earliest)
        at, use = at[use.any(axis=1)], use[use.any(axis=1)]
        if not len(at):
            continue
        times = np.maximum(count, 1)
        limit = certainty - ALL_OF.get(wide, 0.0), given.certainty - ALL_OF.get(wide, 0.0)
        mean = np.einsum("wzf,zw->zf", model.design[window], known / times[:, None])
        apart = (start - at + wide / 3)[:, None]
        likely = _likely(model, mean, known, times, np.minimum(*limit), at, apart, use, night)
        if not len(likely):
            continue
        # All states that a window is held against at a time: arrays of (states x zones x ...).
        own, use, mean, times = np.ix_(at % KEPT, likely), use[:, likely], mean[likely], times[likely]
        seen = np.take(model.design[window], likely, axis=1)
        rest = model.flow[:, window][likely] - np.einsum("wzf,gzf->gzw", seen, model.states[own])
        change = _steady(rest, times, wide)
        toward = np.einsum("gzij,zj->gzi", model.spreads[own], mean)
        variance = (
            np.einsum("zi,gzi->gz", mean, toward)
            + model.drift[likely] ** 2 * apart
            + model.added[likely, night + 1] - model.added[np.ix_(likely, at)].T
            + model.noise[likely] ** 2 / times
        )  # fmt: skip
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = np.where(change > 0, limit[0][likely], limit[1])
            # A zone without flow has no scatter either, by which its first flow could be judged.
            score = np.where(use & (variance > 0), np.abs(change) / np.sqrt(variance) / beyond, 0.0)
        score = np.where(np.isnan(score), 0.0, score)
        top = score.argmax(axis=0)
        rows = np.arange(len(likely))
        more = score[top, rows] > best[likely]
        if more.any():
            zone, row, state = likely[more], rows[more], top[more]
            best[zone], size[zone] = score[state, row], change[state, row]
            sd[zone] = np.sqrt(variance[state, row])
            width[zone], begin[zone] = wide, at[state]
    return Changes(size, sd, width, begin)


SLACK = 1e-6  # far more than rounding does


def _likely(
    model: Expected,
    mean: Array,
    known: npt.NDArray[np.bool_],
    times: Nights,
    limit: Array,
    at: Nights,
    apart: Array,
    use: npt.NDArray[np.bool_],
    night: int,
) -> Nights:
    """Zones in which a window may lie beyond `limit` of its standard errors: the others need not be looked at.

    What a window bears out is its mean at most, and the doubt of a state only adds to the others.
    """
    flow = np.where(known, model.flow[:, night + 1 - known.shape[1] : night + 1], 0.0).sum(axis=1) / times
    change = np.abs(flow - np.einsum("zf,gzf->gz", mean, model.states[at % KEPT])) + SLACK * np.abs(flow)
    wandered = model.drift**2 * apart + model.added[:, night + 1] - model.added[:, at].T
    least = limit * np.sqrt(np.maximum(wandered + model.noise**2 / times, 0.0)) * (1 - SLACK)
    return np.flatnonzero((use & (change >= least)).any(axis=0))


EVENING = 3  # last parts of a day (nine hours) that have to bear a single night out


def far_off(model: Expected, given: Watchfulness, learnt: Nights, night: int) -> npt.NDArray[np.bool_]:
    """Zones whose flow of this one night lies so far from the expected that chance is no reason for it."""
    seen = model.design[night]
    spread = model.spreads[night % KEPT]
    doubt = np.einsum("zi,zij,zj->z", seen, spread, seen) + model.noise**2
    size = np.abs(np.nan_to_num(model.rest[:, night]))
    with np.errstate(invalid="ignore"):  # a zone that is shut has no doubt, but for its rounding
        sure = (doubt > 0) & (size > given.certainty * given.one_night * np.sqrt(doubt))
    enough = (learnt >= given.learning) & (size > given.least_leak * model.inflow[:, night])
    far: npt.NDArray[np.bool_] = sure & enough & model.known[:, night]
    return far


def overnight(
    model: Expected, given: Watchfulness, since: Nights, learnt: Nights, night: int, parts: Array, raw: Array
) -> Nights:
    """Zones in which this one night tells a burst or its end: far off, and the evening before it half as far at least.

    `parts` (zones x nights x parts of the day) [m³/h] without the way of the weekdays, `raw` with it. What is drawn
    for a few hours, to fight a fire or flush a main, does not last from one evening to the next morning.
    """
    if given.whole_days:
        return np.empty(0, dtype=np.int64)
    far, change = far_off(model, given, learnt, night), model.rest[:, night]
    found = [
        zone
        for zone in np.flatnonzero(far).tolist()
        if _borne_out(
            float(change[zone]), parts[zone], raw[zone], max(int(since[zone]) + 2, night - 7, 0), night
        )
    ]
    return np.array(found, dtype=np.int64)


def _borne_out(change: float, parts: Array, raw: Array, since: int, night: int) -> bool:
    """Whether each of the last parts of the day moved by half of the change, against those from `since` on.

    A sensor that stands still, or shows another unit, moves them too: sensors/verdicts.py tells that by the next night.
    """
    before, usual, now = parts[since:night, -EVENING:], raw[since:night, -EVENING:], raw[night, -EVENING:]
    if (
        not len(before)
        or not np.isfinite(before).any(axis=0).all()
        or now.max() - now.min() <= 1e-6 * now.max()
    ):
        return False
    moved = (parts[night, -EVENING:] - np.nanmedian(before, axis=0)) / change
    with np.errstate(divide="ignore", invalid="ignore"):
        times = now / np.nanmedian(usual, axis=0)
    other_unit = any(
        (np.abs(times / factor - 1) < 2 * NEAR).all() for one in UNIT_FACTORS for factor in (one, 1 / one)
    )
    return bool((moved > 0.5).all()) and not other_unit


def placed(
    model: Expected, since: int, zone: int, night: int, found: Changes, *, mended: bool = False
) -> Change:
    """Where a change began, and whether it crept: the step or ramp that leaves the least of the residuals.

    Of a leak that is `mended` at once the nights before tell nothing: the state before them hardly knew the leak.
    """
    size, sd = float(found.size[zone]), float(found.sd[zone])
    width, begin = int(found.width[zone]), int(found.begin[zone])
    at_once = width <= 3 and begin == night - width + 1
    first = max(since + 1, night - BACK, 0)
    if first >= begin or (mended and at_once):
        return Change(size, sd, width, begin, False, at_once)
    state, _ = model.before(zone, first)
    rest = model.flow[zone, first : night + 1] - model.design[first : night + 1, zone] @ state
    known = np.isfinite(rest)
    rest[known] = _borne_by_neighbours(rest[known])
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


def _borne_by_neighbours(rest: Array) -> Array:
    """The middle of each night and its two neighbours: steps and ramps stay as they are, odd nights go."""
    if len(rest) < 3:
        return rest
    around = np.stack([rest[:-2], rest[1:-1], rest[2:]])
    return np.concatenate([rest[:1], np.median(around, axis=0), rest[-1:]])


def steepest(flow: Array) -> float:
    """The largest step [m³/h] from the nights before to a night and the two after it, as far as they are there."""
    known = flow[np.isfinite(flow)].tolist()
    steps = [min(known[at : at + 3]) - middle(known[max(0, at - 3) : at]) for at in range(2, len(known))]
    return float(max(steps, default=0.0))


def still_falling(flow: Array, night: int) -> bool:
    """Whether the last day fell by far more than the one before it: how far it falls is told tomorrow."""
    usual = float(np.nanmedian(flow[max(0, night - 9) : night - 2])) if night > 9 else float("nan")
    return bool(usual - flow[night] > 1.5 * (usual - flow[night - 1]))


def _steady(rest: Array, count: Nights, width: int) -> Array:
    """The change that all of a short window, or the middle of a long one, bears out; one odd night makes none.

    `rest` (states x zones x nights) [m³/h] with nan for nights that are not known; each zone has `count` others.
    """
    ordered = np.sort(rest, axis=2)  # what is not known goes last
    zones = np.arange(rest.shape[1])
    # Night by night: how NumPy would add them up depends on how many zones are looked at.
    shown = np.where(np.isnan(rest), 0.0, rest)
    mean: Array = sum(shown[:, :, night] for night in range(rest.shape[2])) / count
    if width <= 3:
        low, high = ordered[:, :, 0], ordered[:, zones, count - 1]
    else:
        median = (ordered[:, zones, (count - 1) // 2] + ordered[:, zones, count // 2]) / 2
        low, high = np.minimum(mean, median), np.maximum(mean, median)
    steady: Array = np.where(mean > 0, np.maximum(low, 0.0), np.minimum(high, 0.0))
    return steady
