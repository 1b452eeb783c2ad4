"""What a meter's use costs under a tariff, line by line. Arrays in, lines out; knows no meter and no SQL.

Sources: period power factor kWh / sqrt(kWh² + kvarh²), never a mean of power factors; demand is the mean power of
a window of fixed length; a ratchet bills at least a share of the highest demand of the months before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from cityctl.tariff.model import Demand, Energy, Tariff, Version

Kind = Literal["standing", "energy", "demand", "reactive", "tax"]


@dataclass(frozen=True)
class Use:
    """Windows of one meter in order of time; arrays of the same length.

    `energy` [kWh, or m³] and `reactive` [kvarh, or None], `hours` [h] of each window, `month` (year x 12 + month - 1),
    `minute` of the local day, `weekday` 0..6 and `holiday` of the local calendar.
    """

    energy: Any
    hours: Any
    month: Any
    minute: Any
    weekday: Any
    holiday: Any
    reactive: Any = None

    def of(self, chosen: Any) -> Use:
        """The windows that are chosen by an array of truths."""
        return Use(
            self.energy[chosen], self.hours[chosen], self.month[chosen], self.minute[chosen], self.weekday[chosen],
            self.holiday[chosen], None if self.reactive is None else self.reactive[chosen],
        )  # fmt: skip

    @property
    def power(self) -> Any:
        """Mean power of each window [kW]."""
        return self.energy / self.hours

    @property
    def apparent(self) -> Any:
        """Mean apparent power of each window [kVA]; its power where reactive energy is not metered."""
        import numpy as np

        return self.power if self.reactive is None else np.hypot(self.energy, self.reactive) / self.hours

    @property
    def power_factor(self) -> float | None:
        """Of the whole: kWh / sqrt(kWh² + kvarh²); None where reactive energy is not metered."""
        if self.reactive is None:
            return None
        kwh, kvarh = float(self.energy.sum()), float(self.reactive.sum())
        return kwh / math.hypot(kwh, kvarh) if kwh or kvarh else None


@dataclass(frozen=True)
class Line:
    """One line of a bill: what is billed, at which price."""

    kind: Kind
    name: str
    billed: float
    unit: str
    price: float
    cost: float


@dataclass
class Bill:
    """A month of one meter: its lines, and what to know about them."""

    month: date
    lines: list[Line] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """What it comes to."""
        return math.fsum(line.cost for line in self.lines)


def month_of(number: int) -> date:
    """The first day of a month that is given as year x 12 + month - 1."""
    return date(number // 12, number % 12 + 1, 1)


def bills(tariff: Tariff, use: Use, days: dict[int, int]) -> list[Bill]:
    """A bill for each month in `days`: month number -> how many of its days are billed.

    `use` may begin before them, for ratchets.
    """
    found = []
    for number in sorted(days):
        version = tariff.on(month_of(number))
        bill = Bill(month_of(number))
        if version is None:
            bill.remarks.append(f"the tariff has no prices before {tariff.versions[0].from_}")
        else:
            of_month = use.of(use.month == number)
            _fill(bill, tariff, version, of_month, use, number, days[number])
        found.append(bill)
    return found


def _fill(
    bill: Bill, tariff: Tariff, version: Version, of_month: Use, whole: Use, number: int, days: int
) -> None:
    import calendar

    for standing in version.standing:
        in_month = calendar.monthrange(bill.month.year, bill.month.month)[1]
        billed = float(days) if standing.per == "day" else days / in_month
        cost = billed * standing.price
        bill.lines.append(Line("standing", standing.name, billed, standing.per, standing.price, cost))
    bill.lines += _energy(version.energy, of_month, tariff.unit)
    unpriced = _unpriced(version.energy, of_month)
    if unpriced:
        bill.remarks.append(f"{unpriced:,.0f} {tariff.unit} in hours without a price".replace(",", " "))
    factor = of_month.power_factor
    for demands in _named_alike(version.demand):
        line = _demand(demands, version, of_month, whole, number, factor, bill.remarks)
        if line is not None:
            bill.lines.append(line)
    if version.reactive is not None:
        if of_month.reactive is None:
            bill.remarks.append("reactive energy is priced and not metered")
        else:
            free = version.reactive.free * float(of_month.energy.sum())
            billed = max(float(of_month.reactive.sum()) - free, 0.0)
            price = version.reactive.price
            bill.lines.append(Line("reactive", version.reactive.name, billed, "kvarh", price, billed * price))
    before_tax = list(bill.lines)
    for tax in version.taxes:
        base = math.fsum(line.cost for line in before_tax if line.kind in tax.on)
        bill.lines.append(Line("tax", tax.name, base, "", tax.share, base * tax.share))


def _times(entry: Energy | Demand, use: Use) -> Any:
    return entry.holds(use.month % 12 + 1, use.minute, use.weekday, use.holiday)


def _energy(entries: Sequence[Energy], use: Use, unit: str) -> list[Line]:
    """Use in the times of each entry, cut at the limits of the entries with the same times."""
    lines = []
    for entry in entries:
        key = (entry.months, entry.hours, entry.days, entry.holidays)
        limits = sorted(
            {
                other.above
                for other in entries
                if (other.months, other.hours, other.days, other.holidays) == key
            }
        )
        place = limits.index(entry.above)
        upper = limits[place + 1] if place + 1 < len(limits) else math.inf
        used = float(use.energy[_times(entry, use)].sum())
        billed = max(min(used, upper) - entry.above, 0.0)
        if billed:
            lines.append(Line("energy", entry.name, billed, unit, entry.price, billed * entry.price))
    return lines


def _unpriced(entries: Sequence[Energy], use: Use) -> float:
    import numpy as np

    if not entries:
        return 0.0
    priced = np.zeros(len(use.energy), bool)
    for entry in entries:
        priced |= _times(entry, use)
    return float(use.energy[~priced].sum())


def _named_alike(entries: Sequence[Demand]) -> list[list[Demand]]:
    """Demands of one name are one charge, whose times are those of all of them."""
    groups: dict[str, list[Demand]] = {}
    for entry in entries:
        groups.setdefault(entry.name, []).append(entry)
    return list(groups.values())


def _demand(
    demands: list[Demand], version: Version, of_month: Use, whole: Use, number: int, factor: float | None,
    remarks: list[str],
) -> Line | None:  # fmt: skip
    demand = demands[0]
    if not any(_times(one, of_month).any() for one in demands):
        return None
    if demand.of == "kVA" and of_month.reactive is None:
        remarks.append("demand is priced in kVA and reactive energy not metered: its kW are billed")
    highest = max(_highest(demands, of_month), demand.least)
    if version.power_factor is not None and demand.of == "kW":
        if factor is None:
            remarks.append("demand depends on the power factor, and reactive energy is not metered")
        elif 0 < factor < version.power_factor.target:
            highest *= version.power_factor.target / factor
    if demand.ratchet is not None:
        months = range(number - demand.ratchet.months, number)
        earlier = [whole.of(whole.month == one) for one in months]
        known = [_highest(demands, one) for one in earlier if len(one.energy)]
        highest = max(highest, demand.ratchet.share * max(known, default=0.0))
        if len(known) < demand.ratchet.months:
            remarks.append(f"ratchet looks at {len(known)} of {demand.ratchet.months} months before")
    return Line("demand", demand.name, highest, demand.of, demand.price, highest * demand.price)


def _highest(demands: list[Demand], use: Use) -> float:
    """The highest mean power of a window within the times of any of them [kW or kVA]."""
    power = use.apparent if demands[0].of == "kVA" else use.power
    return max(
        (float(power[chosen].max()) for one in demands if (chosen := _times(one, use)).any()), default=0.0
    )
