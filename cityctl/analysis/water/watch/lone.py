"""Single nights that were far off and not borne out by the next two: fires fought, mains flushed, a tank filled.

A zone that shows them is not believed on one night's word alone, unless it says far more than those said. Numbers only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array

YEAR = 365  # nights for which an odd one is remembered
AFTER = 2  # nights that have to bear it out
LEFT = 0.5  # share of it that they have to show
TIMES = 2.0  # as large as the largest odd night: a single one is believed again


class LoneNights:
    """The odd nights of each zone: (night, size [m³/h])."""

    def __init__(self, zones: int) -> None:
        self.nights: list[list[tuple[int, float]]] = [[] for _ in range(zones)]

    def look_back(self, rest: Array, noise: Array, certainty: float, stirred: npt.NDArray[np.int64]) -> None:
        """Judge the night before the last two of `rest` (zones x nights) [m³/h], what each had beyond expectation.

        `noise` [m³/h] from night to night; `stirred`: the night of each zone's last change, whose neighbours are no odd
        nights but its begin or end.
        """
        night = rest.shape[1] - 1 - AFTER
        if night < 0:
            return
        odd = rest[:, night]
        way = np.sign(odd)[:, None]
        with np.errstate(invalid="ignore"):
            far = np.abs(odd) > certainty * noise
            far &= (way * rest[:, night + 1 :] < LEFT * np.abs(odd)[:, None]).all(axis=1)
        far &= night - 7 > stirred - AFTER
        for zone in np.flatnonzero(far).tolist():
            self.add(zone, night, float(odd[zone]))

    def add(self, zone: int, night: int, size: float) -> None:
        """Remember a night, or two, that had `size` [m³/h] more or less than others."""
        self.nights[zone].append((night, abs(size)))

    def believed(self, zone: int, night: int, size: float) -> bool:
        """Whether a change of `size` [m³/h] that one night alone tells is beyond the zone's odd nights."""
        return all(night - at > YEAR or abs(size) > TIMES * odd for at, odd in self.nights[zone])
