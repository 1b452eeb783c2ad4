"""Night flow that moves for a reason that is known, and what came with it: no leak, nor the end of one.

A logger that does not follow the city's clocks has its window in another hour of people's day; or a valve was set
anew. Numbers only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cityctl.analysis.water.nights.seen import Moved
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import KEPT, LEVEL
from cityctl.analysis.water.watch.running import Running

NIGHTS = 5  # before a move that tell what a leak took then, and after it what a level is
OLDER = 0.5  # share of a leak that was there before the move, of one that did not come with it
EXPONENT = 1.5  # of leakage by pressure: what night flow moves by at most, were all of it leakage


def take_up(watch: Running, moved: Moved | None, night: int) -> Iterator[tuple[int, int]]:
    """(zone, night since which it moved) of zones of which it is known now; see Moved.

    Each gets the level that its nights have had since; leaks that came with it are none, others run on. What a zone
    takes beside a leak is told by some nights more. What pressure does not explain is no such move.
    """
    if moved is None:
        return
    known = moved.since[:, max(0, night - NIGHTS + 1) : night + 1]
    for zone in np.flatnonzero(known.max(axis=1) >= 0).tolist():
        last = night + 1 - known.shape[1] + int(np.flatnonzero(known[zone] >= 0)[-1])
        begin, ratio = max(int(moved.since[zone, last]), night - KEPT + 1), float(moved.ratio[zone, last])
        model = watch.model
        state, spread = model.before(zone, begin)
        if np.isfinite(ratio) and not _explained(watch, zone, begin, last, ratio):
            continue
        if last == night:
            _without(watch, zone, begin)
            watch.anew[zone].append(begin)
        elif not (leaks := watch.open(zone)) or any(event.detected > last for event in leaks):
            continue
        spread[LEVEL, LEVEL] += (model.given.level_sd * model.inflow[zone, night]) ** 2
        model.restart(zone, begin, night, state, spread, 0.0, False)
        model.growth[zone] = 0.0
        running = watch.open(zone)
        for event in running:
            event.base = event.base.copy()
            event.base[LEVEL] = model.state[zone, LEVEL] - sum(one.flow for one in running)
        if running:
            watch.from_base(zone, begin, night)
        yield zone, begin


def _explained(watch: Running, zone: int, begin: int, night: int, ratio: float) -> bool:
    """Whether the flow has moved with the pressure, and by no more than that makes it."""
    model = watch.model
    state, _ = model.before(zone, begin)
    since, before = slice(begin, night + 1), slice(max(0, begin - NIGHTS), begin)
    rest = model.flow[zone, since] - model.design[since, zone] @ state
    was = model.flow[zone, before]
    if not (np.isfinite(rest).any() and np.isfinite(was).any()):
        return False
    move, most = float(np.nanmedian(rest)), float(np.nanmedian(was)) * (ratio**EXPONENT - 1)
    return bool(move * most > 0 and abs(move) <= abs(most))


def _without(watch: Running, zone: int, begin: int) -> None:
    """Leave out what was told as a leak, or as the end of one, since the night `begin` and came with it."""
    kept = []
    for event in watch.events[zone]:
        if event.detected >= begin:
            before = _before(watch, zone, event, begin)
            if before < OLDER * event.flow:
                continue
            known = [(at, min(flow, before)) for at, flow in event.sizes if at < begin]
            event.flow, event.sizes = before, [*known, (begin, before)]
        if event.repaired is not None and event.repaired >= begin:
            event.repaired, event.sizes = None, event.sizes[:-1]
        kept.append(event)
    watch.events[zone] = kept


def _before(watch: Running, zone: int, event: Event, begin: int) -> float:
    """What a leak had taken before the night `begin` [m³/h]."""
    since = slice(max(event.started, begin - NIGHTS), begin)
    rest = watch.model.flow[zone, since] - watch.model.design[since, zone] @ event.base
    known = rest[np.isfinite(rest)]
    return float(np.median(known)) if len(known) else 0.0
