"""How far heads have fallen beyond what the inflow explains, and beyond known leaks at other places. Numbers only.

Head loss grows with about Q^1.852 (Hazen and Williams); each sensor's own slope and its course of the day are learnt
from the nights before. Of what a leak takes from the heads the ratios between sensors are its place: what is left
beside the places of known leaks is another one's. Source for leaks from such residuals: Daniel,
Pesantez, Letzgus et al. (2022), A sequential pressure-based algorithm for data-driven leakage identification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.expected import Array

AFTER = 5  # nights that are held against those before
REFERENCE, LEARNT = 35, 14  # nights before, and how many of them must be known
APART = 10  # nights from the last of those before to the last of those after
PLACED = 3.0  # standard errors of a fall that tells a place
SHOWN = 5  # nights after it was told in which a leak shows its place
SHARE = 0.4  # of what heads lack that must lie beside the known places
BORNE_OUT = 3.0  # standard errors by which a second sensor must have fallen
FINE = 0.003  # a hundredth of a metre is as fine as sensors show [m]
EXPONENT = 1.852


def load_of(inflow: Array) -> Array:
    """What head loss is proportional to."""
    load: Array = np.sign(inflow) * np.abs(inflow) ** EXPONENT
    return load


@dataclass(frozen=True)
class Falls:
    """The standard errors by which a zone's most fallen sensor lacks what the inflow explains.

    The last five nights against the five weeks before them; 0 where nothing is known. By row: `heads` (sensors x nights
    x parts) [m], and `loads`, see load_of (nights x parts).
    """

    heads: dict[int, Array]
    loads: dict[int, Array]

    def __call__(self, zone: int, night: int, known: Sequence[tuple[int, int]] = ()) -> float:
        """See creeping.Fallen."""
        if zone not in self.loads or night < APART + LEARNT:
            return 0.0
        lack, error = self._lack(zone, night - APART, night)
        told = np.isfinite(lack)
        if not told.any():
            return 0.0
        whole = lack[told] / error[told]
        left = _beside(whole, [place[told] / error[told] for place in self._places(zone, night, known)])
        most, second = np.sort(-left)[::-1][:2] if len(left) > 1 else (0.0, 0.0)
        if second < BORNE_OUT:  # one sensor alone has been set anew
            most = second
        if most < SHARE * np.abs(whole).max():  # no place is known that well
            return 0.0
        # Of many sensors one has fallen by sqrt(2 ln n) and more by chance.
        return float(np.sqrt(max(max(0.0, most) ** 2 - 2 * np.log(len(left)), 0.0)))

    def basis(self, zone: int, nights: int) -> bytes:
        """See creeping.Fallen; the loads are those of the zone's own nights."""
        return self.heads[zone][:, :nights].tobytes() if zone in self.heads else b""

    def of(self, zones: npt.NDArray[np.int64]) -> Falls:
        """See creeping.Fallen."""
        chosen = [(at, row) for at, row in enumerate(zones.tolist()) if row in self.heads]
        return Falls({at: self.heads[row] for at, row in chosen}, {at: self.loads[row] for at, row in chosen})

    def _places(self, zone: int, night: int, known: Sequence[tuple[int, int]]) -> list[Array]:
        """The inlet's own way, and what known leaks take from the heads [m], as far as those before them do not."""
        places: list[Array] = [np.ones(len(self.heads[zone]))]
        for begin, told in known:
            lack, error = self._lack(zone, begin - 1, min(night, told + SHOWN))
            sure = np.isfinite(lack)
            left = np.zeros(len(lack))
            left[sure] = _beside(lack[sure] / error[sure], [one[sure] / error[sure] for one in places])
            if left.min(initial=0.0) < -PLACED:
                places.append(np.where(sure, left * error, 0.0))
        return places

    def _lack(self, zone: int, last: int, night: int) -> tuple[Array, Array]:
        """(head beyond what the inflow explains, standard error) [m] of each sensor; nan where it is not told.

        The nights up to `night` against those up to `last`.
        """
        heads, load = self.heads[zone], self.loads[zone]
        lack, error = np.full(len(heads), np.nan), np.full(len(heads), np.nan)
        past, now = slice(max(0, last - REFERENCE + 1), last + 1), slice(max(0, night - AFTER + 1), night + 1)
        before, flow = heads[:, past], np.broadcast_to(load[past], heads[:, past].shape)
        known = np.isfinite(before) & np.isfinite(flow)
        use = (known.all(axis=2).sum(axis=1) >= LEARNT) & np.isfinite(heads[:, now]).all(axis=(1, 2))
        if not use.any() or not np.isfinite(load[now]).all():
            return lack, error
        before, flow, known = before[use], flow[use], known[use]
        count = known.sum(axis=(1, 2), keepdims=True)
        off = np.where(known, flow - np.where(known, flow, 0).sum(axis=(1, 2), keepdims=True) / count, 0)
        level = np.where(
            known, before - np.where(known, before, 0).sum(axis=(1, 2), keepdims=True) / count, 0
        )
        slope = (off * level).sum(axis=(1, 2)) / np.maximum((off * off).sum(axis=(1, 2)), 1e-12)
        slope = np.minimum(slope, 0.0)[:, None, None]
        left = np.where(known, before - slope * flow, np.nan)
        course = np.nanmedian(left, axis=1)[:, None]
        was = np.nanmean(left - course, axis=2)
        after = (heads[use][:, now] - slope * load[now] - course).mean(axis=2)
        nights = np.isfinite(was).sum(axis=1)
        scatter = np.sqrt(np.nanmean(was**2, axis=1)) + FINE
        lack[use], error[use] = np.median(after, axis=1), scatter * np.sqrt(1 / AFTER + 1 / nights)
        return lack, error


def _beside(lack: Array, places: Sequence[Array]) -> Array:
    """What is left of a lack [standard errors] beside these places."""
    if not places:
        return lack
    ways = np.stack(places, axis=1)
    length = np.linalg.norm(ways, axis=0)
    ways, sizes, _ = np.linalg.svd(ways[:, length > 0] / length[length > 0], full_matrices=False)
    ways = ways[:, sizes > 0.05]
    left: Array = lack - ways @ (ways.T @ lack)
    return left
