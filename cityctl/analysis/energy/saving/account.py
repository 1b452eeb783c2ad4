"""From the sums of savings.sql to rows with a verdict: sufficiency first, then the saving and how sure it is.

A meter whose data do not suffice gets the reasons and no figure; a saving whose interval reaches further than half
of it to either side is called not proven. Runs no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.basis.twice import said_twice
from cityctl.analysis.energy.models.uncertainty import Drift, fractional
from cityctl.analysis.energy.saving.drivers import Driver
from cityctl.analysis.energy.saving.events import Event
from cityctl.analysis.energy.saving.figures import figures, of_normal_year, said_drivers
from cityctl.analysis.energy.saving.normal import LEAST_DAYS, Normal
from cityctl.analysis.energy.saving.periods import LeftOut
from cityctl.analysis.energy.saving.remarks import idle, lost, remarks, undriven
from cityctl.analysis.energy.saving.row import Row, said_uncertainty
from cityctl.analysis.energy.saving.stated import lasts, said
from cityctl.analysis.energy.saving.sufficiency import failures
from cityctl.analysis.question import Question

REFUSED = ("unit", "dead")  # events of which no figure is made
DOUBTED = ("closed", "huge", "low")  # and of which one is, that may not be booked


@dataclass(frozen=True)
class Known:
    """What the engine found out about one meter.

    Sums of its days, its model, money, CO2 [kg], events, a normal year and whether one was asked for, bills that are
    not in the account, what makes the dates of bills doubtful, and how far the model may be off on later days, where
    that is known; the other causes in the model, and days of which one of them is not known; what events
    that city.yaml states add to the expected use [kWh]; the meter that tells the same use in another way.
    """

    totals: Mapping[str, Any] | None
    model: Mapping[str, Any] | None
    money: float | None = None
    carbon: float | None = None
    events: Sequence[Event] = ()
    normal: Normal | None = None
    normal_asked: bool = False
    left_out: Sequence[LeftOut] = ()
    doubt: str | None = None
    drift: Drift | None = None
    drivers: Sequence[Driver] = ()
    undriven: int = 0
    adjusted: float | None = None
    twice: str | None = None


def judge(question: Question, one: Wanted, known: Known) -> Row:
    """The account of one meter: what its data lack, or its saving with a verdict."""
    totals, model = known.totals, known.model
    name = one.point.zone or one.point.id
    zones = question.city.zones
    label = one.point.name or (zones[name].name if name in zones else None) or name
    row = Row(one.point.id, one.point.zone, label, one.network, one.intervention, "")
    row.method, row.confidence = question.parameters["method"], question.parameters["confidence"]
    row.failures = failures(question, one, totals, model)
    if known.undriven and row.failures:
        row.failures.append(undriven(one, known.undriven))
    if totals and bool(totals["used_days"]) != bool(totals["compared_days"]):
        row.seen = "before" if totals["used_days"] else "since"
    refused = [event for event in known.events if event.kind in REFUSED]
    if not row.failures and [event.kind for event in refused] == ["dead"] and totals and model:
        row.still = _figured(question, one, known, row)
    row.failures += [str(event) for event in refused]
    if row.failures:
        row.remarks = lost(known.left_out)
        row.verdict = f"NOT ASSESSABLE {row.failures[0]}"
        return row
    assert totals is not None
    assert model is not None
    row.figures = _figured(question, one, known, row)
    row.doubts = [
        *([known.doubt] if known.doubt else []),
        *([said_twice(known.twice)] if known.twice else []),
        *idle(model),
        *(str(event) for event in known.events if event.kind in DOUBTED),
    ]
    row.step = next((event for event in known.events if event.kind == "step"), None)
    row.remarks = [*remarks(one, totals, model, row), *lost(known.left_out)]
    row.remarks += [str(event) for event in known.events if event.kind not in DOUBTED]
    row.remarks += [
        said(event)
        for event in one.stated
        if lasts(event, row.figures["baseline_start"], row.figures["reporting_end"])
    ]
    if known.undriven:
        row.remarks.append(undriven(one, known.undriven))
    if known.normal_asked and known.normal is None:
        row.remarks.append(
            "no normal year: no one knows how large the other causes are in it"
            if known.drivers
            else f"no normal year: a model of it needs {LEAST_DAYS} sound days since the measure"
        )
    if known.normal is not None and known.normal.beyond:
        row.remarks.append(
            f"days of the normal year beyond the baseline: {known.normal.beyond}, extrapolated"
        )
    # Proven or not: what is no measure would be the largest figure of the total.
    changed = abs(row.figures["saving_pct"]) > 100 * question.parameters["most_change"]
    row.apart = changed or bool(row.doubts)
    row.verdict = _verdict(row)
    return row


def _figured(question: Question, one: Wanted, known: Known, row: Row) -> dict[str, Any]:
    """The figures of a meter whose data suffice, by column key; the row gets its interval by the formula."""
    assert known.totals is not None
    assert known.model is not None
    row.formula, told = figures(question, one, known.totals, known.model, known.drift)
    told["uncertainty"] = fractional(told["avoided_high"] - told["avoided_kwh"], told["avoided_kwh"])
    told["saved_money"] = known.money
    told["saved_co2"] = known.carbon
    told["adjusted_kwh"] = known.adjusted
    told["drivers"] = said_drivers(question.city, known.drivers)
    return told | of_normal_year(known.normal)


def _verdict(row: Row) -> str:
    per_cent = row.figures["saving_pct"]
    if row.doubts:
        return f"SET APART {row.doubts[0]}"
    if row.apart:
        way = "fell" if per_cent > 0 else "rose"
        return f"SET APART use {way} by {abs(per_cent):.0f} %: another supply or purpose?"
    if row.proven:
        return "proven" if row.avoided > 0 else "USE ROSE proven"
    told = row.uncertainty
    return f"not proven, {said_uncertainty(told)}" if told < 10 else "not proven, no change to be seen"
