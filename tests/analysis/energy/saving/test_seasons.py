"""Seasons lie where the city does: south of the equator winter is in July."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from holidays import country_holidays

from cityctl.analysis.energy.models import split
from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.energy.saving.test_methods import HOUSE, house

HOURLY = HOUSE.replace("EVERY", "1h")
PLACED = "time_zone: UTC\nlocation: {latitude: -33.9, longitude: 18.4}"
YEAR = "time_zone: UTC\ntypical_weather_file: year.csv"


def test_seasons_lie_six_months_apart() -> None:
    assert split.cell_of(date(2026, 7, 8), south=True) == 2  # a Wednesday in winter
    assert split.cell_of(date(2026, 1, 10), rest=True, south=True) == 3  # a Saturday in summer
    assert split.cell_of(date(2026, 4, 8), south=True) == 1
    for month in range(1, 13):
        north = split.cell_of(date(2026, month, 15)) % 3
        assert split.cell_of(date(2026, (month + 5) % 12 + 1, 15), south=True) % 3 == north


@pytest.mark.parametrize("said", ["location", "typical year", "readings"])
def test_a_house_that_is_busier_in_the_winter_of_the_south(
    ask: Callable[..., Result], project: Callable[[str], Path], said: str
) -> None:
    """Half as much again from May to August, whatever the weather: winter has a part of its own, which fits."""
    times, degrees, _ = house()
    degrees = 20 - degrees  # 22 °C in January, -2 °C in July
    month = times.astype("datetime64[M]").astype(int) % 12 + 1
    busy = np.where((month >= 5) & (month <= 8), 1.5, 1.0)
    noise = np.random.default_rng(1).normal(1, 0.01, len(times))
    saved = np.where(times >= np.datetime64("2024-01-01"), 0.8, 1.0)
    series = {"temperature": (times, degrees), "meter": (times, 4 * saved * busy * noise)}
    place = {"location": PLACED, "typical year": YEAR, "readings": "time_zone: UTC"}[said]
    text = HOURLY.replace("time_zone: UTC", place)
    days = [date(2023, 1, 1) + timedelta(days=at) for at in range(365)]
    warm = 10 + 12 * np.cos(2 * np.pi * (np.arange(365) - 15) / 365.25)
    rows = "".join(f"{day.month},{day.day},{celsius:.3f}\n" for day, celsius in zip(days, warm, strict=True))
    (project(text) / "year.csv").write_text("month,day,temperature\n" + rows)
    found = ask("energy/savings", text, series, "2024-01-01", "2025-01-01", method="split")
    (row,) = rows_of(found, "savings")
    assert "in winter: intercept only" in row["model"]
    assert row["cvrmse"] == pytest.approx(0.01 / np.sqrt(24), rel=0.1)  # the noise of an hour, over a day
    assert row["saving_pct"] == pytest.approx(20, abs=0.2)


@pytest.mark.parametrize("method", ["split", "towt"])
def test_an_office_that_rests_on_friday_and_saturday(ask: Callable[..., Result], method: str) -> None:
    """4 kWh an hour, half of it on Fridays, Saturdays and Egypt's holidays: what is left is the noise."""
    times, degrees, _ = house()
    day = times.astype("datetime64[D]")
    closed = np.isin((day.astype(int) + 3) % 7, (4, 5))
    closed |= np.isin(day, [np.datetime64(one) for one in country_holidays("EG", years=[2023, 2024])])
    noise = np.random.default_rng(1).normal(1, 0.01, len(times))
    saved = np.where(times >= np.datetime64("2024-01-01"), 0.8, 1.0)
    series = {
        "temperature": (times, degrees),
        "meter": (times, 4 * saved * np.where(closed, 0.5, 1.0) * noise),
    }
    text = HOURLY.replace("time_zone: UTC", "time_zone: UTC\ncountry: EG")
    found = ask("energy/savings", text, series, "2024-01-01", "2025-01-01", method=method)
    (row,) = rows_of(found, "savings")
    assert (
        row["cvrmse"] < 0.015
    )  # a hundredth an hour; 0.10 by split and 0.26 by towt where Sundays count as free
    assert row["saving_pct"] == pytest.approx(20, abs=0.2)
