"""Savings from bills: periods of each meter, which of them count, and the model of models/billing.py over them.

A meter that is read by the month has its reads as periods; a finer one is put together by calendar month.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.models import billing
from cityctl.analysis.energy.models.billing import Bills
from cityctl.analysis.energy.models.degree_days import said
from cityctl.analysis.energy.models.uncertainty import Drift
from cityctl.analysis.energy.saving.baseline import keep
from cityctl.analysis.energy.saving.drivers import ByPeriod
from cityctl.analysis.energy.saving.periods import LeftOut, Period, Read, baseline, days_of, kept, merged
from cityctl.analysis.energy.saving.stated import STATED, lasts
from cityctl.analysis.question import Question
from cityctl.errors import listed

MEASURE = "the measure lies within"
BEYOND = "part of it lies outside of what is asked for"
ENDS_FIT, ENDS_BETTER = 0.7, 0.15  # adjusted R² with dates as ends, and over that with dates as beginnings
WEATHERLESS = "outdoor temperature lacks on more than 10 % of its days"


@dataclass
class Weather:
    """Daily means of one outdoor temperature: days [ordinal], ascending, and degrees [degF]."""

    days: Any
    degrees: Any

    def count(self, first: date, until: date) -> int:
        """How many days of [first, until) have a temperature."""
        import numpy as np

        low, high = np.searchsorted(self.days, [first.toordinal(), until.toordinal()])
        return int(high - low)

    def bills(self, periods: list[Period], out: list[LeftOut] | None = None) -> tuple[list[Period], Bills]:
        """The periods that have enough weather, with it; `out` takes the others."""
        import numpy as np

        chosen: list[Period] = []
        temperatures: list[Any] = []
        places: list[Any] = []
        for one in periods:
            low, high = np.searchsorted(self.days, [one.day.toordinal(), one.until.toordinal()])
            if high - low >= billing.WEATHER_SHARE * one.days:
                temperatures.append(self.degrees[low:high])
                places.append(np.full(high - low, len(chosen)))
                chosen.append(one)
            elif out is not None:
                out.append(LeftOut(one.day, one.until, one.amount, WEATHERLESS))
        return chosen, Bills(
            np.array([one.amount for one in chosen]),
            np.array([one.days for one in chosen]),
            np.concatenate(temperatures) if temperatures else np.array([]),
            np.concatenate(places) if places else np.array([], int),
        )


def by_the_bill(question: Question, meters: list[Wanted]) -> None:
    """Leave savings_models, savings_predicted and, from bills in place of days, savings_totals behind."""
    sky_of = weather(question)
    driven = ByPeriod(question)
    reads = _reads(question)
    until = question.interval.end.astimezone(question.interval.zone).date()
    billed = {meter for (meter,) in question.engine.rows("select meter from steps where every_s > 864000")}
    negatives = dict(question.engine.rows("select meter, sum(negatives) from savings_use group by meter"))
    models, predicted, totals, lost_bills, doubts, drifts = [], [], [], [], [], []
    for one in meters:
        meter, measure = one.point.id, one.intervention
        sky = sky_of.get(one.temperature or "")
        if measure is None or sky is None:
            continue
        out: list[LeftOut] = []
        periods = merged(reads.get(meter, []), out)
        of_baseline = baseline(
            periods, measure, question.parameters["baseline_days"], question.parameters["baseline_share"]
        )
        first = of_baseline[0].day if of_baseline else measure
        before = kept(_routine(one, of_baseline, out), out)
        after = kept(_since(question, periods, measure, out), out)
        known, bills = _evidence(one, before, sky, driven, out)
        compared, later = _evidence(one, after, sky, driven, out)
        lost_bills += [
            {"meter": meter, "day": lost.day, "last_day": lost.until, "amount": lost.amount, "why": lost.why}
            for lost in sorted(out, key=lambda lost: lost.day)
            if lost.day < until and (lost.until is None or lost.until > first)
        ]
        totals.append(
            {"meter": meter, "used_days": days_of(before), "n": days_of(known),
             "weather_days": sky.count(measure - timedelta(days=question.parameters["baseline_days"]), measure),
             "used": math.fsum(one.amount for one in known), "reporting_days": days_of(after),
             "compared_days": days_of(compared), "baseline_negatives": negatives.get(meter, 0),
             "reporting_negatives": 0, **_span("baseline", known), **_span("reporting", compared)}
        )  # fmt: skip
        cooling = not one.keeps_zeros or question.parameters["gas_cooling"]
        model = billing.fit(bills, cooling=cooling)
        if model is None:
            continue
        drifts.append({"meter": meter, **asdict(billing.beside(bills, later, model, cooling=cooling))})
        if model.betas:
            driven.learnt(one, model, bills.causes)
        models.append(
            {"meter": meter, "model": said(model.heating, model.cooling, *one.drivers),
             "heating": model.heating, "cooling": model.cooling,
             "beta_heating": model.beta_heating, "beta_cooling": model.beta_cooling,
             "intercept": model.intercept, "r2_adj": model.r2_adj, "candidates": model.candidates,
             "terms": model.terms}
        )  # fmt: skip
        better = _better_as_ends(one, question, sky, reads.get(meter, []), model.r2_adj)
        if better is not None and meter in billed:
            doubts.append({"meter": meter, "why": better})
        for these, parts, reporting in ((known, bills, False), (compared, later, True)):
            if these:
                predicted += _told(
                    meter, these, model.expected(parts), bills.beyond(parts), reporting=reporting
                )
    driven.keep()
    keep(question, "savings_models", models)
    keep(question, "savings_billed", predicted, _PREDICTED)
    question.engine.execute("create or replace table savings_predicted as select * from savings_billed")
    keep(question, "savings_totals", totals, _TOTALS)
    keep(question, "savings_left_out", lost_bills, _LEFT_OUT)
    keep(question, "savings_drifts", drifts, ("meter", "variance", "stretches"))
    keep(question, "savings_doubts", doubts, ("meter", "why"))


_PREDICTED = ("meter", "day", "days", "reporting", "y", "t", "expected", "beyond")
_TOTALS = ("meter", "used_days", "weather_days", "n", "used", "reporting_days", "compared_days",
           "baseline_negatives", "reporting_negatives", "baseline_start", "baseline_end", "reporting_start",
           "reporting_end")  # fmt: skip

_LEFT_OUT = ("meter", "day", "last_day", "amount", "why")


def _span(what: str, periods: list[Period]) -> dict[str, date]:
    """First day, and the day after the last one, of the bills that count."""
    return {f"{what}_start": periods[0].day, f"{what}_end": periods[-1].until} if periods else {}


def _told(
    meter: str, periods: list[Period], expected: Any, beyond: Any, *, reporting: bool
) -> list[dict[str, Any]]:
    return [
        {"meter": meter, "day": one.day, "days": one.days, "reporting": reporting, "y": one.amount,
         "expected": float(told), "beyond": bool(outside)}
        for one, told, outside in zip(periods, expected, beyond, strict=True)
    ]  # fmt: skip


def _since(question: Question, periods: list[Period], measure: date, out: list[LeftOut]) -> list[Period]:
    """The periods that lie between the measure, or the interval's start, and its end."""
    zone = question.interval.zone
    first, last = (
        question.interval.start.astimezone(zone).date(),
        question.interval.end.astimezone(zone).date(),
    )
    found = []
    for one in periods:
        if one.day < measure < one.until:
            out.append(LeftOut(one.day, one.until, one.amount, MEASURE))
        elif one.day >= max(measure, first) and one.until <= last:
            found.append(one)
        elif one.day >= measure and one.until > first and one.day < last:
            out.append(LeftOut(one.day, one.until, one.amount, BEYOND))
    return found


