"""What saved use is worth: at the meter's flat price, or at the prices of energy in the hours in which it is used.

A day's saving is worth the mean price of its hours, weighted by the use in them; of meters that are not read by the
hour, the mean price of all hours. Under tiers a saving is what the expected use would have cost more than the metered
one, month by month: it comes off the last tiers first. What a model misses on days of the week, which it missed before
the measure too, is taken off the days and shared out among all (the view `savings_priced`). Demand and standing
charges are not saved by the kWh.
"""

from __future__ import annotations

from cityctl import arrow
from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.basis.tariffs import Assigned, assigned
from cityctl.analysis.energy.saving.baseline import narrow, parts
from cityctl.analysis.energy.saving.worth_in_tiers import in_tiers
from cityctl.analysis.question import Question
from cityctl.tariff.scenarios import prices
from cityctl.tariff.use import Use

SLOT_HOURS = 0.5  # of the engine's calendar


def of_savings(question: Question, meters: list[Wanted]) -> dict[str, float]:
    """Meter -> what its avoided use is worth in the city's currency; those without a price in it are left out."""
    city = question.city
    known = {one.point.id: one for one in assigned(city, {})}
    held = [(one, known[one.point.id]) for one in meters if one.point.id in known]
    flat = {
        one.point.id: tariff.price
        for one, tariff in held
        if tariff.recipe is None and tariff.price is not None
    }
    timed = [
        (one, tariff) for one, tariff in held if tariff.recipe is not None and _holds(question, one, tariff)
    ]
    found = {
        meter: float(kwh) * flat[meter]
        for meter, kwh in question.engine.rows(
            "select meter, sum(expected - y) from savings_kept where reporting group by meter"
        )
        if meter in flat
    }
    tiered = [(one, tariff) for one, tariff in timed if _has_tiers(question, tariff)]
    found |= {one.point.id: in_tiers(question, one, tariff) for one, tariff in tiered}
    timed = [pair for pair in timed if pair not in tiered]
    if timed:
        _keep_prices(question, timed)
        for ends in parts([one for one, _ in timed]):
            narrow(question, ends)
            found |= {
                meter: float(money)
                for meter, money in question.engine.rows(question.sql("worth"), ends)
                if money is not None
            }
    return found


def _holds(question: Question, one: Wanted, held: Assigned) -> bool:
    """Whether a tariff prices kWh in the city's currency, which is not converted, from the first compared day on."""
    tariff = held.tariff(question.city.library, question.city.currency)
    first = question.interval.start.astimezone(question.interval.zone).date()
    since = max(first, one.intervention or first)
    return (
        tariff.unit == "kWh"
        and tariff.currency == question.city.currency
        and tariff.versions[0].from_ <= since
    )


def _has_tiers(question: Question, held: Assigned) -> bool:
    tariff = held.tariff(question.city.library, question.city.currency)
    return any(entry.above for version in tariff.versions for entry in version.energy)


def _keep_prices(question: Question, timed: list[tuple[Wanted, Assigned]]) -> None:
    """Make savings_prices (tariff, slot, price) and savings_tariffs (meter, tariff)."""
    import numpy as np

    calendar = question.engine.arrow("select slot, day, minute, weekday, holiday from calendar order by slot")
    day = arrow.array_of(calendar["day"]).astype("datetime64[D]")
    number = day.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    count = len(day)
    use = Use(
        energy=np.ones(count),
        hours=np.full(count, SLOT_HOURS),
        month=number,
        minute=arrow.array_of(calendar["minute"]).astype(np.int64),
        weekday=arrow.array_of(calendar["weekday"]).astype(np.int64) - 1,
        holiday=arrow.array_of(calendar["holiday"]).astype(bool),
        day=day.astype(np.int64),
    )
    tariffs = {str(held.recipe): held.tariff(question.city.library) for _, held in timed}
    question.engine.register(
        "savings_prices",
        arrow.table(
            tariff=arrow.named(np.repeat(np.arange(len(tariffs)), count), list(tariffs)),
            slot=arrow.times(np.tile(arrow.array_of(calendar["slot"]).view(np.int64), len(tariffs))),
            price=arrow.floats(np.concatenate([prices(use, tariff) for tariff in tariffs.values()])),
        ),
    )
    names = arrow.table(
        meter=arrow.texts([one.point.id for one, _ in timed]),
        tariff=arrow.texts([str(held.recipe) for _, held in timed]),
    )
    question.engine.register("savings_tariffs", names)
