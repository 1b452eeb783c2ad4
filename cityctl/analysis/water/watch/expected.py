"""The night flow that a zone's own history lets expect, and how far off that may be. Knows numbers only.

One Kalman filter a zone, all zones at a time. Its nine figures: the zone's level [m³/h], which wanders; the share
of the day's use that is used by night too (learnt: where demand rises in summer, night use rises with it, while a
leak adds to day and night alike and leaves their difference alone); and the ways of the seven weekdays, holidays
counting as Sundays. Source: Harvey (1989), Forecasting, structural time series models and the Kalman filter, 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, half_normal, mean_of, middle, quantile

FIGURES = 9
LEVEL, SHARE, DAYS = 0, 1, slice(2, 9)
ODD_TIMES = 3  # weeks in which a weekday surprises the same way before it is believed
KEPT = 64  # how many nights back a state can be asked for


@dataclass(frozen=True)
class Assumptions:
    """What is assumed of every zone until its own history says more; shares are of its mean inflow.

    None of these is tuned to a network: `noise` is the usual night-to-night scatter, worth `noise_nights` nights of the
    zone's own evidence. A level wanders by `drift_share` of what the zone's course of the day does, which no leak
    moves, between `least_drift` and `drift` at most; that is worth `drift_weeks` weeks of its own evidence.
    """

    noise: float = 0.01
    noise_nights: int = 10
    drift: float = 0.004
    drift_share: float = 0.5
    drift_weeks: int = 6
    least_drift: float = 0.0007
    most_drift: float = 0.03
    share: float = 0.40
    share_sd: float = 0.15
    level_sd: float = 0.30
    weekday_sd: float = 0.10
    weekday_drift: float = 0.0005
    outlier: float = 2.5
    lag: int = 14


class Expected:
    """The filters of all zones, fed one night after the other.

    `flow` [m³/h] (zones x nights, nan where there is no valid night), `use` from day_use, `kinds` 0..6 of each
    night (Monday..Sunday), `inflow` [m³/h] the mean inflow as it was known before each night, `wander` (zones x nights)
    how far the course of the day wanders in a night, as a share of it (shape.Wandering), up to the night that is fed;
    `phase` as Seen has it.
    """

    def __init__(
        self,
        flow: Array,
        use: Array,
        kinds: npt.NDArray[np.int64],
        inflow: Array,
        wander: Array,
        given: Assumptions,
        phase: int = 0,
    ) -> None:
        zones, nights = flow.shape
        self.flow, self.inflow, self.kinds, self.given = flow, inflow, kinds, given
        self.wander, self.phase = wander, phase % 7
        self.known = np.isfinite(flow)
        self.first = np.where(self.known.any(axis=1), self.known.argmax(axis=1), nights)
        self.design = np.zeros((nights, zones, FIGURES))
        self.design[:, :, LEVEL] = 1
        self.design[:, :, SHARE] = use.T
        self.design[np.arange(nights), :, 2 + kinds] = 1
        self.state = np.zeros((zones, FIGURES))
        self.spread = np.zeros((zones, FIGURES, FIGURES))
        self.noise = np.zeros(zones)
        self.drift = np.zeros(zones)
        self.growth = np.zeros(zones)
        self.odd = np.zeros((zones, 7))
        self.added = np.zeros((zones, nights + 1))
        self.adjusted = np.full((zones, nights), np.nan)
        self.rest = np.full((zones, nights), np.nan)
        self.predicted = np.full((zones, nights), np.nan)
        self.states = np.zeros((KEPT, zones, FIGURES))
        self.spreads = np.zeros((KEPT, zones, FIGURES, FIGURES))
        self.sunk = np.full((zones, self.week(nights) + 1), np.nan)
        self.changed = np.zeros(zones, dtype=np.bool_)
        self._stand_ins = half_normal(given.drift_weeks)
        self._begin()

    def _begin(self) -> None:
        given = self.given
        for zone, first in enumerate(self.first):
            if first == self.flow.shape[1]:
                continue
            week = self.flow[zone, self.known[zone]][:7]
            inflow = self.inflow[zone, first]
            self.state[zone, LEVEL] = middle(week.tolist())
            self.state[zone, SHARE] = given.share
            spread = np.full(FIGURES, (given.weekday_sd * inflow) ** 2)
            spread[LEVEL], spread[SHARE] = (given.level_sd * inflow) ** 2, given.share_sd**2
            self.spread[zone] = np.diag(spread)
            self.noise[zone], self.drift[zone] = given.noise * inflow, given.drift * inflow
        self.states[0], self.spreads[0] = self.state, self.spread

    def feed(self, night: int) -> None:
        """Take in one night: predict it, compare, learn."""
        self._settle_noise(night)
        self.added[:, night + 1] = self.added[:, night] + self.growth**2
        self.predicted[:, night] = np.einsum("zf,zf->z", self.design[night], self.state)
        everyone = np.arange(len(self.flow))
        wary = ~self._odd_again(night)
        self.state, self.spread = self._step(self.state, self.spread, everyone, night, self.growth**2, wary)
        self.growth *= 0.85
        self.keep(everyone, night)
        rest = self.design[night, :, 1:]
        self.adjusted[:, night] = self.flow[:, night] - np.einsum("zf,zf->z", rest, self.state[:, 1:])
        self.rest[:, night] = self.flow[:, night] - self.predicted[:, night]

    def _odd_again(self, night: int) -> npt.NDArray[np.bool_]:
        """Zones in which a weekday is odd the same way for the third time: it has another way than was thought."""
        kind = self.kinds[night]
        seen = self.design[night]
        spread = np.einsum("zi,zij,zj->z", seen, self.spread, seen)
        with np.errstate(divide="ignore", invalid="ignore"):
            surprise = self.flow[:, night] - self.predicted[:, night]
            far = surprise / np.sqrt(spread + self.noise**2)
        way = np.where(np.isfinite(far) & (np.abs(far) > self.given.outlier), np.sign(far), 0.0)
        before = self.odd[:, kind]
        times = np.where(way * before > 0, before + way, way)
        again: npt.NDArray[np.bool_] = np.abs(times) >= ODD_TIMES
        self.odd[:, kind] = np.where(self.known[:, night], np.where(again, 0.0, times), before)
        self.spread[again, 2 + kind, 2 + kind] += surprise[again] ** 2
        return again

    def week(self, night: int) -> int:
        """In which week a night lies."""
        return (night + self.phase) // 7

    def keep(self, zones: npt.NDArray[np.int64], night: int) -> None:
        """Remember the states after a night."""
        self.states[(night + 1) % KEPT, zones] = self.state[zones]
        self.spreads[(night + 1) % KEPT, zones] = self.spread[zones]

    def _step(
        self,
        state: Array,
        spread: Array,
        zones: npt.NDArray[np.int64],
        night: int,
        growth: Array | float,
        wary: npt.NDArray[np.bool_] | bool,
    ) -> tuple[Array, Array]:
        given = self.given
        seen, inflow, noise = self.design[night, zones], self.inflow[zones, night], self.noise[zones]
        spread = spread.copy()
        begun = night >= self.first[zones]
        spread[:, LEVEL, LEVEL] += begun * (self.drift[zones] ** 2 + growth)
        at = np.arange(2, FIGURES)
        spread[:, at, at] += (begun * (given.weekday_drift * inflow) ** 2)[:, None]
        toward = np.einsum("zij,zj->zi", spread, seen)
        total = np.einsum("zi,zi->z", seen, toward) + noise**2
        surprise = self._surprise(state, zones, night)
        known = np.isfinite(surprise) & (total > 0)
        surprise = np.where(known, surprise, 0.0)
        # A far outlier teaches less: its variance grows with the square of how far it lies.
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.where(known & wary, np.abs(surprise) / np.sqrt(total) / given.outlier, 0.0)
        total = total * np.maximum(far, 1.0) ** 2
        gain = np.where(known[:, None], toward / np.where(known, total, 1.0)[:, None], 0.0)
        state = state + gain * surprise[:, None]
        spread = spread - np.einsum("zi,zj->zij", gain, toward)
        return state, (spread + spread.transpose(0, 2, 1)) / 2

    def _surprise(self, state: Array, zones: npt.NDArray[np.int64], night: int) -> Array:
        """What a night has beyond expectation [m³/h]."""
        told: Array = self.flow[zones, night] - np.einsum("zi,zi->z", self.design[night, zones], state)
        return told

    def _settle_noise(self, night: int) -> None:
        """Scatter from one night to the next, of the last 90 nights; what the weekdays do is taken out,

        learnt or not: each weekday's own median goes.
        """
        age = night - self.first
        weekly = (night + self.phase) % 7 == 0
        zones = np.flatnonzero((age >= 11) & ((age <= 60) | weekly))
        if not len(zones):
            return
        given = self.given
        first = max(0, night - 90)
        recent = self.rest[zones, first:night]
        for kind in range(7):
            same = self.kinds[first:night] == kind
            if same.any():
                recent[:, same] -= quantile(recent[:, same], 0.5)[:, None]
        steps = np.abs(np.diff(recent, axis=1)) / np.sqrt(2)
        count = np.isfinite(steps).sum(axis=1)
        # The larger of two robust scales: outliers are common enough in some zones to be their nature.
        scales = quantile(steps, 0.5) / 0.6745, quantile(steps, 0.8) / 1.2816
        own = np.where(count > 0, np.maximum(*scales), 0.0)
        prior = given.noise * self.inflow[zones, night]
        weight = given.noise_nights
        settled = np.sqrt((weight * prior**2 + count * own**2) / (weight + count))
        self.noise[zones] = np.where(np.isfinite(settled), settled, self.noise[zones])

    def settle_drift(self, night: int, since: npt.NDArray[np.int64]) -> None:
        """Once a week: by how much the level of a fortnight ago has sunk by itself, robustly, over a year.

        `since`: no night before it counts, zone by zone: what a leak changed is no drift. Rises do not count either:
        leaks that nobody has found yet make them, and a level that wanders sinks as often.
        """
        given = self.given
        if (night + self.phase) % 7 != 6:
            return
        week, lag = self.week(night), given.lag
        now, known_now = mean_of(self.adjusted[:, max(0, night - 6) : night + 1])
        then, known_then = mean_of(self.adjusted[:, max(0, night - 6 - lag) : max(0, night + 1 - lag)])
        whole = (night - lag - 6 >= since) & (known_now >= 5) & (known_then >= 5)
        self.sunk[:, week] = np.where(whole, np.maximum(then - now, 0.0), np.nan)
        self.changed |= whole
        inflow = self.inflow[:, night]
        scatter = 2 * self.noise**2 / 7
        sunk = self.sunk[:, max(0, week - 51) : week + 1]
        own = np.where(sunk > 0, sunk, np.nan)
        usual_drift = np.clip(given.drift_share * self.wander[:, night], given.least_drift, given.drift)
        usual = np.sqrt((usual_drift * inflow) ** 2 * lag + scatter)[:, None] * self._stand_ins
        size = quantile(np.concatenate([own, usual], axis=1), 0.5) / 0.6745
        drift = np.sqrt(np.maximum(0.0, size**2 - scatter) / lag)
        drift = np.clip(drift, given.least_drift * inflow, given.most_drift * inflow)
        self.drift = np.where(self.changed, drift, self.drift)

    def restart(
        self, zone: int, begin: int, night: int, state: Array, spread: Array, growth: float, wary: bool
    ) -> None:
        """Filter one zone again from the state before `begin` up to `night`.

        What these nights had beyond expectation is told anew: the change is no scatter, nor is its first night.
        """
        one = np.array([zone])
        here, wide = state[None].copy(), spread[None].copy()
        for at in range(begin, night + 1):
            self.rest[zone, at] = np.nan if at == begin else self._surprise(here, one, at)[0]
            here, wide = self._step(here, wide, one, at, growth**2, wary)
            self.states[(at + 1) % KEPT, zone] = here[0]
            self.spreads[(at + 1) % KEPT, zone] = wide[0]
        self.state[zone], self.spread[zone] = here[0], wide[0]
        self.sunk[zone, self.week(max(0, begin)) :] = np.nan

    def before(self, zone: int, night: int) -> tuple[Array, Array]:
        """State and spread of a zone as they were before a night, at most KEPT - 1 nights ago."""
        return self.states[night % KEPT, zone].copy(), self.spreads[night % KEPT, zone].copy()
