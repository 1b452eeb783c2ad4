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

    kind: Literal["water", "power", "heat", "gas"] = Field(description="what flows in it")
    name: str | None = Field(None, description="what people call it")
    carbon: CarbonIntensity | None = Field(
        None, description="CO2 of its energy: a figure such as 230 g/kWh, or the point of it"
    )


class Zone(Strict):
    """A part of a network: a district metered area, a feeder, a building, a site."""

    network: Name = Field(description="the network that it is a part of")
    name: str | None = Field(None, description="what people call it")
    kind: Literal["dma", "supply", "feeder", "building", "site", "zone"] = Field(
        "zone", description="what sort of zone it is"
    )
    parent: Name | None = Field(None, description="the zone that it lies in")
    mains: Kilometres | None = Field(None, description="length of mains")
    connections: int | None = Field(None, ge=0, description="service connections")
    pressure: MetresOfHead | None = Field(None, description="average pressure, m of head")
    people: int | None = Field(None, ge=0, description="inhabitants, or who works there")
    floor_area: SquareMetres | None = Field(None, description="heated floor area of a building")
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

    latitude: float = Field(ge=-90, le=90, description="degrees, north above 0")
    longitude: float = Field(ge=-180, le=180, description="degrees, east above 0")


class Asset(Strict):
    """A thing that is maintained; its figures may stand in formulas as `asset.figure`."""

    kind: str = Field("asset", description="pump, tank, transformer ..., in your own words beside these")
    name: str | None = Field(None, description="what people call it")
    zone: Name | None = Field(None, description="the zone that it stands in")
    area: SquareMetres | None = Field(None, description="base area of a tank")
    volume: CubicMetres | None = Field(None, description="what a tank holds")
    height: Metres | None = Field(None, description="of a tank, for formulas")
    head: Metres | None = Field(None, description="rated head of a pump, for formulas")
    power: Kilowatts | None = Field(None, description="rated power, for formulas")
    transformer: Transformer | None = Field(None, description="ratings of a transformer")
    pump: Pump | None = Field(None, description="curve of a pump")
    voltage: Volts | None = Field(None, description="nominal voltage, as it is measured")
    solar: Solar | None = Field(None, description="ratings of a PV plant")
