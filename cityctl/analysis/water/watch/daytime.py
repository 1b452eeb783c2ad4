"""Night flow that rises while the day does not: watering, a shifted hour, a feast. A leak runs by day as by night.

Where a zone's days vary too much to tell, nothing is said. Numbers only.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array

Nights = npt.NDArray[np.int64]

BEFORE, NOW = 14, 7  # nights before a rise and from it on, at most, whose days are held against each other
LOOKED, LEAST = 120, 28  # nights before it that tell how days vary, and how many of them have to
SHARE = 0.5  # of a rise by night that the day shows at least, where pressures by night are far higher
DOUBT = 1.5  # usual changes of the day by which it may fall short all the same
OFTEN = 14  # such verdicts after which what nights alone use is their way


def by_night_alone(day: Array, begin: int, size: float, since: int) -> bool:
    """Whether the day has not risen with the night flow, which has by `size` [m³/h] from the night `begin` on.

    `day`: flow [m³/h] by day of one zone, without the way of the weekdays, up to the night that is judged; that of the
    first night may lie before the rise. What it has risen by, against nights from `since` on, is held against changes
    as long as this one before.
    """
    now, before = min(NOW, len(day) - 1 - begin), min(BEFORE, begin - since)
    if now < 1 or before < 1:
        return False
    means = _Means(day)

    def risen(last: Nights) -> Array:
        """Mean of the last nights less that of those before, where they lie apart as now."""
        apart = last + 1 - (len(day) - begin)
        return means.of(last + 1 - now, last + 1) - means.of(apart - before, apart)

    usual = np.abs(risen(np.arange(max(begin - LOOKED, len(day) - begin + before - 1), begin)))
    usual = usual[np.isfinite(usual)]
    if len(usual) < LEAST:
        return False
    short = SHARE * size - risen(np.array([len(day) - 1]))[0]
    return bool(short > DOUBT * np.median(usual) / 0.6745)


class _Means:
    """Means of the known values of any stretch of a series; nan where there is none."""

    def __init__(self, values: Array) -> None:
        known = np.isfinite(values)
        self.sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
        self.counts = np.concatenate([[0], np.cumsum(known)])

    def of(self, first: Nights, end: Nights) -> Array:
        """The mean from each `first` up to, and without, its `end`."""
        count = self.counts[end] - self.counts[first]
        with np.errstate(invalid="ignore", divide="ignore"):
            return cast(Array, np.where(count > 0, (self.sums[end] - self.sums[first]) / count, np.nan))
