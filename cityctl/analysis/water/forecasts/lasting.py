"""Since when a zone draws on another level than before: shut, joined to another one, or with a large customer more.

What it drew before says nothing of what it will draw. Knows numbers only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array

WEEK, BEFORE = 7, 56  # days that all lie off, and those before them that tell how far days usually lie off
KNOWN, FEWEST = 6, 21  # of each of these that have to be known
FAR = 4.0  # standard deviations by which each day of that week lies off
LEAST = 0.02  # of the zone's mean flow: the least standard deviation
STILL = 0.25  # of the change that the last week shows yet; the usual course has come nearer since
SPREAD = 1.4826  # standard deviations of a normal figure in its median absolute deviation


def since(off: Array, usual: Array) -> npt.NDArray[np.int64]:
    """The first day of each zone's present level; 0 where it is the old one.

    `off` (zones x days) [m³/h]: by how much each day lay above what was expected of it before; `usual` (zones) the size
    of its mean flow. A change is seen after a week, all of whose days lie to one side, far beyond those of eight weeks
    before.
    """
    zones, days = off.shape
    first = np.zeros(zones, dtype=np.int64)
    size = np.zeros(zones)
    for day in range(max(FEWEST + WEEK, days - BEFORE), days + 1):
        week, before = off[:, day - WEEK : day], off[:, max(0, day - WEEK - BEFORE) : day - WEEK]
        ready = (np.isfinite(week).sum(axis=1) >= KNOWN) & (np.isfinite(before).sum(axis=1) >= FEWEST)
        rows = np.flatnonzero(ready & (day - WEEK >= first + BEFORE // 2))
        if not len(rows):
            continue
        middle = np.nanmedian(before[rows], axis=1)
        spread = SPREAD * np.nanmedian(np.abs(before[rows] - middle[:, None]), axis=1)
        beyond = FAR * np.maximum(spread, LEAST * usual[rows])
        change = week[rows] - middle[:, None]
        told = (np.nanmin(change, axis=1) > beyond) | (np.nanmax(change, axis=1) < -beyond)
        first[rows[told]] = day - WEEK
        size[rows[told]] = np.nanmedian(change[told], axis=1)
    last = np.full(zones, np.nan)
    heard = np.isfinite(off[:, -WEEK:]).any(axis=1)
    last[heard] = np.nanmedian(off[heard, -WEEK:], axis=1)
    there = last * np.sign(size) > STILL * np.abs(size)
    return np.where(there, first, 0)
