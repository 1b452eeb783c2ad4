"""What is odd of a sensor, and named with its faults, while its nights are judged by what else is there. Numbers only.

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

TOPPED = 14  # parts that end at the very same highest reading: a scale that ends there
COARSE, STEPS = 28, 20  # parts that all end at whole numbers of one step, and how many steps at most
PULSING = 0.9  # share of parts that hold both nothing and a step, where there is one step alone
ALONE = 4.0  # times as many as end at any other: a sensor of coarse steps has all of them often

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
    told = (some.sum(axis=1) >= TOGETHER) & (usual > 0).all(axis=1)
    spiking = (np.nan_to_num(far) > FAR * usual[:, None]).reshape(sensors, parts) & told[:, None]
    found: list[list[Run]] = [[] for _ in spiking]
    likely = np.flatnonzero(spiking.sum(axis=1) >= SPIKES)
    some, mean, least = some[likely], mean[likely], least[likely]
    level = np.abs(quantile(np.where(some, mean, np.nan), 0.5))
    beyond = np.nan_to_num(far[likely]).reshape(-1, parts) > level[:, None]
    rests = resting(some, mean, least)
    for row, marked, rest in zip(
        likely.tolist(), spiking[likely] & (beyond | np.isnan(level)[:, None]), rests.tolist(), strict=True
    ):
        if not rest:
            found[row] = [
                (begin, end, float(count))
                for begin, last, end in _runs(marked)
                if (count := marked[begin:last].sum()) >= SPIKES
            ]
    return found


def topped(readings: Array, mean: Array, least: Array, most: Array) -> list[list[Run]]:
    """Of each sensor (first part, part of the end or None, parts) of each time in which its highest reading is that of

    its scale: what flows beyond it is not seen. How many readings, their mean and range (sensors x parts).
    """
    some = (readings >= 3) & (most > least)
    marked = some & (most == np.where(some, most, -np.inf).max(axis=1, initial=-np.inf)[:, None])
    found: list[list[Run]] = [[] for _ in marked]
    often = np.flatnonzero(marked.sum(axis=1) >= TOPPED)
    rests = resting(readings[often] >= 3, mean[often], least[often])
    for row in often[~rests].tolist():
        values, counts = np.unique(most[row, some[row]], return_counts=True)
        if len(values) > 1 and counts[-1] >= max(TOPPED, ALONE * counts[:-1].max()):
            found[row] = [
                (begin, end, float(marked[row, begin:last].sum())) for begin, last, end in _runs(marked[row])
            ]
    return found


def coarse(readings: Array, least: Array, most: Array) -> list[list[Run]]:
    """Of each sensor (first part, None, step) where all that it shows are a few steps of one size, as of pulses.

    How many readings, and their range (sensors x parts). A pump that is on or off stays so for hours.
    """
    found: list[list[Run]] = []
    for some, low, high in zip(readings >= 3, least, most, strict=True):
        own = some & (high > 0)
        times = high[own] / (step := float(high[own].min(initial=np.inf)))
        even = len(times) >= COARSE and float(np.abs(times - np.round(times)).max()) < 1e-3
        pulsing = even and (times.max() > 1.5 or (own & (low == 0)).sum() >= PULSING * some.sum())
        found.append([(int(own.argmax()), None, step)] if pulsing and times.max() <= STEPS else [])
    return found


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
