"""How substations cool the water day by day: the difference of supply and return, and what goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.heating.excess_flow import CAPACITY
from cityctl.clock import Interval, local_days
from cityctl.result import Line, Plot


@dataclass(frozen=True)
class Hours:
    """Arrays of metered hours: start [s since 1970], volume [m³], heat [kWh], return temperature [°C], nan: unknown."""

    start: Any
    volume: Any
    heat: Any
    cold: Any


def cooling_plots(interval: Interval, wanted: float, hours: Mapping[str, Hours]) -> list[Plot]:
    """Two plots with a line for each substation, by its name; `wanted` [K] is the difference that is asked for."""
    import numpy as np

    days = [(start, end) for _, start, end in local_days(interval)]
    begins = np.array([start.timestamp() for start, _ in days])
    noons = [start + (end - start) / 2 for start, end in days]

    def daily(one: Hours, values: Any, weight: Any) -> list[float | None]:
        known = np.isfinite(values) & (weight > 0)
        place = np.searchsorted(begins, one.start[known], side="right") - 1
        sums, weights = (
            np.bincount(place, each[known], len(days)) for each in (np.where(known, values, 0), weight)
        )
        return [float(total / held) if held else None for total, held in zip(sums, weights, strict=True)]

    difference = [
        Line(called, noons, daily(one, one.heat / CAPACITY, one.volume)) for called, one in hours.items()
    ]
    back = [
        Line(called, noons, daily(one, one.cold * one.volume, one.volume))
        for called, one in hours.items()
        if np.isfinite(one.cold).any()
    ]
    found = []
    if difference:
        difference.append(Line("wanted", noons, [wanted] * len(noons)))
        found.append(Plot("difference", "Difference of supply and return by day", "K", difference))
    if back:
        found.append(Plot("return", "Return temperature by day, by volume", "degC", back))
    return found
