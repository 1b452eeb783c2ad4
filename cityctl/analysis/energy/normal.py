"""Normalised savings: what a year of the same weather would cost before and since the measure, as two models say it.

The baseline's model and one of the reporting period are both asked for the same days, so that neither year's weather
favours one. Knows no meter but by the engine's tables.

Source: normalised savings as of ASHRAE Guideline 14-2014 and IPMVP core concepts 2022. In place of a typical year's
file, the weather is that of every day which the baseline and the reporting period have, brought to 365 days.
"""

from __future__ import annotations

from typing import Any

from cityctl.analysis.energy import split
from cityctl.analysis.energy.meters import Wanted
from cityctl.analysis.energy.methods import by_meter
from cityctl.analysis.question import Question

LEAST_DAYS = 330  # of the reporting period: a model of less than a year does not know a year
YEAR = 365.0


def savings(question: Question, meters: list[Wanted]) -> dict[str, float]:
    """Meter -> kWh that a year of the same weather takes less.

    Those without a year since the measure are left out; days of shutdowns (savings_apart) are no part of it.
    """
    import numpy as np

    cooling = {one.point.id: not one.keeps_zeros or question.parameters["gas_cooling"] for one in meters}
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
    found: dict[str, float] = {}
    for meter, columns in by_meter(days):
        since = columns["reporting"].astype(bool) & np.isfinite(columns["y"])
        if since.sum() < LEAST_DAYS or meter not in parts:
            continue
        t, cells = columns["t"], columns["cell"]
        model = split.fit(t[since], columns["y"][since], cells[since], cooling=cooling[meter])
        if model is None:
            continue
        after = np.zeros(len(t))
        for part in model.parts:
            here = np.isin(cells, list(part.cells))
            after[here] = _use(
                t[here],
                part.heating or 0.0,
                part.cooling or 0.0,
                part.beta_heating,
                part.beta_cooling,
                part.intercept,
            )
        before = np.zeros(len(t))
        for cell, numbers in parts[meter].items():
            here = cells == cell
            before[here] = _use(t[here], *numbers)
        found[meter] = float((before - after).mean()) * YEAR
    return found


def _use(
    t: Any, heating: float, cooling: float, beta_heating: float, beta_cooling: float, intercept: float
) -> Any:
    """Use a day at outdoor temperatures [degF]."""
    import numpy as np

    return intercept + beta_heating * np.maximum(heating - t, 0) + beta_cooling * np.maximum(t - cooling, 0)
