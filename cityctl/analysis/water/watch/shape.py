"""How the course of a zone's day wanders, measured where no leak can be seen.

A leak adds the same flow to every hour and demand scales the day's course; what a change of the course has beside
these two is the zone's own restlessness. It says how far its night flow may wander by itself, long before the zone
has a history of nights without leaks. Numbers only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, quantile
from cityctl.analysis.water.nights.seen import ROUND

WEEK, GAP = 7, 14  # nights that are averaged, and how far apart two such weeks lie
SPAN = 182  # nights of which the wandering is told
PRIOR, PRIOR_WEEKS = 0.003, 3.0  # wandering a night as a share of the mean inflow, and weeks that it is worth
NIGHT = 4.0  # the night's own wandering, as a multiple of the course's


class Evened:
    """Values (zones x nights x figures) less the way of each weekday (`kinds` 0..6), learnt from the nights before.

    A night teaches its weekday by how far it lies from the mean of the week around it, three nights later. `left` is
    told up to where advance() came.
    """

    def __init__(self, values: Array, kinds: npt.NDArray[np.int64]) -> None:
        zones, nights, figures = values.shape
        self.values, self.kinds = values, kinds
        self.ways, self.count = np.zeros((zones, 7, figures)), np.zeros((zones, 7, figures))
        self.left = np.full_like(values, np.nan)
        # A tenth of the steps may be odd nights; what weekends step is more than that.
        steps = np.abs(np.diff(_first(values, 60), axis=1))
        self.usual = _quantile(steps, 0.9) + 1e-9 if nights > 1 else np.ones((zones, figures))

    def advance(self, first: int, end: int) -> None:
        """Take in the nights from `first` up to, and without, `end`."""
        values, kinds, ways, count = self.values, self.kinds, self.ways, self.count
        for night in range(first, end):
            middle = night - 3
            if middle >= 2:
                week = values[:, max(0, middle - 3) : night + 1]
                known = np.isfinite(week)
                mean = np.where(known, week, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
                kind = kinds[middle]
                off = values[:, middle] - mean - ways[:, kind]
                use = np.isfinite(off) & (known.sum(axis=1) >= 6)
                gain = np.maximum(1 / (count[:, kind] + 3.0), 0.08)
                ways[:, kind] += np.where(use, gain * np.clip(off, -1.5 * self.usual, 1.5 * self.usual), 0.0)
                count[:, kind] += use
            self.left[:, night] = values[:, night] - ways[:, kinds[night]]


class Wandering:
    """How far night flow wanders by itself in a night (standard deviation, share of the mean inflow), zones x nights.

    `course`: (zones x nights x parts of the day) [m³/h] without the way of the weekdays; `inflow` [m³/h] as it was
    known before each night; `phase` as Seen has it. Each night's figure uses nights up to it only; `told` is right up
    to where advance() came.
    """

    def __init__(self, course: Array, inflow: Array, phase: int = 0) -> None:
        zones, nights, _ = course.shape
        self.course, self.inflow, self.phase = course, inflow, phase
        self.told = np.full((zones, nights), PRIOR)
        self.across, self.scatter = np.full((zones, nights), np.nan), np.full((zones, nights), np.nan)
        self.free: Array = _unseen(course[:, :0])
        self.now = self.told[:, 0].copy()

    def advance(self, first: int, end: int) -> None:
        """Take in the nights from `first` up to, and without, `end`."""
        parts = self.course.shape[2]
        if parts < 3:
            return
        # The median of a mean of squares lies below its expectation: Wilson and Hilferty (1931), chi-squared.
        high = 1 / (1 - 2 / 9 / (parts - 2)) ** 3
        for night in range(max(first, 1), end):
            day = night + self.phase
            if day % ROUND == 0:
                self.free = _unseen(self.course[:, max(0, night - SPAN) : night])
            step = (self.course[:, night] - self.course[:, night - 1]) / np.sqrt(2)
            for source, kept in ((self._change(night), self.across), (step, self.scatter)):
                beside = np.einsum("zij,zj->zi", self.free, source)
                kept[:, night] = (beside**2).sum(axis=1) / (parts - 2)
            if day % WEEK == 0:
                recent = slice(max(0, night - SPAN), night + 1)
                across, scatter = self.across[:, recent], self.scatter[:, recent]
                weeks = np.isfinite(across).sum(axis=1) / WEEK
                moved = high * (quantile(across, 0.5) - 2 / WEEK * quantile(scatter, 0.5))
                own = np.nan_to_num(np.maximum(moved, 0.0)) / (GAP + 2 * WEEK / 3) * NIGHT**2
                scale = np.maximum(self.inflow[:, night], 1e-9)
                prior = PRIOR_WEEKS * PRIOR**2
                self.now = np.sqrt((weeks * own / scale**2 + prior) / (weeks + PRIOR_WEEKS))
            self.told[:, night] = self.now

    def _change(self, night: int) -> Array:
        """Mean of the week that ends with a night less that of the week two weeks before it."""
        now, then = (
            _week(self.course[:, max(0, last - WEEK + 1) : max(0, last + 1)])
            for last in (night, night - WEEK - GAP)
        )
        return now - then


def _first(values: Array, nights: int) -> Array:
    """The first nights of each row, from the first that is known on."""
    first = np.isfinite(values.sum(axis=2)).argmax(axis=1)
    at = first[:, None] + np.arange(min(nights, values.shape[1]))
    own = np.take_along_axis(values, np.minimum(at, values.shape[1] - 1)[..., None], axis=1)
    return np.where((at < values.shape[1])[..., None], own, np.nan)


def _week(course: Array) -> Array:
    known = np.isfinite(course)
    count = known.sum(axis=1)
    mean: Array = np.where(known, course, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count >= 5, mean, np.nan)


def _unseen(course: Array) -> Array:
    """Projection of each zone onto changes of the course that neither a leak nor more demand makes."""
    parts = course.shape[2]
    known = np.isfinite(course)
    mean = np.where(known, course, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    mean = mean - mean.mean(axis=1, keepdims=True)
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    way = np.where(length > 0, mean / np.maximum(length, 1e-12), 0.0)
    free: Array = np.eye(parts) - 1 / parts - way[:, :, None] * way[:, None, :]
    return free


def _quantile(values: Array, share: float) -> Array:
    """Quantile over nights of (zones x nights x figures), 0 where nothing is known."""
    zones, nights, figures = values.shape
    rows = values.transpose(0, 2, 1).reshape(-1, nights)
    return np.nan_to_num(quantile(rows, share)).reshape(zones, figures)
