"""Electricity of the simulated city's buildings and its solar roof: energy by the hour, power at any instant.

Hours of use are read from the building's kind, the weather does the rest, and an intervention multiplies the
parts of the load from its day on. Shapes follow measured buildings: at night an office keeps 0.7 to 0.9 of its
mean load, at noon 1.3 to 1.5, on Sundays 0.8 to 1.0 (58 university buildings, Cambridge Estates Building Energy
Archive 2018-2019, quartiles).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cityctl.sim.town.blueprint import BUILDINGS, Building
from cityctl.sim.town.localtime import DAY, day_number
from cityctl.sim.town.noise import Floats, Integers, correlated, normal, stream, uniform
from cityctl.sim.town.scenario import Intervention, Scenario
from cityctl.sim.town.weather import Weather


def _hours(**spans: tuple[float, int, int]) -> Floats:
    """24 shares of use from `name=(share, first hour, hour after the last)`."""
    day = np.zeros(24)
    for share, first, end in spans.values():
        day[first:end] = share
    return day


_NONE = np.zeros(24)
_OFFICE = _hours(
    early=(0.35, 6, 7), rise=(0.7, 7, 8), day=(1.0, 8, 17), late=(0.5, 17, 18), clean=(0.3, 18, 20)
)
_LIBRARY = _hours(rise=(0.5, 8, 10), day=(1.0, 10, 19), close=(0.4, 19, 20))
_CLINIC = _hours(night=(0.25, 0, 24), rise=(0.7, 6, 8), day=(1.0, 8, 17), late=(0.55, 17, 22))
_POOL = _hours(night=(0.15, 0, 24), early=(0.9, 6, 9), day=(0.8, 9, 15), busy=(1.0, 15, 22))
_MUSEUM = _hours(rise=(0.4, 9, 10), day=(1.0, 10, 18))
_WATCH = _hours(night=(0.35, 0, 24), day=(0.8, 7, 22))
_DEPOT = _hours(night=(0.82, 0, 24), day=(1.0, 6, 18))  # nobody switches anything off
_SPORTS = _hours(school=(0.45, 8, 15), clubs=(1.0, 16, 22))
# by kind of day: workday, Saturday, Sunday or holiday
_USE: dict[str, tuple[Floats, Floats, Floats]] = {
    "office": (_OFFICE, _hours(guard=(0.12, 9, 14)), _NONE),
    "library": (_LIBRARY, _hours(day=(0.8, 10, 16)), _NONE),
    "clinic": (_CLINIC, _CLINIC * 0.82, _CLINIC * 0.76),
    "pool": (_POOL, _POOL, _POOL * 1.05),
    "school": (_hours(rise=(0.6, 7, 8), day=(1.0, 8, 15), late=(0.4, 15, 17)), _NONE, _NONE),
    "museum": (_MUSEUM, _MUSEUM, _MUSEUM),
    "watch": (_WATCH, _WATCH, _WATCH),
    "depot": (_DEPOT, _DEPOT * 0.93, _DEPOT * 0.88),
    "sports": (_SPORTS, _hours(games=(0.9, 10, 20)), _hours(games=(0.8, 10, 18))),
}
# (month, day) spans in which a school is empty, both ends included
_SCHOOL_HOLIDAYS = (((7, 16), (8, 26)), ((12, 22), (12, 31)), ((1, 1), (1, 5)), ((10, 18), (10, 29)))
_RIPPLES = (1, 3, 8)  # waves in an hour of a load's wobble


@dataclass(frozen=True)
class Parts:
    """A building's load before any intervention, split by what drives it: kWh of each hour."""

    floor: Floats
    work: Floats
    heating: Floats
    cooling: Floats


