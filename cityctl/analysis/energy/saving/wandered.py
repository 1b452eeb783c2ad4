"""How far a baseline's model is off on later days as use wanders, for all meters that are not read by the bill.

Told by what wanders in the baseline (models/wandering.py), and by refitting (models/stretches.py). Knows how tables and
arrays meet, and no formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.models.parts import Part, best_of, design
from cityctl.analysis.energy.models.stretches import refitted
from cityctl.analysis.energy.models.uncertainty import Drift
from cityctl.analysis.energy.models.wandering import Days, wandering
from cityctl.analysis.energy.saving.baseline import by_meter
from cityctl.analysis.question import Question

_WEEK = (frozenset([0]), frozenset([1]))  # weekdays and weekends
_EVERY_DAY = frozenset([0, 1])

_PARTS = (
    "select meter, cell, heating, cooling, beta_heating, beta_cooling, intercept, coalesce(heating_bend, 0), "
    "coalesce(cooling_bend, 0), coalesce(part, 'every day') from savings_parts order by meter, cell"
)
_DAYS = (
    "select d.meter as meter, d.cell as cell, d.y / d.length - coalesce(v.use, 0) as y, d.t as t, d.day as at, "
    "d.length as length, d.reporting as reporting, coalesce(v.use, 0) as caused "
    "from savings_daily as d left join savings_driven as v on v.meter = d.meter and v.day = d.day "
    "left join savings_kept as k on k.meter = d.meter and k.day = d.day "
    "where d.y is not null and d.t is not null and (k.day is not null or not d.reporting) order by d.meter, d.day"
)


def spreads(
    question: Question, meters: Sequence[Wanted], models: Mapping[str, Mapping[str, Any]]
) -> dict[str, Drift]:
    """Meter -> how far its model is off; `models` are the rows of savings.sql's outcome.

    A model by the hour takes a degree-day model of weekdays and one of weekends in its place: what lasts for weeks is
    the building's, not the model's.
    """
    hourly = question.parameters["method"] == "towt"
    cooling = {one.point.id: not one.keeps_zeros or question.parameters["gas_cooling"] for one in meters}
    parts: dict[str, dict[str, Part]] = {}
    for meter, cell, *held, name in [] if hourly else question.engine.rows(_PARTS):
        these = parts.setdefault(meter, {})
        cells = these[name].cells | {cell} if name in these else frozenset([cell])
        these[name] = Part(cells, *held)
    split = question.parameters["method"] == "split"
    found: dict[str, Drift] = {}
    for meter, columns in by_meter(question.engine.arrow(_DAYS)):
        model = models.get(meter, {})
        if not model.get("rows"):
            continue
        t, y, cells, length = (columns[key] for key in ("t", "y", "cell", "length"))
        day = columns["at"].astype("datetime64[D]").astype(int)
        later = columns["reporting"].astype(bool)
        before = ~later
        if hourly:
            cells = (day + 3) % 7 // 5  # 1970-01-01 was a Thursday
            best = best_of((_EVERY_DAY, *_WEEK), t[before], y[before], cells[before], cooling=cooling[meter])
            apart = [best[days] for days in _WEEK if days in best]
            told = apart if len(apart) == len(_WEEK) else [best[_EVERY_DAY]] if best else []
            parts[meter] = {part.days: part for _, part in told}
        if not parts.get(meter):
            continue
        own_parts = list(parts[meter].values())
        known = design(own_parts, t, cells)
        kept, compared = (
            Days(day[of], known[of], columns["caused"][of], length[of]) for of in (before, later)
        )
        drift = wandering(kept, y[before], compared)
        if drift is None:
            continue
        own = model["own_error"] or 0.0
        if split:
            asked = (t[later], cells[later], length[later])
            own = refitted(
                own_parts, t[before], y[before], cells[before], day[before], asked, cooling=cooling[meter]
            )
        found[meter] = replace(drift, refitted=own)
    return found
