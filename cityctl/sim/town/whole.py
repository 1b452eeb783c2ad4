"""The whole simulated city at one place: weather, water, loads, records, and what time it is there.

Knows no network: plant.py and service.py let others ask.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from cityctl.sim.town.hydraulics import Hydraulics
from cityctl.sim.town.loads import BuildingLoad, building_loads
from cityctl.sim.town.noise import Floats, Integers
from cityctl.sim.town.records import HOUR, Records
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.weather import Weather


class TownClock:
    """The simulated time: from `begin` on, `speed` times as fast as the wall clock."""

    def __init__(self, begin: datetime, speed: float = 1.0) -> None:
        self.begin = begin
        self.speed = speed
        self._started = time.monotonic()

    def now(self) -> datetime:
        """The instant it is in the simulated city, UTC."""
        return datetime.fromtimestamp(self.second(), UTC)

    def second(self) -> float:
        """The same in seconds since 1970."""
        return self.begin.timestamp() + (time.monotonic() - self._started) * self.speed


class Town:
    """A scenario come to life."""

    def __init__(self, scenario: Scenario, second: Callable[[], float]) -> None:
        self.scenario = scenario
        self.second = second
        self.weather = Weather(scenario)

    @cached_property
    def hydraulics(self) -> Hydraulics:
        """Water."""
        return Hydraulics(self.scenario, self.weather)

    @cached_property
    def records(self) -> Records:
        """What SCADA has recorded."""
        return Records(self.scenario, self.weather, self.hydraulics)

    @cached_property
    def loads(self) -> dict[str, BuildingLoad]:
        """Electricity of the buildings."""
        return building_loads(self.scenario, self.weather)

    def solar_energy(self, starts: Integers) -> Floats:
        """kWh that the solar roof feeds in, in the hours that begin at the given instants."""
        inside = np.arange(150, HOUR, 300, dtype=np.int64)
        power = self.weather.solar_power((starts[:, None] + inside).reshape(-1))
        energy: Floats = power.reshape(-1, inside.size).mean(axis=1)
        return energy

    def _counted(self, hourly: Callable[[Integers], Floats], second: int) -> float:
        start = int(self.scenario.history_start.timestamp())
        hours = np.arange(start, second // HOUR * HOUR, HOUR, dtype=np.int64)
        return float(hourly(hours).sum()) if hours.size else 0.0

    def building_counter(self, building: str, second: int) -> float:
        """The meter's register, kWh since the history's beginning."""
        load = self.loads[building]
        whole = self._whole_hours(f"load/{building}", second, load.energy)
        return whole + float(load.counted_in_hour(np.array([second], dtype=np.int64))[0])

    def solar_counter(self, second: int) -> float:
        """The inverter's register, kWh since the history's beginning."""
        whole = self._whole_hours("solar", second, self.solar_energy)
        hour = second // HOUR * HOUR
        part = float(self.solar_energy(np.array([hour], dtype=np.int64))[0])
        return whole + part * (second - hour) / HOUR

    def _whole_hours(self, name: str, second: int, hourly: Callable[[Integers], Floats]) -> float:
        """Sum of the whole hours; the last one asked for is kept, because meters are read in a row."""
        hour = second // HOUR
        kept = self._counters.get(name)
        if kept is None or kept[0] != hour:
            kept = (hour, self._counted(hourly, second))
            self._counters[name] = kept
        return kept[1]

    @cached_property
    def _counters(self) -> dict[str, tuple[int, float]]:
        return {}
