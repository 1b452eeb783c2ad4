"""What a zone will draw in the hours to come, from its own hours so far. Knows numbers only.

Each weekday has its usual course: the mean of its last ten days, the newest counting most, far outliers drawn in. What
the last days drew beyond their usual course is carried on, by level and by hour of the day, the more of it the shorter
ago and the nearer ahead. Source: exponential smoothing of seasonal series, Hyndman and Athanasopoulos (2021),
Forecasting: principles and practice, chapters 8 and 12 (residual corrections); intervals are the empirical quantiles of
the model's own past errors, Vovk et al. (2005).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array

HOURS = 24
ALIKE, FADE = 10, 0.9  # days of the same kind that count, and the weight of each against the one after it
REACH = 70  # days back in which they are looked for
FAR = 2.5  # standard deviations beyond which a day counts as if it lay there
SPREAD = 1.4826  # standard deviations of a normal figure in its median absolute deviation
BACK = 28  # days whose excess over the usual course is carried on
TRIED = 56  # days of the past that are forecast again, to know the errors
FEWEST = 14  # of them that tell an interval, and days that a zone had been known for

# What is carried on of the excess: (weight a day back, days, share carried 24 hours ahead, that share's change a day).
# Levels are of the whole day: yesterday's, the last three days', the last three weeks' ...
LEVELS = ((0.0, 1, 0.42, 0.80), (0.6, 3, 0.36, 0.93), (0.9, 21, 0.12, 1.10))
# ... and courses what an hour of the day drew beyond the day's level: of the last days, of the last four weeks.
COURSES = ((0.7, 4, 0.45, 0.85), (0.93, 28, 0.45, 1.0))


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


class Usual:
    """The usual course of each kind of day as it was known on any day: from the days before that one alone.

    `hours` (zones x days x 24) [m³/h], nan where nothing is known; `kinds` 0..6 of each day, and of days to come.
    """

    def __init__(self, hours: Array, kinds: npt.NDArray[np.int64]) -> None:
        self.hours, self.kinds = hours, kinds
        self._days: dict[int, list[int]] = {}
        self._means: dict[int, list[Array]] = {}

    def course(self, day: int, kind: int) -> Array:
        """(zones x 24) [m³/h] of a kind, as known before `day`; that of any day where the kind was never seen."""
        if kind not in self._days:
            self._days[kind] = np.flatnonzero(self.kinds[: self.hours.shape[1]] == kind).tolist()
            self._means[kind] = []
        days, means = self._days[kind], self._means[kind]
        seen = bisect_left(days, day)
        while len(means) < seen:
            at = len(means) + 1
            last = days[at - 1]
            means.append(_mean(self.hours[:, [one for one in days[:at] if one > last - REACH][-ALIKE:]]))
        if seen and np.isfinite(means[seen - 1]).all():
            return means[seen - 1]
        any_day = (
            _mean(self.hours[:, max(0, day - ALIKE) : day]) if day else np.full_like(self.hours[:, 0], np.nan)
        )
        return any_day if not seen else np.where(np.isfinite(means[seen - 1]), means[seen - 1], any_day)


def forecast(hours: Array, kinds: npt.NDArray[np.int64], day: int, hour: int, days: int) -> Array:
    """(zones x days x 24) [m³/h] from `hour` of `day` on, from what lies before; `kinds` 0..6 of each day.

    `hours` (zones x days x 24) [m³/h], nan where nothing is known; `kinds` covers the days to come too.
    """
    usual = Usual(_until(hours[:, : day + 1], day, hour), kinds)
    return _forecast(usual, _beyond(usual, day, hour), day, hour, days)


def outlook(
    hours: Array, kinds: npt.NDArray[np.int64], day: int, hour: int, days: int, certainty: float
) -> Outlook:
    """The forecast with intervals of that certainty (0..1), as far as the past has enough days to try it on."""
    known = _until(hours, day, hour)
    usual = Usual(known[:, : day + 1], kinds)
    beyond = _beyond(usual, day, hour)
    flow = _forecast(usual, beyond, day, hour, days)
    came_later = np.full((len(hours), days, HOURS), np.nan)
    known = np.concatenate([known[:, : day + 1], came_later], axis=1)
    tries = [at for at in range(day - TRIED, day) if at >= FEWEST]
    before = np.isfinite(known).any(axis=2).cumsum(axis=1)
    shape = (len(tries), *flow.shape)
    errors = np.full(shape, np.nan)
    rivals = {"naive week": np.full(shape, np.nan), "same weekdays": np.full(shape, np.nan)}
    for row, at in enumerate(tries):
        came = known[:, at : at + days].copy()
        came[:, 0, :hour] = np.nan
        came[before[:, at - 1] < FEWEST] = np.nan
        errors[row] = came - _forecast(usual, beyond, at, hour, days)
        weeks = np.stack(
            [known[:, at - 7 * back : at - 7 * back + days] for back in (1, 2, 3, 4) if at >= 7 * back]
        )
        rivals["naive week"][row] = came - weeks[0]
        count = np.isfinite(weeks).sum(axis=0)
        mean = np.where(np.isfinite(weeks), weeks, 0.0).sum(axis=0) / np.maximum(count, 1)
        rivals["same weekdays"][row] = came - np.where(count > 0, mean, np.nan)
    low, high = _quantiles(errors, certainty)
    return Outlook(flow, np.minimum(flow + low, flow), np.maximum(flow + high, flow), errors, rivals)


def conformal(share: float, tries: Array | int) -> Array:
    """The quantile [0..1] of so many past errors that a new one stays below with that probability.

    One error more than there are: the interval is of a new value, not of the old ones. Source: Vovk et al. (2005).
    """
    count = np.maximum(tries, 1)
    raised: Array = np.clip(0.5 + (share - 0.5) * (count + 1) / count, 0.0, 1.0)
    return raised


def _until(hours: Array, day: int, hour: int) -> Array:
    """The hours as they were known at a begin: later ones are nan."""
    known = hours.copy()
    known[:, day + 1 :] = np.nan
    known[:, day : day + 1, hour:] = np.nan
    return known


def _mean(values: Array) -> Array:
    """(zones x 24): weighted mean of (zones x days x 24), the last day counting most; outliers are drawn in."""
    sure = np.isfinite(values)
    middle = _median(values)[:, None]
    spread = SPREAD * _median(np.abs(values - middle))
    # An hour that was the same by chance is not known that well: half of the day's own scatter is the least.
    spread = FAR * np.maximum(spread, 0.5 * _median(spread)[:, None])[:, None]
    drawn = np.where(sure, np.clip(values, middle - spread, middle + spread), 0.0)
    weights = FADE ** np.arange(values.shape[1])[None, ::-1, None] * sure
    total = weights.sum(axis=1)
    return np.where(total > 0, (drawn * weights).sum(axis=1) / np.maximum(total, 1e-12), np.nan)


def _median(values: Array) -> Array:
    """Median over the second axis of what is known; nan where nothing is."""
    ordered = np.sort(values, axis=1)  # nan goes last
    count = np.isfinite(values).sum(axis=1)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1)
    ends = [np.take_along_axis(ordered, at[:, None], axis=1)[:, 0] for at in (low, high)]
    found: Array = np.where(count > 0, (ends[0] + ends[1]) / 2, np.nan)
    return found


def _beyond(usual: Usual, day: int, hour: int) -> Array:
    """(zones x days x 24): what each hour before `hour` of `day` drew beyond its usual course; nan after it."""
    known = _until(usual.hours[:, : day + 1], day, hour)
    for at in range(known.shape[1]):
        known[:, at] -= usual.course(at, int(usual.kinds[at]))
    return known


def _forecast(usual: Usual, beyond: Array, day: int, hour: int, days: int) -> Array:
    told = np.stack([usual.course(day, int(usual.kinds[day + ahead])) for ahead in range(days)], axis=1)
    last = _last_days(beyond, day, hour)
    level = np.where(np.isfinite(last).sum(axis=2) >= HOURS // 2, _known_mean(last, 2), np.nan)
    course = last - level[:, :, None]
    ahead = np.maximum(np.arange(days)[:, None] * HOURS + np.arange(HOURS)[None] - hour, 0) // HOURS
    for weight, count, share, fading in LEVELS:
        told += _newest(level[:, :, None], weight, count)[:, None] * (share * fading**ahead)[None]
    for weight, count, share, fading in COURSES:
        own = _newest(course, weight, count)
        smooth = (np.roll(own, 1, axis=1) + 2 * own + np.roll(own, -1, axis=1)) / 4
        told += smooth[:, None] * (share * fading**ahead)[None]
    told[:, 0, :hour] = np.nan
    least = np.where(np.isfinite(usual.hours[:, :day]), usual.hours[:, :day], 0.0).min(
        axis=(1, 2), initial=0.0
    )
    # Only a zone whose flow has turned back is forecast below zero.
    bounded: Array = np.maximum(told, least[:, None, None])
    return bounded


def _last_days(beyond: Array, day: int, hour: int) -> Array:
    """(zones x days x 24): the last 24 hours before a begin, those before them and so on, each by hour of the day."""
    line = beyond.reshape(len(beyond), -1)[:, : day * HOURS + hour]
    count = min(BACK, line.shape[1] // HOURS)
    whole = line[:, line.shape[1] - count * HOURS :].reshape(len(beyond), count, HOURS)
    days: Array = np.roll(whole[:, ::-1], hour, axis=2)
    return days


def _newest(values: Array, weight: float, count: int) -> Array:
    """(zones x hours): weighted mean of the first `count` of (zones x days x hours); zero where none is known."""
    part = values[:, :count]
    sure = np.isfinite(part)
    weights = weight ** np.arange(part.shape[1])[None, :, None] * sure
    total = weights.sum(axis=1)
    return np.where(
        total > 0, (np.where(sure, part, 0.0) * weights).sum(axis=1) / np.maximum(total, 1e-12), 0.0
    )


def _known_mean(values: Array, axis: int) -> Array:
    sure = np.isfinite(values)
    mean: Array = np.where(sure, values, 0.0).sum(axis=axis) / np.maximum(sure.sum(axis=axis), 1)
    return mean


def _quantiles(errors: Array, certainty: float) -> tuple[Array, Array]:
    """Quantiles of past errors by hour of the day with its neighbours; nan where too few tries tell."""
    tries, zones, days, _ = errors.shape
    low, high = np.full((zones, days, HOURS), np.nan), np.full((zones, days, HOURS), np.nan)
    if tries < FEWEST:
        return low, high
    around = np.concatenate([np.roll(errors, step, axis=3) for step in (-1, 0, 1)], axis=0)
    for ahead in range(days):
        # Errors of neighbouring hours are alike, and those of forecasts whose days overlap are half alike: an
        # interval knows fewer of them than there are.
        counted = np.isfinite(errors[:, :, ahead]).sum(axis=0)
        apart = counted / np.sqrt(1 + ahead)
        ordered = np.sort(around[:, :, ahead], axis=0)  # nan goes last
        known = np.isfinite(ordered).sum(axis=0)
        for ends, share in ((low, (1 - certainty) / 2), (high, (1 + certainty) / 2)):
            place = conformal(share, apart) * np.maximum(known - 1, 0)
            below = np.floor(place).astype(np.int64)
            above = np.minimum(below + 1, np.maximum(known - 1, 0))
            first, second = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (below, above))
            ends[:, ahead] = np.where(counted >= FEWEST, first + (second - first) * (place - below), np.nan)
    return low, high
