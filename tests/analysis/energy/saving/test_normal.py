"""Normalised savings of a house that was made: what a year takes less, whatever stood still in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.energy.saving.test_methods import HOUSE, house

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


@pytest.mark.parametrize("colder", [0.0, 2.0])
def test_a_typical_year_of_the_citys_own(
    ask: Callable[..., Result], project: Callable[[str], Path], colder: float
) -> None:
    """The house's own law asked for a year of the file's days, weekends as in 2024: a fifth of it is saved.

    Days that are colder than any of the baseline are told.
    """
    times, degrees, use = house()
    noise = np.random.default_rng(5).normal(1, 0.02, len(use))
    series = {"temperature": (times, degrees), "meter": (times, use * noise)}
    days = [date(2023, 1, 1) + timedelta(days=at) for at in range(365)]
    celsius = 10 - 11.8 * np.cos(2 * np.pi * (np.arange(365) - 15) / 365.25) - colder
    text = "month,day,temperature\n" + "".join(
        f"{one.month},{one.day},{degree:.4f}\n" for one, degree in zip(days, celsius, strict=True)
    )
    folder = project("name: x\ntime_zone: UTC\n")
    (folder / "typical.csv").write_text(text, encoding="utf-8")
    city = HOUSE.replace("EVERY", "1h") + "typical_weather_file: typical.csv\n"
    (row,) = rows_of(ask("energy/savings", city, series, *ASKED, method="split", normal=True), "savings")
    share = np.array([0.5 if one.replace(year=2024).weekday() >= 5 else 1.0 for one in days])
    whole = float((24 * (4 + 0.5 * np.maximum(12 - celsius, 0)) * share).sum())
    assert row["normal_kwh"] == pytest.approx(0.2 * whole, rel=0.02)
    assert row["normal_pct"] == pytest.approx(20, abs=0.5)
    assert ("days of the normal year beyond the baseline: " in (row["reasons"] or "")) is (colder > 0)
