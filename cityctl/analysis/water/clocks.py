"""Whether a sensor's clock jumped: its course of the day comes some full hours early or late from a day on.

A logger that stays on winter time, or was set wrong, moves every hour alike; late Sundays, a leak or more demand do
not. Numbers only; each night is judged from what was known when its window closed.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

WEEKS = 4  # of the same weekday that a day is held against
MOST = 11  # hours by which a clock is thought to be wrong, either way
SURE = 3.0  # what is left unexplained has to shrink by so much (its logarithm, summed over days)
TOLL = 0.2  # taken off each day, so that chance does not add up
FLOOR = 0.03  # of a day's amplitude: what a course of a few parts does not tell [share]
SCALED = (0.6, 1.6)  # a clock changes no amplitude: by so much demand may
LIKE = 0.5  # of the day's scatter that the moved course may leave unexplained
STEADY = 28  # days before a jump ...
RESTLESS = 0.2  # ... of which no larger share may have looked moved: a pump's course may


def jumps(course: Array) -> list[tuple[int, int | None, int, int]]:
    """(first night, night at which its end was known or None, night at which it was known, hours) of each jump.

    `course`: (nights x parts of the day) mean flow, nan where not known. Hours above 0: what happens is stamped too
    late, the clock is ahead; below 0: it is behind.
    """
    before = _weeks_before(course)
    known = np.flatnonzero(before[:, 0] >= 0)
    if not len(known):
        return []
    gains = np.full((len(course), 2 * MOST + 1), np.nan)
    gains[known] = _gains(course[known], np.median(course[before[known]], axis=1))
    frames, changes = np.zeros(len(course), dtype=np.int64), []
    steady = np.zeros(len(course), dtype=np.bool_)  # days whose jump is known already
    frame, start = 0, 0  # hours that the clock is ahead, and the night from which the sums begin anew
    while (found := _sure(gains, start)) is not None:
        night, first, by = found
        start = night + 1
        moved = (np.nanmax(gains[known], axis=1) > 0) & ~steady[known]
        own = moved[(known >= first - STEADY) & (known < first)]
        if len(own) < STEADY / 4 or own.mean() > RESTLESS or abs(frame + by) > MOST:
            continue
        frame += by
        frames[first:] = frame  # until it turns again
        steady[first : night + 1] = True
        mixed = known[(known > night) & (before[known, -1] < first)]
        if len(mixed):
            gains[mixed] = _gains(course[mixed], _references(course, frames, mixed, before[mixed]))
        changes.append((first, night, frame))
    ends = [when for _, when, _ in changes[1:]]
    return [
        (first, ends[at] if at < len(ends) else None, when, hours)
        for at, (first, when, hours) in enumerate(changes)
        if hours
    ]


def _sure(gains: Array, start: int) -> tuple[int, int, int] | None:
    """(night, first night, hours) of the first jump that is sure, of sums of gains from `start` on; None without one.

    A sum that falls below zero begins anew: a CUSUM for each hour by which the clock may have jumped.
    """
    after = gains[start:]
    total = np.cumsum(np.nan_to_num(after), axis=0)
    low = np.minimum(np.minimum.accumulate(total, axis=0), 0.0)
    sure = np.flatnonzero((total - low).max(axis=1, initial=0.0) > SURE)
    if not len(sure):
        return None
    at = int(sure[0])
    by = int((total - low)[at].argmax())
    fallen = np.flatnonzero(total[:at, by] <= low[:at, by])
    begin = int(fallen[-1]) + 1 if len(fallen) else 0
    begin += int(np.isfinite(after[begin:, by]).argmax())
    return start + at, start + begin, by - MOST


def _weeks_before(course: Array) -> npt.NDArray[np.int64]:
    """(nights x WEEKS) the last known nights of the same weekday; -1 where there are too few, or the night is not."""
    told = np.full((len(course), WEEKS), -1)
    whole = np.asarray(np.isfinite(course).all(axis=1))
    for weekday in range(7):
        known = np.flatnonzero(whole[weekday::7]) * 7 + weekday
        for week in range(1, WEEKS + 1) if len(known) > WEEKS else ():
            told[known[WEEKS:], week - 1] = known[WEEKS - week : len(known) - week]
    return told


def _references(
    course: Array, frames: npt.NDArray[np.int64], nights: npt.NDArray[np.int64], before: npt.NDArray[np.int64]
) -> Array:
    """The usual course before each of these nights (nights x WEEKS), as the clock of that night shows it."""
    hours = frames[nights][:, None] - frames[before]
    moved = np.empty((*before.shape, course.shape[1]))
    for by in np.unique(hours).tolist():
        these = hours == by
        moved[these] = course[before[these]] @ _moving(course.shape[1], by)
    return np.asarray(np.median(moved, axis=1))


def _gains(now: Array, reference: Array) -> Array:
    """(days x hours from -MOST to MOST): how much less a moved reference leaves unexplained than the one unmoved.

    Each day may lie higher, and swing more or less: a leak and demand do that.
    """
    parts = now.shape[1]
    level = now - now.mean(axis=1, keepdims=True)
    scatter = (level**2).sum(axis=1)
    moved = (reference @ _all_ways(parts)).reshape(len(now), 2 * MOST + 1, parts)
    moved -= moved.mean(axis=2, keepdims=True)
    along = (moved**2).sum(axis=2)
    scale = np.maximum(np.einsum("dp,dhp->dh", level, moved) / np.maximum(along, 1e-12), 0.0)
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
def _all_ways(parts: int) -> Array:
    """The matrices of all hours side by side."""
    return np.hstack([_moving(parts, hours) for hours in range(-MOST, MOST + 1)])


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
