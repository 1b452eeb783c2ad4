"""Bills as tables: months, lines, the statement beside them, and what else the same use could have cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cityctl import glossary
from cityctl.analysis.energy.basis.tariffs import load
from cityctl.analysis.energy.basis.windowed import LOAD_FACTOR, PEAK, PEAK_AT, USED
from cityctl.analysis.energy.charges.metered import Metered
from cityctl.analysis.question import Question
from cityctl.city.records import Stated
from cityctl.result import Column, Table
from cityctl.tariff.charges import bills
from cityctl.tariff.model import Tariff
from cityctl.tariff.scenarios import capped, shifted
from cityctl.tariff.use import Use
from cityctl.wording import percent

MONEY = "money"
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("meter"),
    Column("billed_month", "Month", None, "local month that is billed, by its first day", "date", priority=1),
    Column("tariff", "Tariff", None, "name of the tariff", priority=4),
    USED,
    PEAK,
    PEAK_AT,
    LOAD_FACTOR,
    Column("power_factor", "Power factor", None, "kWh / sqrt(kWh² + kvarh²) of the month", "number", 3, 6),
    Column("bill_due", "Due", MONEY, "what it comes to, taxes included", "number", 2, 1),
    Column("billed_share", "Metered", None, "share of the billed days' windows that were metered", "share", 1, 4),
    glossary.column("note"),
    Column("charge", "Charge", None, "name of the line in the tariff", priority=1),
    Column("charge_kind", "Kind of charge", None, "standing, energy, demand, reactive, feed-in, minimum, tax ...",
           priority=4),
    Column("billed", "Billed", None, "what is billed, in the line's own unit", "number", 2, 2),
    Column("billed_in", "Billed in", None, "unit of what is billed", priority=2),
    Column("price", "Price", None, "price for each unit that is billed; of a tax its share", "number", 5, 2),
    Column("scenario", "Scenario", None, "the use as it was, or changed, under which tariff", priority=1),
    Column("difference", "Difference", MONEY, "less what the use cost as it was", "number", 2, 1),
    Column("stated", "Stated", MONEY, "as the bill that came says", "number", 2, 1),
    Column("stated_difference", "Stated less ours", MONEY, "the bill that came less what this tariff makes of the use",
           "number", 2, 1),
    glossary.column("verdict"),
)
# fmt: on
_BY_KEY = {one.key: one for one in COLUMNS}
_BILLS = ("meter", "billed_month", "tariff", "used_kwh", "peak_kw", "peak_window", "load_factor", "power_factor",
          "bill_due", "billed_share", "note")  # fmt: skip
_LINES = ("meter", "billed_month", "charge", "charge_kind", "billed", "billed_in", "price", "bill_due")
_SCENARIOS = ("meter", "scenario", "used_kwh", "bill_due", "difference")
_STATED = ("meter", "billed_month", "charge", "bill_due", "stated", "stated_difference", "verdict")
SAME = 0.005  # below half a cent two amounts are the same


def tables(question: Question, found: list[Metered]) -> list[Table]:
    """All tables of the report; those of which there is nothing to say are left out."""
    currency = currency_of(question, found)
    made = [
        Table("bills", "Bills", _columns(_BILLS, currency), [row for one in found for row in _bills(one)]),
        Table(
            "lines", "Line by line", _columns(_LINES, currency), [row for one in found for row in _lines(one)]
        ),
    ]
    other = [row for one in found for row in _scenarios(question, one)]
    if other:
        made.append(Table("scenarios", "What else it could have cost", _columns(_SCENARIOS, currency), other))
    stated = question.city.statements()
    if stated:
        rows = [row for one in found for row in _reconciled(one, stated)]
        made.append(Table("statement", "Against the bill that came", _columns(_STATED, currency), rows))
    return made


def currency_of(question: Question, found: list[Metered]) -> str | None:
    """The currency of all tariffs that were asked about; None where they have several."""
    used = {one.tariff.currency for one in found}
    used |= {load(question.city.library, name).currency for name in compared(question.parameters)}
    return used.pop() if len(used) == 1 else None if used else question.city.currency


def compared(parameters: Mapping[str, Any]) -> list[str]:
    """Names of the tariffs that the own ones are compared with."""
    return str(parameters["compare"] or "").replace(",", " ").split()


def _columns(keys: tuple[str, ...], currency: str | None) -> list[Column]:
    return [
        replace(_BY_KEY[key], unit=currency) if _BY_KEY[key].unit == MONEY else _BY_KEY[key] for key in keys
    ]


def _bills(one: Metered) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for number, bill in zip(sorted(one.days), one.bills, strict=True):
        chosen = one.month(number)
        use = one.use.of(chosen)
        if not len(use.energy):
            rows.append(
                (one.meter, bill.month, one.tariff.tariff, *[None] * 5, bill.total, 0.0, "no readings")
            )
            continue
        used = float(use.energy.sum())
        peak, at = one.peak(number)
        hours = float(use.hours.sum())
        note = "; ".join([*one.remarks, *dict.fromkeys(bill.remarks)]) or None
        rows.append(
            (one.meter, bill.month, one.tariff.tariff, used, peak, at, used / (peak * hours) if peak else None,
             use.power_factor, bill.total, one.coverage(number), note)
        )  # fmt: skip
    return rows


def _lines(one: Metered) -> list[tuple[object, ...]]:
    return [
        (one.meter, bill.month, line.name, line.kind, line.billed, line.unit or None, line.price, line.cost)
        for bill in one.bills
        for line in bill.lines
    ]


def _scenarios(question: Question, one: Metered) -> list[tuple[object, ...]]:
    """The same use under other tariffs, and a changed use under its own."""
    asked = question.parameters
    base = sum(bill.total for bill in one.bills)
    used = _used(one, one.use)
    rows: list[tuple[object, ...]] = []
    for name in compared(asked):
        other = load(question.city.library, name)
        rows.append((one.meter, f"as it was, under {name}", used, *_cost(other, one.use, one, base)))
    if asked["cap"] is not None:
        use = capped(one.use, one.windows.day, asked["cap"])
        rows.append(
            (one.meter, f"capped at {asked['cap']:g} kW", _used(one, use), *_cost(one.tariff, use, one, base))
        )
    if asked["shift"] is not None:
        use = shifted(one.use, one.windows.day, asked["shift"], one.tariff, one.days)
        said = f"{percent(asked['shift'])} of the dearest use moved"
        rows.append((one.meter, said, _used(one, use), *_cost(one.tariff, use, one, base)))
    return [(one.meter, f"as it was, under {one.tariff.tariff}", used, base, 0.0), *rows] if rows else []


def _cost(tariff: Tariff, use: Use, one: Metered, base: float) -> tuple[float, float]:
    total = sum(bill.total for bill in bills(tariff, use, one.days))
    return total, total - base


def _used(one: Metered, use: Use) -> float:
    import numpy as np

    return float(use.energy[np.logical_or.reduce([one.month(number) for number in one.days])].sum())


def _reconciled(one: Metered, stated: list[Stated]) -> list[tuple[object, ...]]:
    """Each line of the bill that came beside ours; what only one of them has is there too."""
    rows: list[tuple[object, ...]] = []
    for bill in one.bills:
        came = [line for line in stated if line.meter == one.meter and line.month == bill.month]
        if not came:
            continue
        ours: dict[str, float] = {}
        for line in bill.lines:
            ours[line.name] = ours.get(line.name, 0.0) + line.cost
        ours["total"] = bill.total
        spelt = {name.casefold(): name for name in ours}
        theirs: dict[str, float] = {}
        for said in came:
            name = spelt.get(said.line.casefold(), said.line)
            theirs[name] = theirs.get(name, 0.0) + said.amount
        names = [*ours, *(name for name in theirs if name not in ours)]
        rows += [
            (one.meter, bill.month, name, *_compared(ours.get(name), theirs.get(name))) for name in names
        ]
    return rows


def _compared(
    ours: float | None, theirs: float | None
) -> tuple[float | None, float | None, float | None, str]:
    if ours is None:
        return None, theirs, theirs, "NOT IN THE TARIFF"
    if theirs is None:
        return ours, None, None, "not stated"
    apart = theirs - ours
    return ours, theirs, apart, "same" if abs(apart) <= SAME else "OVERBILLED" if apart > 0 else "underbilled"
