"""Time of week and temperature for many meters: readings put into hours, told by models/towt.py, and summed up by day.

Knows how tables and arrays of meters x hours meet, and no formula. Readings come as they are stored: putting them
in hours, and hours in the local calendar, costs less here than in a query.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cityctl import arrow
from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.models import towt
from cityctl.analysis.energy.saving import stated
from cityctl.analysis.energy.saving.baseline import HOURLY_PART, keep, narrow, parts
from cityctl.analysis.energy.saving.drivers import Hourly
from cityctl.analysis.question import Question

HOUR_US = 3_600_000_000
LEAST_HOUR_S = 1800  # of an hour that must be metered: the rest is filled with its mean


def by_the_hour(question: Question, meters: list[Wanted]) -> None:
    """Time of week and temperature, month by month, from hourly readings, and causes beside them."""
    question.engine.execute(question.sql("begin_hourly"))
    axis = _Axis(question)
    driven = Hourly(question, meters, axis)
    models: list[dict[str, Any]] = []
    for ends in parts(meters, HOURLY_PART):
        asked = question.engine.arrow(question.sql("hourly_meters"), ends).to_pylist()
        if asked:
            narrow(question, ends)
            use = _use(question, axis, asked, ends)
            models += _fit(question, axis, asked, use, driven)
    driven.keep()
    keep(question, "savings_models", models)


class _Axis:
    """The hours of the question, with their place in the local calendar and each point's outdoor temperature.

    A holiday's hours are those of the weekend's last day.
    """

    def __init__(self, question: Question) -> None:
        import numpy as np

        slots = question.engine.arrow(question.sql("hourly_calendar"))
        self.hour = _hours_of(slots["slot"])
        self.first = int(self.hour[0]) if len(self.hour) else 0
        self.size = int(self.hour[-1]) - self.first + 1 if len(self.hour) else 0
        at = self.hour - self.first
        self.day, self.week_hour = np.full(self.size, -1), np.zeros(self.size, int)
        self.month, self.whole = np.ones(self.size, int), np.zeros(self.size, bool)
        day = arrow.array_of(slots["day"]).astype("datetime64[D]")
        weekday = np.where(
            arrow.array_of(slots["holiday"]),
            max(question.city.days_of_rest),
            arrow.array_of(slots["weekday"]).astype(int) - 1,
        )
        self.day[at] = day.astype(int)
        self.week_hour[at] = weekday * 24 + arrow.array_of(slots["minute"]).astype(int) // 60
        self.month[at] = day.astype("datetime64[M]").astype(int) % 12 + 1
        self.whole[at] = arrow.array_of(slots["whole"]).astype(bool)
        self.weather: dict[str, Any] = {}
        told = question.engine.arrow(question.sql("hourly_weather"))
        names = np.array(told["temperature"].to_pylist(), dtype=object)
        hours, degrees = _hours_of(told["hour"]), arrow.array_of(told["degree_f"])
        for name in dict.fromkeys(names.tolist()):
            these = names == name
            place = hours[these] - self.first
            inside = (place >= 0) & (place < self.size)
            self.weather[name] = np.full(self.size, np.nan)
            self.weather[name][place[inside]] = degrees[these][inside]

    def between(self, first: Any, until: Any) -> Any:
        """The hours of the whole days in [first, until)."""
        import numpy as np

        start, end = (np.datetime64(one, "D").astype(int) for one in (first, until))
        return self.whole & (self.day >= start) & (self.day < end)


def _hours_of(column: Any) -> Any:
    """Hours since 1970 of a column of times."""
    return arrow.array_of(column).astype("datetime64[h]").astype(int)


def _use(question: Question, axis: _Axis, asked: list[dict[str, Any]], ends: dict[str, str]) -> Any:
    """Use of meters x hours, NaN where less than half of an hour was metered."""
    import numpy as np
    import pyarrow.compute as pc

    rows = question.engine.arrow(question.sql("hourly_amounts"), ends)
    names = arrow.texts([one["meter"] for one in asked])
    number = arrow.array_of(pc.fill_null(pc.index_in(rows["meter"], value_set=names), -1))
    amount = arrow.array_of(rows["amount"])
    place = _hours_of(rows["at"]) - axis.first
    counts = (number >= 0) & (place >= 0) & (place < axis.size)
    lacking = _zeros_missing(question, axis, asked)[number[counts], place[counts]]
    counts[counts] = (amount[counts] != 0) | ~lacking
    cell = (number * axis.size + place)[counts]
    shape = (len(asked), axis.size)
    total = np.bincount(cell, amount[counts], shape[0] * shape[1]).reshape(shape)
    metered = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    metered = metered * np.array([one["every_s"] for one in asked])[:, None]
    enough = metered >= LEAST_HOUR_S
    return np.where(enough, total / np.where(enough, np.minimum(metered / 3600, 1.0), 1.0), np.nan)


def _zeros_missing(question: Question, axis: _Axis, asked: list[dict[str, Any]]) -> Any:
    """Meters x hours: where a reading of 0 is missing, and not a load at rest."""
    import numpy as np

    resting: dict[str, list[int]] = {}
    for meter, day in question.engine.rows("select meter, epoch_us(day) // 86400000000 from savings_at_rest"):
        resting.setdefault(meter, []).append(day)
    return np.array(
        [one["zeros_missing"] & ~np.isin(axis.day, resting.get(one["meter"], ())) for one in asked], bool
    )


def _fit(
    question: Question, axis: _Axis, asked: list[dict[str, Any]], use: Any, driven: Hourly
) -> list[dict[str, Any]]:
    """Rows of savings_models; the days that they tell go to savings_predicted."""
    import numpy as np

    struck = stated.struck(question)
    before = np.stack(
        [
            axis.between(one["first_day"], one["intervention"])
            & ~np.isin(axis.day, struck.get(one["meter"], ()))
            for one in asked
        ]
    )
    after = np.stack([axis.between(one["reporting"], one["until"]) for one in asked])
    told = np.full(use.shape, np.nan)
    terms, errors = np.zeros(len(asked), int), np.zeros(len(asked))
    weather = np.full(use.shape, np.nan)
    added = np.zeros(use.shape)
    for name, degrees in axis.weather.items():
        these = np.flatnonzero([one["temperature"] == name for one in asked])
        if len(these):
            weather[these] = degrees
            added[these] = [
                driven.added(asked[row]["meter"], degrees, use[row], before[row]) for row in these
            ]
            fitted = np.where(before[these], use[these] - added[these], np.nan)
            told[these], terms[these] = towt.expected(degrees, fitted, axis.week_hour, axis.month)
            errors[these] = towt.error(
                degrees, fitted, axis.week_hour, axis.month, axis.day, after[these] & np.isfinite(use[these])
            )
    told += added
    valid = np.isfinite(use) & np.isfinite(weather) & np.isfinite(added)
    enough = (valid & before).sum(axis=1) >= towt.HOURS
    _add_days(
        question,
        axis,
        asked,
        (before | after) & valid & np.isfinite(told) & enough[:, None],
        use,
        weather,
        told,
    )
    return [
        _model(
            one["meter"],
            use[row],
            told[row],
            valid[row] & before[row],
            valid[row] & after[row],
            int(terms[row]),
            float(errors[row]),
            driven.names(one["meter"]),
        )
        for row, one in enumerate(asked)
        if enough[row]
    ]


def _model(
    meter: str, use: Any, told: Any, before: Any, after: Any, terms: int, error: float, causes: Sequence[str]
) -> dict[str, Any]:
    import numpy as np

    residual, later = (use - told)[before], (use - told)[after]
    free = np.isfinite(residual).sum() - terms
    total = np.nansum((use[before] - use[before].mean()) ** 2)
    sse = np.nansum(residual**2)
    return {
        "meter": meter,
        "model": " and ".join(["time of week and temperature", *causes]),
        "r2_adj": float(1 - sse / free / (total / (before.sum() - 1))) if total > 0 and free > 0 else 0.0,
        "candidates": 1,
        "terms": -(-terms // 24) + len(causes),  # as the uncertainty counts them, which works on days
        "own_error": error,
        "own_cvrmse": _over(np.sqrt(sse / free), use[before].mean()) if free > 0 else None,
        "own_cvrmse_reporting": _over(np.sqrt(np.nanmean(later**2)), use[after].mean())
        if np.isfinite(later).any()
        else None,
    }


def _over(scatter: Any, mean: Any) -> float | None:
    """Scatter over the mean; None where nothing was used."""
    return float(scatter / mean) if mean else None


def _add_days(
    question: Question,
    axis: _Axis,
    asked: list[dict[str, Any]],
    counts: Any,
    use: Any,
    weather: Any,
    told: Any,
) -> None:
    """Hours that a model has told, by day, into savings_predicted; arrays of meters x hours."""
    import numpy as np

    starts = np.flatnonzero(np.diff(axis.day, prepend=-2))
    hours, y, t, expected = (
        np.add.reduceat(np.where(counts, values, 0.0), starts, axis=1) for values in (1.0, use, weather, told)
    )
    row, at = np.nonzero(hours)
    days = axis.day[starts][at]
    measure = np.array([np.datetime64(one["intervention"], "D").astype(int) for one in asked])
    question.engine.register(
        "savings_told",
        arrow.table(
            meter=arrow.named(row, [one["meter"] for one in asked]),
            day=arrow.dates(days.astype("datetime64[D]")),
            reporting=arrow.flags(days >= measure[row]),
            y=arrow.floats(y[row, at]),
            t=arrow.floats((t / np.maximum(hours, 1))[row, at]),
            expected=arrow.floats(expected[row, at]),
        ),
    )
    question.engine.execute(question.sql("add_hourly"))
