"""What a meter's use costs under a tariff, line by line. Arrays in, lines out; knows no meter and no SQL.

Sources: period power factor kWh / sqrt(kWh² + kvarh²), never a mean of power factors; tiers count the use of a month
from its first day on. Of a month that is billed in part, and where prices change within one, use is priced by its days,
and what is charged by the month, demand and the limits of tiers too, by the days' share of the month, as utilities do
in the first and the last bill of a contract.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cityctl.tariff.carried import Carried
from cityctl.tariff.demand import Months, demand_lines, highest
from cityctl.tariff.lines import Bill, Line, cost_of
from cityctl.tariff.model import Tariff
from cityctl.tariff.terms import Energy, PowerFactor, Sell, Version
from cityctl.tariff.use import Use, month_of
from cityctl.wording import grouped

Days = tuple[date, date]  # the first day, and the day after the last one
_EPOCH = date(1970, 1, 1).toordinal()


def bills(tariff: Tariff, use: Use, days: Mapping[int, Days]) -> list[Bill]:
    """A bill for each month in `days`: month number -> which of its days are billed.

    `use` may begin before them, for ratchets.
    """
    wide: dict[tuple[int, int | None], Use] = {}
    found = []
    carried = Carried()
    for number in sorted(days):
        first, last = days[number]
        bill = Bill(month_of(number))
        of_month = _between(use, first, last)
        held, whole = (last - first).days, _days_of_month(first)
        if held < whole:
            bill.remarks.append(f"{held} of {whole} days are billed")
        parts = tariff.parts(first, last)
        for start, end, version in parts:
            if version is None:
                bill.remarks.append(f"the tariff has no prices before {tariff.versions[0].from_}")
                continue
            if start > first:
                bill.remarks.append(f"prices change on {start}")
            elif number == min(days) and version.carry and not version.begins_anew(start.month):
                bill.remarks.append("what was carried from the months before is not known, and not counted")
            key = (version.window, version.slide)
            if key not in wide:
                wide[key] = use.in_windows(*key)
            part = _Part(tariff.unit, version, start, end, days)
            demand = Months(
                _between(wide[key], start, end),
                _between(wide[key], first, last),
                wide[key],
                number,
                part.of_month,
            )
            bill.lines += _priced(
                part, _between(use, start, end), of_month.power_factor, demand, bill.remarks, carried
            )
        found.append(bill)
    return found


@dataclass(frozen=True)
class _Part:
    """Days of a month that one version prices."""

    unit: str
    version: Version
    first: date
    last: date
    billed: Mapping[int, Days]

    @property
    def days(self) -> int:
        return (self.last - self.first).days

    @property
    def of_month(self) -> float:
        """What the days are of the calendar month."""
        return self.days / _days_of_month(self.first)


def _days_of_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _between(use: Use, first: date, last: date) -> Use:
    return use.of((use.day >= first.toordinal() - _EPOCH) & (use.day < last.toordinal() - _EPOCH))


def _priced(
    part: _Part, use: Use, factor: float | None, demand: Months, remarks: list[str], carried: Carried
) -> list[Line]:
    version = part.version
    lines = []
    for standing in version.standing:
        in_year = 366 if calendar.isleap(part.first.year) else 365
        whole = {"day": float(part.days), "month": part.of_month, "year": part.days / in_year}[standing.per]
        billed = standing.times * whole
        unit = f"{standing.unit} {standing.per}".strip()
        lines.append(Line("standing", standing.name, billed, unit, standing.price, billed * standing.price))
    lines += _energy(part, use, demand, remarks, carried)
    lines += demand_lines(version, demand, factor, remarks)
    if version.reactive is not None:
        if use.reactive is None:
            remarks.append("reactive energy is priced and not metered")
        else:
            free = version.reactive.free * float(use.energy.sum())
            billed = max(float(use.reactive.sum()) - free, 0.0)
            price = version.reactive.price
            lines.append(Line("reactive", version.reactive.name, billed, "kvarh", price, billed * price))
    if version.power_factor is not None:
        lines += _for_power_factor(version.power_factor, factor, lines, remarks)
    lines += carried.settle(version, part.first, part.last, part.unit, lines)
    least = version.minimum * (part.days if version.minimum_per == "day" else part.of_month)
    if least and cost_of(lines) < least:
        lines.append(Line("minimum", "minimum bill", 1.0, "", least, least - cost_of(lines)))
    year = part.first.year
    carried.costs[year] = carried.costs.get(year, 0.0) + cost_of(lines)
    lacking = carried.lacks_of_year(version, part.billed, part.first, part.last, remarks)
    if lacking:
        lines.append(Line("minimum", "minimum of the year", 1.0, "", version.annual_minimum, lacking))
    for tax in version.taxes:
        base = cost_of(
            line for line in lines if line.kind != "tax" and (line.kind in tax.on or line.name in tax.on)
        )
        lines.append(Line("tax", tax.name, base, "", tax.share, base * tax.share))
    return lines


def _energy(part: _Part, use: Use, demand: Months, remarks: list[str], carried: Carried) -> list[Line]:
    """Use in the times of each entry, in its tiers; and what was fed in."""
    import numpy as np

    version = part.version
    net = use
    if use.fed is not None and version.net_metering:
        net = replace(use, energy=use.energy - use.fed)
    lines: list[Line] = []
    surplus: list[tuple[Any, float]] = []
    split: dict[int, float] = {}
    for entries in _billed_together(version, part.first.month):
        in_times = np.logical_or.reduce([_holds(entry, net) for entry in entries])
        total = float(net.energy[in_times].sum())
        credit = 0.0
        if version.carry == "kWh":
            credit, billed_at_all = carried.take_kwh(entries[0].group or entries[0].name, total)
            if not billed_at_all:
                continue
        elif total < 0 and version.net_metering:
            surplus.append((in_times, -total))
            continue
        split |= _in_tiers(entries, net.of(in_times), _limits(entries, part, demand), credit)
    for entry in version.energy:
        billed = split.get(id(entry), 0.0)
        if billed:
            lines.append(Line("energy", entry.name, billed, part.unit, entry.price, billed * entry.price))
    if version.energy:
        priced = np.logical_or.reduce([_holds(entry, use) for entry in version.energy])
        unpriced = float(use.energy[~priced].sum())
        if unpriced:
            remarks.append(f"{grouped(unpriced)} {part.unit} in hours without a price")
    return lines + _fed_in(part, use, surplus, remarks)


def _billed_together(version: Version, month: int) -> list[list[Energy]]:
    """Entries of a month whose use counts as one: tiers of the same times or of a group, and what is netted together.

    A price may need two entries for its times, nights and weekends: what weekends feed in is taken off the nights.
    """
    tiers: dict[object, list[Energy]] = {}
    for entry in version.energy:
        if month in entry.months:
            times = (entry.months, entry.hours, entry.days, entry.holidays)
            tiers.setdefault(entry.group or times, []).append(entry)
    if not version.net_metering:
        return list(tiers.values())
    found: dict[object, list[Energy]] = {}
    for key, entries in tiers.items():
        one = entries[0]
        alone = len(entries) == 1 and not one.group and not one.above
        found.setdefault((one.name, one.price) if alone else key, []).extend(entries)
    return list(found.values())


def _holds(entry: Energy | Sell, use: Use) -> Any:
    return entry.holds(use.month % 12 + 1, use.minute, use.weekday, use.holiday)


def _limits(entries: Sequence[Energy], part: _Part, demand: Months) -> dict[int, float]:
    """From how much use on each entry holds: hours of use by the month's highest demand, days by those billed."""
    found = {}
    for entry in entries:
        limit = entry.above
        if "kW" in entry.above_per:
            limit *= highest(demand.month)
        limit *= part.days if "day" in entry.above_per else part.of_month
        found[id(entry)] = limit
    return found