class BuildingLoad:
    """One building; pure functions of time."""

    def __init__(self, building: Building, scenario: Scenario, weather: Weather) -> None:
        self.building = building
        self.scenario = scenario
        self._weather = weather
        self._day_noise = stream(scenario.seed, f"{building.id}/load/day")
        self._hour_noise = stream(scenario.seed, f"{building.id}/load/hour")
        self._ripple = stream(scenario.seed, f"{building.id}/load/ripple")

    @cached_property
    def intervention(self) -> Intervention | None:
        """What was done at this building."""
        known = self.scenario.interventions
        return next((one for one in known if one.building == self.building.id), None)

    def _use(self, local: Integers) -> Floats:
        day = local // DAY
        hour = (local % DAY) // 3600
        kind = self.scenario.local.kind(day)
        use = np.stack(_USE[self.building.hours])[kind, hour]
        if self.building.hours == "school":
            use = np.where(_school_is_out(day), 0.05 * use, use)
        return use

    def parts(self, seconds: Integers) -> Parts:
        """kWh of the hours that the instants lie in, by what drives them. Chance moves all parts alike."""
        hour = np.floor_divide(seconds, 3600)
        at = hour * 3600
        outside = self._weather.daily_temperature(at + 1800)
        plan = self.building
        chance = (
            1.0 + 0.030 * correlated(self._day_noise, at, 2 * DAY) + 0.035 * normal(self._hour_noise, hour)
        )
        return Parts(
            floor=plan.floor_kw * chance,
            work=plan.work_kw * self._use(self.scenario.local.local(at)) * chance,
            heating=plan.heating_kw_per_k * np.maximum(plan.heating_balance_c - outside, 0.0) * chance,
            cooling=plan.cooling_kw_per_k * np.maximum(outside - plan.cooling_balance_c, 0.0) * chance,
        )

    def without_intervention(self, seconds: Integers) -> Floats:
        """kWh of each hour had nothing been done: the true counterfactual."""
        parts = self.parts(seconds)
        return parts.floor + parts.work + parts.heating + parts.cooling

    def energy(self, seconds: Integers) -> Floats:
        """kWh of the hours that the instants lie in, as the meter counts it."""
        parts = self.parts(seconds)
        total = parts.floor + parts.work + parts.heating + parts.cooling
        done = self.intervention
        if done is None:
            return total
        after = (
            done.floor * parts.floor
            + done.work * parts.work
            + done.heating * parts.heating
            + done.cooling * parts.cooling
        )
        local_day = self.scenario.local.local(np.floor_divide(seconds, 3600) * 3600) // DAY
        return np.where(local_day >= day_number(done.date), after, total)

    def power(self, seconds: Integers) -> Floats:
        """Power at the instants, kW: the hour's mean with ripples that cancel over the hour."""
        hour = np.floor_divide(seconds, 3600)
        part = (seconds - hour * 3600) / 3600.0
        wobble = np.zeros(seconds.shape)
        for number, waves in enumerate(_RIPPLES):
            phase = 2.0 * np.pi * uniform(self._ripple, hour * len(_RIPPLES) + number)
            wobble = wobble + 0.02 * np.sin(2.0 * np.pi * waves * part + phase)
        return self.energy(seconds) * (1.0 + wobble)

    def counted_in_hour(self, seconds: Integers) -> Floats:
        """kWh from the full hour to the instant: the integral of `power`."""
        hour = np.floor_divide(seconds, 3600)
        part = (seconds - hour * 3600) / 3600.0
        counted = part.astype(np.float64)
        for number, waves in enumerate(_RIPPLES):
            phase = 2.0 * np.pi * uniform(self._ripple, hour * len(_RIPPLES) + number)
            full = 2.0 * np.pi * waves
            counted = counted + 0.02 / full * (np.cos(phase) - np.cos(full * part + phase))
        energy: Floats = self.energy(seconds) * counted
        return energy


def _school_is_out(day: Integers) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    dates = day.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    code = (months.astype(np.int64) % 12 + 1) * 100 + (dates - months).astype(np.int64) + 1
    out = np.zeros(day.shape, dtype=np.bool_)
    for (first_month, first_day), (last_month, last_day) in _SCHOOL_HOLIDAYS:
        out |= (code >= first_month * 100 + first_day) & (code <= last_month * 100 + last_day)
    return out


def building_loads(scenario: Scenario, weather: Weather) -> dict[str, BuildingLoad]:
    """Every building's load by its id."""
    return {id_: BuildingLoad(plan, scenario, weather) for id_, plan in BUILDINGS.items()}
