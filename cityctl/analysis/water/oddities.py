"""Gaps and spikes of a sensor: named with its faults, but its nights are judged by what else is there. Numbers only.

Parts of six hours, as in sensors.py. What is usual is told from the whole series: nothing is decided by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

PART_HOURS = 6
LACKING = 0.5  # share of a part's usual readings below which it has a gap
FAR = 8.0  # times the usual distance of a part's outermost reading from its mean, and once the usual mean at least
TOGETHER = 28  # parts: what is no further apart is one row
SPIKES = 3  # spiking parts that make a row: one alone may be a hydrant

RESTING = 0.1  # share of parts that reach zero, from which a flow is a pump's: it jumps by its nature

Run = tuple[int, int | None, float]


def gaps(readings: npt.NDArray[Any]) -> list[Run]:
    """(first part, part of the end or None, hours missing) of each time with gaps, from the first reading on."""
    some = np.flatnonzero(readings > 0)
    if not len(some) or np.median(readings[some[0] :]) == 0:
        return []  # a meter that is read once a day has none
    share = np.minimum(readings / float(np.median(readings[some])), 1.0)
    lacking = share < LACKING
    lacking[: some[0]] = False
    return [
        (begin, end, float(PART_HOURS * (1 - share[begin:last][lacking[begin:last]]).sum()))
        for begin, last, end in _runs(lacking)
    ]


def spikes(
    readings: npt.NDArray[Any], mean: npt.NDArray[Any], least: npt.NDArray[Any], most: npt.NDArray[Any]
) -> list[Run]:
    """(first part, part of the end or None, parts that spike) of each time with several."""
    some = readings >= 3
    if some.sum() < TOGETHER or resting(least[some], mean[some]):
        return []
    far = np.where(some, np.maximum(most - mean, mean - least), np.nan).reshape(-1, 24 // PART_HOURS)
    usual = np.array([np.median(one[np.isfinite(one)]) if np.isfinite(one).any() else 0.0 for one in far.T])
    if not (usual > 0).all():
        return []
    limit = np.maximum(FAR * usual, abs(float(np.median(mean[some]))))
    spiking = np.nan_to_num(far) > limit
    spiking = spiking.ravel()
    return [
        (begin, end, float(count))
        for begin, last, end in _runs(spiking)
        if (count := spiking[begin:last].sum()) >= SPIKES
    ]


def resting(least: npt.NDArray[Any], mean: npt.NDArray[Any]) -> bool:
    """Whether a flow reaches zero in many of its parts, as a pump's does."""
    return bool(len(mean)) and bool((least <= 0.01 * np.median(mean)).mean() > RESTING)


def _runs(marked: npt.NDArray[np.bool_]) -> list[tuple[int, int, int | None]]:
    """(first, one after the last, the same or None where the last is the series' last) of marks that stand together."""
    at = np.flatnonzero(marked)
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > TOGETHER)
    firsts, lasts = at[np.concatenate([[0], breaks + 1])], at[np.concatenate([breaks, [len(at) - 1]])]
    return [
        (int(first), int(last) + 1, None if last == len(marked) - 1 else int(last) + 1)
        for first, last in zip(firsts, lasts, strict=True)
    ]
