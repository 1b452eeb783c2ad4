"""The weather of a typical year: an EPW file, or a CSV beside city.yaml, as daily means of the outdoor temperature.

EPW is what weather services give out for building simulation; years may differ from month to month in it, and are not
looked at. A CSV has the columns month, day, where wanted hour, and temperature in °C or temperature_f in °F.

Source: EnergyPlus Auxiliary Programs, weather data dictionary: dry-bulb temperature is field 7, 99.9 where missing.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from pathlib import Path

from cityctl.city.beside import rows
from cityctl.city.model import City
from cityctl.city.records import TypicalDay
from cityctl.errors import ConfigInvalid, listed

SETTING = "typical_weather_file"
COLUMNS = ("month", "day", "hour", "temperature", "temperature_f")
_EPW_HEAD, _EPW_MISSING = 8, 99.9
_COLDEST, _WARMEST = -70.0, 60.0  # degC, of an hour
_LEAST_HOURS = 12  # of a day that has hours


def read_typical_year(city: City) -> list[TypicalDay]:
    """The 365 days of the city's file in order; none where it names none. Raises ConfigInvalid with file:line."""
    if city.typical_weather_file is None:
        return []
    path = city.project / city.typical_weather_file
    hours: dict[tuple[int, int], list[float]] = {}
    for month, day, celsius, place in _epw(path) if path.suffix.casefold() == ".epw" else _csv(path):
        if not (1 <= month <= 12 and 1 <= day <= calendar.monthrange(2024, month)[1]):
            raise ConfigInvalid(f"{place}: no day {day} of month {month}")
        if not _COLDEST <= celsius <= _WARMEST:
            raise ConfigInvalid(
                f"{place}: {celsius:g} °C is no outdoor temperature",
                hint="temperatures in °F stand in a column `temperature_f`",
            )
        hours.setdefault((month, day), []).append(celsius)
    least = _LEAST_HOURS if any(len(held) > 1 for held in hours.values()) else 1
    wanted = [
        (month, day) for month in range(1, 13) for day in range(1, calendar.monthrange(2023, month)[1] + 1)
    ]
    lacking = [f"{month:02d}-{day:02d}" for month, day in wanted if len(hours.get((month, day), ())) < least]
    if lacking:
        raise ConfigInvalid(
            f"{path}: {len(lacking)} days of the year have no or too few temperatures: {listed(lacking, 6)}",
            hint="a typical year holds each day from 01-01 to 12-31",
        )
    return [
        TypicalDay(month, day, sum(held) / len(held)) for month, day in wanted if (held := hours[month, day])
    ]


def _csv(path: Path) -> Iterator[tuple[int, int, float, str]]:
    for cells, place in rows(path, SETTING, COLUMNS, ("month", "day"), others=True):
        fahrenheit = not cells.get("temperature")
        try:
            month, day = int(cells.get("month", "")), int(cells.get("day", ""))
            degrees = float(cells.get("temperature_f" if fahrenheit else "temperature", "").replace(",", "."))
        except ValueError:
            raise ConfigInvalid(
                f"{place}: no month, day and temperature", hint="write them as 1, 31 and -2.4"
            ) from None
        yield month, day, (degrees - 32) / 1.8 if fahrenheit else degrees, place


def _epw(path: Path) -> Iterator[tuple[int, int, float, str]]:
    try:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as problem:
        hint = f"`{SETTING}:` is a path beside city.yaml"
        raise ConfigInvalid(f"{path}: {problem.strerror}", hint=hint) from None
    for number, line in enumerate(lines[_EPW_HEAD:], start=_EPW_HEAD + 1):
        cells = line.split(",")
        if len(cells) < 2:
            continue
        try:
            month, day, celsius = int(cells[1]), int(cells[2]), float(cells[6])
        except (ValueError, IndexError):
            raise ConfigInvalid(f"{path}:{number}: no row of an EPW file", hint="is it whole?") from None
        if celsius < _EPW_MISSING:
            yield month, day, celsius, f"{path}:{number}"
