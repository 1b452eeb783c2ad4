"""What use costs and what changed it, as city.yaml says it: tariffs, measures, other causes, the weather."""

from __future__ import annotations

import datetime

from pydantic import Field, model_validator

from cityctl.city.fields import Name, Strict


class Tariff(Strict):
    """What use costs: a flat price, or a recipe of recipes/tariffs."""

    network: Name = Field(description="the network whose use it prices")
    price: float | None = Field(None, ge=0, description="in the city's currency for each kWh or m³")
    recipe: Name | None = Field(None, description="of recipes/tariffs; in place of the flat price")
    meters: list[str] = Field(
        [], description="point ids that it holds for, `*` for any letters; all where empty"
    )
    name: str | None = Field(None, description="what people call it")

    @model_validator(mode="after")
    def _one(self) -> Tariff:
        if (self.price is None) == (self.recipe is None):
            raise ValueError("expected either `price` or `recipe`")
        return self


class Weather(Strict):
    """Points of the weather."""

    temperature: str | None = Field(None, description="point of the outdoor temperature")


class Intervention(Strict):
    """Something that was done to save: from this local day on, use is compared with the baseline."""

    date: datetime.date = Field(description="the first local day after it")
    zone: Name | None = Field(None, description="the zone whose meters it is about")
    meters: list[str] = Field([], description="point ids; `*` stands for any letters")
    what: str = Field("", description="what was done, in words")


class NonRoutine(Strict):
    """Another cause than a measure that changed a use, on local days; without zone and meters it is everybody's.

    With `kwh_per_day` days since the measure stay in the account, and as much more is expected of them. Without it
    they leave the account. Days of the baseline are no evidence either way (IPMVP: non-routine adjustments).
    """

    first: datetime.date = Field(description="the first local day of it")
    last: datetime.date | None = Field(None, description="the last day of it; it stays where nothing is said")
    zone: Name | None = Field(None, description="the zone whose meters it is about")
    meters: list[str] = Field([], description="point ids; `*` stands for any letters")
    kwh_per_day: float | None = Field(
        None,
        description="what it adds to a day's use, below 0 what it takes; 0: looked into, and nothing happened",
    )
    what: str = Field("", description="what it was, in words")

    @model_validator(mode="after")
    def _in_order(self) -> NonRoutine:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"its last day {self.last} lies before the first, {self.first}")
        return self
