"""Leaks that grow too slowly for any window: the last week held against all nights without a leak.

Demand that rises by day and night alike is taken out by the zone's own share; how far night flow may have wandered
since is told by its course of the day (shape.py), and wandering comes back: it saturates within a month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, quantile
from cityctl.analysis.water.nights.seen import Fallen
from cityctl.analysis.water.watch.expected import SHARE, Expected
from cityctl.analysis.water.watch.shape import Evened

WEEK = 7
APART = 14  # nights between the reference and now
REACH = 365  # nights back to which the reference goes
LEAST = 14  # nights without leak that a reference needs
COMES_BACK = 28.0  # nights in which a wandering level comes back
RAMPS = np.array([3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112], dtype=float)  # nights in which a leak grows
BEGINS = 64  # nights at most at which its begin is tried
HEARD = 5.0  # standard errors by which heads have to fall; they count as so many
ALONE = 2.0  # standard errors of flow without which there is no leak


def with_pressure(certainty: float, fallen: float) -> float:
    """Standard errors that the flow itself must show, where a sensor's head has fallen by `fallen` of its own.

    Independent evidence adds in squares; below HEARD pressure says nothing, beyond it is believed no more, and without
    ALONE standard errors of flow there is no leak.
    """
    heard = HEARD if fallen > HEARD else 0.0
    return max(sqrt(max(certainty**2 - heard**2, 0.0)), ALONE)


@dataclass(frozen=True)
class Crept:
    """What one zone has gained on its leak-free nights: size and standard error [m³/h], and its first night."""

    zone: int
    size: float
    sd: float
    begin: int


class Reference:
    """Nights without leak of all zones; `even` their flow and use [m³/h], `wander` as shape.Wandering tells it."""

    def __init__(self, even: Evened, wander: Array) -> None:
        self.flow, self.use, self.wander = even.left[..., 0], even.left[..., 1], wander
        self.known = np.isfinite(even.values[..., 0]) & np.isfinite(even.values[..., 1])
        self.free = np.ones(wander.shape, dtype=np.bool_)

    def gained(
        self,
        model: Expected,
        night: int,
        running: Array,
        doubt: Array,
        certainty: Array,
        least: Array,
        silent: npt.NDArray[np.bool_],
        fallen: Fallen | None,
    ) -> list[Crept]:
        """Zones whose last week lies beyond their leak-free nights by their `certainty` standard errors.

        `running` flow of the known leaks and `doubt` its standard error [m³/h]; `least` the smallest leak that
        counts; `silent` zones are left out: something has just begun or ended there. `fallen(zone, night)` is asked
        only where the flow leaves doubt.
        """
        old = night - model.first >= LEAST + APART + WEEK
        if not old.any():
            return []
        first = max(0, night - REACH)
        past, now = slice(first, night - APART + 1), slice(night - WEEK + 1, night + 1)
        apart = self.free[:, past] & self.known[:, past]
        before, flow, use = _mean(apart, self.flow[:, past], self.use[:, past])
        recent = self.known[:, now]
        count, flow_now, use_now = _mean(recent, self.flow[:, now], self.use[:, now])
        middle = quantile(np.where(recent, self.flow[:, now], np.nan), 0.5)
        flow_now = np.minimum(flow_now, np.nan_to_num(middle))  # one odd night makes no leak
        demand = use_now - use
        share = model.state[:, SHARE]
        size = flow_now - running - flow - share * demand
        ages = night - WEEK / 2 - np.arange(first, night - APART + 1)
        age = (apart * ages).sum(axis=1) / np.maximum(before, 1)
        wander = self.wander[:, night] * model.inflow[:, night]
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = (
                model.noise**2 * (1 / count + 1 / before)
                + wander**2 * COMES_BACK * (1 - np.exp(-age / COMES_BACK))
                + model.spread[:, SHARE, SHARE] * demand**2
                + doubt**2
            )
            sd = np.sqrt(variance)
        enough = (size > least) & (before >= LEAST) & (count >= 5) & ~silent & model.known[:, night] & old
        alone = certainty if fallen is None else np.minimum(certainty, ALONE)
        found = []
        for zone in np.flatnonzero(enough & (sd > 0) & (size > alone * sd)).tolist():
            sure = float(size[zone] / sd[zone])
            if sure <= certainty[zone] and (
                fallen is None or sure <= with_pressure(float(certainty[zone]), fallen(zone, night))
            ):
                continue
            base = flow[zone] + share[zone] * demand[zone] + running[zone]
            if np.nanmin(np.where(recent[zone], self.flow[zone, now], np.nan)) <= base:
                continue  # a week in which one night had none of it
            earliest = max(int(model.first[zone]) + WEEK, night - 120)
            begin = self._begin(zone, night, earliest, float(base), float(size[zone]))
            found.append(Crept(zone, float(size[zone]), float(sd[zone]), begin))
        return found

    def _begin(self, zone: int, night: int, earliest: int, base: float, size: float) -> int:
        """The night after the last one whose week had not a fifth of the leak."""
        for at in range(night - WEEK, earliest, -1):
            week = self.flow[zone, at - WEEK + 1 : at + 1]
            week = week[np.isfinite(week)]
            if len(week) and week.mean() - base < 0.2 * size:
                return at
        return earliest


def _mean(known: npt.NDArray[np.bool_], flow: Array, use: Array) -> tuple[Array, Array, Array]:
    """(count, mean flow, mean use) of the known nights of each zone."""
    count = known.sum(axis=1).astype(float)
    times = np.maximum(count, 1)
    return (
        count,
        np.where(known, flow, 0.0).sum(axis=1) / times,
        np.where(known, use, 0.0).sum(axis=1) / times,
    )


def one_growth(excess: Array, steps: Sequence[int]) -> float:
    """Mean square [m³²/h²] that one leak leaves of what some nights had too much.

    It grows from a night on to its full size, at an even rate or with the square of time as a hole does whose width
    grows evenly, and stays. Neither the level before it is known for certain, nor the size of the `steps` (indices of
    nights) at which other leaks began or ended.
    """
    known = np.isfinite(excess)
    flow, at = excess[known], np.flatnonzero(known).astype(float)
    begin = np.arange(0, len(excess) - 1, 1 + len(excess) // BEGINS)
    ramp = np.clip((at - begin[:, None, None] + 1) / RAMPS[:, None], 0.0, 1.0).reshape(-1, len(at))
    shapes = np.concatenate([ramp, ramp**2])
    beside, _ = np.linalg.qr(np.stack([at >= step for step in (-1, *steps)], axis=1).astype(float))
    shapes -= (shapes @ beside) @ beside.T
    flow = flow - beside @ (flow @ beside)
    weight = (shapes**2).sum(axis=1)
    height = np.where(weight > 1e-6, np.maximum(shapes @ flow, 0.0) / np.maximum(weight, 1e-6), 0.0)
    left = flow @ flow - height**2 * weight
    return float(max(left.min(), 0.0) / max(len(at) - 3 - beside.shape[1], 1))
