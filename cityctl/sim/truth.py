"""What is hidden in the simulated city: the answer sheet that a report on it is held against.

Computed from the same functions as the data, so it is true of them to the last reading.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from cityctl.clock import midnight
from cityctl.sim.town.blueprint import BUILDINGS, PUMPS, WATER_ZONES
from cityctl.sim.town.localtime import DAY
from cityctl.sim.town.records import HOUR
from cityctl.sim.town.whole import Town


@dataclass(frozen=True)
class LeakTruth:
    """A hidden leak. `night_flow_m3h` is its mean from 02:00 to 04:00 of the newest whole night."""

    zone: str
    kind: str
    start: datetime
    night_flow_m3h: float
    lost_m3: float


@dataclass(frozen=True)
class StuckTruth:
    """A flow sensor that repeats one value."""

    zone: str
    series: str
    since: datetime
    value_m3h: float


@dataclass(frozen=True)
class SavingTruth:
    """What an intervention saved from its day up to now; negative where the use rose."""

    building: str
    name: str
    date: date
    what: str
    share: float
    saved_kwh: float


@dataclass(frozen=True)
class WasteTruth:
    """A building that is not switched off: its mean power at night and on Sundays over that of its workdays."""

    building: str
    name: str
    night_share: float
    sunday_share: float


@dataclass(frozen=True)
class PumpTruth:
    """How a pump ran over the last 30 days."""

    pump: str
    wire_to_water: float
    specific_energy_kwh_m3: float
    badly_run: bool


@dataclass(frozen=True)
class OutageTruth:
    """A stretch that the historian did not record."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Truth:
    """Everything that is hidden, as of one instant."""

    as_of: datetime
    leaks: tuple[LeakTruth, ...]
    stuck_sensors: tuple[StuckTruth, ...]
    healthy_zones: tuple[str, ...]
    savings: tuple[SavingTruth, ...]
    wasteful_buildings: tuple[WasteTruth, ...]
    pumps: tuple[PumpTruth, ...]
    outages: tuple[OutageTruth, ...]

    def described(self) -> dict[str, Any]:
        """As JSON: times in ISO 8601 UTC, units in the keys."""
        return {key: _plain(value) for key, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return round(value, 4) if isinstance(value, float) else value


def truth(town: Town, now: datetime) -> Truth:
    """The answer sheet of a town as of `now` (UTC)."""
    scenario = town.scenario
    faulty = {leak.zone for leak in scenario.leaks} | {sensor.zone for sensor in scenario.stuck_sensors}
    return Truth(
        as_of=now,
        leaks=_leaks(town, now),
        stuck_sensors=tuple(
            StuckTruth(
                sensor.zone,
                f"{WATER_ZONES[sensor.zone].tag}.FT01",
                sensor.start,
                float(town.hydraulics.shown_inflow(sensor.zone, _seconds(now))[0]),
            )
            for sensor in scenario.stuck_sensors
        ),
        healthy_zones=tuple(zone for zone in WATER_ZONES if zone not in faulty),
        savings=_savings(town, now),
        wasteful_buildings=_waste(town, now),
        pumps=_pumps(town, now),
        outages=tuple(OutageTruth(outage.start, outage.end) for outage in scenario.outages),
    )


def _seconds(moment: datetime) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array([int(moment.timestamp())], dtype=np.int64)


def _leaks(town: Town, now: datetime) -> tuple[LeakTruth, ...]:
    scenario = town.scenario
    night = np.arange(
        int(scenario.instant(0, 2).timestamp()), int(scenario.instant(0, 4).timestamp()), 60, dtype=np.int64
    )
    found = []
    for leak in scenario.leaks:
        begin = int(leak.start.timestamp()) // 60 * 60
        minutes = np.arange(begin, int(now.timestamp()), 60, dtype=np.int64)
        lost = float(town.hydraulics.leak(leak, minutes).sum()) / 60.0
        flow = float(town.hydraulics.leak(leak, night).mean())
        found.append(LeakTruth(leak.zone, leak.kind, leak.start, flow, lost))
    return tuple(found)


def _savings(town: Town, now: datetime) -> tuple[SavingTruth, ...]:
    found = []
    for done in town.scenario.interventions:
        load = town.loads[done.building]
        start = int(midnight(done.date, town.scenario.zone).timestamp())
        hours = np.arange(start, int(now.timestamp()) // HOUR * HOUR, HOUR, dtype=np.int64)
        used, without = float(load.energy(hours).sum()), float(load.without_intervention(hours).sum())
        name = BUILDINGS[done.building].name
        share = (without - used) / without if without else 0.0
        found.append(SavingTruth(done.building, name, done.date, done.what, share, without - used))
    return tuple(found)


def _waste(town: Town, now: datetime) -> tuple[WasteTruth, ...]:
    """Buildings that keep more than four fifths of their working power by night and on Sundays, though
    nobody is there (clinic, pool and fire station are in use around the clock)."""
    end = int(now.timestamp()) // HOUR * HOUR
    hours = np.arange(end - 364 * DAY, end, HOUR, dtype=np.int64)
    local = town.scenario.local.local(hours)
    kind, hour = town.scenario.local.kind(local // DAY), local % DAY // HOUR
    found = []
    for name, load in town.loads.items():
        if load.building.hours in ("clinic", "pool", "watch"):
            continue
        energy = load.energy(hours)
        day = float(energy[(kind == 0) & (hour >= 8) & (hour < 17)].mean())
        night = float(energy[(hour >= 1) & (hour < 5)].mean()) / day
        sunday = float(energy[(kind == 2) & (hour >= 8) & (hour < 17)].mean()) / day
        if night > 0.8 and sunday > 0.8:
            found.append(WasteTruth(name, load.building.name, night, sunday))
    return tuple(found)


def _pumps(town: Town, now: datetime) -> tuple[PumpTruth, ...]:
    end = int(now.timestamp()) // 60 * 60
    best = max(pump.efficiency for pump in PUMPS.values())
    found = []
    for name, pump in PUMPS.items():
        flow, head, power = (
            town.records.minutes(f"pump-{what}/{name}", end - 30 * DAY, end)
            for what in ("flow", "head", "power")
        )
        running = flow > 0.0
        lifted = float((flow * head)[running].sum()) / 367.0
        spent = float(power[running].sum())
        found.append(
            PumpTruth(name, lifted / spent, spent / float(flow[running].sum()), pump.efficiency < 0.75 * best)
        )
    return tuple(found)
