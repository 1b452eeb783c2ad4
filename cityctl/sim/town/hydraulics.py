"""The water network of the simulated city: inflow and pressure of its zones, the tank, the pumps.

Everything is constant within a minute, so means, volumes and the balance of the tank are exact sums of
minutes. Knows the hidden faults; what the sensors show of them is told apart from what flows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cityctl.sim.town.blueprint import PUMPS, TANK, WATER_ZONES, Pump, WaterZone
from cityctl.sim.town.demand import WaterUse
from cityctl.sim.town.localtime import DAY
from cityctl.sim.town.noise import Floats, Integers, correlated, normal, stream
from cityctl.sim.town.scenario import Leak, Scenario
from cityctl.sim.town.weather import Weather

CHANGEOVER = 5 * 3600  # the duty pump changes at 06:00 of the controller's clock, which keeps UTC+1


# A stuck meter repeats whole 1/128 m³/s: exact in a float32 of m³/s and in three decimals of m³/h, so that PLC and
# historian repeat one and the same figure.
STUCK_STEP = 3600.0 / 128.0


class Hydraulics:
    """Pure functions of time (seconds since 1970 UTC, int64 arrays of one dimension)."""

    def __init__(self, scenario: Scenario, weather: Weather) -> None:
        self.scenario = scenario
        self._uses = {id_: WaterUse(zone, scenario, weather) for id_, zone in WATER_ZONES.items()}
        self._pressure_noise = {id_: stream(scenario.seed, f"{id_}/pressure") for id_ in WATER_ZONES}
        self._level = stream(scenario.seed, "tank/level")
        self._frozen: dict[str, tuple[int, float]] = {}
        for sensor in scenario.stuck_sensors:
            start = int(sensor.start.timestamp())
            value = float(self.inflow(sensor.zone, np.array([start], dtype=np.int64))[0])
            self._frozen[sensor.zone] = (start, max(1, round(value / STUCK_STEP)) * STUCK_STEP)

    def use(self, zone: str, seconds: Integers) -> Floats:
        """What people use, m³/h."""
        return self._uses[zone].flow(seconds)

    def _head_at(self, zone: WaterZone, flow: Floats) -> Floats:
        """Mean head of the zone, m: the rest head less what friction takes (Hazen-Williams, flow ** 1.852)."""
        head: Floats = zone.pressure_m - zone.drop_m * (flow / (2.0 * zone.mean_m3h)) ** 1.852
        return head

    def leakage(self, zone: str, seconds: Integers) -> Floats:
        """Background leakage, m³/h: FAVAD with N1 = 1 for the many small joints of a zone."""
        return self._background(WATER_ZONES[zone], self.use(zone, seconds))[1]

    def _background(self, zone: WaterZone, use: Floats) -> tuple[Floats, Floats]:
        """(head over rest head, background leakage) that the zone would have without hidden leaks."""
        share = self._head_at(zone, use + zone.background_m3h) / zone.pressure_m
        return share, zone.background_m3h * share

    def _grown(self, leak: Leak, seconds: Integers, share: Floats) -> Floats:
        """A leak's flow, m³/h: its growth by the end of the minute, times (head / rest head) ** N1."""
        elapsed = np.floor_divide(seconds, 60) * 60 + 60 - leak.start.timestamp()
        grown = np.clip(elapsed / leak.growth.total_seconds(), 0.0, 1.0) ** leak.power
        flow: Floats = leak.flow_m3h * grown * share**leak.exponent
        return flow

    def leak(self, leak: Leak, seconds: Integers) -> Floats:
        """One hidden leak, m³/h, driven by the head that the zone would have without it."""
        share, _ = self._background(WATER_ZONES[leak.zone], self.use(leak.zone, seconds))
        return self._grown(leak, seconds, share)

    def inflow(self, zone: str, seconds: Integers) -> Floats:
        """What truly flows into a zone, m³/h."""
        use = self.use(zone, seconds)
        share, background = self._background(WATER_ZONES[zone], use)
        flow = use + background
        for leak in self.scenario.leaks:
            if leak.zone == zone and (seconds >= leak.start.timestamp() - 60).any():
                flow = flow + self._grown(leak, seconds, share)
        return flow

    def shown_inflow(self, zone: str, seconds: Integers) -> Floats:
        """What the zone's flow meter shows, m³/h: the truth, unless the meter is stuck."""
        flow = self.inflow(zone, seconds)
        if zone in self._frozen:
            start, value = self._frozen[zone]
            flow = np.where(seconds >= start, value, flow)
        return flow

    def pressure(self, zone: str, seconds: Integers) -> Floats:
        """Head at the zone's inlet transmitter, m; a leak pulls it down with its own flow."""
        return self.pressure_with(zone, seconds, self.inflow(zone, seconds))

    def pressure_with(self, zone: str, seconds: Integers, inflow: Floats) -> Floats:
        """`pressure` where the inflow of those minutes is known already."""
        noise = 0.12 * normal(self._pressure_noise[zone], np.floor_divide(seconds, 60))
        return np.maximum(self._head_at(WATER_ZONES[zone], inflow) + noise, 0.0)

    def outflow(self, seconds: Integers) -> Floats:
        """What leaves the tank, m³/h: all zones together."""
        total = np.zeros(seconds.shape)
        for zone in WATER_ZONES:
            total = total + self.inflow(zone, seconds)
        return total

    def level(self, seconds: Integers) -> Floats:
        """Level of the tank at the beginning of the minute, m: filled by night, drawn down by day."""
        at = np.floor_divide(seconds, 60) * 60
        clock = 2.0 * np.pi * ((at + 3600) % DAY - 6.5 * 3600) / DAY
        slow = 0.14 * correlated(self._level, at, 2 * DAY)
        level: Floats = TANK.mean_level_m + TANK.swing_m * (np.cos(clock) + 0.12 * np.cos(2.0 * clock)) + slow
        return level

    def pumped(self, seconds: Integers) -> Floats:
        """What the pumps lift into the tank, m³/h: outflow plus what the level gains in this minute."""
        return self.outflow(seconds) + self.filling(seconds)

    def filling(self, seconds: Integers) -> Floats:
        """What the tank's content gains in the minute, m³/h; below 0 where it is drawn down."""
        at = np.floor_divide(seconds, 60) * 60
        gained: Floats = TANK.area_m2 * (self.level(at + 60) - self.level(at))  # m³ in one minute
        return 60.0 * gained

    def pump_flow(self, pump: str, seconds: Integers) -> Floats:
        """Flow of one pump, m³/h; 0 on the days on which the other is on duty."""
        return np.where(on_duty(pump, seconds), self.pumped(seconds), 0.0)


