"""What every method of savings begins with: the meters, days and weather, handed to the engine and summed by day.

Leaves savings_daily and savings_totals behind (savings.sql). Knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from cityctl import arrow
from cityctl.analysis.energy.basis.amounts import DAILY_S, add_up, seconds
from cityctl.analysis.energy.basis.early import keep_clocks
from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.models.degree_days import COLDEST, WARMEST
from cityctl.analysis.energy.saving.seasons import cells_of
from cityctl.analysis.question import Question
from cityctl.clock import Interval, local_days

CHUNK = 400  # meters whose candidate models are compared at a time: bounds the memory
REST = (
    1 / 6
)  # of a month's readings that are 0: four hours a day are more than readings fail, and an idle load
PART, HOURLY_PART = 50, 40  # meters whose readings, and whose hours as arrays, are fetched at a time


def whole_days(window: Interval) -> list[tuple[date, float]]:
    """(local day, seconds) of each local day that lies wholly within the window."""
    return [
        (day, (end - start).total_seconds())
        for day, start, end in local_days(window)
        if start >= window.start and end <= window.end
    ]


def hand_over(question: Question, meters: list[Wanted], whole: list[tuple[date, float]]) -> None:
    """Make savings_meters, savings_days and savings_grid known to the engine."""
    asked = question.parameters
    city = question.city
    first = question.interval.start.astimezone(question.interval.zone).date()
    until = whole[-1][0] + timedelta(days=1)
    never = until  # a meter without a measure has no day after it
    dates = [one.intervention or never for one in meters]
    daily = {
        name
        for name in {one.temperature for one in meters}
        if name is not None and (seconds(city.points()[name].every) or 0) >= DAILY_S
    }
    baseline = timedelta(days=asked["baseline_days"])
    skies = {one.temperature for one in meters if one.temperature is not None}
    keep_clocks(question, [*(one.point.id for one in meters), *sorted(skies)])
    early = dict(question.engine.rows("select point, early_us from clocks"))
    columns: dict[str, Any] = {
        "meter": arrow.texts([one.point.id for one in meters]),
        "kind": arrow.texts([one.point.kind for one in meters]),
        "every_s": arrow.floats([seconds(one.point.every) for one in meters]),
        "temperature": arrow.texts([one.temperature for one in meters]),
        "daily_weather": arrow.flags([one.temperature in daily for one in meters]),
        "zeros_missing": arrow.flags([not one.keeps_zeros for one in meters]),
        "cooling": arrow.flags([not one.keeps_zeros or asked["gas_cooling"] for one in meters]),
        "first_day": arrow.dates([_first_day(one - baseline, asked["method"]) for one in dates]),
        "intervention": arrow.dates(dates),
        "reporting": arrow.dates([max(one, first) for one in dates]),
        "until": arrow.dates([until] * len(meters)),
        "carbon": arrow.texts([one.carbon if isinstance(one.carbon, str) else None for one in meters]),
        "flat_carbon": arrow.floats(
            [one.carbon if isinstance(one.carbon, float) else None for one in meters]
        ),
        "chunk": arrow.codes([at // CHUNK for at in range(len(meters))]),
        "early_us": arrow.integers([early.get(one.point.id, 0) for one in meters]),
    }
    question.engine.register("savings_meters", arrow.table(**columns))
    question.engine.register(
        "asked_meters", arrow.table(**{key: columns[key] for key in ("meter", "kind", "every_s")})
    )
    days = [day for day, _ in whole]
    table = arrow.table(
        day=arrow.dates(days),
        seconds=arrow.floats([length for _, length in whole]),
        cell=arrow.codes(cells_of(question, days)),
    )
    question.engine.register("savings_days", table)
    bins = arrow.codes(list(range(COLDEST - 1, WARMEST + 1)))
    question.engine.register("savings_grid", arrow.table(bin=bins))


def _first_day(first: date, method: str) -> date:
    """The first day that is summed up: bills of whole months want all of the month in which a baseline begins."""
    return first.replace(day=1) if method == "billing" else first


def narrow(question: Question, ends: dict[str, str]) -> None:
    """Let `amounts` hold no other counters than those of a part: all would be worked out anew for each part."""
    if question.engine.rows("select meter from counter_steps limit 1"):
        question.engine.execute(question.sql("counted_rows"), ends)
        question.engine.execute(question.sql("counted_part"))


def parts(meters: Sequence[Wanted], size: int | None = None) -> list[dict[str, str]]:
    """First and last id of every `size` meters (PART) in order of their ids: what one query fetches."""
    size = size or PART
    ids = sorted(one.point.id for one in meters)
    chosen = [ids[at : at + size] for at in range(0, len(ids), size)]
    return [{"first": these[0], "last": these[-1]} for these in chosen]


def sum_by_day(question: Question, meters: Sequence[Wanted]) -> None:
    """Make savings_daily, and savings_at_rest: days of which a reading of 0 is a use of 0."""
    ask = question.engine
    add_up(question, {one.point.kind for one in meters})
    ask.execute(question.sql("begin_use"))
    for ends in parts(meters):
        narrow(question, ends)
        ask.execute(question.sql("use"), ends)
    ask.execute(question.sql("at_rest"), {"rest": REST})
    for name in ("rested", "steps", "sky", "weather"):
        ask.execute(question.sql(name))
    ask.execute(question.sql("daily"), {"least_share": question.parameters["day_share"]})


_MODELS = ("meter", "model", "heating", "cooling", "beta_heating", "beta_cooling", "intercept", "r2_adj",
           "candidates", "terms", "own_cvrmse", "own_cvrmse_reporting", "own_error", "heating_bend",
           "cooling_bend")  # fmt: skip
_TEXTS = ("meter", "model", "part", "why", "driver")
_FLAGS = ("reporting", "beyond")
_DATES = (
    "day",
    "first_day",
    "last_day",
    "baseline_start",
    "baseline_end",
    "reporting_start",
    "reporting_end",
)
_COUNTS = ("candidates", "terms", "days", "cell")


def keep(
    question: Question, name: str, rows: list[dict[str, Any]], columns: tuple[str, ...] = _MODELS
) -> None:
    """Hand rows over as a table; what a row does not say is null."""
    kinds: dict[str, Any] = {
        **dict.fromkeys(_TEXTS, arrow.texts),
        **dict.fromkeys(_FLAGS, arrow.flags),
        **dict.fromkeys(_COUNTS, arrow.integers),
        **dict.fromkeys(_DATES, arrow.dates),
    }
    told = {key: kinds.get(key, arrow.floats)([row.get(key) for row in rows]) for key in columns}
    question.engine.register(name, arrow.table(**told))


def by_meter(table: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(meter, its columns as arrays) of a table that is sorted by meter."""
    import numpy as np

    if not table.num_rows:
        return
    columns = {
        name: arrow.array_of(table[name]) for name in table.column_names if name not in ("meter", "day")
    }
    names = table["meter"].combine_chunks()
    encoded = names.dictionary_encode()
    codes = arrow.array_of(encoded.indices)
    starts = [0, *(np.flatnonzero(np.diff(codes)) + 1), len(codes)]
    for begin, end in pairwise(starts):
        meter = encoded.dictionary[int(codes[begin])].as_py()
        yield meter, {name: column[begin:end] for name, column in columns.items()}
