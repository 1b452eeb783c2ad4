"""Normalised savings of a house that was made: what a year takes less, whatever stood still in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.energy.test_methods import HOUSE, house

ASKED = ("2024-01-01", "2025-01-01")


def shut(days: int) -> tuple[dict[str, Any], float]:
    """(readings with days in May 2024 at a tenth of the use; 20 % of a year without the measure [kWh])."""
    times, degrees, use = house()
    whole = np.where(times >= np.datetime64("2024-01-01"), use / 0.8, use).sum() / 731 * 365
    first = np.datetime64("2024-05-01")
    closed = (times >= first) & (times < first + np.timedelta64(days, "D"))
    use = use * np.random.default_rng(5).normal(1, 0.05, len(use)) * np.where(closed, 0.1, 1.0)
    return {"temperature": (times, degrees), "meter": (times, use)}, 0.2 * whole


def test_a_shutdown_is_no_part_of_a_normal_year(ask: Callable[..., Result]) -> None:
    series, expected = shut(20)
    (row,) = rows_of(
        ask("energy/savings", HOUSE.replace("EVERY", "1h"), series, *ASKED, normal=True), "savings"
    )
    assert "shutdown 2024-05-01 to 2024-05-20 (20 days) set apart" in row["reasons"]
    assert row["normal_kwh"] == pytest.approx(expected, rel=0.03)


def test_too_few_sound_days_have_no_normal_year_and_say_so(ask: Callable[..., Result]) -> None:
    series, _ = shut(40)
    (row,) = rows_of(
        ask("energy/savings", HOUSE.replace("EVERY", "1h"), series, *ASKED, normal=True), "savings"
    )
    assert row["normal_kwh"] is None
    assert "no normal year: a model of it needs 330 sound days since the measure" in row["reasons"]
