"""Tests of a sensor's series and their flags, in the vocabulary of QARTOD. Knows arrays only: no city and no store.

Every test takes a series in order of time and gives a flag for each of its readings. A reading without a value is
MISSING in each, and no neighbour's verdict hangs on it: neighbours are the nearest readings that have one.
Source: U.S. IOOS, Manual for Real-Time Quality Control of Water Level Data (QARTOD), tests 1 to 9; UNESCO (2013),
Ocean data standards 3, for the flags.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PASS, NOT_EVALUATED, SUSPECT, FAIL, MISSING = 1, 2, 3, 4, 9
WORST = (FAIL, SUSPECT, PASS, NOT_EVALUATED, MISSING)
"""Which flag a reading bears that several tests have judged: the first of these that any of them gave."""

Series = npt.NDArray[np.float64]
Flags = npt.NDArray[np.uint8]
Span = tuple[float | None, float | None]


def gross_range(values: Series, fail: Span, suspect: Span = (None, None)) -> Flags:
    """Readings outside `suspect` are suspect, outside `fail` they fail; an end of None is no limit."""
    flags = _all_pass(values)
    for (low, high), flag in ((suspect, SUSPECT), (fail, FAIL)):
        with np.errstate(invalid="ignore"):
            if low is not None:
                flags[values < low] = flag
            if high is not None:
                flags[values > high] = flag
    return flags


def steepness(values: Series, seconds: Series) -> Series:
    """Change to each reading from the one before it that has a value, for each second; nan for the first."""
    told = np.full(len(values), np.nan)
    at = np.flatnonzero(np.isfinite(values))
    if len(at) > 1:
        told[at[1:]] = np.abs(np.diff(values[at])) / np.diff(seconds[at])
    return told


def rate_of_change(values: Series, seconds: Series, suspect: float, fail: float | None = None) -> Flags:
    """Readings to which the value changed faster than so much a second. The first has nothing before it, and passes."""
    flags = _all_pass(values)
    rate = steepness(values, seconds)
    with np.errstate(invalid="ignore"):
        flags[rate > suspect] = SUSPECT
        if fail is not None:
            flags[rate > fail] = FAIL
    return flags


def prominence(values: Series, *, differential: bool) -> Series:
    """How far each reading stands out from the ones before and after it that have a value; nan for both ends.

    Differential: the smaller of the two changes, where both turn back, so that a step is no spike. Otherwise the
    distance to the mean of both, which half of a step reaches too.
    """
    told = np.full(len(values), np.nan)
    at = np.flatnonzero(np.isfinite(values))
    if len(at) > 2:
        known = values[at]
        left, right = known[1:-1] - known[:-2], known[1:-1] - known[2:]
        if differential:
            told[at[1:-1]] = np.where(left * right > 0, np.minimum(np.abs(left), np.abs(right)), 0.0)
        else:
            told[at[1:-1]] = np.abs(left + right) / 2
    return told


def spike(values: Series, suspect: float, fail: float | None = None, *, differential: bool = True) -> Flags:
    """Readings that stand out by more than so much; the first and the last cannot be evaluated."""
    flags = _all_pass(values)
    out = prominence(values, differential=differential)
    with np.errstate(invalid="ignore"):
        flags[np.isfinite(values) & np.isnan(out)] = NOT_EVALUATED
        flags[out > suspect] = SUSPECT
        if fail is not None:
            flags[out > fail] = FAIL
    return flags


def flat_line(
    values: Series, seconds: Series, suspect: float, fail: float | None = None, tolerance: float = 0.0
) -> Flags:
    """Readings at which the value has kept within `tolerance` for so many seconds.

    The first readings of a series pass: how long they have been so is not known. A stretch of which less than half
    was read proves nothing.
    """
    flags = _all_pass(values)
    at = np.flatnonzero(np.isfinite(values))
    if len(at) < 2:
        return flags
    known, times = values[at], seconds[at]
    every = float(np.median(np.diff(times)))
    for span, flag in ((suspect, SUSPECT), (fail, FAIL)):
        if span is not None:
            flags[at[_flat(known, times, max(1, int(span / every)), 2 * span, tolerance)]] = flag
    return flags


def _flat(
    known: Series, times: Series, steps: int, longest: float, tolerance: float
) -> npt.NDArray[np.bool_]:
    """Where the last steps + 1 readings lie within the tolerance of each other, and within so many seconds."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    told = np.zeros(len(known), dtype=bool)
    if len(known) <= steps:
        return told
    shift = (steps + 1) // 2 + (steps + 1) % 2 - 1  # the window ends at its reading
    highest = maximum_filter1d(known, steps + 1, mode="nearest", origin=shift)
    spread = highest - minimum_filter1d(known, steps + 1, mode="nearest", origin=shift)
    told[steps:] = (spread[steps:] < tolerance) | (spread[steps:] == 0)
    told[steps:] &= times[steps:] - times[:-steps] <= longest
    return told


def worst(*tests: Flags) -> Flags:
    """One flag for each reading of what several tests gave it."""
    told = np.full(len(tests[0]), MISSING, dtype=np.uint8)
    for flag in reversed(WORST):
        for flags in tests:
            told[flags == flag] = flag
    return told


def _all_pass(values: Series) -> Flags:
    return np.where(np.isfinite(values), PASS, MISSING).astype(np.uint8)