def on_duty(pump: str, seconds: Integers) -> NDArray[np.bool_]:
    """Whether the pump runs: the two take turns by the day."""
    turn: NDArray[np.bool_] = (seconds - CHANGEOVER) // DAY % 2 == PUMPS[pump].duty
    return turn


def pump_head(pump: Pump, flow: Floats) -> Floats:
    """Total head of a running pump, m: static lift plus friction in the rising main, which grows with the
    square of flow; 0 where it stands."""
    head: Floats = pump.static_head_m + pump.friction_m_per_m3h2 * flow**2
    return np.where(flow > 0.0, head, 0.0)


def pump_efficiency(pump: Pump, flow: Floats) -> Floats:
    """Wire-to-water efficiency, 0 to 1: a parabola about the best point, never under 60 % of the best."""
    away = (flow - pump.best_m3h) / pump.best_m3h
    share: Floats = pump.efficiency * np.maximum(1.0 - 0.55 * away**2, 0.6)
    return share


def pump_power(pump: Pump, flow: Floats) -> Floats:
    """Electric power, kW: flow [m³/h] x head [m] / 367 / efficiency (367 = 3600 x 1000 / 9810), 0.15 kW at
    rest for the drive's electronics."""
    running = flow * pump_head(pump, flow) / 367.0 / pump_efficiency(pump, flow)
    return np.where(flow > 0.0, running, 0.15)
