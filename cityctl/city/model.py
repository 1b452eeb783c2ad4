"""City: the whole of city.yaml, checked; its parts stand in the modules beside this one.

It knows files and devices by name only: nothing here opens a connection or reads a reading.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr

from cityctl.city.accounts import Intervention, NonRoutine, Tariff, Weather
from cityctl.city.devices import Device, Wire
from cityctl.city.fields import Duration, Name, Strict, ZoneName
from cityctl.city.mail import Mail
from cityctl.city.points import Point
from cityctl.city.records import Interruption, Stated, TypicalDay, WorkOrder
from cityctl.city.services import Service
from cityctl.city.sources import FileSource, MeterRegister, PointEntry
from cityctl.city.things import Asset, Location, Network, Zone
from cityctl.city.writes import Writes
from cityctl.errors import UsageProblem, listed, near
from cityctl.library import Library

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Retention(Strict):
    """How long readings and their roll-ups are kept; for ever where nothing is said. Months always are."""

    raw: Duration | None = Field(None, description="readings; dropped once they are rolled up")
    hourly: Duration | None = Field(None, description="figures by the hour")
    daily: Duration | None = Field(None, description="figures by the local day")


class City(Strict):
    """What city.yaml says, checked."""

    name: str = Field(description="what the city is called")
    time_zone: ZoneName = Field(
        description="an IANA name such as Europe/Berlin; reports and --since speak this time"
    )
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = Field(
        None, description="ISO 3166, for public holidays"
    )
    region: str | None = Field(None, description="subdivision of the country, for its holidays")
    weekend: Annotated[list[Weekday], Field(min_length=1)] | None = Field(
        None, description="days of rest such as [fri, sat]; the country's where left out, else sat and sun"
    )
    location: Location | None = Field(None, description="latitude and longitude, for sunrise and sunset")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")] = "EUR"
    networks: dict[Name, Network] = Field({}, description="networks of pipes or wires, by name")
    zones: dict[Name, Zone] = Field({}, description="DMAs, feeders, buildings, sites: a tree, by name")
    assets: dict[Name, Asset] = Field({}, description="pumps, tanks, transformers, PV plants, by name")
    lines: dict[Name, Wire] = Field({}, description="buses and gateways that devices share")
    devices: dict[Name, Device] = Field({}, description="PLCs and meters that answer Modbus, by name")
    services: dict[Name, Service] = Field(
        {}, description="exports over HTTP that readings are pulled from, by name"
    )
    files: dict[Name, FileSource] = Field({}, description="files that `cityctl data import` takes, by name")
    points_by_name: dict[str, PointEntry] = Field(
        {}, alias="points", description="where readings come from and what they are, by name"
    )
    meters: list[MeterRegister] = Field([], description="meters in bulk, from spreadsheets")
    tariffs: dict[Name, Tariff] = Field(
        {}, description="what use costs, by name; one that names its meters goes first"
    )
    statements_file: str | None = Field(
        None, description="a CSV of bills as they came, beside city.yaml: meter, month, line, amount"
    )
    interruptions_file: str | None = Field(
        None, description="a CSV of interruptions of supply: start, end, customers, zone, cause"
    )
    weather: Weather = Field(Weather(), description="points of the weather")
    typical_weather_file: str | None = Field(
        None,
        description="outdoor temperature of a typical year, beside city.yaml: an EPW file, or a CSV of month, day, "
        "hour, temperature (°C)",
    )
    interventions: list[Intervention] = Field([], description="what was done to save")
    retention: Retention = Field(
        Retention(), description="how long readings are kept; for ever where nothing is said"
    )
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
        device, slash, _ = name.partition("/")
        if slash and device in self.devices:
            shown = f"`cityctl connectors show {self.devices[device].connector}` lists its points"
            hint = f"did you mean `{match}`? {shown}" if match else shown
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
        return [zone, *(inner for name in self.zones_below(zone) for inner in self.zones_within(name))]

    def zones_below(self, zone: str) -> list[str]:
        """The zones whose `parent:` a zone is."""
        return self._zones_below.get(zone, [])

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

    @cached_property
    def days_of_rest(self) -> frozenset[int]:
        """Weekdays (0 = Monday) of the weekend: as city.yaml says, else the country's, else Saturday and Sunday."""
        if self.weekend is not None:
            return frozenset(get_args(Weekday).index(day) for day in self.weekend)
        if self.country is None:
            return frozenset((5, 6))
        import holidays

        return frozenset(holidays.country_holidays(self.country, subdiv=self.region).weekend)

    def kinds_of(self, days: Sequence[datetime.date]) -> list[int]:
        """Weekday (0 = Monday) of days in order of time; a public holiday counts as the last day of the weekend."""
        if not days:
            return []
        free, rest = self.holidays(days[0].year, days[-1].year), max(self.days_of_rest)
        return [rest if day in free else day.weekday() for day in days]
