from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from cityctl.clock import midnight
from cityctl.sim.town.blueprint import BUILDINGS
from cityctl.sim.town.localtime import DAY
from cityctl.sim.town.weather import Weather
from cityctl.sim.town.whole import Town

HOUR = 3600


def _hours(end: datetime, days: int) -> np.ndarray:
    last = int(end.timestamp())
    return np.arange(last - days * DAY, last, HOUR, dtype=np.int64)


@pytest.mark.parametrize("building", list(BUILDINGS))
def test_an_hour_alone_is_what_it_is_in_a_year(town: Town, now: datetime, building: str):
    load = town.loads[building]
    year = _hours(now, 365)
    together = load.energy(year)
    assert together.min() > 0
    for place in (0, 4000, year.size - 1):
        assert load.energy(year[place : place + 1])[0] == together[place]
        # any instant of the hour belongs to it
        assert load.energy(year[place : place + 1] + 1799)[0] == together[place]


def test_power_integrates_to_the_counter_and_the_hour(town: Town, now: datetime):
    load = town.loads["clinic"]
    hour = int(now.timestamp())
    seconds = np.arange(hour, hour + HOUR, dtype=np.int64)
    energy = load.energy(seconds[:1])[0]
    assert load.power(seconds).mean() == pytest.approx(energy, rel=1e-4)
    half = load.counted_in_hour(seconds[1800:1801])[0]
    assert half == pytest.approx(load.power(seconds[:1800]).sum() / HOUR, rel=1e-4)
    full = town.building_counter("clinic", hour + HOUR) - town.building_counter("clinic", hour)
    assert full == pytest.approx(energy, abs=1e-6)


def test_an_intervention_saves_from_its_local_day_on(town: Town, now: datetime):
    load = town.loads["town-hall"]
    done = load.intervention
    assert done is not None
    start = int(midnight(done.date, town.scenario.zone).timestamp())
    around = np.arange(start - 48 * HOUR, start + 48 * HOUR, HOUR, dtype=np.int64)
    share = load.energy(around) / load.without_intervention(around)
    assert share[:48].tolist() == pytest.approx([1.0] * 48)
    assert share[48:].max() < 0.95
    year = _hours(now, 365)
    parts = load.parts(year)
    assert (parts.floor + parts.work + parts.heating + parts.cooling) == pytest.approx(
        load.without_intervention(year)
    )


def test_buildings_differ_by_use(town: Town, now: datetime):
    """An office is quiet on Sundays, the pool is not, the depot is never off (its fault)."""
    year = _hours(now, 364)
    local = town.scenario.local.local(year)
    kind, hour = town.scenario.local.kind(local // DAY), local % DAY // HOUR
    open_hours = (hour >= 9) & (hour < 16)

    def sunday_share(building: str) -> float:
        energy = town.loads[building].energy(year)
        return float(energy[(kind == 2) & open_hours].mean() / energy[(kind == 0) & open_hours].mean())

    assert sunday_share("town-hall") < 0.6
    assert sunday_share("pool") > 0.9
    assert sunday_share("depot") > 0.85


def test_intensity_is_that_of_real_buildings(town: Town, now: datetime):
    """kWh of electricity a m² and year: schools about 30, offices 60-90, clinics 130-180, pools 250-350."""
    year = _hours(now, 365)
    for building, (low, high) in {
        "school": (15, 45),
        "town-hall": (45, 95),
        "clinic": (120, 190),
        "pool": (220, 350),
    }.items():
        energy = town.loads[building].energy(year).sum() / BUILDINGS[building].floor_area_m2
        assert low < energy < high


def test_the_school_is_empty_in_its_holidays(town: Town):
    load = town.loads["school"]

    def noon(day: date) -> float:
        at = int(midnight(day, town.scenario.zone).timestamp()) + 11 * HOUR
        return float(load.parts(np.array([at], dtype=np.int64)).work[0])

    assert noon(date(2026, 7, 28)) < 0.1 * noon(date(2026, 6, 30))  # both Tuesdays


def test_weather_has_a_season_and_a_day(town: Town, now: datetime):
    """Normals of Hamburg 1991-2020 (DWD): year 9.8 °C, July 18.4, January 2.1; one simulated year may differ."""
    year = _hours(now, 365)
    weather = Weather(town.scenario)
    temperature = weather.temperature(year)
    assert temperature.mean() == pytest.approx(9.8, abs=1.2)
    month = year.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12
    assert temperature[month == 6].mean() - temperature[month == 0].mean() == pytest.approx(16.3, abs=4.5)
    hour = (year + HOUR) % DAY // HOUR
    by_hour = [temperature[hour == h].mean() for h in range(24)]
    assert int(np.argmax(by_hour)) in (14, 15)
    assert -25 < temperature.min() < temperature.max() < 40


def test_the_solar_roof_sleeps_at_night_and_yields_what_roofs_in_hamburg_do(town: Town, now: datetime):
    year = _hours(now, 365)
    energy = town.solar_energy(year)
    # PVGIS gives 850 to 1000 kWh a kWp and year for Hamburg, by tilt
    assert 750 < energy.sum() / 240.0 < 1050
    assert energy[(year % DAY // HOUR) == 0].max() == 0.0
    whole = town.solar_counter(int(now.timestamp())) - town.solar_counter(
        int((now - timedelta(days=1)).timestamp())
    )
    assert whole == pytest.approx(energy[-24:].sum(), abs=1e-6)
