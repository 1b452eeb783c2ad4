"""The model of city.yaml: what may be written, and what it means.

It knows files and devices by name only: nothing here opens a connection or reads a reading.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, model_validator

from cityctl.city.fields import (
    CubicMetres,
    CubicMetresPerHour,
    Duration,
    Kilometres,
    Kilowatts,
    Metres,
    MetresOfHead,
    Name,
    QuantityText,
    SquareMetres,
    Strict,
    UnitText,
    ZoneName,
)
from cityctl.city.points import Point
from cityctl.errors import UsageProblem, listed, near
from cityctl.library import Library
from cityctl.reading import Kind


class Network(Strict):
    """A network of pipes or wires."""

    kind: Literal["water", "power", "heat", "gas"]
    name: str | None = None


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


class Device(Strict):
    """A PLC or meter that answers."""

    connector: Name
    host: str
    port: int = Field(502, ge=1, le=65535)
    unit: int = Field(1, ge=0, le=255, description="Modbus unit id")
    zone: Name | None = None
    asset: Name | None = None
    poll: list[str] | None = Field(None, description="points to poll; all of the connector where left out")
    every: Duration | None = Field(None, description="how often it is polled")
    timeout: Annotated[float, Field(gt=0, le=60, description="seconds to wait for one answer")] = 3.0


class Secret(Strict):
    """Where a secret is kept; the secret itself never stands in city.yaml."""

    env: str | None = None
    file: str | None = None
    command: list[str] | None = None

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if sum(place is not None for place in (self.env, self.file, self.command)) != 1:
            raise ValueError("expected exactly one of `env`, `file` and `command`")
        return self


class Service(Strict):
    """An HTTP export that readings are pulled from."""

    connector: Name
    url: str = Field(pattern=r"^https?://")
    zone: Name | None = None
    user: str | None = None
    secret: Secret | None = None
    parameters: dict[str, str] = {}


class FileSource(Strict):
    """Files that `cityctl data import` takes when no file is named."""

    path: str | list[str]
    format: str | None = Field(
        None, description="csv, parquet, green_button; by the file's name where left out"
    )
    layout: Literal["long", "wide", "auto"] = "auto"
    time: str | None = Field(None, description="column of the time")
    point: str | None = Field(None, description="column of the series' name (long)")
    value: str | None = Field(None, description="column of the value (long)")
    quality: str | None = None
    time_format: str | None = Field(None, description="such as %d/%m/%Y %H:%M")
    time_zone: ZoneName | None = Field(None, description="of the file's times; the city's where left out")
    unit: UnitText | None = None
    units: dict[str, UnitText] = Field({}, description="by column, where they differ")
    kind: Kind | None = None
    every: Duration | None = None
    stamp: Literal["start", "end"] = "start"
    decimal: Literal[".", ","] = "."
    delimiter: str | None = None
    missing: list[float] = Field([], description="values that stand for a missing reading")
    prefix: str = ""
    points: dict[str, str] = Field({}, description="column or series -> point")


class PointEntry(Strict):
    """A point by name: where its readings come from."""

    name: str | None = None
    quantity: QuantityText | None = None
    unit: UnitText | None = None
    kind: Kind | None = None
    every: Duration | None = None
    zone: Name | None = None
    asset: Name | None = None
    role: str | None = None
    device: str | None = Field(None, description="device/point")
    service: str | None = Field(None, description="service/series")
    series: str | None = Field(None, description="name in imported files, where it is another")
    formula: str | None = None
    species: str | None = None
    reference_temperature: float | None = Field(None, description="°C")


class MeterRegister(Strict):
    """A spreadsheet of meters, one a row."""

    register_file: str = Field(alias="register")
    zone: Name | None = None
    network: Name | None = None
    unit: UnitText | None = None
    kind: Kind | None = None
    every: Duration | None = None
    role: str | None = None
    service: Name | None = None


class Tariff(Strict):
    """A flat price; recipes/tariffs hold the others."""

    network: Name
    price: float = Field(ge=0, description="in the city's currency for each kWh or m³")
    name: str | None = None


class Weather(Strict):
    """Points of the weather."""

    temperature: str | None = None


class Intervention(Strict):
    """Something that was done to save: from this local day on, use is compared with the baseline."""

    date: datetime.date
    zone: Name | None = None
    meters: list[str] = Field([], description="point ids; `*` stands for any letters")
    what: str = ""


class City(Strict):
    """What city.yaml says, checked."""

    name: str
    time_zone: ZoneName
    country: (
        Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166, for public holidays")] | None
    ) = None
    region: str | None = Field(None, description="subdivision of the country, for its holidays")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")] = "EUR"
    networks: dict[Name, Network] = {}
    zones: dict[Name, Zone] = {}
    assets: dict[Name, Asset] = {}
    devices: dict[Name, Device] = {}
    services: dict[Name, Service] = {}
    files: dict[Name, FileSource] = {}
    points_by_name: dict[str, PointEntry] = Field({}, alias="points")
    meters: list[MeterRegister] = []
    tariffs: dict[Name, Tariff] = {}
    weather: Weather = Weather()
    interventions: list[Intervention] = []
    profiles: dict[Name, dict[str, object]] = Field(
        {}, description="parts of this file, changed for a profile"
    )

    _project: Path = PrivateAttr(default=Path())
    _points: dict[str, Point] = PrivateAttr(default_factory=dict)

    @property
    def project(self) -> Path:
        """The folder of city.yaml."""
        return self._project

    @property
    def library(self) -> Library:
        """Connectors and recipes as this project sees them."""
        return Library(self._project)

    @property
    def zone_info(self) -> ZoneInfo:
        """The city's time zone."""
        return ZoneInfo(self.time_zone)

    def points(self) -> dict[str, Point]:
        """Every point: named ones, points of devices, meters of the registers, inflows of zones."""
        return self._points

    def point(self, name: str) -> Point:
        """The point of that id. Raises UsageProblem with the near match."""
        if name in self._points:
            return self._points[name]
        match = near(name, self._points)
        hint = f"did you mean `{match}`?" if match else f"there are: {listed(self._points)}"
        raise UsageProblem(f"no point named `{name}`", hint=hint)

    def inflow_point(self, zone: str) -> str | None:
        """Id of the point that holds a zone's net inflow; None where city.yaml names none."""
        inflow = self.zones[zone].inflow
        if inflow is None:
            return None
        return inflow if inflow in self._points else f"{zone}/inflow"

    def network_kind(self, zone: str | None) -> str | None:
        """water, power, heat or gas: the kind of a zone's network."""
        if zone is None or zone not in self.zones:
            return None
        return self.networks[self.zones[zone].network].kind

    def zones_within(self, zone: str) -> list[str]:
        """A zone and all zones below it."""
        below = [name for name, entry in self.zones.items() if entry.parent == zone]
        return [zone, *(inner for name in below for inner in self.zones_within(name))]

    def holidays(self, first_year: int, last_year: int) -> set[datetime.date]:
        """Public holidays of the country and region; none where city.yaml names no country."""
        if self.country is None:
            return set()
        import holidays

        years = range(first_year, last_year + 1)
        return set(holidays.country_holidays(self.country, subdiv=self.region, years=years))
