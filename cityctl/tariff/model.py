"""A tariff as a recipe: what stands in recipes/tariffs/*.yaml, and what it means.

Knows no meter and no reading. Prices are in the tariff's currency.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from cityctl.document import parse, read, validate
from cityctl.errors import ConfigInvalid
from cityctl.library import Kind, Library
from cityctl.tariff.when import When

TARIFFS: Kind = "recipes/tariffs"
SCHEMA_FILE = "tariff.schema.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Standing(_Strict):
    """A charge for being connected."""

    name: str = "standing charge"
    price: float = Field(description="in the tariff's currency")
    per: Literal["month", "day"] = "month"


class Energy(When):
    """A price for each kWh (or m³) that is used in its times; entries of the same times are each other's tiers."""

    name: str = "energy"
    price: float = Field(description="in the tariff's currency for each kWh, or m³")
    above: float = Field(
        0.0, ge=0, description="of the month's use in these times; below it another entry holds"
    )


class Ratchet(_Strict):
    """Demand is billed as at least this share of the highest demand of the months before."""

    share: float = Field(gt=0, le=1)
    months: int = Field(11, ge=1, le=24)


class Demand(When):
    """A price for the highest mean power of a window within its times, each month.

    Entries of the same name are one charge: the times of all of them count.
    """

    name: str = "demand"
    price: float = Field(description="in the tariff's currency for each kW (or kVA) and month")
    of: Literal["kW", "kVA"] = "kW"
    ratchet: Ratchet | None = None
    least: float = Field(0.0, ge=0, description="kW that are billed at least: the contracted demand")


def _one_price(demands: list[Demand]) -> list[Demand]:
    terms: dict[str, tuple[object, ...]] = {}
    for one in demands:
        said = (one.price, one.of, one.ratchet, one.least)
        if terms.setdefault(one.name, said) != said:
            raise ValueError(f"two demands are called `{one.name}` and are not priced alike")
    return demands


class PowerFactor(_Strict):
    """Billed demand is raised to kW x target / power factor in a month whose power factor is below the target."""

    target: float = Field(gt=0, le=1)


class Reactive(_Strict):
    """A price for each kvarh beyond a free share of the month's kWh."""

    name: str = "reactive energy"
    price: float
    free: float = Field(0.5, ge=0, description="kvarh for each kWh that cost nothing")


class Tax(_Strict):
    """A share on top of all lines, or of those whose kind is named."""

    name: str = "tax"
    share: float = Field(ge=0)
    on: list[Literal["standing", "energy", "demand", "reactive"]] = [
        "standing",
        "energy",
        "demand",
        "reactive",
    ]


def _minutes(value: Any) -> int:
    text = str(value).strip()
    minutes = {"15m": 15, "30m": 30, "60m": 60, "1h": 60}.get(text)
    if minutes is None:
        raise ValueError("the window of demand is 15m, 30m or 60m")
    return minutes


Window = Annotated[int, BeforeValidator(_minutes), WithJsonSchema({"enum": ["15m", "30m", "60m", "1h"]})]


class Version(_Strict):
    """The prices from a local day on."""

    from_: date = Field(date(1900, 1, 1), alias="from", description="first local day of these prices")
    window: Window = Field(15, validate_default=False, description="window over which demand is a mean")
    standing: list[Standing] = []
    energy: list[Energy] = []
    demand: Annotated[list[Demand], AfterValidator(_one_price)] = []
    power_factor: PowerFactor | None = None
    reactive: Reactive | None = None
    taxes: list[Tax] = []


class Tariff(_Strict):
    """A tariff with its versions, the earliest first."""

    tariff: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w.-]*$")]
    title: str = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    unit: Literal["kWh", "m3"] = "kWh"
    source: str = ""
    example: bool = Field(False, description="made up to be copied: nobody pays these prices")
    versions: list[Version] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Tariff:
        days = [one.from_ for one in self.versions]
        if days != sorted(set(days)):
            raise ValueError("versions stand in order of `from`, each day once")
        return self

    def on(self, day: date) -> Version | None:
        """The prices of a local day; None before the first version."""
        valid = [one for one in self.versions if one.from_ <= day]
        return valid[-1] if valid else None


@dataclass(frozen=True)
class Found:
    """A tariff and the file that it came from."""

    tariff: Tariff
    path: Path


def load(library: Library, name: str) -> Found:
    """The tariff of that name. Raises ConfigInvalid with the places looked at, or with file:line:column."""
    path = library.find(TARIFFS, name)
    return Found(checked(read(path)), path)


def from_text(text: str, path: Path) -> Tariff:
    """A tariff that is in memory; `path` names it in errors. Raises ConfigInvalid."""
    return checked(parse(text, path))


def checked(document: Any) -> Tariff:
    """A document as a tariff. Raises ConfigInvalid with file:line:column; its name is that of its file."""
    tariff = validate(Tariff, document, document.data)
    if tariff.tariff != document.path.stem:
        raise ConfigInvalid(
            f"{document.place('tariff')}: the tariff is called `{tariff.tariff}`, its file {document.path.name}",
            hint=f"call both the same: `tariff: {document.path.stem}`",
        )
    return tariff


def schema_text() -> str:
    """The JSON Schema of a tariff, for editors."""
    schema = Tariff.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
