"""The evidence of a saving from bills: which counted with what the model expects of each, which did not, and why.

Looks at the tables that bills.py has left behind.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cityctl import glossary
from cityctl.analysis.energy.models.billing import LEAST_PERIODS
from cityctl.analysis.energy.saving import bills, candidates, drivers
from cityctl.analysis.energy.saving.columns import EVIDENCE
from cityctl.analysis.energy.saving.digest import digest
from cityctl.analysis.energy.saving.periods import LeftOut, Period
from cityctl.analysis.energy.saving.row import Row
from cityctl.analysis.question import Question
from cityctl.result import Table

_BY_KEY = {one.key: one for one in EVIDENCE}


def tables(question: Question, row: Row) -> list[Table]:
    """Facts, bills that count, models tried, and bills left out of one meter."""
    known = question.engine.rows(
        "select p.day, p.days, p.reporting, p.y, p.expected, k.day is not null as kept from savings_predicted as p "
        "left join savings_kept as k on k.meter = p.meter and k.day = p.day where p.meter = $meter order by p.day",
        {"meter": row.meter},
    )
    counted = [tuple(bill) for *bill, kept in known if kept]
    lost = bills.left_out(question).get(row.meter, [])
    lost = lost + [
        LeftOut(
            day, day + timedelta(days=int(days)), y, "set apart: of a shutdown, or of a non-routine event"
        )
        for day, days, _, y, _, kept in known
        if not kept
    ]
    told = [_one(bill) for bill in counted]
    facts: list[tuple[str, str]] = []
    for what in ("baseline", "reporting"):
        of = [bill for bill in told if bill[2] == what]
        if of:
            use = sum(bill[3] for bill in of)
            facts.append((f"{what} bills", f"{of[0][0]} to {of[-1][1]}: {len(of)} count, {use:.3f} kWh"))
    facts.append(
        ("input", f"{digest((day, days, y) for day, days, _, y, _ in counted)} of the bills that count")
    )
    facts.append(("method", f"{row.method}; days of {question.interval.zone}"))
    facts += [("reason", reason) for reason in (*row.failures, *row.remarks)]
    return [
        Table(
            f"facts_{row.meter}",
            f"{row.label}: what went in",
            [glossary.column("what"), _BY_KEY["known"]],
            [*facts],
        ),
        Table(
            f"bills_{row.meter}",
            f"{row.label}: bills that count",
            [_BY_KEY[key] for key in ("bill_start", "bill_end", "of", "bill_kwh", "bill_expected")],
            [*told],
        ),
        *_models(question, row, told),
        Table(
            f"left_out_{row.meter}",
            f"{row.label}: bills left out",
            [_BY_KEY["bill_start"], _BY_KEY["bill_end"], _BY_KEY["bill_kwh"], glossary.column("reason")],
            [(one.day, one.until, one.amount, one.why) for one in sorted(lost, key=lambda one: one.day)],
        ),
    ]


def _one(bill: tuple[Any, ...]) -> tuple[Any, ...]:
    day, days, reporting, y, expected = bill
    return day, day + timedelta(days=int(days)), "reporting" if reporting else "baseline", y, expected


def _models(question: Question, row: Row, told: list[tuple[Any, ...]]) -> list[Table]:
    ((point, cooling),) = question.engine.rows(
        "select temperature, cooling from savings_meters where meter = $meter", {"meter": row.meter}
    )
    sky = bills.weather(question).get(point or "")
    periods = [Period(start, end, y) for start, end, what, y, _ in told if what == "baseline"]
    if sky is None or len(periods) < LEAST_PERIODS:
        return []
    chosen, of_baseline = sky.bills(periods)
    if causes := drivers.known(question).get(row.meter):
        away = drivers.ByPeriod(question).means([one.point for one in causes], chosen)
        away -= [one.mean for one in causes]
        less = of_baseline.days * (away @ [one.beta for one in causes])
        of_baseline = replace(of_baseline, amount=of_baseline.amount - less)
    return [candidates.table(row, candidates.of_bills(of_baseline, cooling=bool(cooling)))]
