"""Closures in the baseline: a model takes them for usual, and expects too little of the time since the measure.

What is usual is told without the model, which may have learnt the closure as cold weather or as a season: by the upper
quarter of the days of like temperature. Works on one meter's days in order of time; knows no SQL and no clock.

Basis: IPMVP core concepts 2022: the baseline's conditions are those that come again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from cityctl.analysis.energy.saving.events import LEAST_RUN, SHUT, Event, runs

LIKE = 61  # days of like temperature
STEP = 5  # days from one such level to the next
UPPER = 0.75  # of them: a closure of eight weeks may take up most of the coldest days
WEEK = 7
LONG = 14  # days: shorter closures, as those of holidays, may come again any year
TOO_LOW = 0.02  # of the expected use: less changes no verdict
AGAIN = 0.5  # of the baseline's share of closed days: with so many since the measure it is routine
MAD = 1.4826  # median absolute deviation to standard deviation


@dataclass(frozen=True)
class Days:
    """Days in order of time: their use, outdoor temperature, and day of the week 0..6."""

    dates: Sequence[date]
    use: Any
    temperature: Any

    @cached_property
    def of_year(self) -> Any:
        """Month and day of each, as one number."""
        import numpy as np

        return np.fromiter((day.month * 100 + day.day for day in self.dates), int, len(self.dates))

    @cached_property
    def weekdays(self) -> Any:
        """Monday 0 to Sunday 6 of each."""
        import numpy as np

        return np.fromiter((day.weekday() for day in self.dates), int, len(self.dates))


def closed_before(before: Days, since: Days, expected: Any) -> Event | None:
    """The longest run of closed days in the baseline, where the model expects too little of what is judged for them.

    `expected` is what the model makes of the baseline's days. Looked at are those of the same dates as the days since
    the measure: a school that shuts each summer shuts again, and when its autumn is judged its summer counts only as
    far as the model expects too little of an autumn for it.
    """
    import numpy as np

    asked = np.isin(before.of_year, since.of_year)
    if len(before.use) < LIKE or not asked.any():
        return None
    usual_of = _usual(before)
    usual = usual_of(before)
    off = before.use - usual
    spread = MAD * float(np.median(np.abs(off - np.median(off))))
    closed = [run for run in runs(before.use, usual, spread, LEAST_RUN) if run[1] - run[0] >= LONG]
    if not closed:
        return None
    shut = np.zeros(len(before.use), bool)
    for begin, end in closed:
        shut[begin:end] = True
    again = float((since.use < SHUT * usual_of(since)).mean())
    if shut[asked].any() and again >= AGAIN * float(shut[asked].mean()):
        return None
    as_open = np.where(shut, usual, before.use)
    missed = 1 - float(expected[asked].sum()) / float(as_open[asked].sum())
    if missed <= TOO_LOW:
        return None
    begin, end = max(closed, key=lambda run: run[1] - run[0])
    return Event("closed", before.dates[begin], before.dates[end - 1], missed)


def _usual(of: Days) -> Callable[[Days], Any]:
    """What days of a temperature and day of the week usually use, as the days `of` tell."""
    import numpy as np

    weekday = of.weekdays
    top = max(_upper(of.use), 1e-9)
    share = np.array([_upper(of.use[weekday == day]) / top for day in range(WEEK)])
    share = np.where(share > 0, share, 1.0)
    order = np.argsort(of.temperature, kind="stable")
    windows = np.lib.stride_tricks.sliding_window_view((of.use / share[weekday])[order], LIKE)[::STEP]
    middle = of.temperature[order][LIKE // 2 : len(order) - LIKE // 2 : STEP]
    level = _upper(windows)
    return lambda days: np.interp(days.temperature, middle, level) * share[days.weekdays]


def _upper(values: Any) -> Any:
    """The upper quarter's lower end, along the last axis; 0 of no values."""
    import numpy as np

    size = values.shape[-1]
    return np.partition(values, int(UPPER * size), axis=-1)[..., int(UPPER * size)] if size else 0.0