def _in_tiers(
    entries: Sequence[Energy], use: Use, limits: Mapping[int, float], credit: float = 0.0
) -> dict[int, float]:
    """What of the use falls to each entry: counted up in order of time, from what it is credited with on."""
    import numpy as np

    after = np.cumsum(use.energy) - credit
    before = np.concatenate([[-credit], after[:-1]]) if len(after) else after
    steps = sorted(set(limits.values()))
    found = {}
    for entry in entries:
        lower = limits[id(entry)]
        place = steps.index(lower)
        upper = steps[place + 1] if place + 1 < len(steps) else math.inf
        amount = np.clip(after, lower, upper) - np.clip(before, lower, upper)
        found[id(entry)] = float(amount[_holds(entry, use)].sum())
    return found


def at_the_margin(tariff: Tariff, use: Use, days: Mapping[int, Days]) -> Any:
    """What one kWh (or m³) more costs in each billed window: at the tier in which its day ends; nan beside them."""
    import numpy as np

    found = np.full(len(use.energy), np.nan)
    for number, (first, last) in days.items():
        for start, end, version in tariff.parts(first, last):
            inside = (use.day >= start.toordinal() - _EPOCH) & (use.day < end.toordinal() - _EPOCH)
            if version is None or not inside.any():
                continue
            found[inside] = 0.0
            part = _Part(tariff.unit, version, start, end, days)
            wide = _between(use.in_windows(version.window, version.slide), first, last)
            demand = Months(wide, wide, wide, number, part.of_month)
            net = (
                use
                if use.fed is None or not version.net_metering
                else replace(use, energy=use.energy - use.fed)
            )
            for entries in _billed_together(version, start.month):
                holding = [_holds(entry, use) & inside for entry in entries]
                counted = np.where(np.logical_or.reduce(holding), net.energy, 0.0)
                ends = np.searchsorted(use.day, use.day, "right") - 1
                level = np.cumsum(counted)[ends]
                limits = _limits(entries, part, demand)
                steps = np.array(sorted(set(limits.values())))
                tier = np.maximum(np.searchsorted(steps, level, "right") - 1, 0)
                for entry, holds in zip(entries, holding, strict=True):
                    found += np.where(holds & (steps[tier] == limits[id(entry)]), entry.price, 0.0)
    return found


