"""A model refitted with stretches of its baseline left out, against refitting by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cityctl.analysis.energy.models.parts import Part
from cityctl.analysis.energy.models.stretches import refitted

DAYS = 365


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
