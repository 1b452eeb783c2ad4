"""Whether sensors' clocks jumped: the course of the day comes some full hours early or late from a day on.

A logger that stays on winter time, or was set wrong, moves every hour alike; late Sundays, a leak or more demand do
not. Numbers only; each night is judged from what was known when its window closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Jump = tuple[int, int | None, int, int]

WEEKS = 4  # of the same weekday that a day is held against
MOST = 11  # hours by which a clock is thought to be wrong, either way
SURE = 3.0  # what is left unexplained has to shrink by so much (its logarithm, summed over days)
TOLL = 0.2  # taken off each day, so that chance does not add up
FLOOR = 0.03  # of a day's amplitude: what a course of a few parts does not tell [share]
SCALED = (0.6, 1.6)  # a clock changes no amplitude: by so much demand may
LIKE = 0.5  # of the day's scatter that the moved course may leave unexplained
STEADY = 28  # days before a jump ...
RESTLESS = 0.2  # ... of which no larger share may have looked moved: a pump's course may
ALIKE, MOVED = 1, 2  # how a day looked that could be held against others


class Clocks:
    """The clocks of many sensors, judged night after night, all at a time.

    `course`: (sensors x nights x parts of the day) mean flow, nan where not known. `sums` are a CUSUM for each hour by
    which a clock may have jumped, and `begins` the nights at which these left zero; `frames` are the hours that a clock
    was ahead in each night; `changes` (first night, night at which it was known, hours ahead from then on).
    """

    def __init__(self, course: Array) -> None:
        sensors, nights, _ = course.shape
        self.course, self.whole = course, np.asarray(np.isfinite(course).all(axis=2))
        self.same = np.full((sensors, 7, WEEKS), -1)  # the last known nights of each weekday
        self.sums = np.zeros((sensors, 2 * MOST + 1))
        self.begins = np.zeros((sensors, 2 * MOST + 1), dtype=np.int64)
        self.looked = np.zeros((sensors, nights), dtype=np.int8)
        self.frames = np.zeros((sensors, nights), dtype=np.int8)
        self.ahead = np.zeros(sensors, dtype=np.int8)
        self.changes: list[list[tuple[int, int, int]]] = [[] for _ in range(sensors)]

    def run(self, first: int = 0, end: int | None = None) -> None:
        """Judge the nights from `first` up to, and without, `end` in turn; all before `first` are judged already."""
        for night in range(first, self.course.shape[1] if end is None else end):
            self.frames[:, night] = self.ahead
            same = self.same[:, night % 7]
            rows = np.flatnonzero(self.whole[:, night] & (same[:, -1] >= 0))
            if len(rows):
                gains = _gains(self.course[rows, night], self._references(rows, same[rows]))
                self.looked[rows, night] = np.where(gains.max(axis=1) > 0, MOVED, ALIKE)
                before = self.sums[rows]
                self.begins[rows] = np.where(before > 0, self.begins[rows], night)
                self.sums[rows] = np.maximum(before + gains, 0.0)  # a sum that falls below zero begins anew
                for sensor in rows[self.sums[rows].max(axis=1) > SURE].tolist():
                    self._jumped(sensor, night)
            whole = self.whole[:, night]
            same[whole, 1:], same[whole, 0] = same[whole, :-1], night

    def standing(self, nights: int) -> dict[str, npt.NDArray[Any]]:
        """See standing.Judge."""
        views = {"same": self.same, "sums": self.sums, "begins": self.begins, "ahead": self.ahead}
        return views | {"looked": self.looked[:, :nights], "frames": self.frames[:, :nights]}

    def noted(self) -> list[Any]:
        """See standing.Judge."""
        return list(self.changes)

    def note(self, noted: Sequence[Any]) -> None:
        """See standing.Judge."""
        self.changes = [[tuple(change) for change in changes] for changes in noted]

    def of(self, sensor: int) -> list[Jump]:
        """(first night, night at which its end was known or None, night at which it was known, hours) of each jump.

        Hours above 0: what happens is stamped too late, the clock is ahead; below 0: it is behind.
        """
        changes = self.changes[sensor]
        ends = [*(when for _, when, _ in changes[1:]), None]
        return [(first, end, when, by) for (first, when, by), end in zip(changes, ends, strict=False) if by]

    def _references(self, rows: Rows, same: Rows) -> Array:
        """The usual course before a night of each of these sensors, as its clock of that night shows it."""
        usual = self.course[rows[:, None], same]
        hours = self.ahead[rows, None] - self.frames[rows[:, None], same]
        for by in np.unique(hours[hours != 0]).tolist():
            usual[hours == by] = usual[hours == by] @ _moving(usual.shape[2], by)
        return np.asarray(np.sort(usual, axis=1)[:, WEEKS // 2 - 1 : WEEKS // 2 + 1].mean(axis=1))

    def _jumped(self, sensor: int, night: int) -> None:
        """Take up a jump that is sure, unless the days before it were restless."""
        by = int(self.sums[sensor].argmax())
        first = int(self.begins[sensor, by])
        ahead = int(self.ahead[sensor]) + by - MOST
        self.sums[sensor] = 0.0
        looked = self.looked[sensor, max(0, first - STEADY) : first]
        known = np.count_nonzero(looked)
        if known < STEADY / 4 or np.count_nonzero(looked == MOVED) > RESTLESS * known or abs(ahead) > MOST:
            return
        self.ahead[sensor] = self.frames[sensor, first : night + 1] = ahead  # until it turns again
        since = self.looked[sensor, first : night + 1]
        since[since == MOVED] = ALIKE  # why these looked moved is known now
        self.changes[sensor].append((first, night, ahead))


def _gains(now: Array, reference: Array) -> Array:
    """(days x hours from -MOST to MOST): how much less a moved reference leaves unexplained than the one unmoved.

    Each day may lie higher, and swing more or less: a leak and demand do that.
    """
    level = now - now.mean(axis=1, keepdims=True)
    usual = reference - reference.mean(axis=1, keepdims=True)
    scatter = (level**2).sum(axis=1)
    later, ways, squares = _all_ways(now.shape[1])
    # Not as products of matrices: BLAS sets threads to such small ones, which cost more than they save.
    alike = np.einsum("dl,lh->dh", np.einsum("dp,dlp->dl", usual, level[:, later]), ways)
    along = np.einsum("dl,lh->dh", np.einsum("dp,dlp->dl", usual, usual[:, later]), squares)
    scale = np.maximum(alike / np.maximum(along, 1e-12), 0.0)
    fits = (scale > SCALED[0]) & (scale < SCALED[1])
    fits[:, MOST] = True
    left = scatter[:, None] - scale**2 * along
    fits &= left < LIKE * scatter[:, None]
    left = np.maximum(left, 0.0) + FLOOR**2 * scatter[:, None] + 1e-12
    less = np.clip(np.log(left[:, MOST, None] / left), -SURE, None)
    gain: Array = np.where(fits, less, np.minimum(less, 0.0)) - TOLL
    gain[:, MOST] = -SURE
    return gain


@cache
def _all_ways(parts: int) -> tuple[Rows, Array, Array]:
    """(which parts come so many parts later, and by hours what a moved course has in common with one, and with itself).

    The latter two are (parts later x hours): by so much a course's product with the other so many parts later counts.
    """
    moving = [_moving(parts, hours) for hours in range(-MOST, MOST + 1)]
    later = (np.arange(parts)[:, None] + np.arange(parts)) % parts
    return (
        later,
        np.stack([one[0] for one in moving], axis=1),
        np.stack([one[0] @ one.T for one in moving], axis=1),
    )


@cache
def _moving(parts: int, hours: int) -> Array:
    """The matrix that turns the means of the parts of a day into those of the day `hours` later, of a smooth course.

    The means are joined by a trigonometric polynomial: what is no wave of the day is told roughly.
    """
    count = np.arange(parts)
    waves = np.fft.fftfreq(parts, 1 / parts)
    turn = np.exp(-2j * np.pi * waves * hours / 24)
    if parts % 2 == 0:
        turn[parts // 2] = np.cos(np.pi * parts * hours / 24)
    there = np.exp(-2j * np.pi * np.outer(count, waves) / parts)
    back = np.exp(2j * np.pi * np.outer(waves, count) / parts) / parts
    matrix: Array = (there * turn @ back).real
    return matrix
