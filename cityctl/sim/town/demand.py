"""What people use: the hourly shapes of water use by zone, and its season, week and chance.

Shapes are rounded figures of five real district metered areas (Battle of Water Demand Forecasting, WDSA/CCWI
2024, 2021-2023): hourly means by kind of day over the yearly mean, less a constant 0.6 for leakage where the
night showed one.
"""

from __future__ import annotations

import numpy as np

from cityctl.sim.town.blueprint import WaterZone
from cityctl.sim.town.localtime import DAY, by_hour
from cityctl.sim.town.noise import Floats, Integers, correlated, normal, stream
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.weather import Weather

# fmt: off
_HOMES = np.array([
    # DMA 7, weekday
    [.50, .30, .20, .18, .25, .40, .90, 1.72, 1.75, 1.55, 1.32, 1.18,
     1.12, 1.18, 1.08, .95, .95, 1.02, 1.20, 1.42, 1.50, 1.25, .95, .78],
    # Saturday
    [.52, .32, .20, .20, .22, .35, .60, 1.05, 1.60, 1.90, 1.75, 1.52,
     1.42, 1.40, 1.25, 1.12, 1.10, 1.18, 1.25, 1.32, 1.28, 1.05, .85, .75],
    # Sunday and public holidays
    [.58, .38, .25, .20, .22, .35, .52, .88, 1.38, 1.85, 1.85, 1.68,
     1.52, 1.38, 1.20, 1.08, 1.08, 1.18, 1.35, 1.48, 1.52, 1.22, .98, .78],
])
_HARBOUR = np.array([
    # DMA 1 and 9: trade by day, quiet at the weekend
    [.45, .28, .20, .18, .24, .42, .95, 1.62, 1.68, 1.60, 1.52, 1.45,
     1.42, 1.44, 1.42, 1.28, 1.12, 1.05, 1.10, 1.22, 1.24, 1.00, .75, .58],
    [.42, .28, .20, .18, .22, .35, .60, 1.00, 1.30, 1.35, 1.30, 1.18,
     1.08, 1.05, 1.05, .95, .85, .85, .92, 1.05, 1.08, .85, .62, .50],
    [.44, .30, .20, .18, .20, .30, .50, .82, 1.15, 1.30, 1.30, 1.15,
     1.02, 1.00, .95, .82, .75, .80, .92, 1.08, 1.16, .88, .68, .55],
])
_OLD_TOWN = np.array([
    # DMA 2 and 5: restaurants and hotels lift the evening
    [.55, .38, .28, .22, .26, .40, .88, 1.55, 1.62, 1.48, 1.32, 1.22,
     1.22, 1.24, 1.12, 1.05, 1.02, 1.08, 1.25, 1.42, 1.42, 1.22, .98, .80],
    [.60, .42, .30, .24, .26, .36, .58, 1.05, 1.52, 1.75, 1.62, 1.48,
     1.40, 1.36, 1.22, 1.12, 1.10, 1.16, 1.28, 1.40, 1.36, 1.18, .98, .85],
    [.64, .46, .32, .24, .24, .32, .48, .88, 1.35, 1.72, 1.74, 1.58,
     1.45, 1.32, 1.15, 1.05, 1.03, 1.12, 1.28, 1.42, 1.40, 1.16, .95, .80],
])
# fmt: on


def _scaled(shapes: Floats) -> Floats:
    """The same shapes with a weekly mean of 1: five workdays, a Saturday and a Sunday."""
    week = (5.0 * shapes[0].mean() + shapes[1].mean() + shapes[2].mean()) / 7.0
    scaled: Floats = shapes / week
    return scaled


_SHAPES = {"homes": _scaled(_HOMES), "harbour": _scaled(_HARBOUR), "old town": _scaled(_OLD_TOWN)}


def _span(index: Integers) -> tuple[Integers, Integers]:
    """Every whole number that the index spans, and where each of its entries is among them."""
    first = int(index.min())
    return np.arange(first, int(index.max()) + 1, dtype=np.int64), index - first


class WaterUse:
    """Legitimate use of one zone, m³/h, by the minute; a pure function of time."""

    def __init__(self, zone: WaterZone, scenario: Scenario, weather: Weather) -> None:
        self.zone = zone
        self._local = scenario.local
        self._weather = weather
        self._shapes = _SHAPES[zone.pattern]
        self._keys = {
            name: stream(scenario.seed, f"{zone.id}/use/{name}")
            for name in ("day", "hour", "minute", "night")
        }

    def mean_shape(self, seconds: Integers) -> Floats:
        """What the hour and the kind of day make of the mean use, without season and chance."""
        local = self._local.local(seconds)
        kind = self._local.kind(local // DAY)
        shape = by_hour(self._shapes[0], local)
        for number in (1, 2):
            other = kind == number
            if other.any():
                shape[other] = by_hour(self._shapes[number], local[other])
        return shape

    def _warmth(self, seconds: Integers) -> Floats:
        """What warm weather makes of the use; by the hour, because weather costs more to tell than use."""
        hour = np.floor_divide(seconds, 3600)
        hours, place = np.unique(hour, return_inverse=True) if hour.size < 1000 else _span(hour)
        warm: Floats = 1.0 + 0.010 * np.maximum(self._weather.daily_temperature(hours * 3600) - 12.0, 0.0)
        return warm[place]

    def flow(self, seconds: Integers) -> Floats:
        """Use at given instants [s since 1970, UTC], m³/h; constant within a minute.

        Warm days raise it by 1 % for each K of the day's mean above 12 °C: between the real areas' summers of
        +3 % and +15 %. Chance is larger by day than by night in m³/h, as it is in real areas, and a slow part
        keeps nights from being alike (real night flows scatter by 0.6-12 % of mean inflow).
        """
        minute = np.floor_divide(seconds, 60)
        at = minute * 60
        chance = (
            1.0
            + 0.020 * correlated(self._keys["day"], at, 3 * DAY)
            + 0.030 * correlated(self._keys["hour"], at, 5400)
            + 0.035 * normal(self._keys["minute"], minute)
        )
        slow = self.zone.night_noise * correlated(self._keys["night"], at, 7 * 3600)
        use: Floats = self.zone.use_m3h * (self.mean_shape(at) * self._warmth(at) * chance + slow)
        return np.maximum(use, 0.02 * self.zone.use_m3h)
