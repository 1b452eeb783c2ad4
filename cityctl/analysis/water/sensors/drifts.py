"""Whether a sensor's clock drifts: its course of the day turns evenly, week after week, until somebody sets it right.

A clock that gains a minute a day turns all waves of the day alike and straight on; school holidays, summers and leaks
turn them in steps, there and back, or one wave otherwise than the next. Numbers only, all sensors at a time; each week
is judged from what was known when it was over. Weeks are the calendar's: what is told of a sensor does not depend on
the nights of another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

WEEK = 7
KNOWN = 5  # whole days of a week that tell its course
WAVES = 3  # of the day, of which a course of eight parts tells the way
LEAST = 1.0  # hours by which a clock must have drifted: less is hidden by what courses do by themselves
SHORTEST, LONGEST = 4, 40  # weeks over which it is looked for
STRAIGHT = 0.1  # of its whole way that the weeks may scatter around a straight line ...
CLOSE = 0.5  # ... and hours: a course without hours of its own, as a pump's, wanders far and may go straight by chance
ALIKE = 0.3  # of its whole way by which a wave may have turned more or less ...
HEARD = 0.8  # ... among waves of so much of all the weight
CALM = 2.5  # times as far as the course turned to and fro in the weeks before
HOURLESS = 2.0  # hours of to and fro from which a course has no hours of its own
BEFORE = 6  # weeks before

TIMES = np.arange(1, WAVES + 1)  # a day that each wave comes

Drift = tuple[int, int | None, int, float]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Turning:
    """How the day's courses turn: by how many hours each wave comes `late` (sensors x known weeks x waves).

    `weeks` are the known ones of each sensor, then the others, of which nothing is said; `known` is how many are. Waves
    count by what they weighed in the first weeks, and `way` is the mean of them.
    """

    weeks: Rows
    known: Rows
    late: Array
    weight: Array

    @property
    def way(self) -> Array:
        """Hours by which the course comes late (sensors x known weeks)."""
        return np.asarray(np.einsum("swv,sv->sw", self.late, self.weight))


def drifts(courses: Array, phase: int = 0) -> dict[int, list[Drift]]:
    """The drifts of the clocks of these sensors, as Drifting.of tells them, by sensor, of those that have any."""
    drifting = Drifting(courses, phase)
    drifting.run()
    return {sensor: own for sensor in range(len(courses)) if (own := drifting.of(sensor))}


class Drifting:
    """Lines through the weeks of many sensors' courses, all at a time.

    `courses`: (sensors x nights x parts of the day) mean flow, nan where not known; the first night is `phase` nights
    behind the begin of a week of the calendar. Of the line that ends with each of
    a sensor's known weeks `begins` is the place of its first week, or -1, and `slopes` are hours a week; `restless` is
    how far the course turned to and fro before the week. None of these depends on a later week, once so many are known
    that the waves have their weights.
    """

    def __init__(self, courses: Array, phase: int = 0) -> None:
        self.before = phase % WEEK
        sensors, _, parts = courses.shape
        empty = np.full((sensors, self.before, parts), np.nan)
        self.courses = np.concatenate([empty, courses], axis=1) if self.before else courses
        self.turning = _turning(self.courses)
        shape = self.turning.weeks.shape
        self.begins: Rows = np.full(shape, -1)
        self.slopes: Array = np.zeros(shape)
        self.restless: Array = np.zeros(shape)
        self.whole = False

    def run(self, first: int = 0, end: int | None = None) -> None:  # noqa: ARG002  # by contract
        """See standing.Judge; all weeks are judged with the first ones that are asked for."""
        if self.whole:
            return
        self.whole = True
        turning, count = self.turning, self.begins.shape[1]
        known = _known(self.courses[:, : self.before + first])
        since = np.where(known >= BEFORE + SHORTEST, known, 0)
        for rows in (since == since.max(initial=0), since < since.max(initial=0)):
            if rows.any() and (begin := int(since[rows].min())) < count:
                own = Turning(
                    turning.weeks[rows], turning.known[rows], turning.late[rows], turning.weight[rows]
                )
                restless = self.restless[rows]
                _to_and_fro(own.way, restless, begin)
                self.restless[rows] = restless
                self.begins[rows, begin:], self.slopes[rows, begin:] = _lines(own, restless, begin)

    def standing(self, nights: int) -> dict[str, npt.NDArray[Any]]:
        """See standing.Judge."""
        weeks = (self.before + nights) // WEEK
        return {name: getattr(self, name)[:, :weeks] for name in ("begins", "slopes", "restless")}

    def noted(self) -> list[Any]:
        """See standing.Judge: nothing."""
        return [None] * len(self.courses)

    def note(self, noted: Sequence[Any]) -> None:
        """See standing.Judge."""

    def of(self, sensor: int) -> list[Drift]:
        """(first night, night at which its end was known or None, night at which it was known, hours a day) of each.

        Hours above 0: the clock gains.
        """
        if not (self.begins[sensor] >= 0).any():
            return []
        told = _followed(self.turning, sensor, self.begins[sensor], self.slopes[sensor])
        return [
            (
                max(first - self.before, 0),
                None if end is None else end - self.before,
                known - self.before,
                rate,
            )
            for first, end, known, rate in told
        ]


def _known(courses: Array) -> Rows:
    """How many weeks of each sensor are known."""
    sensors, nights, parts = courses.shape
    days = courses[:, : nights // WEEK * WEEK].reshape(sensors, nights // WEEK, WEEK, parts)
    return np.asarray((np.isfinite(days).all(axis=3).sum(axis=2) >= KNOWN).sum(axis=1))


def _turning(courses: Array) -> Turning:
    sensors, nights, parts = courses.shape
    count = nights // WEEK
    days = courses[:, : count * WEEK].reshape(sensors, count, WEEK, parts)
    whole = np.asarray(np.isfinite(days).all(axis=3))
    many = whole.sum(axis=2)
    mean = np.where(whole[..., None], days, 0.0).sum(axis=2) / np.maximum(many, 1)[..., None]
    mean[many < KNOWN] = 0.0
    weeks = np.argsort(many < KNOWN, axis=1, kind="stable")
    waves = np.fft.rfft(np.take_along_axis(mean, weeks[..., None], axis=1), axis=2)[..., 1 : WAVES + 1]
    power = np.zeros((sensors, WAVES))
    if count:
        power = np.median(np.abs(waves[:, : BEFORE + SHORTEST]) ** 2, axis=1) * TIMES**2
    weight = power / np.maximum(power.sum(axis=1), 1e-12)[:, None]
    late = -np.unwrap(np.angle(waves), axis=1) * 24 / (2 * np.pi * TIMES)
    return Turning(weeks, (many >= KNOWN).sum(axis=1), late, weight)


def _lines(turning: Turning, restless: Array, since: int) -> tuple[Rows, Array]:
    """(place of its first week or -1, hours a week) of the straightest drift up to each week from `since` on."""
    way, week = turning.way, turning.weeks.astype(np.float64)
    count = way.shape[1]
    shape = len(way), count - since
    begins, slopes, straightest = np.full(shape, -1), np.zeros(shape), np.full(shape, STRAIGHT)
    series = (week, week**2, way, way**2, turning.late, week[..., None] * turning.late)
    sums = [np.cumsum(np.concatenate([np.zeros_like(one[:, :1]), one], axis=1), axis=1) for one in series]
    for length in range(SHORTEST, min(LONGEST, count - 1 - BEFORE) + 1):
        begin = max(BEFORE + length, since)
        last, first = np.arange(begin, count), np.arange(begin - length, count - length)
        told_last = slice(begin - since, None)
        summed = [one[:, begin + 1 :] - one[:, begin - length : count - length] for one in sums]
        passed = week[:, last] - week[:, first]
        whole, scatter, alike = _straight(summed, passed, length + 1, turning.weight)
        told = (last < turning.known[:, None]) & (scatter <= straightest[:, told_last])
        told &= (whole_way := np.abs(whole)) >= LEAST
        told &= scatter <= CLOSE / np.maximum(whole_way, LEAST)
        told &= (alike > HEARD) & (CALM * restless[:, first] < np.minimum(whole_way, CALM * HOURLESS))
        begins[:, told_last] = np.where(told, first, begins[:, told_last])
        slopes[:, told_last] = np.where(told, whole / np.where(told, passed, 1.0), slopes[:, told_last])
        straightest[:, told_last] = np.where(told, scatter, straightest[:, told_last])
    return begins, slopes


def _straight(sums: list[Array], passed: Array, count: int, weight: Array) -> tuple[Array, Array, Array]:
    """(hours that a course turned, what is no straight line as a share of them, weight of the waves that turned alike)

    in `count` known weeks, by least squares from sums over them; `passed`: weeks from the first to the last.
    """
    week, square, way, power, late, along = sums
    with np.errstate(all="ignore"):  # of weeks of which nothing is known
        spread = square - week**2 / count
        turned = (along - week[..., None] * late / count) * (passed / spread)[..., None]
        whole = np.einsum("swv,sv->sw", turned, weight)
        left = np.maximum(power - way**2 / count - (whole / passed) ** 2 * spread, 0.0)
        alike = np.abs(turned / whole[..., None] - 1) < ALIKE
        return whole, np.sqrt(left / count) / np.abs(whole), np.einsum("swv,sv->sw", alike, weight)


def _to_and_fro(way: Array, far: Array, since: int) -> None:
    """How far the course turned to and fro in the weeks before each one from `since` on [h]: written into `far`."""
    for week in range(max(BEFORE, since), way.shape[1]):
        low, high = np.quantile(way[:, max(0, week - LONGEST) : week], [0.1, 0.9], axis=1)
        far[:, week] = high - low


def _followed(turning: Turning, sensor: int, begins: Rows, slopes: Array) -> list[Drift]:
    """The drifts of one sensor, each until its clock was set right."""
    known = int(turning.known[sensor])
    weeks, late, weight = turning.weeks[sensor, :known], turning.late[sensor, :known], turning.weight[sensor]
    way = late @ weight
    found: list[Drift] = []
    at = 0
    while at < known:
        if begins[at] < 0:
            at += 1
            continue
        told, begin, slope = at, int(begins[at]), float(slopes[at])
        usual = np.median(late[begin - BEFORE : begin + 1], axis=0)
        while at < known and not _set_right(late[at] - usual, slope * (weeks[at] - weeks[begin]), weight):
            if begins[at] >= 0:  # the longer, the surer
                begin, slope = int(begins[at]), float(slopes[at])
            at += 1
        since, before = slice(begin, at), float(np.median(way[max(0, begin - LONGEST) : begin]))
        first = round(WEEK * float(weeks[since].mean() - (way[since].mean() - before) / slope))
        last = int(weeks[told] + 1) * WEEK - 1
        end = int(weeks[at] + 1) * WEEK if at < known else None
        found.append((min(max(first, WEEK * int(weeks[0])), last), end, last, slope / WEEK))
        at += BEFORE
    return found


def _set_right(late: Array, drifted: float, weight: Array) -> bool:
    """Whether a course that each wave tells to be so `late` is nearer to how it was than to where a clock drifted.

    Around the clock: a wave that comes a whole turn late comes as before.
    """
    turn = 2 * np.pi * TIMES / 24
    return bool((weight * np.cos(turn * late)).sum() > (weight * np.cos(turn * (late - drifted))).sum())
