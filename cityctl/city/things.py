"""What a city consists of, as city.yaml says it: networks, zones, assets and their ratings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cityctl.city.fields import (
    CarbonIntensity,
    CubicMetres,
    CubicMetresPerHour,
    Kilometres,
    Kilowatts,
    Metres,
    MetresOfHead,
    Name,
    SquareMetres,
    Strict,
    Volts,
)
from cityctl.city.ratings import Transformer


class Network(Strict):
    """A network of pipes or wires."""

    kind: Literal["water", "power", "heat", "gas"]
    name: str | None = None
    carbon: CarbonIntensity | None = None


class Zone(Strict):
    """A part of a network: a district metered area, a feeder, a building, a site."""

    network: Name
    name: str | None = None
    kind: Literal["dma", "supply", "feeder", "building", "site", "zone"] = "zone"
    parent: Name | None = None
    mains: Kilometres | None = Field(None, description="length of mains")
    connections: int | None = Field(None, ge=0)
    pressure: MetresOfHead | None = Field(None, description="average pressure, m of head")
    people: int | None = Field(None, ge=0)
    floor_area: SquareMetres | None = None
    inflow: str | None = Field(None, description="point or formula of the zone's net inflow")
    night_use: CubicMetresPerHour | None = Field(None, description="known legitimate night use")
    temperature: str | None = Field(None, description="point of the outdoor temperature")
    voltage: Volts | None = Field(None, description="nominal voltage of its supply, as it is measured")


class Pump(Strict):
    """A pump's curve as its maker gives it."""

    curve: list[tuple[float, float]] = Field([], description="pairs of flow [m³/h] and head [m]")


class Solar(Strict):
    """Ratings of a PV plant."""

    peak: Kilowatts = Field(description="rated DC power at standard test conditions, kWp")
    inverter: Kilowatts | None = Field(None, description="rated AC power of its inverters")
    temperature_coefficient: float | None = Field(
        None, ge=-2, le=0, description="of the modules' power, % for each K, such as -0.35"
    )


class Location(Strict):
    """Where the city is, for the sun."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Asset(Strict):
    """A thing that is maintained; its figures may stand in formulas as `asset.figure`."""

    kind: str = "asset"
    name: str | None = None
    zone: Name | None = None
    area: SquareMetres | None = None
    volume: CubicMetres | None = None
    height: Metres | None = None
    head: Metres | None = None
    power: Kilowatts | None = None
    transformer: Transformer | None = Field(None, description="ratings of a transformer")
    pump: Pump | None = Field(None, description="curve of a pump")
    voltage: Volts | None = Field(None, description="nominal voltage, as it is measured")
    solar: Solar | None = Field(None, description="ratings of a PV plant")