def _evidence(
    one: Wanted, periods: list[Period], sky: Weather, driven: ByPeriod, out: list[LeftOut]
) -> tuple[list[Period], Bills]:
    """The periods of which weather and what drives the use beside it are known, with both."""
    import numpy as np

    if not one.drivers:
        return sky.bills(periods, out)
    found = np.isfinite(driven.means(one.drivers, periods)).all(axis=1)
    why = f"{listed(list(one.drivers))} lacks on more than 10 % of its days"
    out += [
        LeftOut(period.day, period.until, period.amount, why)
        for period, there in zip(periods, found, strict=True)
        if not there
    ]
    chosen, bills = sky.bills([period for period, there in zip(periods, found, strict=True) if there], out)
    return chosen, replace(bills, causes=driven.means(one.drivers, chosen))


def _routine(one: Wanted, periods: list[Period], out: list[LeftOut]) -> list[Period]:
    """Bills before the measure without those in which an event lies that city.yaml states."""
    found = []
    for period in periods:
        if any(lasts(event, period.day, period.until) for event in one.stated):
            out.append(LeftOut(period.day, period.until, period.amount, STATED))
        else:
            found.append(period)
    return found


def _better_as_ends(
    one: Wanted, question: Question, sky: Weather, reads: Sequence[Read], r2_adj: float
) -> str | None:
    """What speaks for it that the dates of a meter's reads are the ends of its bills; None where nothing does.

    The same amounts are fitted as if each belonged to the days before its date; finer meters have no such dates.
    """
    assert one.intervention is not None
    if one.point.kind != "interval" or len(reads) < billing.LEAST_PERIODS:
        return None
    turned = [(before[0], after[0], after[2], after[3]) for before, after in pairwise(reads)]
    periods = kept(baseline(merged(turned), one.intervention, question.parameters["baseline_days"]))
    _, bills = sky.bills(periods)
    model = billing.fit(bills, cooling=not one.keeps_zeros or question.parameters["gas_cooling"])
    if model is None or model.r2_adj < ENDS_FIT or model.r2_adj < r2_adj + ENDS_BETTER:
        return None
    return (
        f"its dates fit the weather better as ends of the bills (R² {model.r2_adj:.2f}, not {r2_adj:.2f}): were they "
        "imported with `--stamp end`?"
    )


