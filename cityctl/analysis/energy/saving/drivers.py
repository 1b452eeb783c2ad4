"""Points with `role: driver`: what their zone's use depends on beside the weather, by local day (savings.sql).

Knows how tables and the arrays of models/causes.py meet, and no formula. Meters without such a point are not touched.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from cityctl import arrow
from cityctl.analysis.energy.basis.amounts import seconds
from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.models import causes, hourly_causes, split_causes
from cityctl.analysis.energy.models.degree_days import terms
from cityctl.analysis.energy.saving.baseline import by_meter, keep
from cityctl.analysis.energy.saving.periods import Period
from cityctl.analysis.question import Question

PERIOD_SHARE = 0.9  # of a bill's days on which a driver has to be known, as its weather has
DAY = 86400.0  # s
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
    """Make savings_drivers and savings_driver_days; a day of which a driver is not known is no evidence any more.

    Of bills that is said by the period.
    """
    rows = [(one.point.id, place, name) for one in meters for place, name in enumerate(one.drivers)]
    known = question.city.points()
    handed = arrow.table(
        meter=arrow.texts([meter for meter, _, _ in rows]),
        place=arrow.codes([place for _, place, _ in rows]),
        point=arrow.texts([name for _, _, name in rows]),
        kind=arrow.texts([known[name].kind for _, _, name in rows]),
        every_s=arrow.floats([seconds(known[name].every) for _, _, name in rows]),
    )
    question.engine.register("savings_drivers", handed)
    keep(question, "savings_driven", [], _DRIVEN)
    keep(question, "savings_causes", [], _CAUSES)
    question.engine.execute(question.sql("begin_drivers"))
    if not rows:
        return
    question.engine.execute(question.sql("driver_days"))
    if any(known[name].kind == "counter" for _, _, name in rows):
        question.engine.execute(question.sql("driver_counts"))
    if question.parameters["method"] == "billing":
        return
    for name in ("undriven", "without_undriven"):
        question.engine.execute(question.sql(name))


@dataclass(frozen=True)
class _Days:
    """The days of one meter with a use: arrays of one entry a day, `values` days x causes; `before`: the baseline's."""

    one: Wanted
    cooling: bool
    day: Any
    t: Any
    y: Any
    cells: Any
    values: Any
    before: Any


def _days(question: Question, meters: Sequence[Wanted]) -> Iterator[_Days]:
    import numpy as np

    wanted = {one.point.id: one for one in meters if one.drivers}
    for meter, columns in by_meter(question.engine.arrow(question.sql("driven_days"))):
        one = wanted[meter]
        count = len(one.drivers)
        values = columns["value"].reshape(-1, count)
        day, t, y, cells, after = (columns[key][::count] for key in ("at", "t", "y", "cell", "reporting"))
        before = ~after.astype(bool) & np.isfinite(y) & np.isfinite(t)
        cooling = not one.keeps_zeros or question.parameters["gas_cooling"]
        yield _Days(one, cooling, day, t, y, cells, values, before)


def fit(question: Question, meters: Sequence[Wanted]) -> None:
    """Put models with causes in the place of those without, for the meters that have any; leaves savings_driven."""
    models: list[dict[str, Any]] = []
    told = []
    for days in _days(question, meters):
        model = None
        if days.before.any():
            use = days.t[days.before], days.y[days.before], days.values[days.before]
            model = causes.fit(*use, cooling=days.cooling)
        if model is None:
            models.append({"meter": days.one.point.id})
            continue
        told.append((days, model))
        models.append(
            {"meter": days.one.point.id,
             "model": " and ".join([*terms(model.heating, model.cooling), *days.one.drivers]),
             "heating": model.heating, "cooling": model.cooling, "beta_heating": model.beta_heating,
             "beta_cooling": model.beta_cooling, "intercept": model.intercept, "r2_adj": model.r2_adj,
             "candidates": model.candidates, "terms": model.terms}
        )  # fmt: skip
    if not models:
        return
    _keep(question, told)
    keep(question, "savings_driven_models", models)
    for name in ("other_models", "driven_models"):
        question.engine.execute(question.sql(name))


def fit_split(question: Question, meters: Sequence[Wanted]) -> dict[str, split_causes.Model | None]:
    """Meter -> its split model with causes, None where none fits, for those that have any; leaves savings_driven."""
    found: dict[str, split_causes.Model | None] = {}
    told = []
    for days in _days(question, meters):
        model = None
        if days.before.any():
            use = (one[days.before] for one in (days.t, days.y, days.cells, days.values))
            model = split_causes.fit(*use, cooling=days.cooling)
        found[days.one.point.id] = model
        if model is not None:
            told.append((days, model))
    _keep(question, told)
    return found


