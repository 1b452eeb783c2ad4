"""What a zone will draw in the hours to come, from its own hours so far. Knows numbers only.

Each weekday has its usual course: the mean of its last ten days, the newest counting most, far outliers drawn in. What
the last days drew beyond their usual course is carried on, by level and by hour of the day, the more of it the shorter
ago and the nearer ahead. Source: exponential smoothing of seasonal series, Hyndman and Athanasopoulos (2021),
Forecasting: principles and practice, chapters 8 and 12 (residual corrections).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.forecasts import lasting
from cityctl.analysis.water.forecasts.intervals import FEWEST, quantiles

HOURS = 24
ALIKE, FADE = 10, 0.9  # days of the same kind that count, and the weight of each against the one after it
REACH = 70  # days back in which they are looked for
MOST = 4.0  # times what a zone exceeds in a hundredth of its hours, beyond which a reading is a fault
FAR = 2.5  # standard deviations beyond which a day counts as if it lay there
SPREAD = 1.4826  # standard deviations of a normal figure in its median absolute deviation
BACK = 28  # days whose excess over the usual course is carried on
TRIED = 56  # days of the past that are forecast again, to know the errors

# What is carried on of the excess: (weight a day back, days, share carried 24 hours ahead, that share's change a day).
# Levels are of the whole day: yesterday's, the last three days', the last three weeks' ...
LEVELS = ((0.0, 1, 0.42, 0.80), (0.6, 3, 0.36, 0.93), (0.9, 21, 0.12, 1.10))
# ... and courses what an hour of the day drew beyond the day's level: of the last days, of the last four weeks.
COURSES = ((0.7, 4, 0.45, 0.85), (0.93, 28, 0.45, 1.0))


@dataclass(frozen=True)
class Outlook:
    """Arrays of (zones x days x 24 hours) [m³/h]; hours before the forecast's begin are nan.

    `errors` (tries x zones x days x hours) are measured less forecast, of the past; `rivals` the same of the naive
    week and of the mean of the last four same weekdays. `least` (zones): no hour is told below it; 0, but where flow
    has turned back.
    """

    flow: Array
    low: Array
    high: Array
    errors: Array
    rivals: dict[str, Array]
    least: Array


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
    """The forecast with intervals of that certainty (0..1), as far as the past has enough days to try it on.

    Where a zone's level has changed for good, what it drew before is forgotten as soon as that is seen.
    """
    known = _believed(_until(hours, day, hour)[:, : day + 1])
    tries = [at for at in range(day - TRIED, day) if at >= FEWEST]
    came = _came(known, tries, hour, days)
    flow, errors, off = _tried(known, kinds, day, hour, tries, came)
    first = lasting.since(off, _mean_size(known))
    changed = np.flatnonzero(first)
    if len(changed):
        earlier = (np.arange(day + 1)[None] < first[changed, None])[..., None]
        later, before = (np.where(earlier == now, np.nan, known[changed]) for now in (True, False))
        flow[changed], again, _ = _tried(later, kinds, day, hour, tries, came[:, changed])
        seen = np.array(tries)[:, None] >= first[changed] + lasting.WEEK
        grown = np.maximum(1.0, _mean_size(later) / np.maximum(_mean_size(before), 1e-9))
        old = errors[:, changed] * grown[:, None, None]  # a larger zone errs by more
        errors[:, changed] = np.where(seen[..., None, None], again, old)
    low, high = quantiles(errors, certainty)
    least = _least(known)
    low = np.maximum(np.minimum(flow + low, flow), least[:, None, None])
    return Outlook(flow, low, np.maximum(flow + high, flow), errors, _rivals(known, tries, came), least)


def _came(known: Array, tries: list[int], hour: int, days: int) -> Array:
    """(tries x zones x days x 24): what was measured after each try; nothing of zones that were hardly known then."""
    before = _days_known(known).cumsum(axis=1)
    known = np.concatenate([known, np.full((len(known), days, HOURS), np.nan)], axis=1)
    told = np.full((len(tries), len(known), days, HOURS), np.nan)
    for row, at in enumerate(tries):
        ready = before[:, at - 1] >= FEWEST
        told[row, ready] = known[ready, at : at + days]
        told[row, :, 0, :hour] = np.nan
    return told


def _tried(
    known: Array, kinds: npt.NDArray[np.int64], day: int, hour: int, tries: list[int], came: Array
) -> tuple[Array, Array, Array]:
    """(the forecast, the errors of each try, by how much each day before lay above its usual course)."""
    days = came.shape[2]
    usual = Usual(known, kinds)
    beyond = _beyond(usual, day, hour)
    errors = np.empty(came.shape)
    for row, at in enumerate(tries):
        errors[row] = came[row] - _forecast(usual, beyond, at, hour, days)
    return _forecast(usual, beyond, day, hour, days), errors, _levels(beyond[:, :day])


def _rivals(known: Array, tries: list[int], came: Array) -> dict[str, Array]:
    """Name -> errors of the naive week, and of the mean of the last four same weekdays."""
    days = came.shape[2]
    known = np.concatenate([known, np.full((len(known), days, HOURS), np.nan)], axis=1)
    rivals = {"naive week": np.full(came.shape, np.nan), "same weekdays": np.full(came.shape, np.nan)}
    for row, at in enumerate(tries):
        weeks = np.stack(
            [known[:, at - 7 * back : at - 7 * back + days] for back in (1, 2, 3, 4) if at >= 7 * back]
        )
        rivals["naive week"][row] = came[row] - weeks[0]
        count = np.isfinite(weeks).sum(axis=0)
        mean = np.where(np.isfinite(weeks), weeks, 0.0).sum(axis=0) / np.maximum(count, 1)
        rivals["same weekdays"][row] = came[row] - np.where(count > 0, mean, np.nan)
    return rivals


def _until(hours: Array, day: int, hour: int) -> Array:
    """The hours as they were known at a begin: later ones are nan."""
    known = hours.copy()
    known[:, day + 1 :] = np.nan
    known[:, day : day + 1, hour:] = np.nan
    return known


def _believed(hours: Array) -> Array:
    """The hours without those that no zone draws: more than `MOST` times what it exceeds in a hundredth of them."""
    size = np.abs(hours).reshape(len(hours), -1)
    size[size == 0] = np.nan  # what fills a tank now and then is no less to be believed for the pauses
    known = np.isfinite(size).any(axis=1)
    most = np.full(len(hours), np.inf)
    if known.any():
        most[known] = MOST * np.nanquantile(size[known], 0.99, axis=1)
    return np.where(np.abs(hours) <= most[:, None, None], hours, np.nan)


def _least(hours: Array) -> Array:
    """(zones) [m³/h]: the least that was ever drawn where that is below zero, else 0."""
    least: Array = np.where(np.isfinite(hours), hours, 0.0).min(axis=(1, 2), initial=0.0)
    return least


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
    there = _days_known(known)
    for at in range(known.shape[1]):
        known[:, at] -= usual.course(at, int(usual.kinds[at]))
    for kind in range(7):
        own = np.flatnonzero(usual.kinds[: known.shape[1]] == kind)
        # The first day of a kind lies off the others by what its kind draws: that says nothing of the next ones.
        seen = there[:, own].cumsum(axis=1) > there[:, own]
        known[:, own] = np.where(seen[..., None], known[:, own], np.nan)
    return known


def _forecast(usual: Usual, beyond: Array, day: int, hour: int, days: int) -> Array:
    told = np.stack([usual.course(day, int(usual.kinds[day + ahead])) for ahead in range(days)], axis=1)
    last = _last_days(beyond, day, hour)
    level = _levels(last)
    course = last - level[:, :, None]
    ahead = np.maximum(np.arange(days)[:, None] * HOURS + np.arange(HOURS)[None] - hour, 0) // HOURS
    for weight, count, share, fading in LEVELS:
        told += _newest(level[:, :, None], weight, count)[:, None] * (share * fading**ahead)[None]
    for weight, count, share, fading in COURSES:
        own = _newest(course, weight, count)
        smooth = (np.roll(own, 1, axis=1) + 2 * own + np.roll(own, -1, axis=1)) / 4
        told += smooth[:, None] * (share * fading**ahead)[None]
    told[:, 0, :hour] = np.nan
    # Only a zone whose flow has turned back is forecast below zero.
    bounded: Array = np.maximum(told, _least(usual.hours[:, :day])[:, None, None])
    return bounded


def _days_known(hours: Array) -> npt.NDArray[np.int64]:
    """(zones x days): 1 where anything is known of a day, else 0."""
    return np.asarray(np.isfinite(hours).any(axis=2), dtype=np.int64)


def _levels(beyond: Array) -> Array:
    """(zones x days): the mean of each day; nan where less than half of it is known."""
    enough = np.isfinite(beyond).sum(axis=2) >= HOURS // 2
    levels: Array = np.where(enough, _known_mean(beyond, 2), np.nan)
    return levels


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


def _mean_size(hours: Array) -> Array:
    """(zones) [m³/h]: the mean of the flows, whichever way they run."""
    return _known_mean(np.abs(hours).reshape(len(hours), -1), 1)


def _known_mean(values: Array, axis: int) -> Array:
    sure = np.isfinite(values)
    mean: Array = np.where(sure, values, 0.0).sum(axis=axis) / np.maximum(sure.sum(axis=axis), 1)
    return mean