def drifts(question: Question) -> dict[str, Drift]:
    """Meter -> how far off its model may be, its coefficients being those of few bills."""
    rows = question.engine.rows("select meter, variance, stretches from savings_drifts")
    return {meter: Drift(variance, stretches) for meter, variance, stretches in rows}


def doubts(question: Question) -> dict[str, str]:
    """Meter -> what makes the dates of its bills doubtful; empty for methods that work by the day."""
    if question.parameters["method"] != "billing":
        return {}
    return dict(question.engine.rows("select meter, why from savings_doubts"))


def left_out(question: Question) -> dict[str, list[LeftOut]]:
    """Meter -> its bills that are not in the account; empty for methods that work by the day."""
    found: dict[str, list[LeftOut]] = {}
    if question.parameters["method"] == "billing":
        for meter, *told in question.engine.rows(
            "select meter, day, last_day, amount, why from savings_left_out order by meter, day"
        ):
            found.setdefault(meter, []).append(LeftOut(*told))
    return found


def _reads(question: Question) -> dict[str, list[Read]]:
    """meter -> (day, until, amount, estimated) of each read, in order of time; `until` None where nothing says it."""
    found: dict[str, list[Read]] = {}
    for meter, day, until, amount, estimated in question.engine.rows(question.sql("bills")):
        found.setdefault(meter, []).append((day, until, amount, estimated))
    return found


def weather(question: Question) -> dict[str, Weather]:
    """temperature point -> its days."""
    import numpy as np

    rows: dict[str, list[tuple[int, float]]] = {}
    for point, day, degrees in question.engine.rows(
        "select w.temperature, w.day, w.degree_f from savings_weather as w "
        "where w.hours >= 12 or w.temperature in (select temperature from savings_meters where daily_weather) "
        "order by w.temperature, w.day"
    ):
        rows.setdefault(point, []).append((day.toordinal(), degrees))
    return {
        point: Weather(np.array([day for day, _ in days]), np.array([degrees for _, degrees in days]))
        for point, days in rows.items()
    }
