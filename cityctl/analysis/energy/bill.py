"""What a meter's use should have cost: its tariff line by line, against the statement, and what else it could cost.

Works on the true calendar of the city: weekdays, public holidays, hours of summer time. Knows no file of a tariff
but through the library that it is asked with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from cityctl.analysis.energy.basis.network_balance import with_next
from cityctl.analysis.energy.basis.tariffs import Assigned, assigned, load
from cityctl.analysis.energy.basis.twice import by_same_days, said_twice, told_twice
from cityctl.analysis.energy.basis.windowed import OFFSETS, place, sum_up, why_none, windows
from cityctl.analysis.energy.charges.metered import Billed, Metered
from cityctl.analysis.energy.charges.rows import COLUMNS as _COLUMNS
from cityctl.analysis.energy.charges.rows import compared, currency_of, tables
from cityctl.analysis.energy.charges.spread import spread
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.clock import Interval, local_days, midnight
from cityctl.errors import UsageProblem
from cityctl.result import Completeness, Missing, Result
from cityctl.wording import counted, grouped

TITLE = "Energy bills"
SUMMARY = "what each meter's use should have cost by its tariff, line by line"
COLUMNS = _COLUMNS
PARAMETERS = (
    Parameter("tariff", "text", None, None, "recipe of recipes/tariffs for all meters, in place of city.yaml's"),
    Parameter("meters", "text", "*", None, "ids of the meters to bill, `*` for any letters, several with commas"),
    Parameter("compare", "text", None, None, "other tariffs to compare with, several with commas"),
    Parameter("cap", "number", None, "kW", "what a peak capped at this power would have cost", least=0),
    Parameter("shift", "share", None, None, "what it would have cost with this share of the dearest use moved to the "
              "cheapest hours of the same day", least=0, most=1),
    Parameter("calendar", "choice", "true", None, "the true weekdays, or each year as if 1 January were a Monday, "
              "which some tools take it to be", choices=("true", "monday")),
)  # fmt: skip
MONTHS_BEFORE = 24  # a ratchet may look back so far


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """The meters with a tariff, and the meters of reactive energy beside them."""
    found: dict[str, None] = {}
    for one in assigned(city, parameters):
        found |= dict.fromkeys(_meters_of(one))
    return list(found)


def _meters_of(one: Assigned) -> list[str]:
    return [name for name in (one.point.id, one.reactive, one.export) if name is not None]


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The readings about the interval's ends too, and for ratchets the months before it."""
    interval = replace(with_next(interval), start=interval.start - timedelta(hours=1))
    if not any(one.looks_back(city.library) for one in assigned(city, parameters)):
        return interval
    first = interval.start.astimezone(interval.zone).date()
    months = first.year * 12 + first.month - 1 - MONTHS_BEFORE
    return Interval(
        midnight(date(months // 12, months % 12 + 1, 1), interval.zone), interval.end, interval.zone
    )


def answer(question: Question) -> Result:
    """Bills by meter and month, their lines, the statement beside them, and other tariffs or loads."""
    meters = assigned(question.city, question.parameters)
    if not meters:
        raise UsageProblem(
            f"no meter that matches `{question.parameters['meters']}` has a tariff",
            hint="name one with `--tariff NAME`, or in city.yaml: tariffs: {t: {network: power, recipe: NAME}}",
        )
    billed = _months(question.interval)
    lacking: list[Missing] = []
    found: list[Metered] = []
    library, currency = question.city.library, question.city.currency
    others = [load(library, name) for name in compared(question.parameters)]
    tariffs = {one.point.id: [one.tariff(library, currency), *others] for one in meters}
    widths = {name: math.gcd(OFFSETS, *(one.step for one in held)) for name, held in tariffs.items()}
    edges = {name: frozenset[int]().union(*(one.edges for one in held)) for name, held in tariffs.items()}
    demands = {
        name: frozenset(version.window for one in held for version in one.versions)
        for name, held in tariffs.items()
    }
    for width in sorted(set(widths.values())):
        chosen = [one for one in meters if widths[one.point.id] == width]
        steps = sum_up(question, [name for one in chosen for name in _meters_of(one)], width)
        cut = spread(question, {one.point.id: edges[one.point.id] for one in chosen}, demands, steps, width)
        place(question)
        for one in chosen:
            length = 60.0 * width if one.point.id in cut else None
            metered = _metered(question, one, width, steps.get(one.point.id), billed, length)
            if isinstance(metered, str):
                lacking.append(Missing(one.point.id, metered))
            else:
                metered.doubts += one.unclear(metered.tariff)
                found.append(metered)
                lacking += metered.gaps()
    days = by_same_days({one.meter: (one.windows.day, one.use.energy) for one in found})
    twice = told_twice(question.city, [one.point for one in meters if one.point.id in days], days)
    lacking += [Missing(one, said_twice(first)) for one, first in twice.items()]
    result = Result(
        title=TITLE,
        tables=tables(question, found),
        interval=question.interval,
        completeness=Completeness(
            wanted=len(meters),
            had=len(meters) - len({one.what for one in lacking}),
            missing=lacking,
            unit="meters",
        ),
        notes=list(NOTES),
    )
    total = sum(bill.total for one in found if one.meter not in twice for bill in one.bills)
    money = currency_of(question, found)
    result.summary = (
        f"{counted(len(found), 'meter')}, {grouped(total, 2)} {money or 'in several currencies'} in all"
    )
    if money != currency:
        told = f"in {money}, as their tariffs" if money else "each in its tariff's own currency"
        result.notes.append(f"Limits: amounts are {told}; city.yaml says {currency}: nothing was converted.")
    return result


def _months(interval: Interval) -> dict[int, Billed]:
    """Month (year x 12 + month - 1) -> its local days that the interval holds."""
    found: dict[int, Billed] = {}
    for day, start, end in local_days(interval):
        held = (min(end, interval.end) - max(start, interval.start)).total_seconds()
        number = day.year * 12 + day.month - 1
        before = found.get(number)
        first, seconds = (before.first, before.seconds) if before is not None else (day, 0.0)
        found[number] = Billed(first, day + timedelta(days=1), seconds + held)
    return found


def _metered(
    question: Question,
    one: Assigned,
    width: int,
    every_s: float | None,
    months: dict[int, Billed],
    cut: float | None,
) -> Metered | str:
    """One meter's use in windows, or why there is none; `cut` is the length that its readings were spread to [s]."""
    if one.point.quantity not in ("energy", "power", "volume"):
        return f"{one.point.quantity} is nothing that a tariff prices"
    tariff = one.tariff(question.city.library, question.city.currency)
    if (tariff.unit == "m3") != (one.point.quantity == "volume"):
        return f"metered as {one.point.quantity}, and `{tariff.tariff}` prices {tariff.unit}"
    found = windows(question, one.point.id, width, cut or every_s, reactive=one.reactive, export=one.export)
    if found is None:
        return why_none(one.point)
    weekday = _weekdays(found.use.weekday, found.day, question.parameters["calendar"])
    found.use = replace(found.use, weekday=weekday)
    return Metered.of(one.point.id, tariff, found, months, every_s)


def _weekdays(true: Any, days: Any, calendar: str) -> Any:
    """Weekdays 0..6 as they are, or as if each 1 January were a Monday."""
    import numpy as np

    if calendar == "true":
        return true
    return (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) % 7


NOTES = (
    "Method: use is summed by windows of local time; energy by the times of each price, in tiers that count the "
    "month's use as it comes; demand is the highest mean power of the tariff's own window; a month in part is "
    "billed with its days' share of what is charged by the month, demand and the limits of tiers among it, and so is "
    "each part of a month in which prices change. Power factor of a month is kWh / sqrt(kWh² + kvarh²). Use below "
    "zero, or a meter with `role: export` beside it, was fed in.",
    "Method: the capped load moves what lies above the cap to the emptiest windows of the same day; the shifted "
    "load moves a share of the use in the day's dearest windows to its cheapest ones. Neither asks if that can be "
    "done.",
    "Limits: readings that are missing are not billed; readings longer than the window of demand understate it. Of an "
    "hour or less within which a price changes, each part is billed at its own price as if use were even.",
)
