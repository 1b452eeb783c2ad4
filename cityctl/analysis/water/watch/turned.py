"""Night flow that moves as a logger does not follow the city's clocks: its window is another hour of people's day.

The sensors' clocks tell it some nights later (sensors/clocks.py); what began with it is no leak. Numbers only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cityctl.analysis.water.nights.seen import Rows
from cityctl.analysis.water.watch.events import Event
from cityctl.analysis.water.watch.expected import KEPT, LEVEL
from cityctl.analysis.water.watch.running import Running

NIGHTS = 5  # before the clocks were turned that tell what a leak took then, and after it what a level is
OLDER = 0.5  # share of a leak that was there before the clocks were turned, of one that did not come of it


def take_up(watch: Running, turned: Rows | None, night: int) -> Iterator[tuple[int, int]]:
    """(zone, night of the turn) of zones of which it is known now; see Seen.turned.

    Each gets the level that its nights have had since; leaks that came with it are none, others run on. What a zone
    takes beside a leak is told by some nights more.
    """
    if turned is None:
        return
    recent = turned[:, max(0, night - NIGHTS + 1) : night + 1].max(axis=1)
    for zone in np.flatnonzero(recent >= 0).tolist():
        model, begin = watch.model, max(int(recent[zone]), night - KEPT + 1)
        if turned[zone, night] >= 0:
            _without(watch, zone, begin)
            watch.anew[zone].append(begin)
        elif not watch.open(zone):
            continue
        state, spread = model.before(zone, begin)
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
