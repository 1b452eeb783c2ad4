"""The pumps of a station: which points tell of them, their head, and the tank. Knows no SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.units import convert


@dataclass(frozen=True)
class PumpPoints:
    """Which points tell of one pump: flow (or volume), power (or energy), head or the two pressures around it.

    `shares` where the flow is that of its station: it tells of the pump while no other runs. `discharge_alone` where
    its head is the pressure behind it, and nothing tells the one before it.
    """

    asset: str
    zone: str | None
    flow: str | None
    power: str | None
    head: str | None
    suction: str | None
    discharge: str | None
    shares: bool = False
    discharge_alone: bool = False

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
    """The assets of kind pump, with their points by quantity and role; the station's where it has none of its own."""
    found = []
    for name, asset in sorted(city.assets.items()):
        if asset.kind != "pump" and asset.pump is None:
            continue
        mine = [point for point in city.points().values() if point.asset == name]
        zone = asset.zone or next((point.zone for point in mine if point.zone), None)
        around = [
            point
            for point in city.points().values()
            if point.asset is None and point.zone == zone is not None
        ]

        def first(quantity: str, role: str | None = None, among: list[Point] = mine) -> str | None:
            fits = [one.id for one in among if one.quantity == quantity and role in (None, one.role)]
            return fits[0] if fits else None

        def only(quantity: str, role: str | None = None, among: list[Point] = around) -> str | None:
            fits = [one.id for one in among if one.quantity == quantity and role in (None, one.role)]
            return fits[0] if len(fits) == 1 else None

        own = first("flow") or first("volume")
        suction, discharge = (
            first("pressure", role) or first("length", role) or only("pressure", role) or only("length", role)
            for role in ("suction", "discharge")
        )
        behind = first("pressure", "discharge") or first("length", "discharge")
        # The pressure before a pump alone is no head of it.
        heads = [one for one in mine if one.role != "suction"]
        single = behind or first("pressure", among=heads) or first("length", among=heads)
        both = bool(suction and discharge and (behind or not single))
        found.append(
            PumpPoints(
                asset=name,
                zone=zone,
                flow=own or only("flow") or only("volume"),
                power=first("power") or first("energy"),
                head=None if both else single,
                suction=suction if both else None,
                discharge=discharge if both else None,
                shares=own is None,
                discharge_alone=not both and behind is not None,
            )
        )
    return found


def head_of(pump: PumpPoints, values: dict[str, Any], city: City, size: int) -> Any:
    """Head of a pump in each window [m]; nan where it is not known."""
    import numpy as np

    nothing = np.full(size, np.nan)
    if pump.suction and pump.discharge:
        before, behind = (_metres(city, one, values, nothing) for one in (pump.suction, pump.discharge))
        return behind - before
    return nothing if pump.head is None else _metres(city, pump.head, values, nothing)


def _metres(city: City, name: str, values: dict[str, Any], nothing: Any) -> Any:
    """A pressure, or a head that is told as a length, in metres of water."""
    point = city.points()[name]
    factor = convert(1.0, point.unit, "mH2O") if point.quantity == "pressure" else 1.0
    return values.get(name, nothing) * factor


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
