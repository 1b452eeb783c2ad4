"""Points with `role: driver`: what their zone's use depends on beside the weather, by local day (savings.sql).

Knows how tables and the arrays of causes.py meet, and no formula. Meters without such a point are not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy import causes
from cityctl.analysis.energy.baseline import by_meter, keep, seconds
from cityctl.analysis.energy.degree_days import terms
from cityctl.analysis.energy.meters import Wanted
from cityctl.analysis.question import Question

METHOD = "caltrack2"  # the one whose models know of them
_DRIVEN = ("meter", "day", "use", "beyond")
_CAUSES = ("meter", "driver", "beta", "mean", "low", "high")


@dataclass(frozen=True)
class Driver:
    """A cause in a meter's model: use for each of its units [kWh], and its mean and range in the baseline."""

    point: str
    beta: float
    mean: float
    low: float
    high: float


def attach(question: Question, meters: Sequence[Wanted]) -> None:
    """Make savings_drivers and savings_driver_days; a day of which a driver is not known is no evidence any more."""
    import pyarrow as pa

    rows = [
        (one.point.id, place, name)
        for one in meters
        for place, name in enumerate(one.drivers if question.parameters["method"] == METHOD else ())
    ]
    known = question.city.points()
    handed: dict[str, Any] = {
        "meter": pa.array([meter for meter, _, _ in rows], pa.string()),
        "place": pa.array([place for _, place, _ in rows], pa.int32()),
        "point": pa.array([name for _, _, name in rows], pa.string()),
        "kind": pa.array([known[name].kind for _, _, name in rows], pa.string()),
        "every_s": pa.array([seconds(known[name].every) for _, _, name in rows], pa.float64()),
    }
    question.engine.register("savings_drivers", pa.table(handed))
    keep(question, "savings_driven", [], _DRIVEN)
    keep(question, "savings_causes", [], _CAUSES)
    question.engine.execute(question.sql("begin_drivers"))
    if not rows:
        return
    question.engine.execute(question.sql("driver_days"))
    if any(known[name].kind == "counter" for _, _, name in rows):
        question.engine.execute(question.sql("driver_counts"))
    for name in ("undriven", "without_undriven"):
        question.engine.execute(question.sql(name))


def fit(question: Question, meters: Sequence[Wanted]) -> None:
    """Put models with causes in the place of those without, for the meters that have any; leaves savings_driven."""
    import numpy as np

    wanted = {one.point.id: one for one in meters if one.drivers}
    if not wanted:
        return
    models: list[dict[str, Any]] = []
    driven: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    for meter, columns in by_meter(question.engine.arrow(question.sql("driven_days"))):
        one = wanted[meter]
        count = len(one.drivers)
        values = columns["value"].reshape(-1, count)
        y, t, after, day = (columns[key][::count] for key in ("y", "t", "reporting", "at"))
        before = ~after.astype(bool) & np.isfinite(y) & np.isfinite(t)
        cooling = not one.keeps_zeros or question.parameters["gas_cooling"]
        model = causes.fit(t[before], y[before], values[before], cooling=cooling) if before.any() else None
        if model is None:
            models.append({"meter": meter})
            continue
        low, high = values[before].min(axis=0), values[before].max(axis=0)
        beyond = ((values < low) | (values > high)).any(axis=1)
        driven += [
            {"meter": meter, "day": at, "use": float(use), "beyond": bool(outside)}
            for at, use, outside in zip(
                day.astype("datetime64[D]").tolist(), model.of_causes(values), beyond, strict=True
            )
        ]
        models.append(
            {"meter": meter, "model": " and ".join([*terms(model.heating, model.cooling), *one.drivers]),
             "heating": model.heating, "cooling": model.cooling, "beta_heating": model.beta_heating,
             "beta_cooling": model.beta_cooling, "intercept": model.intercept, "r2_adj": model.r2_adj,
             "candidates": model.candidates, "terms": model.terms}
        )  # fmt: skip
        told += [
            {"meter": meter, "driver": name, "beta": beta, "mean": mean, "low": float(least), "high": float(most)}
            for name, beta, mean, least, most in zip(
                one.drivers, model.betas, model.means, low, high, strict=True
            )
        ]  # fmt: skip
    keep(question, "savings_driven", driven, _DRIVEN)
    keep(question, "savings_driven_models", models)
    keep(question, "savings_causes", told, _CAUSES)
    for name in ("other_models", "driven_models"):
        question.engine.execute(question.sql(name))


def known(question: Question) -> dict[str, list[Driver]]:
    """Meter -> the drivers in its model."""
    found: dict[str, list[Driver]] = {}
    for meter, *told in question.engine.rows(
        "select meter, driver, beta, mean, low, high from savings_causes"
    ):
        found.setdefault(meter, []).append(Driver(*told))
    return found


def unknown_days(question: Question) -> dict[str, int]:
    """Meter -> days that are no evidence because a driver is not known."""
    return dict(question.engine.rows("select meter, count(*) from savings_undriven group by meter"))
