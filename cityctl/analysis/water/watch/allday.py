"""Leaks told from the whole day, where nights are too restless to tell them by themselves.

A leak adds the same flow to every hour. What is looked for is a step that every block of the day shows alike, in every
third of the last nights and in no week of the nights before: demand that swells day by day makes none, nor does one
that comes back after holidays. How far a zone's blocks move without a leak is told by its own past. Numbers only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, quantile
from cityctl.analysis.water.watch.changes import SCATTER, Change
from cityctl.analysis.water.watch.expected import Expected

RESTLESS = sum(SCATTER) / 2  # share of the mean inflow that nights scatter by; beyond it days are asked too
PARTS = 8  # of a day, from 04:00 to 04:00
BLOCKS = ([0, 7], [1, 2], [3, 4, 5, 6])  # parts of the day from 01:00 to 07:00, to 13:00 and to 01:00
NOW, BEFORE, WEEK = 12, 28, 7  # nights in which a step is there, and those it is held against, week by week
LEAST_NOW, LEAST_BEFORE = 8, 10  # how many of them have to be known
THIRD = NOW // 3
SPAN, LAG = 365, 14  # nights whose moves tell what is usual, and the last ones, which do not
USUAL, APART = 0.06, 0.03  # moves that are usual, and what blocks differ by, as shares of the mean inflow
WORTH = 60  # nights of a zone's own evidence that these are worth
FEW = 0.9  # share of a zone's own moves that are no larger than what is usual
FORGIVEN = 0.25  # of what blocks usually differ by, where they show less of a step than the quietest one
LEAST, TIMES = 0.045, 0.8  # share of the mean inflow that a step has at least, and of what is usual
NORMAL = 1.645  # standard deviations that nine of ten normal values lie within


class AllDay:
    """Moves of the blocks of the day, night after night.

    `course` (zones x nights x parts of the day) [m³/h] without the way of the weekdays, told up to the night that is
    judged; `moved` (zones x nights x blocks) are shares of the mean inflow, nan where nights are quiet.
    """

    def __init__(self, course: Array) -> None:
        zones, nights, parts = course.shape
        self.course, self.by_parts = course, parts == PARTS
        self.moved = np.full((zones, nights, len(BLOCKS)), np.nan)

    def look(
        self, model: Expected, since: npt.NDArray[np.int64], ready: npt.NDArray[np.bool_], night: int
    ) -> Iterator[tuple[int, Change]]:
        """Restless zones in which a leak began NOW nights ago; no night up to `since` is of use.

        How far the blocks of all of them moved is kept; leaks are told of those alone that are `ready`.
        """
        inflow = model.inflow[:, night]
        zones = np.flatnonzero((model.noise > RESTLESS * inflow) & (inflow > 0))
        if not self.by_parts or not len(zones) or night + 1 < NOW + LEAST_BEFORE:
            return
        first = max(0, night + 1 - NOW - BEFORE)
        seen = self.course[zones, first : night + 1]
        blocks = np.stack([seen[..., block].mean(axis=2) for block in BLOCKS])
        blocks[:, np.arange(first, night + 1) <= since[zones, None]] = np.nan
        blocks /= inflow[zones, None]
        before, now = blocks[..., :-NOW], blocks[..., -NOW:]
        known = (_known(before) >= LEAST_BEFORE) & (_known(now) >= LEAST_NOW)
        moved = np.where(known, _middle(now) - _middle(before), np.nan)
        self.moved[zones, night] = moved.T
        weeks = [before[..., max(0, end - WEEK) : end] for end in range(before.shape[2], 0, -WEEK)]
        thirds = [now[..., at : at + THIRD] for at in range(0, NOW, THIRD)]
        highest = np.fmax.reduce([_middle(week) for week in weeks])
        risen = np.min([_middle(third) for third in thirds], axis=0) - highest
        # The quietest block, whichever it is, is forgiven nothing.
        for at in np.flatnonzero(known.all(axis=0) & (risen.max(axis=0) > LEAST) & ready[zones]).tolist():
            zone = int(zones[at])
            usual, apart, quietest = self._usual(zone, night)
            step = (risen[:, at] + FORGIVEN * apart).min()
            alike = (np.abs(moved[:, at] - moved[quietest, at]) <= apart).all()
            if alike and step > max(LEAST, TIMES * usual):
                size, sd = np.median(moved[:, at]) * inflow[zone], usual / NORMAL * inflow[zone]
                yield zone, Change(float(size), float(sd), NOW, night - NOW + 1, False, False)

    def level(self, zone: int, night: int, nights: int) -> float:
        """What a zone took by day and by night in the last `nights` [m³/h]; nan where that is not known."""
        taken = self.course[zone, max(0, night - nights + 1) : night + 1].mean(axis=1)
        return float(quantile(taken[None], 0.5)[0])

    def _usual(self, zone: int, night: int) -> tuple[float, Array, int]:
        """How far the quietest block of a zone usually moves, how far each block usually is from it, and its index."""
        own = self.moved[zone, max(0, night - SPAN) : night - LAG + 1]
        own = own[np.isfinite(own).all(axis=1)]
        moves = _shrunk(np.abs(own), USUAL)
        quietest = int(moves.argmin())
        apart = _shrunk(np.abs(own - own[:, [quietest]]), APART)
        apart[quietest] = 0.0
        return float(moves[quietest]), apart, quietest


def _shrunk(moves: Array, assumed: float) -> Array:
    """What few of the `moves` (nights x blocks) go beyond, as far as there is evidence of it."""
    own = np.nan_to_num(quantile(moves.T, FEW))
    told: Array = (len(moves) * own + WORTH * assumed) / (len(moves) + WORTH)
    return told


def _known(values: Array) -> npt.NDArray[np.int64]:
    count: npt.NDArray[np.int64] = np.isfinite(values).sum(axis=-1)
    return count


def _middle(values: Array) -> Array:
    """Median over the last axis; nan where nothing is known."""
    return quantile(values.reshape(-1, values.shape[-1]), 0.5).reshape(values.shape[:-1])
