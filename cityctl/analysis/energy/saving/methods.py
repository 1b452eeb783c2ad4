"""The ways to make the expected use: each leaves savings_models and savings_predicted behind.

CalTRACK 2.0 daily is SQL for all meters at once; the others hand arrays of each meter to split.py, towt.py and
billing.py of models/. Knows how arrays and tables meet, and no formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.models import split
from cityctl.analysis.energy.models.parts import Part
from cityctl.analysis.energy.saving import drivers
from cityctl.analysis.energy.saving.baseline import CHUNK, by_meter, keep
from cityctl.analysis.energy.saving.bills import by_the_bill
from cityctl.analysis.energy.saving.by_hour import by_the_hour
from cityctl.analysis.question import Question

Method = Callable[[Question, list[Wanted]], None]
PARTS = ("meter", "cell", "part", "model", "heating", "cooling", "beta_heating", "beta_cooling", "intercept",
         "heating_bend", "cooling_bend")  # fmt: skip


def caltrack2(question: Question, meters: list[Wanted]) -> None:
    """CalTRACK 2.0 daily: every pair of balance points, the highest adjusted R² (savings.sql)."""
    ask = question.engine
    for name in ("bins", "degree_days", "begin_models"):
        ask.execute(question.sql(name))
    for chunk in range(-(-len(meters) // CHUNK)):
        ask.execute(question.sql("models"), {"chunk": chunk})
    drivers.fit(question, meters)
    ask.execute(question.sql("one_part"))
    ask.execute(question.sql("predicted"))


def by_kind_of_day(question: Question, meters: list[Wanted]) -> None:
    """The split model: weekdays, weekends and seasons apart where that pays."""
    cooling = {one.point.id: not one.keeps_zeros or question.parameters["gas_cooling"] for one in meters}
    driven = drivers.fit_split(question, meters)
    names = {one.point.id: one.drivers for one in meters}
    models: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    days = question.engine.arrow(
        "select meter, cell, y / length as y, t from savings_daily "
        "where not reporting and y is not null and t is not null "
        "order by meter, day"
    )
    for meter, columns in by_meter(days):
        caused = driven.get(meter)
        if meter in driven:
            model = caused.split if caused is not None else None
        else:
            model = split.fit(columns["t"], columns["y"], columns["cell"], cooling=cooling[meter])
        if model is None:
            continue
        told = {"model": model.way.said, "r2_adj": model.r2_adj, "terms": model.terms}
        if caused is not None:
            said = "; ".join([model.way.said, *names[meter]])
            told = {"model": said, "r2_adj": caused.r2_adj, "terms": caused.terms}
        whole = model.parts[0] if len(model.parts) == 1 else None
        models.append(
            {"meter": meter, **told, "candidates": model.candidates, **({} if whole is None else _coefficients(whole))}
        )  # fmt: skip
        parts += [
            {"meter": meter, "cell": cell, "part": part.days, "model": part.terms, **_coefficients(part)}
            for part in model.parts
            for cell in sorted(part.cells)
        ]
    keep(question, "savings_parts", parts, PARTS)
    keep(question, "savings_models", models)
    question.engine.execute(question.sql("predicted"))


def _coefficients(part: Part) -> dict[str, Any]:
    return {
        "heating": part.heating,
        "cooling": part.cooling,
        "beta_heating": part.beta_heating,
        "beta_cooling": part.beta_cooling,
        "intercept": part.intercept,
        "heating_bend": part.heating_bend,
        "cooling_bend": part.cooling_bend,
    }


METHODS: dict[str, Method] = {
    "caltrack2": caltrack2,
    "split": by_kind_of_day,
    "towt": by_the_hour,
    "billing": by_the_bill,
}