class Hourly:
    """What causes add to each hour of the meters that have any, for the model by the hour.

    `axis` tells local day, hour of the week and month of each hour, as arrays.
    """

    def __init__(self, question: Question, meters: Sequence[Wanted], axis: Any) -> None:
        self.question, self.axis = question, axis
        self.days = {days.one.point.id: days for days in _days(question, meters)}
        self.told: list[tuple[_Days, causes.Worth]] = []

    def added(self, meter: str, temperature: Any, use: Any, before: Any) -> Any:
        """What causes add to each hour [unit], NaN where one is not known or none can be told; 0 without causes."""
        import numpy as np

        days = self.days.get(meter)
        if days is None:
            return np.zeros(len(use))
        numbers = days.day.astype("datetime64[D]").astype(int)
        at = np.searchsorted(numbers, self.axis.day).clip(max=len(numbers) - 1)
        known = numbers[at] == self.axis.day
        fitted = np.where(known & before, use, np.nan)
        values = np.where(known[:, None], days.values[at], 0.0)
        axis = self.axis
        model = hourly_causes.fit(temperature, fitted, axis.week_hour, axis.month, axis.day, values)
        if model is None:
            return np.full(len(use), np.nan)
        self.told.append((days, model))
        return np.where(known, model.of_causes(values) / 24, np.nan)

    def names(self, meter: str) -> tuple[str, ...]:
        """The causes of a meter."""
        return self.days[meter].one.drivers if meter in self.days else ()

    def keep(self) -> None:
        """Make savings_driven, and say which days lie beyond what the baseline knew of a cause."""
        _keep(self.question, self.told)
        if self.told:
            self.question.engine.execute(self.question.sql("driven_beyond"))


class ByPeriod:
    """What drives use in the periods of bills."""

    def __init__(self, question: Question) -> None:
        self.question = question
        points = question.city.points()
        self.steps = {name: max((seconds(one.every) or 0.0) / DAY, 1.0) for name, one in points.items()}
        self.known: dict[str, dict[date, float]] = {}
        for point, day, value in question.engine.rows("select point, day, value from savings_driver_days"):
            self.known.setdefault(point, {})[day] = value
        self.told: list[dict[str, Any]] = []

    def means(self, names: Sequence[str], periods: Sequence[Period]) -> Any:
        """Periods x drivers, each of a day's mean; NaN where one is not known on nine days in ten."""
        import numpy as np

        return np.array([[self._mean(name, period) for name in names] for period in periods]).reshape(
            len(periods), len(names)
        )

    def _mean(self, point: str, period: Period) -> float:
        known, step = self.known.get(point, {}), self.steps[point]
        days = (period.day + timedelta(days=at) for at in range(period.days))
        values = [known[day] for day in days if day in known]
        if len(values) * step < PERIOD_SHARE * period.days:
            return math.nan
        whole = step > 1 and self.question.city.points()[point].kind == "interval"
        return math.fsum(values) / (period.days if whole else len(values))

    def learnt(self, one: Wanted, model: causes.Worth, values: Any) -> None:
        """What a model has learnt of them from these periods."""
        self.told += _known_of(one, model, values)

    def keep(self) -> None:
        """Make savings_causes."""
        keep(self.question, "savings_causes", self.told, _CAUSES)


def _known_of(one: Wanted, model: causes.Worth, values: Any) -> list[dict[str, Any]]:
    """What is known of each cause: what a unit of it uses, and its mean and range in the baseline."""
    low, high = values.min(axis=0), values.max(axis=0)
    return [
        {"meter": one.point.id, "driver": name, "beta": beta, "mean": mean, "low": float(least), "high": float(most)}
        for name, beta, mean, least, most in zip(one.drivers, model.betas, model.means, low, high, strict=True)
    ]  # fmt: skip


def _keep(question: Question, told: Sequence[tuple[_Days, causes.Worth]]) -> None:
    """Make savings_driven and savings_causes: what the causes add to each day, and what is known of them."""
    driven: list[dict[str, Any]] = []
    known_of: list[dict[str, Any]] = []
    for days, model in told:
        known_values = days.values[days.before]
        low, high = known_values.min(axis=0), known_values.max(axis=0)
        beyond = ((days.values < low) | (days.values > high)).any(axis=1)
        meter = days.one.point.id
        driven += [
            {"meter": meter, "day": at, "use": float(use), "beyond": bool(outside)}
            for at, use, outside in zip(
                days.day.astype("datetime64[D]").tolist(), model.of_causes(days.values), beyond, strict=True
            )
        ]
        known_of += _known_of(days.one, model, known_values)
    keep(question, "savings_driven", driven, _DRIVEN)
    keep(question, "savings_causes", known_of, _CAUSES)


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
