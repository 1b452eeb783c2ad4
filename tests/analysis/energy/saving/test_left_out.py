"""Stretches left out of a baseline: against refitting each, and whether the interval holds what it says."""

from __future__ import annotations

import numpy as np
import pytest

from cityctl.analysis.energy.models.uncertainty import Fit, wider
from cityctl.analysis.energy.saving.left_out import LONGEST, left_out
from tests.analysis.energy.town_hall import Ask, ask_one, made

DAYS = 365


def weather(random: np.random.Generator, days: int = DAYS) -> np.ndarray:
    """Heating degree days of a year and what comes after it."""
    cold: np.ndarray = np.maximum(
        60 - (55 - 20 * np.cos(2 * np.pi * np.arange(days) / 365)) + random.normal(0, 5, days), 0
    )
    return cold


def test_it_is_what_refitting_without_each_stretch_tells() -> None:
    random = np.random.default_rng(3)
    day = np.delete(np.arange(DAYS), [10, 11, 200])
    design = np.stack([np.ones(len(day)), weather(random)[day]], axis=1)
    use = design @ [50.0, 2.0] + random.normal(0, 6, len(day))
    squares = []
    for begin in range(0, DAYS - 40 + 1, 10):
        out = (day >= begin) & (day < begin + 40)
        fitted = np.linalg.lstsq(design[~out], use[~out], rcond=None)[0]
        squares.append(float((use[out] - design[out] @ fitted).sum() ** 2) / out.sum())
    found = left_out(design, use, day, 40)
    assert found is not None
    assert found.variance == pytest.approx(np.mean(squares), rel=1e-9)
    assert found.stretches == len(day) / 40


@pytest.mark.parametrize("wave", [0.0, 8.0])
def test_nine_intervals_of_ten_hold_the_saving(wave: float) -> None:
    """Made-up buildings whose use, beside noise by the day, drifts for weeks at a time (`wave`, kWh a day).

    With such waves the formula by the day alone holds the saving far less often than it says.
    """
    random = np.random.default_rng(7)
    held, by_formula, tries = 0, 0, 300
    for _ in range(tries):
        days = DAYS + LONGEST
        cold = weather(random, days)
        drift = np.convolve(random.normal(0, 1, days + 40), np.ones(41) / np.sqrt(41), "valid")
        use = 100 + 2 * cold + wave * drift + random.normal(0, 8, days)
        design = np.stack([np.ones(DAYS), cold[:DAYS]], axis=1)
        base, slope = np.linalg.lstsq(design, use[:DAYS], rcond=None)[0]
        residual = use[:DAYS] - base - slope * cold[:DAYS]
        expected = float((base + slope * cold[DAYS:]).sum())
        off = abs(expected - float(use[DAYS:].sum()))  # nothing was saved
        rho = float(np.corrcoef(residual[1:], residual[:-1])[0, 1])
        fit = Fit(DAYS, 1, float(use[:DAYS].mean()), float(residual @ residual), 0.0, rho)
        told = left_out(design, use[:DAYS], np.arange(DAYS), LONGEST)
        assert told is not None
        formula = fit.band(expected, LONGEST, LONGEST, 0.9)
        by_formula += off <= formula
        held += off <= wider(formula, told.band(LONGEST, 0.9))
    assert held / tries >= 0.85
    if wave:
        assert by_formula / tries < 0.8
        assert held / tries <= 0.97


def test_days_that_no_stretch_fits_in_tell_nothing() -> None:
    assert left_out(np.ones((20, 1)), np.ones(20), np.arange(20), LONGEST) is None
    assert np.isnan(wider(float("nan")))
    assert wider(float("nan"), 2.0, 1.0) == 2.0


def test_a_short_baseline_with_few_weekends_is_told_by_all_of_its_days(ask: Ask) -> None:
    """36 days by the hour have 10 weekend days: too few for a model of their own, and no reason to expect nothing."""
    asked = {"method": "towt", "baseline_days": 36, "until": "2025-01-11"}
    row = ask_one(ask, made(noise=0.02), **asked)
    assert row["saving_pct"] == pytest.approx(10, abs=4)
    assert row["avoided_high"] - row["avoided_kwh"] < 0.1 * row["counterfactual_kwh"]
