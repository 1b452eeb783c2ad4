"""What one month's bill hands to the next: kWh and money that are left of what was fed in, and the year's cost so far.

Knows no use and no price of energy.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from cityctl.tariff.lines import Line, cost_of
from cityctl.tariff.terms import Version

_NOTHING = 1e-9


@dataclass
class Carried:
    """Balances at the end of a month's bill, from the first billed month on, which begins with nothing."""

    kwh: dict[str, float] = field(default_factory=dict)
    money: float = 0.0
    costs: dict[int, float] = field(default_factory=dict)

    def take_kwh(self, name: str, total: float) -> tuple[float, bool]:
        """(what the times of that name are credited with, whether anything is left to bill) of a month's net use."""
        credit = self.kwh.pop(name, 0.0)
        if total < credit:
            self.kwh[name] = credit - total
        return credit, total >= credit

    def settle(self, version: Version, first: date, last: date, unit: str, lines: list[Line]) -> list[Line]:
        """Lines of what is carried into and out of these days, after all others but minimum and taxes."""
        if not version.carry:
            return []
        due = version.true_up is not None and version.true_up.month == first.month and last.day == 1
        if version.carry == "kWh":
            return self._kwh_left(version, unit, due=due)
        found = (
            [Line("credit", "from the months before", 1.0, "", -self.money, -self.money)]
            if self.money
            else []
        )
        self.money = 0.0
        against = [line for line in lines if line.kind in ("energy", "feed-in")]
        left = -cost_of([*against, *found])
        if left <= _NOTHING:
            return found
        if due and version.true_up is not None:
            return found if version.true_up.paid else [*found, Line("credit", "expires", 1.0, "", left, left)]
        self.money = left
        return [*found, Line("credit", "carried to the next month", 1.0, "", left, left)]

    def _kwh_left(self, version: Version, unit: str, *, due: bool) -> list[Line]:
        left = sum(self.kwh.values())
        if left <= _NOTHING:
            return []
        if not due or version.true_up is None:
            return [Line("credit", "carried to the next month", left, unit, 0.0, 0.0)]
        self.kwh.clear()
        price = version.true_up.price
        return [Line("credit", "true-up", left, unit, -price, -left * price)]

    def lacks_of_year(
        self,
        version: Version,
        days: Mapping[int, tuple[date, date]],
        first: date,
        last: date,
        remarks: list[str],
    ) -> float:
        """What December adds so that the year comes to its least; its cost before is in `costs`."""
        if not version.annual_minimum or first.month != 12 or last.day != 1:
            return 0.0
        known = sum(
            _whole(*days[number]) for number in range(first.year * 12, first.year * 12 + 12) if number in days
        )
        if known < 12:
            remarks.append(f"the least of a year is left out: {known} of 12 months are billed")
            return 0.0
        return max(version.annual_minimum - self.costs.get(first.year, 0.0), 0.0)


def _whole(first: date, last: date) -> bool:
    return (last - first).days == calendar.monthrange(first.year, first.month)[1]
