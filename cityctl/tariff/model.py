"""A tariff as a recipe: what stands in recipes/tariffs/*.yaml, and how it is found and read.

Knows no meter and no reading.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cityctl.checked import validate
from cityctl.document import parse, read
from cityctl.errors import ConfigInvalid
from cityctl.library import Kind, Library
from cityctl.tariff.terms import Strict, Version

TARIFFS: Kind = "recipes/tariffs"
STRONG = (
    "EUR",
    "USD",
    "GBP",
    "CHF",
    "CAD",
    "AUD",
    "NZD",
    "SGD",
)  # currencies of which a kWh costs less than 2
DEAREST = 2.0


class Tariff(Strict):
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

    def parts(self, first: date, last: date) -> list[tuple[date, date, Version | None]]:
        """(first day, day after the last, prices) of each part of the days from `first` up to, and without, `last`."""
        cuts = sorted({first, last, *(one.from_ for one in self.versions if first < one.from_ < last)})
        return [(start, end, self.on(start)) for start, end in pairwise(cuts)]

    def doubts(self) -> list[str]:
        """What cannot be right about its prices: cents are often written where the currency is meant."""
        if self.unit != "kWh" or self.currency not in STRONG:
            return []
        dear = max((one.price for version in self.versions for one in version.energy), default=0.0)
        if dear <= DEAREST:
            return []
        return [f"IMPLAUSIBLE price of {dear:g} {self.currency}/kWh in `{self.tariff}`: are these cents?"]

    @property
    def step(self) -> int:
        """Minutes of the steps that the windows of all its versions are made of."""
        return math.gcd(*(one.slide or one.window for one in self.versions))

    @property
    def edges(self) -> frozenset[int]:
        """Minutes of the local day at which a price begins or ends, midnight among them."""
        timed = (entry for one in self.versions for entry in (*one.energy, *one.demand, *one.sell))
        return frozenset(end % 1440 for entry in timed for span in entry.hours for end in span) | {0}

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
    tariff = validate(Tariff, document)
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
