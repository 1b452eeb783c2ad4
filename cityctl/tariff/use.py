"""Use of one meter in windows of time, as a tariff looks at it. Arrays; knows no price, no meter and no SQL."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Use:
    """Windows of one meter in order of time; arrays of the same length.

    `energy` [kWh, or m³], `hours` [h] of each window, `month` (year x 12 + month - 1), `minute` of the local day,
    `weekday` 0..6 and `holiday` of the local calendar, `day` (days since 1970-01-01), `reactive` [kvarh] and
    `fed` [kWh that went back], None where they are not metered, `at` [min of UTC], None where no clock was put back.
    """

    energy: Any
    hours: Any
    month: Any
    minute: Any
    weekday: Any
    holiday: Any
    day: Any
    reactive: Any = None
    fed: Any = None
    at: Any = None

    def of(self, chosen: Any) -> Use:
        """The windows that are chosen by an array of truths, or of places."""
        return Use(
            self.energy[chosen], self.hours[chosen], self.month[chosen], self.minute[chosen], self.weekday[chosen],
            self.holiday[chosen], self.day[chosen], None if self.reactive is None else self.reactive[chosen],
            None if self.fed is None else self.fed[chosen], None if self.at is None else self.at[chosen],
        )  # fmt: skip

    @property
    def power(self) -> Any:
        """Mean power of each window [kW]."""
        return self.energy / self.hours

    @property
    def apparent(self) -> Any:
        """Mean apparent power of each window [kVA]; its power where reactive energy is not metered."""
        import numpy as np

        return self.power if self.reactive is None else np.hypot(self.energy, self.reactive) / self.hours

    @property
    def power_factor(self) -> float | None:
        """Of the whole: kWh / sqrt(kWh² + kvarh²); None where reactive energy is not metered."""
        if self.reactive is None:
            return None
        kwh, kvarh = float(self.energy.sum()), float(self.reactive.sum())
        return kwh / math.hypot(kwh, kvarh) if kwh or kvarh else None

    def in_windows(self, minutes: int, slide: int | None = None) -> Use:
        """The same use in windows of local time of `minutes`, or in windows that begin each `slide` minutes.

        Windows that are longer already stay as they are. A sliding window stands where it begins, and only where all
        of it was metered.
        """
        wide = self._wider(slide or minutes)
        if slide is None or slide >= minutes or not len(wide.energy) or wide.hours.max() * 60 > slide:
            return wide
        return wide._sliding(minutes // slide, slide)

    def begins(self, minutes: int) -> Any:
        """Places of the windows with which windows of local time of `minutes` begin; all where they are longer."""
        import numpy as np

        stamp = self.day * 1440 + self.minute
        if not len(stamp) or self.hours.max() * 60 >= minutes:
            return np.arange(len(stamp))
        new = np.ones(len(stamp), bool)
        # In the hour that a clock is put back the same minutes come again: they are windows of their own.
        new[1:] = (np.diff(stamp // minutes) != 0) | (np.diff(stamp) <= 0)
        return np.flatnonzero(new)

    def _wider(self, minutes: int) -> Use:
        import numpy as np

        first = self.begins(minutes)
        if len(first) == len(self.energy) and (not len(first) or self.hours.max() * 60 >= minutes):
            return self

        def total(values: Any) -> Any:
            return None if values is None else np.add.reduceat(values, first)

        return replace(
            self.of(first), energy=total(self.energy), hours=np.full(len(first), minutes / 60),
            minute=self.minute[first] // minutes * minutes, reactive=total(self.reactive), fed=total(self.fed),
        )  # fmt: skip

    def _sliding(self, count: int, slide: int) -> Use:
        """Windows of `count` steps of `slide` minutes each, from every step on."""
        import numpy as np

        stamp = self.day * 1440 + self.minute if self.at is None else self.at
        if len(stamp) < count:
            return self.of(np.zeros(len(stamp), bool))
        whole = np.flatnonzero(stamp[count - 1 :] - stamp[: len(stamp) - count + 1] == (count - 1) * slide)

        def total(values: Any) -> Any:
            if values is None:
                return None
            sums = np.concatenate([[0.0], np.cumsum(values)])
            return sums[whole + count] - sums[whole]

        return replace(
            self.of(whole), energy=total(self.energy), hours=self.hours[whole] * count, reactive=total(self.reactive),
            fed=total(self.fed),
        )  # fmt: skip


def month_of(number: int) -> date:
    """The first day of a month that is given as year x 12 + month - 1."""
    return date(number // 12, number % 12 + 1, 1)
