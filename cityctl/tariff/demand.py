"""Charges for demand: the highest mean power of a window, with ratchets, tiers and power factor.

Demand is the mean power of a window of fixed length; a ratchet bills at least a share of the highest demand of the
months before, in whatever season they were; kW are raised to kW x target / power factor where a tariff says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cityctl.tariff.lines import Line
from cityctl.tariff.terms import Demand, PowerFactor, Ratchet, Version
from cityctl.tariff.use import Use

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Months:
    """Use in the windows of demand: of the part of a month that a version prices, of the month, of all months.

    `share` is what the part's days are of the calendar month.
    """

    part: Use
    month: Use
    every: Use
    number: int
    share: float


def highest(use: Use, *, apparent: bool = False) -> float:
    """The highest mean power of a window [kW or kVA]; 0 without one."""
    power = use.apparent if apparent else use.power
    return float(power.max()) if len(power) else 0.0


def demand_lines(version: Version, of: Months, factor: float | None, remarks: list[str]) -> list[Line]:
    """The lines of a version's demand charges; `factor` is the month's power factor, None where not metered."""
    groups: dict[str, list[Demand]] = {}
    for entry in version.demand:
        if of.number % 12 + 1 in entry.months:
            groups.setdefault(entry.name, []).append(entry)
    lines: list[Line] = []
    for entries in groups.values():
        first = entries[0]
        if first.of == "kVA" and of.month.reactive is None:
            remarks.append("demand is priced in kVA and reactive energy not metered: its kW are billed")
        if first.per == "day":
            lines += _daily(entries, of)
            continue
        chosen = _within(entries, of.month)
        if first.at:
            chosen &= _holding(first.at, of.month)
        if not chosen.any():
            continue
        at_these = of.month.of(chosen)
        billed = _mean(at_these, first) if first.at else highest(at_these, apparent=first.of == "kVA")
        if version.power_factor is not None and first.of == "kW":
            billed *= _raised(version.power_factor, factor, remarks)
        if first.ratchet is not None:
            billed = max(billed, _looked_back(entries, first.ratchet, of, remarks))
        billed = max(billed, *(entry.least for entry in entries))
        lines += [
            Line(
                "demand",
                entry.name,
                amount * of.share,
                entry.of,
                entry.price,
                amount * of.share * entry.price,
            )
            for entry, amount in in_tiers(entries, billed)
        ]
    return lines


def in_tiers(entries: Sequence[Demand], billed: float) -> list[tuple[Demand, float]]:
    """What of a demand falls to the price of each tier; the first one is there even with nothing."""
    tiers = {entry.above: entry for entry in sorted(entries, key=lambda entry: -entry.above)}
    limits = sorted(tiers)
    found = []
    for place, above in enumerate(limits):
        upper = limits[place + 1] if place + 1 < len(limits) else math.inf
        amount = max(min(billed, upper) - above, 0.0)
        if amount or place == 0:
            found.append((tiers[above], amount))
    return found


def _within(entries: Sequence[Demand], use: Use, *, months: bool = True) -> Any:
    """Which windows lie in the times of any of the entries."""
    import numpy as np

    month = use.month % 12 + 1
    chosen = np.zeros(len(use.energy), bool)
    for entry in entries:
        of_month = month if months else np.full(len(month), min(entry.months))
        chosen |= entry.holds(of_month, use.minute, use.weekday, use.holiday)
    return chosen


def _holding(times: frozenset[datetime], use: Use) -> Any:
    """Which windows hold one of some local times."""
    import numpy as np

    begins = use.day * 1440 + use.minute
    chosen = np.zeros(len(begins), bool)
    for one in times:
        minute = (one.toordinal() - _EPOCH) * 1440 + one.hour * 60 + one.minute
        chosen |= (begins <= minute) & (minute < begins + np.round(use.hours * 60))
    return chosen


def unmetered_peaks(version: Version, every: Use, first: date, last: date) -> list[datetime]:
    """Local times of the network's own peaks, from `first` up to `last`, of which no window was metered."""
    asked = {one for entry in version.demand for one in entry.at if first <= one.date() < last}
    return sorted(one for one in asked if not _holding(frozenset([one]), every).any())


def _mean(use: Use, entry: Demand) -> float:
    """The mean power of windows [kW or kVA]."""
    return float((use.apparent if entry.of == "kVA" else use.power).mean())


def _daily(entries: Sequence[Demand], of: Months) -> list[Line]:
    """The highest demand of each day, each in its tiers, added up."""
    import numpy as np

    within = of.part.of(_within(entries, of.part))
    power = within.apparent if entries[0].of == "kVA" else within.power
    sums: dict[float, float] = {}
    priced: dict[float, Demand] = {}
    for day in np.unique(within.day):
        billed = max(float(power[within.day == day].max()), *(entry.least for entry in entries))
        for entry, amount in in_tiers(entries, billed):
            sums[entry.above] = sums.get(entry.above, 0.0) + amount
            priced[entry.above] = entry
    return [
        Line("demand", one.name, sums[above], f"{one.of} d", one.price, sums[above] * one.price)
        for above, one in priced.items()
    ]


def _raised(wanted: PowerFactor, factor: float | None, remarks: list[str]) -> float:
    """What billed demand is raised by: target / power factor where that is below the target."""
    if wanted.surcharge or wanted.discount:  # lines cost more, and demand is billed as it was
        return 1.0
    if factor is None:
        remarks.append("demand depends on the power factor, and reactive energy is not metered")
        return 1.0
    if not 0 < factor < wanted.target:
        return 1.0
    return wanted.target / factor


def _looked_back(entries: Sequence[Demand], ratchet: Ratchet, of: Months, remarks: list[str]) -> float:
    """The ratchet's share of the highest demand of the months before, at the hours and days of the charge."""
    known, wanted = [], 0
    for number in range(of.number - ratchet.months, of.number):
        if number % 12 + 1 not in ratchet.of:
            continue
        wanted += 1
        earlier = of.every.of(of.every.month == number)
        if len(earlier.energy):
            chosen = earlier.of(_within(entries, earlier, months=False))
            known.append(highest(chosen, apparent=entries[0].of == "kVA"))
    if len(known) < wanted:
        remarks.append(f"ratchet looks at {len(known)} of {wanted} months before")
    return ratchet.share * max(known, default=0.0)
