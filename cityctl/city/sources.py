"""Where readings come from, as city.yaml says it: points by name, registers of meters, files.

Opens none of them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cityctl.city.fields import (
    Duration,
    EncodingName,
    Name,
    QuantityText,
    Strict,
    UnitText,
    ZoneName,
    said_as_value_error,
)
from cityctl.errors import UsageProblem, near
from cityctl.reading import Kind

ROLES: dict[str, str] = {
    "consumption": "what customers or buildings use: for savings, loads, bills, leaks at customers, water balance",
    "unbilled": "water that is metered and not billed",
    "export": "what is handed on or fed back: to other networks, from a PV roof, out of a feeder",
    "supply": "what comes into a feeder or a heat network, and the temperature there",
    "return": "temperature on the way back in a heat network",
    "generation": "what a PV plant makes",
    "module": "temperature of a PV plant's modules",
    "limit": "active-power limit of a PV plant",
    "ev": "what charging points use",
    "driver": "what a building's use depends on beside the weather: production, occupancy",
    "load": "load of a transformer",
    "lighting": "state, power or energy of a lighting circuit",
    "suction": "pressure before a pump",
    "discharge": "pressure behind a pump",
    "voltage": "power quality (EN 50160): voltage",
    "unbalance": "power quality: unbalance",
    "thd": "power quality: total harmonic distortion",
    "plt": "power quality: long-term flicker",
    "pst": "power quality: short-term flicker",
    "flagged": "power quality: marks blocks to leave out",
}
"""Role of a point -> what the shipped reports take it for. An analysis of a project's own may ask for others."""


def known_role(word: str) -> str:
    """The word, where no role is spelt nearly like it. Raises UsageProblem."""
    match = near(word, ROLES, cutoff=0.8)  # `production` may be a project's own role, and no `suction`
    if word not in ROLES and match is not None:
        raise UsageProblem(
            f"no role `{word}`", hint=f"did you mean `{match}`? `cityctl help roles` lists them"
        )
    return word


Role = Annotated[str, AfterValidator(said_as_value_error(known_role))]


class FileSource(Strict):
    """Files that `cityctl data import` takes when no file is named."""

    path: str | list[str] = Field(
        description="a file, a pattern such as inbox/*.csv, or several; from city.yaml's folder"
    )
    format: str | None = Field(
        None,
        description="csv, dsmr, green_button, influx, json, mscons, nem12, nem13, ngsi, parquet, sensorthings, waterml "
        "or xml; by the file's content where left out",
    )
    layout: Literal["long", "wide", "auto"] = Field(
        "auto", description="long: a value a row; wide: a column a series"
    )
    time: str | None = Field(None, description="column of the time")
    point: str | None = Field(None, description="column of the series' name (long)")
    value: str | None = Field(None, description="column of the value (long)")
    quality: str | None = Field(None, description="column of the quality")
    time_format: str | None = Field(None, description="such as %d/%m/%Y %H:%M")
    time_zone: ZoneName | None = Field(None, description="of the file's times; the city's where left out")
    unit: UnitText | None = Field(None, description="of the values")
    units: dict[str, UnitText] = Field({}, description="by column, where they differ")
    kind: Kind | None = Field(
        None, description="gauge: a value now; counter: a register; interval: an amount; state: words"
    )
    every: Duration | None = Field(None, description="length of an interval")
    stamp: Literal["start", "end"] = Field("start", description="what a time says of its interval")
    decimal: Literal[".", ","] = Field(".", description="decimal sign")
    delimiter: str | None = Field(None, description="sign between cells")
    encoding: EncodingName | None = Field(
        None, description="such as cp1250; UTF-8 where left out, or Windows-1252 where it is none"
    )
    missing: list[float] = Field([], description="values that stand for a missing reading")
    prefix: str = Field("", description="put before the name of each series")
    points: dict[str, str] = Field({}, description="column or series -> point")


class PointEntry(Strict):
    """A point by name: where its readings come from."""

    name: str | None = Field(None, description="what people call it")
    quantity: QuantityText | None = Field(
        None, description="such as flow; told by the unit (`cityctl help units`)"
    )
    unit: UnitText | None = Field(None, description="of its values; a device's connector may say it")
    kind: Kind | None = Field(
        None,
        description="gauge: a value now; counter: a register; interval: an amount; state: words. Where left out gauge, "
        "and interval of kWh or m3 whose role is that of a meter",
    )
    every: Duration | None = Field(None, description="how often a reading is due, or how long an interval is")
    zone: Name | None = Field(None, description="the zone that it belongs to")
    network: Name | None = Field(
        None, description="what it is metered for, where that is not its zone's network: a building's gas"
    )
    asset: Name | None = Field(None, description="the asset that it belongs to")
    role: Role | None = Field(None, description="what reports take it for (`cityctl help roles`)")
    device: str | None = Field(None, description="device/point")
    service: str | None = Field(None, description="service/series")
    series: str | None = Field(None, description="name in imported files, where it is another")
    formula: str | None = Field(
        None,
        description="worked out of others, such as main_1 + main_2 - pump_1; rate(level) is the change an hour "
        "from the last reading of the step before to the last of the step",
    )
    species: str | None = Field(None, description="what a concentration is counted as, such as NO3 or N")
    reference_temperature: float | None = Field(
        None, description="of a conductivity or a standard volume, °C"
    )
    rollover: float | None = Field(
        None, gt=0, description="value at which a counter begins anew at zero, in its unit"
    )


class MeterRegister(Strict):
    """A spreadsheet of meters, one a row."""

    register_file: str = Field(
        alias="register",
        description="a CSV beside city.yaml: meter, and where wanted name, zone, network, unit, quantity, kind, every, "
        "role, service, series, asset, rollover",
    )
    zone: Name | None = Field(None, description="of the rows that name none; so are the others here")
    network: Name | None = Field(None, description="of the rows that name none, where it is not their zone's")
    unit: UnitText | None = Field(None, description="of the values")
    kind: Kind | None = Field(None, description="gauge, counter or interval")
    every: Duration | None = Field(None, description="how often a reading is due")
    role: Role | None = Field(None, description="consumption where nothing is said (`cityctl help roles`)")
    service: Name | None = Field(None, description="the service that they are pulled from")
