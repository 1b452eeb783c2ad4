"""The terms of a tariff: what is charged, when and in which steps. Knows no file and no reading.

Prices are in the tariff's currency.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from cityctl.errors import near
from cityctl.tariff.when import Months, When


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Standing(Strict):
    """A charge for being connected, or for each kW that is contracted."""

    name: str = "standing charge"
    price: float = Field(description="in the tariff's currency")
    per: Literal["month", "day", "year"] = "month"
    times: float = Field(1.0, ge=0, description="how many are charged: kW that are contracted, meters")
    unit: str = Field("", description="what they are: kW, kVA, meter")


class Energy(When):
    """A price for each kWh (or m³) that is used in its times.

    Entries of the same times, or of one `group`, are each other's tiers: what was used in the times of all of them is
    counted from the first of the month on, and each price holds from its `above` up to the next one.
    """

    name: str = "energy"
    price: float = Field(description="in the tariff's currency for each kWh, or m³")
    above: float = Field(0.0, ge=0, description="of the month's use; below it another entry holds")
    above_per: Literal["month", "day", "kW", "kW day"] = Field(
        "month",
        description="`day`: times the days that are billed; `kW`: times the month's highest demand (hours of use)",
    )
    group: str = Field(
        "", description="entries of one group count their tiers together, whatever their times"
    )


class Ratchet(Strict):
    """Demand is billed as at least this share of the highest demand of the months before."""

    share: float = Field(gt=0, le=1)
    months: int = Field(11, ge=1, le=24)
    of: Months = Field(
        frozenset(range(1, 13)), description="only demand of these months is looked back at: 6-9"
    )


class Demand(When):
    """A price for the highest mean power of a window within its times, each month or each day.

    Entries of the same name are one charge: the times of all of them count. They may have other prices in other
    months, and in tiers of the demand (`above`).
    """

    name: str = "demand"
    price: float = Field(description="in the tariff's currency for each kW (or kVA) and month, or day")
    of: Literal["kW", "kVA"] = "kW"
    per: Literal["month", "day"] = Field(
        "month", description="`day`: the highest demand of each day is billed"
    )
    above: float = Field(0.0, ge=0, description="kW from which on this price holds; below it another entry")
    ratchet: Ratchet | None = None
    least: float = Field(0.0, ge=0, description="kW that are billed at least: the contracted demand")
    at: frozenset[datetime] = Field(
        frozenset(),
        description="local times, such as the network's own peaks: the mean of the windows that hold them is billed, "
        "in place of the highest one",
    )

    @model_validator(mode="after")
    def _of_the_wall(self) -> Demand:
        if any(one.tzinfo is not None for one in self.at):
            raise ValueError("`at` holds local times: no offset, no Z")
        if self.at and (self.ratchet is not None or self.per == "day"):
            raise ValueError("demand `at` given times has no ratchet, and is not billed by the day")
        return self


def _one_price(demands: list[Demand]) -> list[Demand]:
    terms: dict[tuple[str, int, float], tuple[object, ...]] = {}
    kinds: dict[str, tuple[object, ...]] = {}
    for one in demands:
        if kinds.setdefault(one.name, (one.of, one.per)) != (one.of, one.per):
            raise ValueError(f"two demands are called `{one.name}` and are not of one kind")
        said = (one.price, one.ratchet, one.least, one.at)
        for month in one.months:
            if terms.setdefault((one.name, month, one.above), said) != said:
                raise ValueError(f"two demands are called `{one.name}` and are not priced alike")
    return demands


LineKind = Literal["standing", "energy", "demand", "reactive", "power factor", "feed-in", "credit", "minimum"]


class PowerFactor(Strict):
    """What a month costs more whose power factor is below the target.

    Billed demand is raised to kW x target / power factor, or, with `surcharge`, lines cost more for each 0.01 below.
    """

    name: str = "power factor"
    target: float = Field(gt=0, le=1)
    surcharge: float = Field(0.0, ge=0, description="share of the lines for each 0.01 below the target")
    discount: float = Field(0.0, ge=0, description="share of the lines for each 0.01 above the target")
    on: list[LineKind] = ["energy", "demand"]


class Reactive(Strict):
    """A price for each kvarh beyond a free share of the month's kWh."""

    name: str = "reactive energy"
    price: float
    free: float = Field(0.5, ge=0, description="kvarh for each kWh that cost nothing")