def _fed_in(part: _Part, use: Use, surplus: Sequence[tuple[Any, float]], remarks: list[str]) -> list[Line]:
    """What was fed in, at the prices of its times; with net metering what each price's times have left of it.

    `surplus`: which windows these are, and what is left in them at the month's end.
    """
    import numpy as np

    if use.fed is None or not use.fed.any():
        return []
    version = part.version
    kept = use.fed
    if version.net_metering:
        kept = np.zeros(len(use.fed))
        for in_times, left in surplus:
            kept[in_times] += use.fed[in_times] * left / float(use.fed[in_times].sum())
    lines: list[Line] = []
    unpaid = float(kept.sum())
    for entry in version.sell:
        amount = float(kept[_holds(entry, use)].sum())
        unpaid -= amount
        if amount:
            cost = -amount * entry.price
            lines.append(Line("feed-in", entry.name, amount, part.unit, -entry.price, cost))
    if unpaid > 1e-6:
        remarks.append(f"{grouped(unpaid, 1)} {part.unit} were fed in and have no price")
    return lines


def _for_power_factor(
    wanted: PowerFactor, factor: float | None, lines: Sequence[Line], remarks: list[str]
) -> list[Line]:
    """A surcharge (or discount) on lines for each 0.01 that the power factor lies below (or above) the target."""
    if not (wanted.surcharge or wanted.discount):
        return []
    if factor is None:
        remarks.append("a surcharge depends on the power factor, and reactive energy is not metered")
        return []
    base = cost_of(line for line in lines if line.kind in wanted.on)
    points = 100 * (wanted.target - factor)
    share = points * (wanted.surcharge if points > 0 else wanted.discount)
    return [Line("power factor", wanted.name, base, "", share, base * share)] if share else []
