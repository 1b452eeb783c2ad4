"""Statistics of rows of nights, one row a zone or a sensor; nan stands for what is not known."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

ODD = 1.5  # times the nights beside it: from here on a night is far above them


def quantile(values: Array, share: float) -> Array:
    """The quantile of each row's known values, as numpy's; nan for rows without one.

    numpy's own nanquantile takes tens of times as long on many short rows.
    """
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)  # nan goes last
    count = np.isfinite(values).sum(axis=1)
    place = np.maximum(count - 1, 0) * share
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    rows = np.arange(len(values))
    below, above = ordered[rows, low], ordered[rows, high]
    found: Array = np.where(count > 0, below + (above - below) * (place - low), np.nan)
    return found


def trailing(values: Array, nights: int, least: int) -> Array:
    """Median of the last `nights` values of each row, the own one left out; the first known one before that."""
    found = np.full(values.shape, np.nan)
    tell_medians(values, nights, least, found)
    return held(found)


def middle(values: list[float]) -> float:
    """The median of a few known values; numpy's takes tens of times as long."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def tell_medians(
    values: Array, nights: int, least: int, found: Array, first: int = 0, end: int | None = None
) -> None:
    """Median of the `nights` values before each night from `first` up to, and without, `end`: written into `found`.

    nan where fewer than `least` of them are known.
    """
    known = np.isfinite(values)
    for at in range(max(first, 1), values.shape[1] if end is None else end):
        past = slice(max(0, at - nights), at)
        enough = known[:, past].sum(axis=1) >= least
        found[:, at] = np.where(enough, quantile(values[:, past], 0.5), np.nan)


def held(found: Array) -> Array:
    """Each row with the last known value in place of what is not known; the first known one before that."""
    told = np.isfinite(found)
    last = np.maximum.accumulate(np.where(told, np.arange(found.shape[1]), -1), axis=1)
    whole: Array = np.take_along_axis(found, np.where(last < 0, told.argmax(axis=1)[:, None], last), axis=1)
    return whole


def mean_of(values: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """(mean of each row's known values, how many there are); nan where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(
            count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan
        ), count


def day_use(by_day: Array, flow: Array) -> Array:
    """Mean over a week of the day's flow less that of its nights [m³/h]: a leak leaves it as it is.

    A night above its day counts as the day, and one far above those beside it as the higher of these: neither is a
    habit of the day, and gardens that are watered once a week would spoil each week.
    """
    none = np.full((len(flow), 1), np.nan)
    beside = np.fmax(np.hstack([none, flow[:, :-1]]), np.hstack([flow[:, 1:], none]))
    with np.errstate(invalid="ignore"):
        night = np.where(flow > ODD * beside, beside, flow)
    night_before = np.hstack([none, night[:, :-1]])

    def use_of(night: Array) -> Array:
        told: Array = by_day - (np.minimum(night, by_day) + np.minimum(night_before, by_day)) / 2
        return told

    use, last = use_of(night), use_of(flow)  # of the last night nobody knows yet what comes after it
    week = np.full_like(use, np.nan)
    for at in range(use.shape[1]):
        part = np.hstack([use[:, max(0, at - 6) : at], last[:, at : at + 1]])
        known = np.isfinite(part).sum(axis=1)
        week[:, at] = np.where(known >= 4, np.nansum(part, axis=1) / np.maximum(known, 1), np.nan)
    for at in range(1, use.shape[1]):
        gap = ~np.isfinite(week[:, at])
        week[gap, at] = week[gap, at - 1]
    with np.errstate(all="ignore"):
        ordinary = np.array([_first_median(row) for row in week])
    return np.where(np.isfinite(week), week - ordinary[:, None], 0.0)


def _first_median(row: Array) -> float:
    known = row[np.isfinite(row)][:21]
    return float(np.median(known)) if len(known) else 0.0


def half_normal(weeks: int) -> Array:
    """So many typical sizes of a standard normal figure: the prior's stand-ins among observed changes."""
    ordinary = NormalDist()
    return np.array([ordinary.inv_cdf(0.5 + (at + 0.5) / weeks / 2) for at in range(weeks)])
