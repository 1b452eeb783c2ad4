"""Typical years as files: daily means by hand, and what is no year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from cityctl.city.load import load
from cityctl.errors import ConfigInvalid

CITY = "name: T\ntime_zone: Europe/Berlin\ntypical_weather_file: {file}\n"
DAYS = [date(2023, 1, 1) + timedelta(days=at) for at in range(365)]


def year(project: Callable[[str], Path], name: str, text: str) -> list[tuple[int, int, float]]:
    folder = project(CITY.format(file=name))
    (folder / name).write_text(text, encoding="utf-8")
    return [tuple(one) for one in load(folder).typical_year()]


def test_days_of_a_csv(project: Callable[[str], Path]) -> None:
    text = "month;day;temperature\n" + "".join(f"{one.month};{one.day};{one.month},5\n" for one in DAYS)
    found = year(project, "typical.csv", text)
    assert len(found) == 365
    assert (found[0], found[-1]) == ((1, 1, 1.5), (12, 31, 12.5))


def test_hours_of_a_csv_in_fahrenheit(project: Callable[[str], Path]) -> None:
    """Half of each day at 32 °F, half at 50: 5 °C."""
    text = "month,day,hour,temperature_f\n" + "".join(
        f"{one.month},{one.day},{hour},{32 if hour < 12 else 50}\n" for one in DAYS for hour in range(24)
    )
    assert {celsius for *_, celsius in year(project, "t.csv", text)} == {5.0}


def test_an_epw_file_whatever_its_years(project: Callable[[str], Path]) -> None:
    """Field 7 is the dry-bulb temperature, 99.9 none; 23 hours of 10 °C and one that is missing."""
    head = "LOCATION,Berlin\n" + "x\n" * 7
    rows = "".join(
        f"{1990 + one.month},{one.month},{one.day},{hour},60,flags,{'99.9' if hour == 24 else '10.0'},5.0\n"
        for one in DAYS
        for hour in range(1, 25)
    )
    found = year(project, "berlin.epw", head + rows)
    assert {round(celsius, 9) for *_, celsius in found} == {10.0}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "month,day,temperature\n1,1,3\n", r"364 days of the year have no or too few .*01-02"),
        ("t.csv", "month,day,temperature\n2,30,3\n", r"t\.csv:2: no day 30 of month 2"),
        ("t.csv", "month,day,temperature\n1,1,77\n", r"t\.csv:2: 77 °C is no outdoor temperature"),
        ("t.csv", "month,day\n1,1\n", "no month, day and temperature"),
        ("t.epw", "x\n" * 8 + "1990,1,1\n", r"t\.epw:9: no row of an EPW file"),
    ],
)
def test_what_is_no_year_is_named(project: Callable[[str], Path], name: str, text: str, said: str) -> None:
    with pytest.raises(ConfigInvalid, match=said):
        year(project, name, text)
