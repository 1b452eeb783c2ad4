"""Non-routine events as city.yaml states them: days that are no evidence, and use that is expected in addition.

What a model learns of is the building without the event: days of the baseline on which one lasted are no evidence.
Since the measure, days leave the account, or what the event adds to each of them is added to what is expected. Knows
no model.

Basis: IPMVP core concepts 2022, non-routine adjustments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.saving.baseline import keep
from cityctl.analysis.energy.saving.periods import LeftOut
from cityctl.analysis.question import Question
from cityctl.city.accounts import NonRoutine

STATED = "a non-routine event that city.yaml states lies within"  # why a bill is left out
_COLUMNS = ("meter", "first_day", "last_day", "kwh")


def attach(question: Question, meters: Sequence[Wanted]) -> None:
    """Make savings_struck and savings_adjusted, and strike the baseline's days from savings_daily."""
    rows = [
        {"meter": one.point.id, "first_day": event.first, "last_day": event.last or date.max,
         "kwh": event.kwh_per_day}
        for one in meters
        for event in one.stated
    ]  # fmt: skip
    keep(question, "savings_stated", rows, _COLUMNS)
    for name in ("struck", "adjusted"):
        question.engine.execute(question.sql(name))
    if rows and question.parameters["method"] != "billing":  # a bill is struck as a whole
        question.engine.execute(question.sql("without_struck"))


def struck(question: Question) -> dict[str, Any]:
    """Meter -> its days before the measure that are no evidence, as days since 1970."""
    import numpy as np

    found: dict[str, list[date]] = {}
    for meter, day in question.engine.rows("select meter, day from savings_struck"):
        found.setdefault(meter, []).append(day)
    return {meter: np.array(days, "datetime64[D]").astype(int) for meter, days in found.items()}


def left_out(question: Question, bills: Mapping[str, Sequence[LeftOut]]) -> dict[str, int]:
    """Meter -> days of its baseline that a stated event takes out; of `bills` all days of those in which one lies."""
    if question.parameters["method"] == "billing":
        return {
            meter: sum(
                (one.until - one.day).days for one in lost if one.why == STATED and one.until is not None
            )
            for meter, lost in bills.items()
        }
    return dict(
        question.engine.rows(question.sql("left_out"), {"days": question.parameters["baseline_days"]})
    )


def adjust(question: Question) -> None:
    """Add what events add since the measure to what is expected (savings_predicted)."""
    question.engine.execute(question.sql("adjust"))


def adjusted(question: Question) -> dict[str, float]:
    """Meter -> what was added to the expected use of the days that count [kWh]."""
    return dict(question.engine.rows(question.sql("added")))


def lasts(one: NonRoutine, first: date, until: date) -> bool:
    """Whether an event lasted in [first, until)."""
    return one.first < until and (one.last is None or one.last >= first)


def said(one: NonRoutine) -> str:
    """`2024-03-10 to 2024-04-20 (flood) left out, as city.yaml states`."""
    days = f"since {one.first}" if one.last is None else f"{one.first} to {one.last}"
    what = f" ({one.what})" if one.what else ""
    if one.kwh_per_day is None:
        return f"{days}{what} left out, as city.yaml states"
    if one.kwh_per_day == 0:
        return f"{days}{what} looked into, as city.yaml states"
    return f"{days}{what} {one.kwh_per_day:+g} kWh a day expected, as city.yaml states"
