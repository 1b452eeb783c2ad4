"""How far a baseline's model is off on weeks that it was not fitted to, for all meters that are not read by the bill.

What a building does beside the weather lasts for weeks: holidays, exhibitions, a boiler out of order. The
autocorrelation from one day to the next does not tell it. So each stretch of the baseline, as long as the reporting
period but at most two months, is left out in turn, the coefficients are fitted to the rest at the same balance
points, and what they expect of the stretch is held against its use.

Source: cross-validation by blocks, as compared with ASHRAE Guideline 14's formula by Touzani, Granderson, Jump &
Rebello (2019), "Evaluation of methods to assess the uncertainty in estimated energy savings", Energy and Buildings 193.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.models.parts import Part, best_of, design
from cityctl.analysis.energy.models.uncertainty import Drift
from cityctl.analysis.energy.saving.baseline import by_meter
from cityctl.analysis.question import Question

LONGEST = 60  # days of a stretch
STEPS = 4  # stretches that begin within the length of one
LEAST = 0.8  # share of a stretch's days that must be valid
_WEEK = (frozenset([0]), frozenset([1]))  # weekdays and weekends
_EVERY_DAY = frozenset([0, 1])
_RANK = 1e-8  # of a system's largest eigenvalue: what lies below it the other days do not tell

_PARTS = (
    "select meter, cell, heating, cooling, beta_heating, beta_cooling, intercept, coalesce(heating_bend, 0), "
    "coalesce(cooling_bend, 0), coalesce(part, 'every day') from savings_parts order by meter, cell"
)
_DAYS = (
    "select d.meter as meter, d.cell as cell, d.y / d.length - coalesce(v.use, 0) as y, d.t as t, d.day as at "
    "from savings_daily as d left join savings_driven as v on v.meter = d.meter and v.day = d.day "
    "where not d.reporting and d.y is not null and d.t is not null order by d.meter, d.day"
)


def spreads(
    question: Question, meters: Sequence[Wanted], models: Mapping[str, Mapping[str, Any]]
) -> dict[str, Drift]:
    """Meter -> how far its model is off; `models` are the rows of savings.sql's outcome.

    A model by the hour takes a degree-day model of weekdays and one of weekends in its place: to fit it anew for
    each stretch would cost more than it tells, for what lasts for weeks is the building's, not the model's.
    """
    hourly = question.parameters["method"] == "towt"
    cooling = {one.point.id: not one.keeps_zeros or question.parameters["gas_cooling"] for one in meters}
    parts: dict[str, dict[str, Part]] = {}
    for meter, cell, *held, name in [] if hourly else question.engine.rows(_PARTS):
        these = parts.setdefault(meter, {})
        cells = these[name].cells | {cell} if name in these else frozenset([cell])
        these[name] = Part(cells, *held)
    found: dict[str, Drift] = {}
    for meter, columns in by_meter(question.engine.arrow(_DAYS)):
        rows = models.get(meter, {}).get("rows")
        if not rows:
            continue
        t, y, cells = (columns[key] for key in ("t", "y", "cell"))
        day = columns["at"].astype("datetime64[D]").astype(int)
        if hourly:
            cells = (day + 3) % 7 // 5  # 1970-01-01 was a Thursday
            best = best_of((_EVERY_DAY, *_WEEK), t, y, cells, cooling=cooling[meter])
            apart = [best[days] for days in _WEEK if days in best]
            told = apart if len(apart) == len(_WEEK) else [best[_EVERY_DAY]] if best else []
            parts[meter] = {part.days: part for _, part in told}
        if parts.get(meter):
            drift = left_out(design(parts[meter].values(), t, cells), y, day, min(int(rows), LONGEST))
            if drift is not None:
                found[meter] = drift
    return found


def left_out(columns: Any, use: Any, day: Any, length: int) -> Drift | None:
    """Leave stretches of `length` days out in turn; None where fewer than two can be.

    `columns` are days x coefficients, `use` [unit a day], `day` the rising number of each day.
    """
    import numpy as np

    begins = np.arange(day[0], day[-1] - length + 2, max(length // STEPS, 1))
    low, high = np.searchsorted(day, begins), np.searchsorted(day, begins + length)
    enough = high - low >= max(LEAST * length, 1)
    low, high = low[enough], high[enough]
    if len(low) < 2:
        return None
    squares, products, sums = (
        np.concatenate([np.zeros((1, *rows.shape[1:])), np.cumsum(rows, axis=0)])
        for rows in (columns[:, :, None] * columns[:, None, :], columns * use[:, None], columns)
    )
    total = np.concatenate([[0.0], np.cumsum(use)])
    rest = squares[-1] - (squares[high] - squares[low])
    right = products[-1] - (products[high] - products[low])
    fitted = np.linalg.pinv(rest, rcond=_RANK, hermitian=True) @ right[..., None]
    expected = ((sums[high] - sums[low]) * fitted[..., 0]).sum(axis=1)
    error = total[high] - total[low] - expected
    return Drift(float(np.mean(error * error / (high - low))), len(day) / length)
