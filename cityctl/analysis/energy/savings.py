"""What a measure saved: metered use after it against what the building would have used in that weather.

For all meters in one pass of SQL (savings.sql), with a choice of baseline methods (saving/methods.py); this file puts
the question and turns the sums into rows. It knows no store, no file and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import accumulate
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted, wanted, without_measure
from cityctl.analysis.energy.models.billing import BIMONTHLY
from cityctl.analysis.energy.saving import (
    account,
    bills,
    columns,
    drivers,
    evidence,
    fuels,
    non_routine,
    normal,
    portfolio,
    same_use,
    stated,
    wandered,
    worth,
)
from cityctl.analysis.energy.saving.baseline import hand_over, narrow, parts, sum_by_day, whole_days
from cityctl.analysis.energy.saving.methods import METHODS
from cityctl.analysis.energy.saving.row import Row, said_change
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.clock import Interval, midnight
from cityctl.errors import UsageProblem, listed
from cityctl.result import Line, Plot, Result
from cityctl.wording import counted

TITLE = "Energy savings against weather"
SUMMARY = "avoided energy use of each meter since its measure, with the uncertainty of the saving"
COLUMNS = (*columns.COLUMNS, *evidence.COLUMNS)
WHOLE_DAY = 0.9  # share of a day's readings: below it, that the rest was filled with its mean is told
MOST_EVIDENCE = 5  # meters whose evidence one report shows
PARAMETERS = (
    Parameter("method", "choice", "caltrack2", None, "how the expected use is made: by the day (caltrack2), with "
              "weekdays and seasons apart (split), by the hour (towt), from monthly bills (billing); points with "
              "`role: driver` count beside the weather",
              choices=tuple(METHODS)),
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
    Parameter("normal", "flag", False, None, "also tell what a typical year takes less: that of city.yaml's "
              "`typical_weather_file`, or else the days of both years together (caltrack2, split)"),
    Parameter("evidence", "flag", False, None, "show of each meter what went in, which models were tried, and why"),
    Parameter("plots", "integer", 3, None, "how many meters to draw, those with the largest change first", least=0),
)  # fmt: skip


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """The meters and the outdoor temperatures that they are compared with."""
    meters = wanted(city, parameters)
    weather = {one.temperature for one in meters if one.temperature is not None}
    carbon = {one.carbon for one in meters if isinstance(one.carbon, str)}
    driving = {name for one in meters for name in one.drivers}
    return [*(one.point.id for one in meters), *sorted(weather), *sorted((carbon | driving) - weather)]


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """From the first baseline day of any meter on, to the reading that ends the last day or bill."""
    first = interval.start.astimezone(interval.zone).date()
    dates = [one.intervention for one in wanted(city, parameters) if one.intervention is not None]
    reach = timedelta(
        days=2 * BIMONTHLY if parameters["method"] == "billing" else 1
    )  # a bill may begin before it
    begin = min([first, *dates]) - timedelta(days=parameters["baseline_days"]) - reach
    return Interval(midnight(begin, interval.zone), interval.end + reach, interval.zone)


def answer(question: Question) -> Result:
    """Savings by meter, their total, and plots of the largest changes."""
    meters = wanted(question.city, question.parameters)
    if not meters:
        raise UsageProblem(
            f"no meter of energy use matches `{question.parameters['meters']}`",
            hint="a meter of use has `role: consumption` under `points:`; `cityctl data status` lists the points",
        )
    asked = question.interval
    reached = window(asked, question.parameters, question.city)
    whole = whole_days(Interval(reached.start, asked.end, asked.zone))
    if not whole:
        raise UsageProblem(f"no whole local day in {asked}", hint="ask for a longer interval with --since")
    hand_over(question, meters, whole)
    sum_by_day(question, meters)
    drivers.attach(question, meters)
    stated.attach(question, meters)
    if question.parameters["method"] != "billing":
        question.engine.execute(question.sql("totals"))
    METHODS[question.parameters["method"]](question, meters)
    stated.adjust(question)
    rows = _rows(question, meters)
    buildings = fuels.together(question.city, rows, question.parameters["most_change"])
    contested = question.parameters["evidence"]  # whose evidence is asked for is drawn, proven or not
    worth_drawing = (row for row in rows if row.proven or (contested and row.figures))
    drawn = sorted(worth_drawing, key=lambda row: (-abs(row.avoided), row.meter))[
        : question.parameters["plots"]
    ]
    plots = [plot for row in drawn for plot in _plots(question, row)]
    result = portfolio.result(question, rows, buildings, plots)
    if contested:
        result.tables += [table for row in rows[:MOST_EVIDENCE] for table in evidence.tables(question, row)]
        if len(rows) > MOST_EVIDENCE:
            result.notes.append(
                f"evidence of the first {MOST_EVIDENCE} of {len(rows)} meters: name others with `meters`"
            )
    unmeasured = without_measure(question.city, question.parameters)
    if unmeasured:
        result.notes.append(
            f"{counted(len(unmeasured), 'meter')} without a measure in city.yaml left out: {listed(unmeasured, 6)}"
        )
    return result


def _rows(question: Question, meters: list[Wanted]) -> list[Row]:
    ask = question.engine
    happened = non_routine.set_apart(question, meters)
    with_steps = "select t.*, s.every_s from savings_totals as t left join steps as s on s.meter = t.meter"
    totals = {row["meter"]: row for row in ask.arrow(with_steps).to_pylist()}
    for row in ask.arrow(question.sql("gaps"), {"whole": WHOLE_DAY}).to_pylist():
        totals.get(row["meter"], {}).update(row)
    hours = dict(ask.rows("select temperature, avg(hours) from savings_weather group by temperature"))
    for one in meters:
        totals.get(one.point.id, {})["weather_hours"] = hours.get(one.temperature)
    models = {row["meter"]: row for row in ask.arrow(question.sql("outcome")).to_pylist()}
    emitting = [one for one in meters if one.carbon is not None]
    carbon: dict[str, Any] = {}
    for ends in parts(emitting):
        narrow(question, ends)
        carbon |= dict(ask.rows(question.sql("carbon"), ends))
    by_day = question.parameters["method"] in ("caltrack2", "split")
    year = normal.savings(question, meters) if question.parameters["normal"] and by_day else None
    lost = bills.left_out(question)
    for meter, out in stated.left_out(question, lost).items():
        totals.get(meter, {})["stated_days"] = out
    doubted = bills.doubts(question)
    money = worth.of_savings(question, meters)
    billed = question.parameters["method"] == "billing"
    drifts = bills.drifts(question) if billed else wandered.spreads(question, meters, models)
    added = stated.adjusted(question)
    causes, undriven = drivers.known(question), drivers.unknown_days(question)
    twice = same_use.found(question, meters)
    rows = []
    for one in meters:
        meter = one.point.id
        events_met = happened.get(meter, [])
        known = account.Known(
            totals.get(meter),
            models.get(meter),
            money.get(meter),
            carbon.get(meter),
            events_met,
            None if year is None else year.get(meter),
            year is not None,
            lost.get(meter, []),
            doubted.get(meter),
            drifts.get(meter),
            causes.get(meter, ()),
            undriven.get(meter, 0),
            added.get(meter),
            twice.get(meter),
        )
        rows.append(account.judge(question, one, known))
    return rows


def _plots(question: Question, row: Row) -> list[Plot]:
    """Use beside what was expected, and how the saving has built up since the measure (CUSUM)."""
    zone = question.interval.zone
    label = f"{row.label}, {row.network}" if row.moved else row.label
    days = question.engine.rows(question.sql("series"), {"meter": row.meter})
    times = [midnight(day, zone) for day, *_ in days]
    assert row.intervention is not None
    measure = [(midnight(row.intervention, zone), "measure")]
    since = [
        (moment, expected - used)
        for moment, (_, used, expected, after, kept) in zip(times, days, strict=True)
        if after and kept
    ]
    return [
        Plot(
            key=row.meter,
            title=f"{label}: {said_change(row)}",
            unit="kWh/d" if question.parameters["method"] != "billing" else "kWh",
            lines=[
                Line("observed", times, [used for _, used, *_ in days]),
                Line("expected in this weather", times, [expected for _, _, expected, *_ in days]),
            ],
            marks=measure,
        ),
        Plot(
            key=f"{row.meter}-cusum",
            title=f"{label}: saved since the measure, summed up (CUSUM)",
            unit="kWh",
            lines=[
                Line("saved", [moment for moment, _ in since], list(accumulate(saved for _, saved in since)))
            ],
            marks=measure,
        ),
    ]
