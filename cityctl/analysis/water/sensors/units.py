"""Whether a flow sensor shows another unit for some days: L/s taken for m³/h, days for hours. Numbers only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array

# L/s read as m³/h, L as m³, minutes and days as hours; US gallons a minute read as m³/h and L/s, gallons as m³; a pulse
# that stands for ten or a hundred times as much, as after a meter is exchanged.
UNIT_FACTORS = (3.6, 1000.0, 60.0, 24.0, 4.403, 15.85, 264.2, 10.0, 100.0)
NEAR = 0.12
LEAST, MOST = (
    (1 + NEAR) / min(UNIT_FACTORS),
    (1 - NEAR) * min(UNIT_FACTORS),
)  # times that no factor is near to
WEEK = 7
CLEAR = 28  # days of history from which a jump of units is told by its mean ...
CLOSE = 0.25  # ... and within which its lowest reading and its range follow before [logarithm]

Stretch = tuple[int, int | None, float]


def far_apart(means: Array) -> npt.NDArray[np.bool_]:
    """Sensors whose days lie so far apart that some may be in another unit: (sensors x days) by sensors."""
    known = np.isfinite(means) & (means > 0)
    low = np.where(known, means, np.inf).min(axis=1)
    return np.asarray(np.where(known, means, 0.0).max(axis=1) >= MOST * low)


def other_units(mean: Array, low: Array, high: Array) -> list[Stretch]:
    """(first day, day of the end or None, factor) of days that are one of UNIT_FACTORS times the ones before, or that

    part of them: of the four weeks or, as seasons end, of the last one. `mean` of each day is nan where not known.
    The lowest reading, the highest and the day's range have to follow the mean: spikes leave the first as it was, a
    pump that runs longer the second, a burst the third.
    Of fewer than four weeks they have to follow closely; and what lasts as long as those did is then taken for the
    sensor's unit, and they for the wrong one.
    """
    figures = np.column_stack([mean, low, high, high - low])
    found: list[Stretch] = []
    usual: list[Array] = []
    odd: list[Array] = []  # days of the run in another unit
    first, begin, factor, ordinary = 0, 0, 1.0, np.zeros(4)
    for day in np.flatnonzero(np.isfinite(mean)).tolist():
        first = first if usual else day
        means = [float(one[0]) for one in usual[-CLEAR:]]
        if means and not odd and LEAST * max(means) < mean[day] < MOST * min(means):
            usual.append(figures[day])  # as most days: in no other unit, whichever of these is the middle
            continue
        if odd and _follows(float(mean[day]), float(ordinary[0]), factor):
            pass  # a quiet Sunday in the wrong unit is still in the wrong unit
        elif usual and (told := _told_by(figures[day], usual)) is not None:
            if not odd:
                begin = day
                ordinary, factor = told
        else:
            if odd:
                found.append((begin, day, factor))
                odd = []
            usual.append(figures[day])
            continue
        odd.append(figures[day])
        if len(usual) < CLEAR and len(odd) >= len(usual):
            found.append((first, begin, 1 / factor))
            usual, odd, first = odd, [], begin
    if odd:
        found.append((begin, None, factor))
    return found


def _told_by(now: Array, usual: Sequence[Array]) -> tuple[Array, float] | None:
    """(what was usual, times it) of a day in another unit; None of one that is in none."""
    factors = np.array([one for factor in UNIT_FACTORS for one in (factor, 1 / factor)])
    for days in (CLEAR, WEEK):
        ordinary = np.median(usual[-days:], axis=0)
        if ordinary[0] > 0:
            off = np.abs(now[0] / ordinary[0] / factors - 1)
            factor = float(factors[off.argmin()])
            known = min(len(usual), days)
            if off.min() < NEAR and _follow(now, ordinary, factor, known) and _even(usual, factor):
                return ordinary, factor
    return None


def _even(usual: Sequence[Array], factor: float) -> bool:
    """Whether days differ by less than half of the way to a factor; those of a household do not, and tell none."""
    few, much = np.quantile([day[0] for day in usual[-CLEAR:]], [0.1, 0.9])
    return few > 0 and bool((much / few) ** 2 < max(factor, 1 / factor))


def _follow(now: Array, before: Array, factor: float, known: int) -> bool:
    """Whether lowest and highest reading and range follow the mean, of so many days known before."""
    pairs = list(zip(now[1:], before[1:], strict=True))
    if known < CLEAR:
        return all(one > 0 and was > 0 and abs(np.log(one / was / factor)) < CLOSE for one, was in pairs)
    return all(_follows(float(one), float(was), factor) for one, was in pairs)


def _follows(now: float, before: float, factor: float) -> bool:
    """Whether a figure lies nearer to `factor` times what it was than to what it was; nothing is said of zeros."""
    if before <= 0:
        return True
    return now > 0 and bool(abs(np.log(now / before / factor)) < abs(np.log(now / before)))
