"""The pumps of a station as arrays: flow, head and power by quarter of an hour, and its tank. Knows no SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.units import convert

HOURS = 0.25


@dataclass(frozen=True)
class PumpPoints:
    """Which points tell of one pump: flow, power (or energy), head or the two pressures around it."""

    asset: str
    zone: str | None
    flow: str | None
    power: str | None
    head: str | None
    suction: str | None
    discharge: str | None

    @property
    def all(self) -> list[str]:
        """Their ids."""
        every = (self.flow, self.power, self.head, self.suction, self.discharge)
        return [one for one in every if one is not None]

    @property
    def lacking(self) -> str:
        """What is not metered of it."""
        head = self.head or (self.suction and self.discharge)
        wanted = {"flow": self.flow, "power": self.power, "head": head}
        return ", ".join(word for word, there in wanted.items() if not there)


def pumps_of(city: City) -> list[PumpPoints]:
    """The assets of kind pump, with their points by quantity and role."""
    found = []
    for name, asset in sorted(city.assets.items()):
        if asset.kind != "pump" and asset.pump is None:
            continue
        mine = [point for point in city.points().values() if point.asset == name]

        def first(quantity: str, role: str | None = None, among: list[Point] = mine) -> str | None:
            fits = [one.id for one in among if one.quantity == quantity and role in (None, one.role)]
            return fits[0] if fits else None

        suction, discharge = first("pressure", "suction"), first("pressure", "discharge")
        found.append(
            PumpPoints(
                asset=name,
                zone=asset.zone or next((point.zone for point in mine if point.zone), None),
                flow=first("flow"),
                power=first("power") or first("energy"),
                head=None if suction and discharge else first("pressure") or first("length"),
                suction=suction,
                discharge=discharge,
            )
        )
    return found


def head_of(pump: PumpPoints, values: dict[str, Any], city: City, size: int) -> Any:
    """Head of a pump in each window [m]; nan where it is not known."""
    import numpy as np

    nothing = np.full(size, np.nan)
    if pump.suction and pump.discharge:
        bar = values.get(pump.discharge, nothing) - values.get(pump.suction, nothing)
        return bar * convert(1.0, "bar", "mH2O")
    if pump.head is None:
        return nothing
    point = city.points()[pump.head]
    factor = convert(1.0, point.unit, "mH2O") if point.quantity == "pressure" else 1.0
    return values.get(pump.head, nothing) * factor


def power_of(pump: PumpPoints, values: dict[str, Any], city: City, size: int) -> Any:
    """Electric power of a pump in each window [kW]; of a meter of energy its use over the window."""
    import numpy as np

    if pump.power is None or pump.power not in values:
        return np.full(size, np.nan)
    point = city.points()[pump.power]
    if point.quantity == "power":
        return values[pump.power]
    if point.kind == "counter":
        used = np.append(np.diff(values[pump.power]), np.nan)
        return np.where(used >= 0, used, np.nan) / HOURS
    every = point.every.total_seconds() / 3600 if point.every else HOURS
    return values[pump.power] / every


@dataclass(frozen=True)
class Tank:
    """A tank with its level's point: area [m²] and volume [m³]."""

    asset: str
    level: str
    area: float
    volume: float


def tank_of(city: City, zone: str | None) -> Tank | None:
    """The one tank of a station's zone whose level is metered."""
    found = []
    for name, asset in city.assets.items():
        if asset.area is None or not (asset.volume or asset.height):
            continue
        levels = [one.id for one in city.points().values() if one.asset == name and one.quantity == "length"]
        volume = asset.volume or asset.area * (asset.height or 0.0)
        if levels and (asset.zone == zone or asset.zone is None):
            found.append(Tank(name, levels[0], asset.area, volume))
    return found[0] if len(found) == 1 else None
