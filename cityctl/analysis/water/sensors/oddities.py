"""Gaps and spikes of a sensor: named with its faults, but its nights are judged by what else is there. Numbers only.

Parts of six hours, as in verdicts.py. What is usual is told from the whole series: nothing is decided by it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, quantile

PART_HOURS = 6
A_DAY = 24 // PART_HOURS
LACKING = 0.5  # share of a part's usual readings below which it has a gap
FAR = 8.0  # times the usual distance of a part's outermost reading from its mean, and once the usual mean at least
TOGETHER = 28  # parts: what is no further apart is one row
SPIKES = 3  # spiking parts that make a row: one alone may be a hydrant

RESTING = 0.1  # share of parts that reach zero, from which a flow is a pump's: it jumps by its nature

Run = tuple[int, int | None, float]


def gaps(readings: Array) -> list[list[Run]]:
    """Of each sensor (first part, part of the end or None, hours missing) of each time with gaps, from its first

    reading on. `readings`: how many there are (sensors x parts).
    """
    some = readings > 0
    begun = np.logical_or.accumulate(some, axis=1)
    usual = quantile(np.where(some, readings, np.nan), 0.5)
    share = np.minimum(readings / np.where(usual > 0, usual, 1.0)[:, None], 1.0)
    # A meter that is read once a day has none.
    often = quantile(np.where(begun, readings, np.nan), 0.5) > 0
    lacking = (share < LACKING) & begun & often[:, None]
    return [
        [
            (begin, end, float(PART_HOURS * (1 - own[begin:last][marked[begin:last]]).sum()))
            for begin, last, end in _runs(marked)
        ]
        for own, marked in zip(share, lacking, strict=True)
    ]


def spikes(readings: Array, mean: Array, least: Array, most: Array) -> list[list[Run]]:
    """Of each sensor (first part, part of the end or None, parts that spike) of each time with several.

    How many readings, their mean and range (sensors x parts).
    """
    sensors, parts = readings.shape
    some = readings >= 3
    far = np.where(some, np.maximum(most - mean, mean - least), np.nan).reshape(sensors, -1, A_DAY)
    by_part = far.swapaxes(1, 2).reshape(-1, parts // A_DAY)
    usual = np.nan_to_num(quantile(by_part, 0.5)).reshape(sensors, A_DAY)
    level = np.abs(quantile(np.where(some, mean, np.nan), 0.5))
    told = (some.sum(axis=1) >= TOGETHER) & (usual > 0).all(axis=1) & ~resting(some, mean, least)
    limit = np.fmax(FAR * usual, level[:, None])
    spiking = (np.nan_to_num(far) > limit[:, None]).reshape(sensors, parts) & told[:, None]
    return [
        [
            (begin, end, float(count))
            for begin, last, end in _runs(marked)
            if (count := marked[begin:last].sum()) >= SPIKES
        ]
        for marked in spiking
    ]


def resting(some: npt.NDArray[np.bool_], mean: Array, least: Array) -> npt.NDArray[np.bool_]:
    """Whether a flow reaches zero in many of `some` of its parts, as a pump's does: (sensors x parts) by sensors."""
    usual = quantile(np.where(some, mean, np.nan), 0.5)
    with np.errstate(invalid="ignore"):
        rests = some & (least <= 0.01 * usual[:, None])
    told: npt.NDArray[np.bool_] = rests.sum(axis=1) / np.maximum(some.sum(axis=1), 1) > RESTING
    return told


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
