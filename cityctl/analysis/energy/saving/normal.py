"""Normalised savings: what a typical year would cost before and since the measure, as two models say it.

The baseline's model and one of the reporting period are both asked for the same days, so that neither year's weather
favours one: those of the city's typical year, or, where it has none, every day that the baseline and the reporting
period have, brought to 365. Knows no meter but by the engine's tables.

Source: normalised savings as of ASHRAE Guideline 14-2014 and IPMVP core concepts 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.models import split
from cityctl.analysis.energy.models.parts import Part
from cityctl.analysis.energy.saving.baseline import by_meter
from cityctl.analysis.energy.saving.seasons import cells_of
from cityctl.analysis.question import Question

LEAST_DAYS = 330  # of the reporting period: a model of less than a year does not know a year
YEAR = 365.0


@dataclass(frozen=True)
class Normal:
    """A normal year: what it takes without the measure and how much less with it [kWh].

    `beyond`: its days that are colder or warmer than any that the model was made from.
    """

    before: float
    saved: float
    beyond: int = 0


@dataclass(frozen=True)
class _Year:
    """Days that both models are asked for: mean temperatures [degF] and kinds of day."""

    degrees: Any
    cells: Any


def savings(question: Question, meters: list[Wanted]) -> dict[str, Normal]:
    """Meter -> its normal year.

    Those without a year since the measure are left out, and those whose model knows other causes than the weather: no
    normal year says how large these are. Days of shutdowns (savings_apart) are no part of it.
    """
    import numpy as np

    cooling = {one.point.id: not one.keeps_zeros or question.parameters["gas_cooling"] for one in meters}
    measures = {one.point.id: one.intervention for one in meters}
    driven = {meter for (meter,) in question.engine.rows("select distinct meter from savings_driven")}
    parts: dict[str, list[Part]] = {}
    for meter, cell, *held in question.engine.rows(
        "select meter, cell, heating, cooling, beta_heating, beta_cooling, intercept, coalesce(heating_bend, 0), "
        "coalesce(cooling_bend, 0) from savings_parts"
    ):
        parts.setdefault(meter, []).append(Part(frozenset([cell]), *held))
    days = question.engine.arrow(
        "select d.meter as meter, d.cell as cell, d.reporting as reporting, d.t as t, "
        "case when a.meter is null then (d.y - coalesce(x.kwh, 0)) / d.length end as y from savings_daily as d "
        "left join savings_adjusted as x on x.meter = d.meter and x.day = d.day "
        "left join savings_apart as a on a.meter = d.meter and d.reporting "
        "and d.day >= a.first_day and d.day <= a.last_day "
        "where d.t is not null order by d.meter, d.day"
    )
    found: dict[str, Normal] = {}
    for meter, columns in by_meter(days):
        since = columns["reporting"].astype(bool) & np.isfinite(columns["y"])
        measure = measures[meter]
        if since.sum() < LEAST_DAYS or meter not in parts or measure is None or meter in driven:
            continue
        t, cells = columns["t"], columns["cell"]
        model = split.fit(t[since], columns["y"][since], cells[since], cooling=cooling[meter])
        if model is None:
            continue
        year = typical(question, measure) or _Year(t, cells)
        known = t[~columns["reporting"].astype(bool)]
        before, after = (_use(these, year) for these in (parts[meter], model.parts))
        beyond = (year.degrees < known.min()) | (year.degrees > known.max())
        found[meter] = Normal(
            float(before.mean()) * YEAR,
            float((before - after).mean()) * YEAR,
            round(float(beyond.mean()) * YEAR),
        )
    return found


def typical(question: Question, measure: date) -> _Year | None:
    """The city's typical year with the weekdays and holidays of the year of the measure; None where it has none."""
    import numpy as np

    days = question.city.typical_year()
    if not days:
        return None
    cells = cells_of(question, [date(measure.year, one.month, one.day) for one in days])
    return _Year(np.array([one.celsius for one in days]) * 1.8 + 32, np.array(cells))


def _use(parts: Sequence[Part], year: _Year) -> Any:
    """Use of each of its days."""
    import numpy as np

    use = np.zeros(len(year.degrees))
    for part in parts:
        here = np.isin(year.cells, list(part.cells))
        use[here] = part.expects(year.degrees[here])
    return use
