"""Where a leak shows: the pressure sensors whose head fell by more than the zone's higher inflow explains.

Head loss grows with about Q^1.85 (Hazen and Williams); each sensor's own slope and its course of the day are learnt
from the fortnight before a leak. What its head lacks afterwards lies on the way to the leak: most at the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityctl.analysis.question import Question
from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.basis.zones import gauges
from cityctl.analysis.water.nights.digest import COURSE
from cityctl.analysis.water.nights.judged import Nights
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.falls import FINE, Falls, load_of
from cityctl.analysis.water.watch.resume import Watched
from cityctl.units import convert

BEFORE, AFTER = 14, 5  # nights that are compared
LEAST_BEFORE = 5
SURE = 3.0  # standard errors of a drop that counts
SHARE = 0.4  # of the largest drop: sensors below it are not near
NAMED = 3
AT_ONCE = 0.6  # share of a drop that comes in one night where a sensor is set anew, or a leak begins at once
BEGIN = 2  # nights after the one before a leak's begin in which it may show at once


@dataclass(frozen=True)
class Heads:
    """Pressure sensors of each zone (row -> names) and their heads: row -> (sensors x nights x parts) [m]."""

    names: dict[int, list[str]]
    heads: dict[int, Array]


def heads_of(question: Question, nights: Nights) -> Heads:
    """The sensors that stand in each zone, and those of its network that stand in none."""
    names = gauges(question.city, nights.zones)
    if not names:
        return Heads({}, {})
    bars = nights.digest.grid("heads", names, nights.dates).of("head")
    heads = bars * convert(1.0, "bar", "mH2O")
    known = question.city.points()
    by_row: dict[int, list[str]] = {}
    own_heads: dict[int, Array] = {}
    for row, zone in enumerate(nights.zones):
        inside = set(question.city.zones_within(zone.zone))
        own = [at for at, name in enumerate(names) if known[name].zone is None or known[name].zone in inside]
        if own:
            by_row[row], own_heads[row] = [names[at] for at in own], heads[own]
    return Heads(by_row, own_heads)


def fallen(found: Heads, seen: Seen) -> Falls | None:
    """What tells the fall of heads; None without sensors."""
    loads = {row: load_of(seen.parts[row]) for row in found.heads}
    return Falls(found.heads, loads, seen.phase) if found.heads else None


def nearest(question: Question, found: Heads, nights: Nights, watched: Watched) -> dict[int, str]:
    """Identity of each event -> names of the sensors at which it shows, the largest drop first."""
    known = question.city.points()
    told = {}
    for row, heads in found.heads.items():
        events, names = watched.events[row], found.names[row]
        for event in events:
            drops = _drops(event, events, heads, nights.parts[row])
            if drops:
                told[id(event)] = ", ".join(known[names[at]].name or names[at] for at in drops)
    return told


def _drops(event: Event, events: list[Event], heads: Array, inflow: Array) -> list[int]:
    """Rows of the sensors that fell by more than the inflow explains, the largest drop first.

    `heads` (sensors x nights x parts) [m], `inflow` (nights x parts) [m³/h].
    """
    stirred: set[int] = set()
    for one in events:
        if one is not event:
            stirred |= {one.started, one.started + 1}
            for at in (one.repaired, one.eased):
                stirred |= set() if at is None else {at, at + 1}
    before = [night for night in range(max(0, event.started - BEFORE), event.started) if night not in stirred]
    last = [night for night in before if any(at >= night for at in stirred if at < event.started)]
    before = (
        [night for night in before if night not in last]
        if len(before) - len(last) >= LEAST_BEFORE
        else before
    )
    after = list(range(max(event.started + 1, event.detected - AFTER + 1), event.detected + 1)) or [
        event.detected
    ]
    if len(before) < LEAST_BEFORE:
        return []
    load = load_of(inflow)
    drops, sure, scatter = np.full(len(heads), np.nan), np.zeros(len(heads)), np.zeros(len(heads))
    since = max(0, event.started - 1)
    courses = np.full((len(heads), event.detected + 1 - since), np.nan)
    for row, head in enumerate(heads):
        drop = _drop(head, load, np.array(before), np.array(after))
        if drop is not None:
            drops[row], sure[row], scatter[row], by_night = drop
            courses[row] = by_night[since : event.detected + 1]
    sure[_set_anew(courses, drops, scatter, np.flatnonzero(sure < -SURE))] = 0.0
    if not (sure < -SURE).any():
        return []
    drops[sure > -SURE] = np.nan
    order = np.argsort(drops)[:NAMED]
    return [int(at) for at in order if np.isfinite(drops[at]) and drops[at] <= SHARE * np.nanmin(drops)]


def _set_anew(courses: Array, drops: Array, scatter: Array, rows: npt.NDArray[np.int64]) -> list[int]:
    """Those of the rows that fell in one night, in which none of the others did, nor the leak began: set anew.

    `courses` (sensors x nights from the one before the leak on) [m], `drops` and `scatter` of a night [m].
    """
    steps = np.diff(courses[rows], axis=1, prepend=0.0) / drops[rows, None]
    steps[~np.isfinite(steps)] = 0.0
    at, share = steps.argmax(axis=1), steps.max(axis=1)
    clear = share * np.abs(drops[rows]) > SURE * np.sqrt(2) * scatter[rows]  # beyond what two nights scatter
    found = []
    for place, row in enumerate(rows.tolist()):
        with_it = np.abs(at - at[place]) <= 1
        with_it[place] = False
        at_once = share[place] > AT_ONCE and clear[place] and at[place] > BEGIN
        if at_once and not (with_it & (share > AT_ONCE)).any():
            found.append(row)
    return found


def _drop(
    head: Array, load: Array, before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]
) -> tuple[float, float, float, Array] | None:
    """Of one sensor: the change of head beyond what the inflow explains [m], the same in standard errors, what nights

    scatter [m], and that change by night [m].
    """
    level, flow = head[before], load[before]
    known = np.isfinite(level) & np.isfinite(flow)
    if known.sum() < LEAST_BEFORE * COURSE / 2:
        return None
    off, spread = flow[known] - flow[known].mean(), level[known] - level[known].mean()
    slope = float(off @ spread / (off @ off)) if off @ off > 0 else 0.0
    left = head - min(slope, 0.0) * load
    course = np.nanmean(np.where(known, left[before], np.nan), axis=0)
    was, now = left[before] - course, left[after] - course
    if not np.isfinite(now).any():
        return None
    by_night = np.nanmean(was[np.isfinite(was).any(axis=1)], axis=1)
    scatter = float(np.nanstd(by_night)) + FINE
    change = float(np.nanmean(now))
    error = scatter * float(np.sqrt(1 / len(after) + 1 / len(before)))
    return change, change / error, scatter, (left - course).mean(axis=1)
