"""How far heads have fallen beyond what the inflow explains, and beyond known leaks at other places. Numbers only.

Head loss grows with about Q^1.852 (Hazen and Williams); each sensor's own slope and its course of the day are learnt
from the nights before. Of what a leak takes from the heads the ratios between sensors are its place: what is left
beside the places of known leaks is another one's. Source for leaks from such residuals: Daniel, Pesantez, Letzgus
et al. (2022), A sequential pressure-based algorithm for data-driven leakage identification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, quantile

AFTER = 5  # nights that are held against those before
REFERENCE, LEARNT = 35, 14  # nights before, and how many of them must be known
APART, WEEK = 10, 7  # nights at least between the last of either; those before are taken a week at a time
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
    """The standard errors by which a zone's heads lack what the inflow explains: of the sensor that fell most.

    A second one has to bear it out. The last five nights against the five weeks before them; 0 where nothing is known.
    By row: `heads` (sensors x nights x parts) [m], and `loads`, see load_of (nights x parts).
    """

    heads: dict[int, Array]
    loads: dict[int, Array]
    phase: int = 0
    """As Seen has it."""
    learnt: dict[tuple[int, int], Usual] = field(default_factory=dict, repr=False, compare=False)
    """What the nights up to a last one taught, kept while the watch goes on."""

    def __call__(self, zone: int, night: int, known: Sequence[tuple[int, int]] = ()) -> float:
        """See seen.Fallen."""
        if zone not in self.loads or len(self.heads[zone]) < 2 or night < APART + LEARNT:
            return 0.0
        last = (night - APART + self.phase) // WEEK * WEEK - self.phase
        lack, error = self._lack(zone, last, night)
        left = _beside(lack, error, self._places(zone, night, known))
        told = np.isfinite(left)
        if not told.any():
            return 0.0
        most, second = np.sort(-left[told])[::-1][:2] if told.sum() > 1 else (0.0, 0.0)
        if second < BORNE_OUT:  # one sensor alone has been set anew
            most = second
        if most < SHARE * np.abs(lack[told] / error[told]).max():  # no place is known that well
            return 0.0
        # Of many sensors one has fallen by sqrt(2 ln n) and more by chance.
        return float(np.sqrt(max(max(0.0, most) ** 2 - 2 * np.log(told.sum()), 0.0)))

    def basis(self, zone: int, nights: int) -> bytes:
        """See seen.Fallen; the loads are those of the zone's own nights."""
        return self.heads[zone][:, :nights].tobytes() if zone in self.heads else b""

    def of(self, zones: npt.NDArray[np.int64]) -> Falls:
        """See seen.Fallen."""
        chosen = [(at, row) for at, row in enumerate(zones.tolist()) if row in self.heads]
        heads, loads = ({at: one[row] for at, row in chosen} for one in (self.heads, self.loads))
        return Falls(heads, loads, self.phase)

    def _places(self, zone: int, night: int, known: Sequence[tuple[int, int]]) -> list[Array]:
        """The inlet's own way, and what known leaks take from the heads [m], as far as those before them do not."""
        places: list[Array] = [np.ones(len(self.heads[zone]))]
        for begin, told in known:
            if begin <= LEARNT:
                continue
            lack, error = self._lack(zone, begin - 1, min(night, told + SHOWN))
            left = _beside(lack, error, places)
            if np.nanmin(left, initial=0.0) < -PLACED:
                places.append(np.nan_to_num(left * error))
        return places

    def _lack(self, zone: int, last: int, night: int) -> tuple[Array, Array]:
        """(head beyond what the inflow explains, standard error) [m] of each sensor; nan where it is not told.

        The nights up to `night` against those up to `last`.
        """
        heads, load = self.heads[zone], self.loads[zone]
        if (zone, last) not in self.learnt:
            past = slice(max(0, last - REFERENCE + 1), last + 1)
            self.learnt[zone, last] = _usual(heads[:, past], load[past])
        usual = self.learnt[zone, last]
        now = slice(max(0, night - AFTER + 1), night + 1)
        beyond = heads[:, now] - usual.slope * load[now] - usual.course
        lack: Array = np.median(beyond.mean(axis=2), axis=1)  # nan where one night is not known
        return lack, usual.scatter * np.sqrt(1 / AFTER + 1 / np.maximum(usual.nights, 1))


@dataclass(frozen=True)
class Usual:
    """What some nights taught of each sensor, arrays of (sensors x 1 x 1), (sensors x 1 x parts) and two of (sensors).

    Metres of head for each unit of load, the course of the day [m], and by how much its nights scatter [m], nan where
    too few `nights` are known.
    """

    slope: Array
    course: Array
    scatter: Array
    nights: Array


def _usual(heads: Array, load: Array) -> Usual:
    flow = np.broadcast_to(load, heads.shape)
    known = np.isfinite(heads) & np.isfinite(flow)
    count = np.maximum(known.sum(axis=(1, 2), keepdims=True), 1)
    off = np.where(known, flow - np.where(known, flow, 0).sum(axis=(1, 2), keepdims=True) / count, 0)
    level = np.where(known, heads - np.where(known, heads, 0).sum(axis=(1, 2), keepdims=True) / count, 0)
    square = np.maximum((off * off).sum(axis=(1, 2), keepdims=True), 1e-12)
    slope = np.minimum((off * level).sum(axis=(1, 2), keepdims=True) / square, 0.0)
    left = np.where(known, heads - slope * flow, np.nan)
    sensors, nights, parts = left.shape
    course = quantile(left.transpose(0, 2, 1).reshape(-1, nights), 0.5).reshape(sensors, 1, parts)
    whole = known.all(axis=2)
    was = np.where(whole, np.where(known, left - course, 0.0).mean(axis=2), 0.0)
    told = whole.sum(axis=1)
    scatter = np.sqrt((was**2).sum(axis=1) / np.maximum(told, 1)) + FINE
    return Usual(slope, course, np.where(told >= LEARNT, scatter, np.nan), told.astype(float))


def _beside(lack: Array, error: Array, places: Sequence[Array]) -> Array:
    """What is left of a lack beside these places [standard errors], nan where it is not told; all three in m."""
    told = np.isfinite(lack) & np.isfinite(error)
    whole, ways = lack[told] / error[told], np.stack([place[told] / error[told] for place in places], axis=1)
    length = np.linalg.norm(ways, axis=0)
    ways, sizes, _ = np.linalg.svd(ways[:, length > 0] / length[length > 0], full_matrices=False)
    ways = ways[:, sizes > 0.05]
    left = np.full(len(lack), np.nan)
    left[told] = whole - ways @ (ways.T @ whole)
    return left