class Sell(When):
    """What is paid for each kWh that is fed in, in its times."""

    name: str = "feed-in"
    price: float = Field(description="in the tariff's currency for each kWh")


class TrueUp(Strict):
    """When what was carried from month to month ends: after this month, kWh at a price, money not at all or whole."""

    month: int = Field(12, ge=1, le=12, description="after this month nothing is carried on")
    price: float = Field(0.0, ge=0, description="paid for each kWh that is left")
    paid: bool = Field(False, description="whether money that is left is paid; it expires otherwise")


class Tax(Strict):
    """A share on top of all lines, or of those whose kind or name is told."""

    name: str = "tax"
    share: float = Field(ge=0)
    on: list[str] = Field(list(get_args(LineKind)), description="kinds of lines, or names of them")


WINDOWS = {"5m": 5, "10m": 10, "15m": 15, "30m": 30, "60m": 60, "1h": 60}


def _minutes(value: Any) -> int:
    minutes = WINDOWS.get(str(value).strip())
    if minutes is None:
        raise ValueError("the window of demand is 5m, 10m, 15m, 30m or 60m")
    return minutes


Window = Annotated[int, BeforeValidator(_minutes), WithJsonSchema({"enum": list(WINDOWS)})]


class Version(Strict):
    """The prices from a local day on."""

    from_: date = Field(date(1900, 1, 1), alias="from", description="first local day of these prices")
    window: Window = Field(15, validate_default=False, description="window over which demand is a mean")
    slide: Window | None = Field(
        None, description="a window begins each so many minutes; one after the other where left out"
    )
    standing: list[Standing] = []
    energy: list[Energy] = []
    demand: Annotated[list[Demand], AfterValidator(_one_price)] = []
    power_factor: PowerFactor | None = None
    reactive: Reactive | None = None
    sell: list[Sell] = []
    net_metering: bool = Field(
        False, description="what is fed in is taken off the month's use in times of the same name and price"
    )
    carry: Literal["", "kWh", "money"] = Field(
        "",
        description="what becomes of what is left at a month's end: `kWh` are taken off the next months' use in times "
        "of the same name (needs net_metering), `money` off what the next bills ask for energy; paid out else",
    )
    true_up: TrueUp | None = Field(None, description="when what is carried ends; never where left out")
    minimum: float = Field(0.0, ge=0, description="what a month costs at least, before taxes")
    minimum_per: Literal["month", "day"] = Field("month", description="`day`: times the days that are billed")
    annual_minimum: float = Field(
        0.0, ge=0, description="what a calendar year costs at least, before taxes; billed in December"
    )
    taxes: list[Tax] = []

    @model_validator(mode="after")
    def _fits(self) -> Version:
        if self.slide is not None and self.window % self.slide:
            raise ValueError(f"a window of {self.window} min cannot begin each {self.slide} min")
        if self.carry == "kWh" and not self.net_metering:
            raise ValueError("`carry: kWh` needs `net_metering: true`: without it each kWh fed in is paid")
        if self.true_up is not None and not self.carry:
            raise ValueError("a `true_up` needs `carry`: nothing is carried without it")
        named = {one.name for many in (self.standing, self.energy, self.demand, self.sell) for one in many}
        named |= {self.reactive.name} if self.reactive is not None else set()
        named |= {self.power_factor.name} if self.power_factor is not None else set()
        for tax in self.taxes:
            for word in tax.on:
                if word not in (*get_args(LineKind), *named):
                    match = near(word, [*get_args(LineKind), *named])
                    raise ValueError(
                        f"tax on `{word}`: no kind and no name of a line"
                        + (f"; did you mean `{match}`?" if match else "")
                    )
        return self

    @property
    def asks_reactive(self) -> bool:
        """Whether what it charges depends on reactive energy."""
        in_kva = any(one.of == "kVA" for one in self.demand)
        return in_kva or self.reactive is not None or self.power_factor is not None

    def begins_anew(self, month: int) -> bool:
        """Whether nothing can be carried into a month: the one after the true-up."""
        return self.true_up is not None and month == self.true_up.month % 12 + 1
