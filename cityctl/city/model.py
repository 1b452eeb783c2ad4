"""The model of city.yaml: what may be written, and what it means.

It knows files and devices by name only: nothing here opens a connection or reads a reading.
"""

from __future__ import annotations

import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, model_validator

from cityctl.city.devices import Device, Wire
from cityctl.city.fields import (
    Duration,
    Name,
    QuantityText,
    Strict,
    UnitText,
    ZoneName,
)
from cityctl.city.mail import Mail
from cityctl.city.points import Point
from cityctl.city.records import Interruption, Stated, TypicalDay, WorkOrder
from cityctl.city.services import Service
from cityctl.city.things import Asset, Location, Network, Zone
from cityctl.city.writes import Writes
from cityctl.errors import UsageProblem, listed, near
from cityctl.library import Library
from cityctl.reading import Kind


class FileSource(Strict):
    """Files that `cityctl data import` takes when no file is named."""

    path: str | list[str]
    format: str | None = Field(
        None,
        description="csv, dsmr, green_button, json, mscons, nem12, nem13, ngsi, parquet, sensorthings, waterml or xml; "
        "by the file's content where left out",
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
    rollover: float | None = Field(
        None, gt=0, description="value at which a counter begins anew at zero, in its unit"
    )


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
    """What use costs: a flat price, or a recipe of recipes/tariffs."""

    network: Name
    price: float | None = Field(None, ge=0, description="in the city's currency for each kWh or m³")
    recipe: Name | None = Field(None, description="of recipes/tariffs; in place of the flat price")
    meters: list[str] = Field(
        [], description="point ids that it holds for, `*` for any letters; all where empty"
    )
    name: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Tariff:
        if (self.price is None) == (self.recipe is None):
            raise ValueError("expected either `price` or `recipe`")
        return self


class Weather(Strict):
    """Points of the weather."""

    temperature: str | None = None


class Intervention(Strict):
    """Something that was done to save: from this local day on, use is compared with the baseline."""

    date: datetime.date
    zone: Name | None = None
    meters: list[str] = Field([], description="point ids; `*` stands for any letters")
    what: str = ""


class NonRoutine(Strict):
    """Another cause than a measure that changed a use, on local days; without zone and meters it is everybody's.

    With `kwh_per_day` days since the measure stay in the account, and as much more is expected of them. Without it
    they leave the account. Days of the baseline are no evidence either way (IPMVP: non-routine adjustments).
    """

    first: datetime.date
    last: datetime.date | None = Field(None, description="the last day of it; it stays where nothing is said")
    zone: Name | None = None
    meters: list[str] = Field([], description="point ids; `*` stands for any letters")
    kwh_per_day: float | None = Field(
        None,
        description="what it adds to a day's use, below 0 what it takes; 0: looked into, and nothing happened",
    )
    what: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> NonRoutine:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"its last day {self.last} lies before the first, {self.first}")
        return self


class Retention(Strict):
    """How long readings and their roll-ups are kept; for ever where nothing is said. Months always are."""

    raw: Duration | None = Field(None, description="readings; dropped once they are rolled up")
    hourly: Duration | None = None
    daily: Duration | None = None


class City(Strict):
    """What city.yaml says, checked."""

    name: str
    time_zone: ZoneName
    country: (
        Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166, for public holidays")] | None
    ) = None
    region: str | None = Field(None, description="subdivision of the country, for its holidays")
    location: Location | None = Field(None, description="latitude and longitude, for sunrise and sunset")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")] = "EUR"
    networks: dict[Name, Network] = {}
    zones: dict[Name, Zone] = {}
    assets: dict[Name, Asset] = {}
    lines: dict[Name, Wire] = Field({}, description="buses and gateways that devices share")
    devices: dict[Name, Device] = {}
    services: dict[Name, Service] = {}
    files: dict[Name, FileSource] = {}
    points_by_name: dict[str, PointEntry] = Field({}, alias="points")
    meters: list[MeterRegister] = []
    tariffs: dict[Name, Tariff] = {}
    statements_file: str | None = Field(
        None, description="a CSV of bills as they came, beside city.yaml: meter, month, line, amount"
    )
    interruptions_file: str | None = Field(
        None, description="a CSV of interruptions of supply: start, end, customers, zone, cause"
    )
    weather: Weather = Weather()
    typical_weather_file: str | None = Field(
        None,
        description="outdoor temperature of a typical year, beside city.yaml: an EPW file, or a CSV of month, day, "
        "hour, temperature (°C)",
    )
    interventions: list[Intervention] = []
    retention: Retention = Retention()
    interventions_file: str | None = Field(
        None, description="a CSV of more of them, beside city.yaml: date, zone, meters, what"
    )
    non_routine: list[NonRoutine] = Field(
        [], description="what changed the use of buildings for another cause than a measure"
    )
    mail: Mail = Field(Mail(), description="how reports are mailed (`report run --mail-to`)")
    work_orders_file: str | None = Field(
        None, description="a CSV of leaks that were repaired, beside city.yaml: date, zone, what"
    )
    writes: Writes = Field(Writes(), description="whether the plant may be written to, and what stops it")
    runbooks: dict[Name, dict[str, bool | int | float | str | list[str]]] = Field(
        {}, description="inputs of runbooks, by runbook: what this city gives where the command says nothing"
    )
    profiles: dict[Name, dict[str, object]] = Field(
        {}, description="parts of this file, changed for a profile"
    )

    _project: Path = PrivateAttr(default=Path())
    _points: dict[str, Point] = PrivateAttr(default_factory=dict)
    _statements: list[Stated] = PrivateAttr(default_factory=list)
    _work_orders: list[WorkOrder] = PrivateAttr(default_factory=list)
    _work_order_faults: list[str] = PrivateAttr(default_factory=list)
    _interruptions: list[Interruption] = PrivateAttr(default_factory=list)
    _interruption_faults: list[tuple[str, str]] = PrivateAttr(default_factory=list)
    _typical_year: list[TypicalDay] = PrivateAttr(default_factory=list)

    @property
    def project(self) -> Path:
        """The folder of city.yaml."""
        return self._project

    @cached_property
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

    def statements(self) -> list[Stated]:
        """Lines of bills as they came."""
        return self._statements

    def work_orders(self) -> list[WorkOrder]:
        """Repairs that were done."""
        return self._work_orders

    def work_order_faults(self) -> list[str]:
        """Rows of the work orders' file that cannot be read: file:line and why."""
        return self._work_order_faults

    def interruptions(self) -> list[Interruption]:
        """Interruptions of supply, in order of time."""
        return self._interruptions

    def interruption_faults(self) -> list[tuple[str, str]]:
        """Rows of the file of interruptions that cannot be read: file:line, and why."""
        return self._interruption_faults

    def typical_year(self) -> list[TypicalDay]:
        """The 365 days of a typical year; none where city.yaml names no file of it."""
        return self._typical_year

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
        below = self._zones_below.get(zone, ())
        return [zone, *(inner for name in below for inner in self.zones_within(name))]

    @cached_property
    def _zones_below(self) -> dict[str, list[str]]:
        """zone -> the zones right below it."""
        below: dict[str, list[str]] = {}
        for name, entry in self.zones.items():
            if entry.parent is not None:
                below.setdefault(entry.parent, []).append(name)
        return below

    def holidays(self, first_year: int, last_year: int) -> set[datetime.date]:
        """Public holidays of the country and region; none where city.yaml names no country."""
        if self.country is None:
            return set()
        import holidays

        years = range(first_year, last_year + 1)
        return set(holidays.country_holidays(self.country, subdiv=self.region, years=years))
