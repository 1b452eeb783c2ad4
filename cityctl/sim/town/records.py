"""What the city's SCADA historian has recorded: series by tag, as means of 15 minutes or an hour.

A mean is the exact mean of what the PLCs showed in its minutes. Months of minutes are kept, so that the tank,
the pumps and the counters do not compute the zones again. Knows no HTTP and no file format.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from threading import RLock

import numpy as np

from cityctl.sim.town.blueprint import PUMPS, TANK, WATER_ZONES
from cityctl.sim.town.hydraulics import Hydraulics, on_duty, pump_head, pump_power
from cityctl.sim.town.noise import Floats, Integers
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.weather import Weather
from cityctl.units import convert

QUARTER = 900
HOUR = 3600
_MONTH = 30 * 1440  # minutes that are computed and kept together
_KEPT = 260  # such months: 21 for each of a dozen quantities
BAR_PER_METRE = convert(1.0, "mH2O", "bar")


@dataclass(frozen=True)
class Series:
    """One recorded series: its tag, unit, interval in seconds, and who recorded it: SCADA or the weather office."""

    tag: str
    unit: str
    every: int
    digits: int
    values: Callable[[Integers], Floats]
    from_scada: bool = True


class Records:
    """The historian's series, and counters at any instant."""

    def __init__(self, scenario: Scenario, weather: Weather, hydraulics: Hydraulics) -> None:
        self.scenario = scenario
        self.weather = weather
        self.hydraulics = hydraulics
        self._month = lru_cache(maxsize=_KEPT)(self._compute)
        self._sum = lru_cache(maxsize=None)(lambda quantity, month: float(self._month(quantity, month).sum()))
        self._computing = RLock()  # two requests for one month shall not both compute it
        self.series = {series.tag: series for series in self._all_series()}

    def minutes(self, quantity: str, start: int, end: int) -> Floats:
        """Values of the whole minutes from `start` to `end` [s since 1970, multiples of 60]."""
        first, last = start // 60, end // 60
        parts = []
        for month in range(first // _MONTH, (last - 1) // _MONTH + 1):
            values = self._kept(quantity, month)
            begin = month * _MONTH
            parts.append(values[max(first - begin, 0) : last - begin])
        return np.concatenate(parts) if parts else np.zeros(0)

    def total(self, quantity: str, second: int) -> float:
        """The integral of a quantity by hours since the history's beginning: m³ of m³/h, kWh of kW."""
        start = int(self.scenario.history_start.timestamp())
        minute = second // 60 * 60
        month = minute // 60 // _MONTH
        if minute <= start:
            return 0.0
        first = start // 60 // _MONTH
        with self._computing:
            total = sum(self._sum(quantity, whole) for whole in range(first, month))
        total -= float(self.minutes(quantity, first * _MONTH * 60, start).sum())
        total += float(self.minutes(quantity, month * _MONTH * 60, minute).sum())
        present = float(self.minutes(quantity, minute, minute + 60)[0])
        return (total + present * (second - minute) / 60.0) / 60.0

    def _kept(self, quantity: str, month: int) -> Floats:
        with self._computing:
            return self._month(quantity, month)

    def _compute(self, quantity: str, month: int) -> Floats:
        seconds = np.arange(month * _MONTH, (month + 1) * _MONTH, dtype=np.int64) * 60
        what, _, name = quantity.partition("/")
        water = self.hydraulics
        if what == "inflow":
            return water.inflow(name, seconds)
        if what == "shown":
            if name in {sensor.zone for sensor in self.scenario.stuck_sensors}:
                return water.shown_inflow(name, seconds)
            return self._kept(f"inflow/{name}", month)
        if what == "pressure":
            return water.pressure_with(name, seconds, self._kept(f"inflow/{name}", month))
        if what == "pumped":
            total = water.filling(seconds)
            for zone in WATER_ZONES:
                total = total + self._kept(f"inflow/{zone}", month)
            return total
        flow = np.where(on_duty(name, seconds), self._kept("pumped", month), 0.0)
        if what == "pump-flow":
            return flow
        if what == "pump-head":
            return pump_head(PUMPS[name], flow)
        if what == "pump-power":
            return pump_power(PUMPS[name], flow)
        if what == "pump-running":
            return (flow > 0.0).astype(np.float64)
        raise KeyError(quantity)

    def _means(self, quantity: str) -> Callable[[Integers], Floats]:
        def means(starts: Integers) -> Floats:
            if starts.size == 0:
                return np.zeros(0)
            values = self.minutes(quantity, int(starts[0]), int(starts[-1]) + QUARTER)
            by_slot: Floats = values.reshape(-1, QUARTER // 60).mean(axis=1)
            return by_slot

        return means

    def _in_bar(self, quantity: str) -> Callable[[Integers], Floats]:
        means = self._means(quantity)
        return lambda starts: means(starts) * BAR_PER_METRE

    def _hourly(self, value: Callable[[Integers], Floats]) -> Callable[[Integers], Floats]:
        def means(starts: Integers) -> Floats:
            inside = np.arange(300, HOUR, 600, dtype=np.int64)
            by_hour: Floats = (
                value((starts[:, None] + inside).reshape(-1)).reshape(-1, inside.size).mean(axis=1)
            )
            return by_hour

        return means

    def _all_series(self) -> list[Series]:
        series = []
        for zone in WATER_ZONES.values():
            series.append(Series(f"{zone.tag}.FT01", "m3/h", QUARTER, 3, self._means(f"shown/{zone.id}")))
            series.append(Series(f"{zone.tag}.PT01", "bar", QUARTER, 3, self._in_bar(f"pressure/{zone.id}")))
        series.append(Series(f"{TANK.tag}.LT01", "m", QUARTER, 4, self.hydraulics.level))
        for pump in PUMPS.values():
            series += [
                Series(f"{pump.tag}.FT01", "m3/h", QUARTER, 3, self._means(f"pump-flow/{pump.id}")),
                Series(f"{pump.tag}.PT01", "bar", QUARTER, 3, self._in_bar(f"pump-head/{pump.id}")),
                Series(f"{pump.tag}.JT01", "kW", QUARTER, 2, self._means(f"pump-power/{pump.id}")),
            ]
        series.append(
            Series(
                "air_temperature", "degC", HOUR, 2, self._hourly(self.weather.temperature), from_scada=False
            )
        )
        series.append(
            Series(
                "global_radiation", "W/m2", HOUR, 1, self._hourly(self.weather.irradiance), from_scada=False
            )
        )
        return series

    def recorded(self, tag: str, start: int, end: int, now: int) -> tuple[Integers, Floats]:
        """(interval starts, values) of a series from `start` up to `end` [s since 1970], as far as they were
        recorded by `now`; the outages are left out. Raises KeyError for an unknown tag."""
        series = self.series[tag]
        begin = max(start, int(self.scenario.history_start.timestamp()))
        first = -(-begin // series.every) * series.every
        last = min(end, (now // series.every) * series.every)
        starts = np.arange(first, max(last, first), series.every, dtype=np.int64)
        values = np.round(series.values(starts), series.digits)
        if not series.from_scada:
            return starts, values
        known = np.ones(starts.shape, dtype=np.bool_)
        for outage in self.scenario.outages:
            known &= (starts < int(outage.start.timestamp())) | (starts >= int(outage.end.timestamp()))
        return starts[known], values[known]
