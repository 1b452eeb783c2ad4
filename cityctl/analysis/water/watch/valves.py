"""When a zone's pressure was set anew: its heads by night step in one night, and stay where they came to. Numbers only.

A leak lowers heads, and its repair raises them; where they rise, leaks that are there already take more.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.nights.seen import Moved

BEFORE, LEAST_BEFORE = 14, 7  # nights that heads have kept, and how many of them must be known
STEP, METRES = 0.04, 1.5  # share of the head, and metres, that a step has at least
KEPT = 0.4  # of a step that nights on either side of it may lie apart
ALIKE = 0.75  # share of a zone's sensors that step alike


def set_anew(heads: Mapping[int, Array], zones: int, nights: int) -> Moved:
    """The steps of zones' heads by night; `heads`: row of a zone -> (sensors x nights x parts) [m], the last by night.

    A step is known in its second night: one alone is a flushing, or a day's work. One that follows within a fortnight
    tells only where it undoes the one before it.
    """
    found = Moved(np.full((zones, nights), -1), np.full((zones, nights), np.nan))
    for zone, own in heads.items():
        by_night = own[:, :, -1]
        came = by_night[:, 1:-1]
        slight = np.abs(came - by_night[:, :-2]) < (1 - 1.5 * KEPT) * METRES
        step, made = nights, 1.0  # the last step that nothing has undone
        for begin in (1 + np.flatnonzero((np.isfinite(came) & ~slight).any(axis=0))).tolist():
            ratio = _ratio(by_night[:, max(0, begin - BEFORE) : begin + 2], LEAST_BEFORE)
            if np.isfinite(ratio):
                step, made = begin, ratio
            elif step + 1 < begin <= step + BEFORE:
                ratio = _ratio(by_night[:, step : begin + 2], 2)
                if not abs(ratio * made - 1) < KEPT * abs(made - 1):
                    continue
                step = nights
            else:
                continue
            found.since[zone, begin + 1], found.ratio[zone, begin + 1] = begin, ratio
    return found


def _ratio(heads: Array, least: int) -> float:
    """Heads of the last two nights to those before them, by the middle sensor; nan where they have not stepped.

    `heads` (sensors x nights) [m], `least` nights of which must be known before. Nights before that lie apart, as by a
    valve's schedule of the week, tell nothing.
    """
    before, now = heads[:, :-2], heads[:, -2:]
    told = (np.isfinite(before).sum(axis=1) >= least) & np.isfinite(now).all(axis=1)
    before, now = before[told], now[told]
    if not len(now):
        return float("nan")
    was, came = np.nanmedian(before, axis=1), now.mean(axis=1)
    step = came - was
    apart = np.maximum(np.nanmax(before, axis=1) - np.nanmin(before, axis=1), np.abs(now[:, 1] - now[:, 0]))
    clear = (np.abs(step) >= np.maximum(STEP * was, METRES)) & (apart <= KEPT * np.abs(step)) & (was > 0)
    alike = max((clear & (step > 0)).mean(), (clear & (step < 0)).mean())
    return float(np.median(came[clear] / was[clear])) if alike >= ALIKE else float("nan")
