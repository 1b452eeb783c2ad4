"""What a zone will draw in the hours to come, from its own hours so far. Knows numbers only.

The same hour of the last days of the same kind (weekday, holidays as Sundays), the newest counting most, and what the
last three days drew beyond their own such mean, fading day by day. Source: exponential smoothing of seasonal series,
Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, chapter 8; intervals are the empirical
quantiles of the model's own past errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.expected import Array

HOURS = 24
ALIKE, FADE = 8, 0.75  # days of the same kind that count, and the weight of each against the one after it
REACH = 70  # days back in which they are looked for
RECENT, RECENT_FADE = (
    3,
    0.6,
)  # days whose excess is carried on, and the weight of each against the one after it
CARRIED = 0.9  # of the excess that is left a day later
TRIED = 56  # days of the past that are forecast again, to know the errors


@dataclass(frozen=True)
class Outlook:
    """Arrays of (zones x days x 24 hours) [m³/h]; hours before the forecast's begin are nan.

    `errors` (tries x zones x days x hours) are measured less forecast, of the past; `rivals` the same of the naive
    week and of the mean of the last four same weekdays.
    """

    flow: Array
    low: Array
    high: Array
    errors: Array
    rivals: dict[str, Array]


def forecast(hours: Array, kinds: npt.NDArray[np.int64], day: int, hour: int, days: int) -> Array:
    """(zones x days x 24) [m³/h] from `hour` of `day` on, from what lies before; `kinds` 0..6 of each day.

    `hours` (zones x days x 24) [m³/h], nan where nothing is known; `kinds` covers the days to come too.
    """
    known = hours[:, : day + 1].copy()
    known[:, day, hour:] = np.nan
    excess, weight = np.zeros(len(hours)), np.zeros(len(hours))
    for back in range(RECENT + 1):
        at = day - back
        if at < 0:
            break
        left = known[:, at] - _alike(known[:, :at], kinds, kinds[at])
        sure = np.isfinite(left)
        share = RECENT_FADE**back
        excess += share * np.where(sure, left, 0.0).sum(axis=1) / HOURS
        weight += share * sure.sum(axis=1) / HOURS
    excess = np.where(weight > 0, excess / np.maximum(weight, 1e-9), 0.0)
    told = np.stack([_alike(known, kinds, kinds[day + ahead]) for ahead in range(days)], axis=1)
    told += excess[:, None, None] * CARRIED ** np.arange(days)[None, :, None]
    told[:, 0, :hour] = np.nan
    return np.maximum(told, np.minimum(0.0, _least(known))[:, None, None])


def outlook(
    hours: Array, kinds: npt.NDArray[np.int64], day: int, hour: int, days: int, certainty: float
) -> Outlook:
    """The forecast with intervals of that certainty (0..1), as far as the past has enough days to try it on."""
    flow = forecast(hours, kinds, day, hour, days)
    tries = [at for at in range(day - days - TRIED, day - days) if at >= 21]
    shape = (len(tries), *flow.shape)
    errors = np.full(shape, np.nan)
    rivals = {"naive week": np.full(shape, np.nan), "same weekdays": np.full(shape, np.nan)}
    for row, at in enumerate(tries):
        came = hours[:, at : at + days].copy()
        came[:, 0, :hour] = np.nan
        errors[row] = came - forecast(hours, kinds, at, hour, days)
        weeks = np.stack(
            [hours[:, at - 7 * back : at - 7 * back + days] for back in (1, 2, 3, 4) if at >= 7 * back]
        )
        known = hours[:, at - 7 : at - 7 + days]
        rivals["naive week"][row] = came - known
        count = np.isfinite(weeks).sum(axis=0)
        mean = np.where(np.isfinite(weeks), weeks, 0.0).sum(axis=0) / np.maximum(count, 1)
        rivals["same weekdays"][row] = came - np.where(count > 0, mean, np.nan)
    low, high = _quantiles(errors, certainty)
    return Outlook(flow, np.minimum(flow + low, flow), np.maximum(flow + high, flow), errors, rivals)


def _alike(known: Array, kinds: npt.NDArray[np.int64], kind: int) -> Array:
    """(zones x 24): weighted mean of the last known days of a kind, hour by hour; nan where there is none."""
    days = known.shape[1]
    chosen = [at for at in range(days - 1, max(-1, days - 1 - REACH), -1) if kinds[at] == kind][: ALIKE + 1]
    if not chosen:
        return np.full((len(known), HOURS), np.nan)
    values = known[:, chosen]
    sure = np.isfinite(values)
    weights = FADE ** np.arange(len(chosen))[None, :, None] * sure
    total = weights.sum(axis=1)
    mean = (np.where(sure, values, 0.0) * weights).sum(axis=1) / np.maximum(total, 1e-12)
    return np.where(total > 0, mean, np.nan)


def _least(known: Array) -> Array:
    """Smallest flow that a zone has shown: only one whose flow turns back is forecast below zero."""
    least: Array = np.where(np.isfinite(known), known, 0.0).min(axis=(1, 2))
    return least


def _quantiles(errors: Array, certainty: float) -> tuple[Array, Array]:
    """Quantiles of past errors by hour of the day (with its neighbours), the first day apart from the later ones."""
    tries, zones, days, _ = errors.shape
    low, high = np.full((zones, days, HOURS), np.nan), np.full((zones, days, HOURS), np.nan)
    if tries < 14:
        return low, high
    shares = [(1 - certainty) / 2, (1 + certainty) / 2]
    around = np.concatenate([np.roll(errors, step, axis=3) for step in (-1, 0, 1)], axis=0)
    for ahead in range(days):
        with np.errstate(all="ignore"):
            low[:, ahead], high[:, ahead] = _known_quantiles(around[:, :, ahead], shares)
    return low, high


def _known_quantiles(values: Array, shares: list[float]) -> list[Array]:
    """Quantiles over the first axis of what is known; nan where fewer than 20 values are."""
    ordered = np.sort(values, axis=0)  # nan goes last
    count = np.isfinite(values).sum(axis=0)
    found = []
    for share in shares:
        # One value more than there are: the interval of a new value, not of the old ones (Vovk 2005, conformal).
        place = np.clip((count + 1) * share - 1, 0, np.maximum(count - 1, 0))
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(count - 1, 0))
        below = np.take_along_axis(ordered, low[None], axis=0)[0]
        above = np.take_along_axis(ordered, high[None], axis=0)[0]
        found.append(np.where(count >= 20, below + (above - below) * (place - low), np.nan))
    return found
