"""Closures in the baseline, on days whose use is known without them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy.saving.closures import Days, closed_before

DATES = [date(2023, 1, 1) + timedelta(days=k) for k in range(730)]
WARM = 12 - 10 * np.cos(2 * np.pi * (np.arange(730) - 15) / 365.25)


def two_years(*shut: slice, saved: float = 0.2) -> tuple[Days, Days]:
    """Baseline and the year after, which saves; half on weekends, and a fifth of it while it is shut."""
    week = np.array([0.5 if day.weekday() >= 5 else 1.0 for day in DATES])
    use = (100 + 8 * np.maximum(15 - WARM, 0)) * week * np.random.default_rng(3).normal(1, 0.05, 730)
    for days in shut:
        use[days] *= 0.2
    use[365:] *= 1 - saved
    return Days(DATES[:365], use[:365], WARM[:365]), Days(DATES[365:], use[365:], WARM[365:])


def mean_of(days: Days) -> Any:
    """What the poorest model expects: the mean of all days."""
    return np.full(len(days.use), days.use.mean())


@pytest.mark.parametrize("begin", [10, 120, 190, 300])
def test_a_closure_is_told_with_what_it_takes_from_the_expected_use(begin: int) -> None:
    """In winter, spring, summer or autumn; 80 % of the use of its days are missing in that of the year."""
    shut = slice(begin, begin + 56)
    before, since = two_years(shut)
    found = closed_before(before, since, mean_of(before))
    assert found is not None
    assert (found.first, found.last) == (DATES[begin], DATES[begin + 55])
    whole, _ = two_years()
    assert found.kwh == pytest.approx(0.8 * whole.use[shut].sum() / whole.use.sum(), abs=0.015)


def test_an_ordinary_year_and_a_closure_of_every_year_are_none() -> None:
    before, since = two_years()
    assert closed_before(before, since, mean_of(before)) is None
    before, since = two_years(slice(180, 222), slice(545, 587))
    assert closed_before(before, since, mean_of(before)) is None


def test_a_week_at_christmas_changes_no_verdict() -> None:
    before, since = two_years(slice(355, 362))
    assert closed_before(before, since, mean_of(before)) is None


def part(days: Days, first: int, last: int) -> Days:
    """Some days of a year, by their number in it."""
    return Days(days.dates[first:last], days.use[first:last], days.temperature[first:last])


def test_of_an_autumn_a_summer_counts_as_far_as_the_model_learnt_of_it() -> None:
    """A school, shut for six weeks before the measure: what is told of September to November is right or not.

    A model of seasons knows autumn as it was; one that takes a fifth from all days expects a fifth too little.
    """
    before, since = two_years(slice(181, 223))
    autumn = part(since, 243, 334)
    assert closed_before(before, autumn, before.use) is None
    found = closed_before(before, autumn, 0.8 * before.use)
    assert found is not None
    assert (found.first, found.kwh) == (DATES[181], pytest.approx(0.2))


def test_a_closure_on_the_judged_dates_is_told_or_came_again() -> None:
    """A month of autumn, shut before and since, or before alone: then half of that autumn's use is missing."""
    shut = slice(258, 300)
    before, since = two_years(shut, slice(258 + 365, 300 + 365))
    assert closed_before(before, part(since, 243, 334), before.use) is None
    before, since = two_years(shut)
    found = closed_before(before, part(since, 243, 334), before.use)
    whole, _ = two_years()
    missed = 0.8 * whole.use[shut].sum() / whole.use[243:334].sum()
    assert found is not None
    assert found.kwh == pytest.approx(missed, abs=0.03)


def test_a_closure_in_winter_tells_nothing_of_a_summer() -> None:
    before, since = two_years(slice(10, 66))
    assert closed_before(before, part(since, 151, 243), before.use) is None
