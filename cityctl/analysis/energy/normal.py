"""Normalised savings: what a typical year would cost before and since the measure, as two models say it.

The baseline's model and one of the reporting period are both asked for the same days, so that neither year's weather
favours one: those of the city's typical year, or, where it has none, every day that the baseline and the reporting
period have, brought to 365. Knows no meter but by the engine's tables.

Source: normalised savings as of ASHRAE Guideline 14-2014 and IPMVP core concepts 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from cityctl.analysis.energy import split
from cityctl.analysis.energy.meters import Wanted
from cityctl.analysis.energy.methods import by_meter
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

    Those without a year since the measure are left out; days of shutdowns (savings_apart) are no part of it.
    """
    import numpy as np

    cooling = {one.point.id: not one.keeps_zeros or question.parameters["gas_cooling"] for one in meters}
    measures = {one.point.id: one.intervention for one in meters}
    parts: dict[str, dict[int, tuple[float, ...]]] = {}
    for meter, cell, *held in question.engine.rows(
        "select meter, cell, heating, cooling, beta_heating, beta_cooling, intercept from savings_parts"
    ):
        parts.setdefault(meter, {})[cell] = tuple(0.0 if value is None else float(value) for value in held)
    days = question.engine.arrow(
        "select d.meter as meter, d.cell as cell, d.reporting as reporting, d.t as t, "
        "case when a.meter is null then d.y / d.length end as y from savings_daily as d "
        "left join savings_apart as a on a.meter = d.meter and d.reporting "
        "and d.day >= a.first_day and d.day <= a.last_day "
        "where d.t is not null order by d.meter, d.day"
    )
    found: dict[str, Normal] = {}
    for meter, columns in by_meter(days):
        since = columns["reporting"].astype(bool) & np.isfinite(columns["y"])
        measure = measures[meter]
        if since.sum() < LEAST_DAYS or meter not in parts or measure is None:
            continue
        t, cells = columns["t"], columns["cell"]
        model = split.fit(t[since], columns["y"][since], cells[since], cooling=cooling[meter])
        if model is None:
            continue
        year = typical(question, measure) or _Year(t, cells)
        known = t[~columns["reporting"].astype(bool)]
        before, after = _before(year, parts[meter]), _after(year, model)
        beyond = (year.degrees < known.min()) | (year.degrees > known.max())
        found[meter] = Normal(
            float(before.mean()) * YEAR,
            float((before - after).mean()) * YEAR,
            round(float(beyond.mean()) * YEAR),
        )
    return found


def typical(question: Question, measure: date) -> _Year | None:
    """The city's typical year with the weekdays of the year of the measure; None where the city has none."""
    import numpy as np

    days = question.city.typical_year()
    if not days:
        return None
    by_kind = question.parameters["method"] == "split"
    cells = [split.cell_of(date(measure.year, one.month, one.day)) if by_kind else 0 for one in days]
    return _Year(np.array([one.celsius for one in days]) * 1.8 + 32, np.array(cells))


def _before(year: _Year, parts: dict[int, tuple[float, ...]]) -> Any:
    import numpy as np

    told = np.zeros(len(year.degrees))
    for cell, numbers in parts.items():
        here = year.cells == cell
        told[here] = _use(year.degrees[here], *numbers)
    return told


def _after(year: _Year, model: split.Model) -> Any:
    import numpy as np

    told = np.zeros(len(year.degrees))
    for part in model.parts:
        here = np.isin(year.cells, list(part.cells))
        told[here] = _use(
            year.degrees[here], part.heating or 0.0, part.cooling or 0.0, part.beta_heating, part.beta_cooling,
            part.intercept,
        )  # fmt: skip
    return told


def _use(
    t: Any, heating: float, cooling: float, beta_heating: float, beta_cooling: float, intercept: float
) -> Any:
    """Use a day at outdoor temperatures [degF]."""
    import numpy as np

    return intercept + beta_heating * np.maximum(heating - t, 0) + beta_cooling * np.maximum(t - cooling, 0)
