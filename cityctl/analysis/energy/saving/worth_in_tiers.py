"""What saved use is worth where prices depend on the month's use: energy of the expected less of the metered use.

Each compared day is spread over its half-hours as it was metered, a bill evenly over its days.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from cityctl import arrow
from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.basis.tariffs import Assigned
from cityctl.analysis.question import Question
from cityctl.tariff.charges import bills
from cityctl.tariff.model import Tariff
from cityctl.tariff.use import Use

SLOT_HOURS = 0.5  # of the engine's calendar


def in_tiers(question: Question, one: Wanted, held: Assigned) -> float:
    """Worth of the avoided use of one meter in its tariff's currency, after the days of the account are made."""
    import numpy as np

    tariff = held.tariff(question.city.library, question.city.currency)
    found = question.engine.arrow(question.sql("worth_slots"), {"meter": one.point.id})
    if not found.num_rows:
        return 0.0
    column = {name: arrow.array_of(found[name]) for name in found.column_names}
    _, row = np.unique(column["since"], return_inverse=True)
    used = np.where(column["finely"], column["used"], 0.0)
    in_all = np.bincount(row, used)[row]
    share = np.where(in_all > 0, used / np.where(in_all > 0, in_all, 1.0), 1 / np.bincount(row)[row])
    day = column["day"].astype("datetime64[D]")
    use = Use(
        energy=column["y"] * share,
        hours=np.full(len(day), SLOT_HOURS),
        month=day.astype("datetime64[M]").astype(np.int64) + 1970 * 12,
        minute=column["minute"].astype(np.int64),
        weekday=column["weekday"].astype(np.int64) - 1,
        holiday=column["holiday"],
        day=day.astype(np.int64),
    )
    expected = replace(use, energy=column["expected"] * share)
    days = _months(day[0].item(), day[-1].item() + timedelta(days=1))
    return _energy(tariff, expected, days) - _energy(tariff, use, days)


def _months(first: date, until: date) -> dict[int, tuple[date, date]]:
    """Month (year x 12 + month - 1) -> its days from the first on and before the last."""
    found = {}
    while first < until:
        number = first.year * 12 + first.month - 1
        following = date((number + 1) // 12, (number + 1) % 12 + 1, 1)
        found[number] = (first, min(following, until))
        first = following
    return found


def _energy(tariff: Tariff, use: Use, days: Any) -> float:
    """What use costs at the prices of energy alone."""
    made = bills(tariff, use, days)
    return math.fsum(line.cost for bill in made for line in bill.lines if line.kind == "energy")
