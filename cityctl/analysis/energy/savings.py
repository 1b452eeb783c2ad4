"""What a measure saved: metered use after it against what the building would have used in that weather.

CalTRACK 2.0 daily for all meters in one pass of SQL (savings.sql); this file hands the meters over and turns
the sums into rows. It knows no store, no file and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from cityctl.analysis.energy import account, columns, portfolio
from cityctl.analysis.energy.account import Row
from cityctl.analysis.energy.meters import Wanted, wanted, without_measure
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.clock import Interval, local_days, midnight
from cityctl.errors import UsageProblem, listed
from cityctl.result import Line, Plot, Result

TITLE = "Energy savings against weather"
SUMMARY = "avoided energy use of each meter since its measure, with the uncertainty of the saving"
COLUMNS = columns.COLUMNS
PARAMETERS = (
    Parameter("intervention", "date", None, None, "local day of the measure for all meters, in place of city.yaml's"),
    Parameter("meters", "text", "*", None, "ids of the meters to look at, `*` for any letters, several with commas"),
    Parameter("baseline_days", "integer", 365, "d", "days right before the measure that make the baseline",
              least=30, most=365),
    Parameter("baseline_share", "share", 0.9, None, "share of the baseline's days that must be valid", least=0, most=1),
    Parameter("day_share", "share", 0.5, None, "share of a day's readings that make it valid", least=0, most=1),
    Parameter("confidence", "share", 0.68, None, "two-sided confidence of the uncertainty", least=0.5, most=0.99),
    Parameter("most_change", "share", 0.5, None, "a change beyond this share of the expected use is set apart",
              least=0, most=1),
    Parameter("gas_cooling", "flag", False, None, "let gas and heat models have a cooling term too"),
    Parameter("plots", "integer", 3, None, "how many meters to draw, those with the largest change first", least=0),
)  # fmt: skip

_AMOUNTS = {"interval": "intervals", "counter": "counters", "gauge": "powers"}
CHUNK = 400  # meters whose candidate models are compared at a time: bounds the memory


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """The meters and the outdoor temperatures that they are compared with."""
    meters = wanted(city, parameters)
    weather = {one.temperature for one in meters if one.temperature is not None}
    return [*(one.point.id for one in meters), *sorted(weather)]


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """From the first baseline day of any meter on."""
    first = interval.start.astimezone(interval.zone).date()
    dates = [one.intervention for one in wanted(city, parameters) if one.intervention is not None]
    begin = min([first, *dates]) - timedelta(days=parameters["baseline_days"] + 1)
    return Interval(midnight(begin, interval.zone), interval.end, interval.zone)


def answer(question: Question) -> Result:
    """Savings by meter, their total, and plots of the largest changes."""
    meters = wanted(question.city, question.parameters)
    if not meters:
        raise UsageProblem(
            f"no meter of energy use matches `{question.parameters['meters']}`",
            hint="a meter of use has `role: consumption`; `cityctl data status` lists the points",
        )
    whole = _whole_days(question)
    if not whole:
        raise UsageProblem(
            f"no whole local day in {question.interval}", hint="ask for a longer interval with --since"
        )
    _hand_over(question, meters, whole)
    _run(question, {one.point.kind for one in meters}, -(-len(meters) // CHUNK))
    rows = _rows(question, meters)
    drawn = sorted((row for row in rows if row.proven), key=lambda row: (-abs(row.avoided), row.meter))[
        : question.parameters["plots"]
    ]
    plots = [_plot(question, row) for row in drawn]
    result = portfolio.result(question, rows, plots)
    left_out = without_measure(question.city, question.parameters)
    if left_out:
        result.notes.append(
            f"{len(left_out)} meters without a measure in city.yaml are left out: {listed(left_out, 6)}"
        )
    return result


def _whole_days(question: Question) -> list[tuple[date, float]]:
    """(local day, seconds) of each local day that ends within the interval, baselines included."""
    wide = window(question.interval, question.parameters, question.city)
    return [
        (day, (end - start).total_seconds())
        for day, start, end in local_days(wide)
        if start >= wide.start and end <= wide.end
    ]


def _hand_over(question: Question, meters: list[Wanted], whole: list[tuple[date, float]]) -> None:
    import pyarrow as pa

    asked = question.parameters
    city = question.city
    first = question.interval.start.astimezone(question.interval.zone).date()
    until = whole[-1][0] + timedelta(days=1)
    never = until  # a meter without a measure has no day after it
    dates = [one.intervention or never for one in meters]
    daily = {
        name
        for name in {one.temperature for one in meters}
        if name is not None and (_seconds(city.points()[name].every) or 0) >= 43200
    }
    baseline = timedelta(days=asked["baseline_days"])
    columns: dict[str, Any] = {
        "meter": pa.array([one.point.id for one in meters], pa.string()),
        "kind": pa.array([one.point.kind for one in meters], pa.string()),
        "every_s": pa.array([_seconds(one.point.every) for one in meters], pa.float64()),
        "temperature": pa.array([one.temperature for one in meters], pa.string()),
        "daily_weather": pa.array([one.temperature in daily for one in meters]),
        "zeros_missing": pa.array([not one.keeps_zeros for one in meters]),
        "cooling": pa.array([not one.keeps_zeros or asked["gas_cooling"] for one in meters]),
        "first_day": pa.array([one - baseline for one in dates]),
        "intervention": pa.array(dates),
        "reporting": pa.array([max(one, first) for one in dates]),
        "until": pa.array([until] * len(meters)),
        "chunk": pa.array([at // CHUNK for at in range(len(meters))], pa.int32()),
    }
    question.engine.register("savings_meters", pa.table(columns))
    days: dict[str, Any] = {"day": [day for day, _ in whole], "seconds": [seconds for _, seconds in whole]}
    question.engine.register("savings_days", pa.table(days))


def _seconds(every: timedelta | None) -> float | None:
    return None if every is None else every.total_seconds()


def _run(question: Question, kinds: set[str], chunks: int) -> None:
    ask = question.engine
    parts = [question.sql(name) for kind, name in _AMOUNTS.items() if kind in kinds]
    ask.execute(f"create or replace view savings_amounts as {' union all '.join(parts)}")
    for name in ("use", "steps", "weather"):
        ask.execute(question.sql(name))
    ask.execute(question.sql("daily"), {"least_share": question.parameters["day_share"]})
    for name in ("totals", "bins", "degree_days", "begin_models"):
        ask.execute(question.sql(name))
    for chunk in range(chunks):
        ask.execute(question.sql("models"), {"chunk": chunk})
    ask.execute(question.sql("predicted"))


def _rows(question: Question, meters: list[Wanted]) -> list[Row]:
    ask = question.engine
    totals = {row["meter"]: row for row in ask.arrow("select * from savings_totals").to_pylist()}
    models = {row["meter"]: row for row in ask.arrow(question.sql("outcome")).to_pylist()}
    return [
        account.judge(question, one, totals.get(one.point.id), models.get(one.point.id)) for one in meters
    ]


def _plot(question: Question, row: Row) -> Plot:
    zone = question.interval.zone
    days = question.engine.rows(question.sql("series"), {"meter": row.meter})
    times = [midnight(day, zone) for day, _, _ in days]
    assert row.intervention is not None
    return Plot(
        key=row.meter,
        title=f"{row.label}: {account.said_change(row)}",
        unit="kWh/d",
        lines=[
            Line("observed", times, [used for _, used, _ in days]),
            Line("expected in this weather", times, [expected for _, _, expected in days]),
        ],
        marks=[(midnight(row.intervention, zone), "measure")],
    )
