"""Stretches left out of a baseline: against refitting each, and whether the interval holds what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cityctl.analysis.energy.models.parts import Part
from cityctl.analysis.energy.models.stretches import Days, left_out, refitted
from cityctl.analysis.energy.models.uncertainty import Drift, Fit, t_quantile, wider

DAYS, LONGEST = 365, 60


def weather(random: np.random.Generator, days: int = DAYS) -> np.ndarray:
    """Heating degree days of a year and what comes after it."""
    cold: np.ndarray = np.maximum(
        60 - (55 - 20 * np.cos(2 * np.pi * np.arange(days) / 365)) + random.normal(0, 5, days), 0
    )
    return cold


def days_of(columns: np.ndarray) -> Days:
    return Days(columns, np.zeros(len(columns)), np.ones(len(columns)))


def lasting(random: np.random.Generator, days: int, width: int = 41) -> np.ndarray:
    """What drifts for weeks, of variance 1."""
    return np.convolve(random.normal(0, 1, days + width - 1), np.ones(width) / np.sqrt(width), "valid")


def test_it_is_what_refitting_without_each_stretch_tells() -> None:
    """Of a use that scatters alike on all days: refitted by least squares, the variance of a prediction by the book."""
    random = np.random.default_rng(3)
    day = np.delete(np.arange(DAYS), [10, 11, 200])
    base = np.ones((len(day), 1))  # one level: no day is expected to use more
    use = 50 + random.normal(0, 6, len(day))
    squares = []
    for begin in range(0, DAYS - 40 + 1, 10):
        out = (day >= begin) & (day < begin + 40)
        size = out.sum()
        squares.append(float((use[out] - use[~out].mean()).sum() ** 2) / (size + size**2 / len(day)))
    found = left_out(days_of(base), use, day, days_of(np.ones((90, 1))), 40)
    assert found is not None
    assert found.variance == pytest.approx(np.mean(squares), rel=1e-9)
    assert found.own == pytest.approx(
        90 * math.sqrt(np.mean(squares) / len(day)), rel=1e-9
    )  # 90 times that of a mean
    assert found.stretches == len(day) / 40


@pytest.mark.parametrize("wave", [0.0, 8.0])
@pytest.mark.parametrize("later", [LONGEST, DAYS])
def test_nine_intervals_of_ten_hold_the_saving(wave: float, later: int) -> None:
    """Made-up buildings whose use, beside noise by the day, drifts for weeks at a time (`wave`, kWh a day).

    With such waves the formula by the day alone holds the saving far less often than it says, and the scatter of
    stretches without the error that the model has of its baseline 77 % of the savings of a year.
    """
    random = np.random.default_rng(7)
    held, by_formula, tries = 0, 0, 300
    for _ in range(tries):
        days = DAYS + later
        cold = weather(random, days)
        use = 100 + 2 * cold + wave * lasting(random, days) + random.normal(0, 8, days)
        columns = np.stack([np.ones(days), cold], axis=1)
        base, slope = np.linalg.lstsq(columns[:DAYS], use[:DAYS], rcond=None)[0]
        residual = use[:DAYS] - base - slope * cold[:DAYS]
        expected = float((base + slope * cold[DAYS:]).sum())
        off = abs(expected - float(use[DAYS:].sum()))  # nothing was saved
        rho = float(np.corrcoef(residual[1:], residual[:-1])[0, 1])
        fitted = Fit(DAYS, 1, float(use[:DAYS].mean()), float(residual @ residual), 0.0, rho)
        before, after = days_of(columns[:DAYS]), days_of(columns[DAYS:])
        told = left_out(before, use[:DAYS], np.arange(DAYS), after, LONGEST)
        assert told is not None
        formula = fitted.band(expected, later, later, 0.9)
        by_formula += off <= formula
        held += off <= wider(formula, told.band(later, 0.9))
    assert held / tries >= 0.85
    if wave:
        assert by_formula / tries < 0.8
        assert held / tries <= 0.97


def test_a_winter_scatters_by_the_use_of_a_winter() -> None:
    """Use drifts by a share of itself: nine in ten intervals of 90 days of winter hold what was saved, as of summer.

    One variance for all days holds 68 % of these winters, and all summers.
    """
    random = np.random.default_rng(11)
    held = {"winter": 0, "summer": 0}
    tries = 120
    for _ in range(tries):
        cold = weather(random, 2 * DAYS)
        use = (20 + 6 * cold) * (1 + 0.08 * lasting(random, 2 * DAYS, 21))
        columns = np.stack([np.ones(2 * DAYS), cold], axis=1)
        coefficients = np.linalg.lstsq(columns[:DAYS], use[:DAYS], rcond=None)[0]
        for season, these in (("winter", np.r_[640:730]), ("summer", np.r_[500:590])):
            told = left_out(
                days_of(columns[:DAYS]), use[:DAYS], np.arange(DAYS), days_of(columns[these]), LONGEST
            )
            assert told is not None
            off = abs(float((columns[these] @ coefficients - use[these]).sum()))
            held[season] += off <= told.band(len(these), 0.9)
    assert min(held.values()) / tries >= 0.85, held


def test_the_error_of_a_model_is_told_by_refitting_it() -> None:
    """Efron & Tibshirani (1993), equation 11.5: every fourth stretch of ten days left out, the model chosen anew."""
    random = np.random.default_rng(4)
    day = np.arange(2 * DAYS)
    degrees = 55 - 20 * np.cos(2 * np.pi * day / DAYS) + random.normal(0, 6, 2 * DAYS)
    use = 40 + 2 * np.maximum(58 - degrees, 0) + random.normal(0, 8, 2 * DAYS)
    cells = np.zeros(2 * DAYS, int)
    before, after = slice(0, DAYS), slice(DAYS, 2 * DAYS)
    every = frozenset(range(6))
    part = Part(every, 58.0, None, 2.0, 0.0, 40.0)
    sums = []
    for out in range(4):
        seen = day[before] // 10 % 4 != out
        alone = best_alone(degrees[before][seen], use[before][seen])
        sums.append(float(alone.expects(degrees[after]).sum()))
    by_hand = math.sqrt(3 / 4 * float(np.square(np.array(sums) - np.mean(sums)).sum()))
    asked = (degrees[after], cells[after], np.ones(DAYS))
    found = refitted([part], degrees[before], use[before], cells[before], day[before], asked, cooling=True)
    assert found == pytest.approx(by_hand, rel=1e-6)


def best_alone(degrees: np.ndarray, use: np.ndarray) -> Part:
    """The straight heating line whose whole threshold [degF] fits best, one threshold after the other."""
    told = []
    for threshold in range(40, 75):
        columns = np.stack([np.ones(len(use)), np.maximum(threshold - degrees, 0)], axis=1)
        (base, slope), (misfit,), *_ = np.linalg.lstsq(columns, use, rcond=None)
        told.append((misfit, Part(frozenset([0]), float(threshold), None, float(slope), 0.0, float(base))))
    return min(told, key=lambda one: one[0])[1]


def test_the_larger_of_two_measures_of_one_error_counts() -> None:
    few, many = t_quantile(0.95, 3), t_quantile(0.95, 5)
    alone = Drift(4.0, 6.0).band(100, 0.9)
    assert alone == pytest.approx(many * 20)  # root of 4 x 100
    assert Drift(4.0, 6.0, own=30.0).band(100, 0.9) == pytest.approx(many * math.hypot(20, 30))
    assert Drift(4.0, 6.0, own=1.0, refitted=30.0).band(100, 0.9) == pytest.approx(
        math.hypot(alone, few * 30)
    )


def test_days_that_no_stretch_fits_in_tell_nothing() -> None:
    assert (
        left_out(days_of(np.ones((20, 1))), np.ones(20), np.arange(20), days_of(np.ones((9, 1))), LONGEST)
        is None
    )
    assert np.isnan(wider(float("nan")))
    assert wider(float("nan"), 2.0, 1.0) == 2.0


def test_a_use_that_never_changes_is_sure() -> None:
    flat = days_of(np.ones((DAYS, 1)))
    found = left_out(flat, np.full(DAYS, 7.0), np.arange(DAYS), flat, LONGEST)
    assert found is not None
    assert found.band(DAYS, 0.9) == pytest.approx(0.0, abs=1e-6)
