"""The weather of the simulated city: air temperature, cloud cover and sun, at any instant.

Knows nothing of what the weather does to water and energy.
"""

from __future__ import annotations

import numpy as np

from cityctl.sim.town.blueprint import LATITUDE, LONGITUDE, SOLAR_ROOF
from cityctl.sim.town.localtime import DAY
from cityctl.sim.town.noise import Floats, Integers, correlated, stream
from cityctl.sim.town.scenario import Scenario

_YEAR = 365.2425 * DAY


class Weather:
    """Pure functions of time (seconds since 1970 UTC, int64 arrays)."""

    def __init__(self, scenario: Scenario) -> None:
        self._fronts = stream(scenario.seed, "weather/fronts")
        self._spells = stream(scenario.seed, "weather/spells")
        self._gusts = stream(scenario.seed, "weather/gusts")
        self._clouds = stream(scenario.seed, "weather/clouds")
        self._clouds_fast = stream(scenario.seed, "weather/clouds-fast")

    def daily_temperature(self, seconds: Integers) -> Floats:
        """Air temperature without its daily rise and fall, °C.

        The season is a cosine about 9.8 °C with its coldest day on 19 January and 8.2 K of amplitude: the
        1991-2020 normals of Hamburg-Fuhlsbüttel (DWD: year 9.8, January 2.1, July 18.4 °C). Fronts of some
        three days and spells of some ten give day-to-day temperature a standard deviation near 3.4 K.
        """
        season = 2.0 * np.pi * ((seconds % _YEAR) / DAY - 18.5) / 365.2425
        fronts = 2.6 * correlated(self._fronts, seconds, 2 * DAY)
        spells = 2.1 * correlated(self._spells, seconds, 7 * DAY)
        mean: Floats = 9.8 - 8.2 * np.cos(season) + fronts + spells
        return mean

    def cloud_cover(self, seconds: Integers) -> Floats:
        """Share of the sun that clouds take away, 0 to 0.85."""
        slow = correlated(self._clouds, seconds, 16 * 3600)
        fast = correlated(self._clouds_fast, seconds, 1800)
        return np.clip(0.45 + 0.30 * slow + 0.13 * fast, 0.0, 0.85)

    def temperature(self, seconds: Integers) -> Floats:
        """Air temperature, °C. The day's swing follows the sun's height at noon and peaks at 15:00 UTC+1."""
        season = 2.0 * np.pi * ((seconds % _YEAR) / DAY - 172.0) / 365.2425
        swing = 3.1 + 1.9 * np.cos(season)
        clock = 2.0 * np.pi * ((seconds + 3600) % DAY - 15 * 3600) / DAY
        day: Floats = swing * np.cos(clock) + 0.3 * correlated(self._gusts, seconds, 3600)
        return self.daily_temperature(seconds) + day

    def sun_height(self, seconds: Integers) -> Floats:
        """Sine of the sun's elevation. Declination after Cooper (1969), "The absorption of radiation in solar
        stills", doi:10.1016/0038-092X(69)90047-4; the equation of time is left out."""
        declination = np.radians(23.45) * np.sin(2.0 * np.pi * (284.0 + (seconds % _YEAR) / DAY + 1) / 365.0)
        hour_angle = 2.0 * np.pi * (seconds % DAY) / DAY - np.pi + np.radians(LONGITUDE)
        latitude = np.radians(LATITUDE)
        height: Floats = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(
            declination
        ) * np.cos(hour_angle)
        return height

    def irradiance(self, seconds: Integers) -> Floats:
        """Global horizontal irradiance, W/m². Clear sky after Haurwitz (1945), 1098 sin(h) exp(-0.057/sin(h)),
        as Reno, Hansen and Stein give it (SAND2012-2389);
        doi:10.1175/1520-0469(1945)002<0154:IIRTCA>2.0.CO;2."""
        height = np.maximum(self.sun_height(seconds), 1e-6)
        clear = 1098.0 * height * np.exp(-0.057 / height)
        sun: Floats = clear * (1.0 - self.cloud_cover(seconds))
        return sun

    def solar_power(self, seconds: Integers) -> Floats:
        """AC power of the solar roof, kW. Plane-of-array sun is taken as horizontal sun raised by the tilt's
        gain in yearly yield (about 10 % at 15°, PVGIS for Hamburg); cell temperature by the NOCT relation
        T_cell = T_air + 0.031 G (IEC 61215, NOCT 45 °C)."""
        plane = self.irradiance(seconds) * 1.10
        cell = self.temperature(seconds) + 0.031 * plane
        share = SOLAR_ROOF.system_share * (1.0 + SOLAR_ROOF.kelvin_share * (cell - 25.0))
        power: Floats = SOLAR_ROOF.peak_kw * plane / 1000.0 * share
        return np.clip(power, 0.0, 0.95 * SOLAR_ROOF.peak_kw)
