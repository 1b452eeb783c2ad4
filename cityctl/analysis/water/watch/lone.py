"""One, two or three nights that were far off, and over with the next: fires fought, mains flushed, a tank filled.

A zone that shows them is not believed on the word of as many nights, unless they say far more than those said. Numbers
only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array

YEAR = 365  # nights for which an odd one is remembered
AFTER = 2  # nights that have to bear a single one out
LONGEST = 3  # nights that are over together
LEFT = 0.5  # share of it that they have to show
TIMES = 2.0  # as large as the largest odd night: a single one is believed again


class LoneNights:
    """The odd nights of each zone: (the first one, size [m³/h], how many)."""

    def __init__(self, zones: int) -> None:
        self.nights: list[list[tuple[int, float, int]]] = [[] for _ in range(zones)]

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
            self.add(zone, night, float(odd[zone]), 1)

    def add(self, zone: int, night: int, size: float, lasted: int) -> None:
        """Remember nights that had `size` [m³/h] more or less than others; what `lasted` longer is none of these."""
        if 1 <= lasted <= LONGEST:
            self.nights[zone].append((night, abs(size), lasted))

    def believed(self, zone: int, night: int, size: float, lasted: int) -> bool:
        """Whether a change of `size` [m³/h] that so many nights tell is beyond the zone's odd nights."""
        return all(
            night - at > YEAR or abs(size) > TIMES * odd or lasted > nights
            for at, odd, nights in self.nights[zone]
        )


def lasting(rest: Array, size: float) -> int:
    """How many of the last known nights of `rest` [m³/h] in a row have half of a change of `size`."""
    known = rest[np.isfinite(rest)] / size
    short = np.flatnonzero(known < LEFT)
    return len(known) - 1 - int(short[-1]) if len(short) else len(known)
