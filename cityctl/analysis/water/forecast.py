"""Demand of each zone in the next 24 hours and 7 days, with intervals, and how well such forecasts have held so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from cityctl import arrow, glossary
from cityctl.analysis.question import Parameter, Question
from cityctl.analysis.water.basis.small import sized
from cityctl.analysis.water.basis.zones import asked
from cityctl.analysis.water.words.columns import FLOW
from cityctl.city.model import City
from cityctl.clock import Interval, midnight
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Line, Missing, Plot, Result, Table
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.analysis.water.basis.zones import Asked
    from cityctl.analysis.water.forecasts.model import Outlook

TITLE = "Demand forecast"
SUMMARY = "inflow of each zone in the next 24 hours and 7 days with intervals, and how well it has been forecast so far"
DAYS = 9  # local days that seven times 24 hours touch, clocks put forward among them
HOURS = 168
SILENT_DAYS = 2  # after so many without a reading the last days tell nothing
STILL_HOURS = 24  # without any flow: the zone may be shut
LEAST_DAYS, FEWEST = 7, 14  # days to forecast from, and spans of the past that tell an interval
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("zone"),
    glossary.column("time"),
    Column("forecast", "Forecast", FLOW, "mean inflow of the hour that is expected", "number", 1, 1),
    Column("forecast_low", "Low", FLOW, "lower end of the forecast's interval", "number", 1, 3),
    Column("forecast_high", "High", FLOW, "upper end of the forecast's interval", "number", 1, 3),
    Column("next_day", "Next 24 h", "m3", "volume of the next 24 hours", "number", 0, 1),
    Column("next_day_low", "Low", "m3", "lower end of its interval", "number", 0, 3),
    Column("next_day_high", "High", "m3", "upper end of its interval", "number", 0, 3),
    Column("next_week", "Next 7 d", "m3", "volume of the next 7 days", "number", 0, 1),
    Column("next_week_low", "Low", "m3", "lower end of the week's interval", "number", 0, 4),
    Column("next_week_high", "High", "m3", "upper end of the week's interval", "number", 0, 4),
    Column("peak_at", "Peak at", None, "hour of the largest flow within 24 hours", "time", priority=4),
    Column("peak", "Peak", FLOW, "largest hourly flow within 24 hours", "number", 1, 4),
    Column("error", "Error", None, "mean absolute error of hourly forecasts of the past weeks, of the mean inflow",
           "share", 1, 2),
    Column("error_naive", "Naive week", None, "the same of taking last week's hour", "share", 1, 5),
    Column("error_weekdays", "Weekdays", None, "the same of taking the mean of the last four same weekdays",
           "share", 1, 5),
)
# fmt: on
BY_KEY = {one.key: one for one in COLUMNS}
PARAMETERS = (
    Parameter("zones", "text", "*", None, "zones to look at, `*` for any letters, several with commas"),
    Parameter("history", "duration", timedelta(days=140), None, "readings before the end to learn from"),
    Parameter(
        "certainty", "share", 0.95, None, "share of hours that the interval is to hold", least=0.5, most=0.99
    ),
    Parameter("plots", "integer", 6, None, "how many zones are drawn, the largest first", least=0),
)
_ZONES = ("zone", "next_day", "next_day_low", "next_day_high", "next_week", "next_week_low", "next_week_high", "peak",
          "peak_at", "error", "error_naive", "error_weekdays")  # fmt: skip
_HOURS = ("zone", "time", "forecast", "forecast_low", "forecast_high")
NOTES = (
    "Method: the same hour of the last ten days of its kind (weekday, holidays as the weekend's last day), the newest "
    "counting most and outliers drawn in; and what the last days drew beyond theirs, by level and by hour of the day, "
    "fading with every day ahead. What a zone drew before its level changed for good, which takes a week to be seen, "
    "is forgotten, and so are hours beyond four times what it exceeds in a hundredth of them. Intervals of hours are "
    "the quantiles of the same model's errors over the last eight weeks, those of a day's volume the quantile of whole "
    "days' errors, and of a week's, of which few lie apart, Student's t; where fewer than 14 tell, there is none.",
    "Source: Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, chapter 8; Vovk et al. (2005) "
    "for intervals from past errors.",
    "Limits: weather is not forecast; a leak that runs is taken for demand.",
)


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """The zones' inflows."""
    return [zone.inflow for zone in asked(city, parameters) if zone.inflow is not None]


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:  # noqa: ARG001  # by contract
    """The history before the interval's end, from a local midnight on."""
    first = (interval.end - parameters["history"]).astimezone(interval.zone).date()
    return Interval(min(midnight(first, interval.zone), interval.start), interval.end, interval.zone)


def answer(question: Question) -> Result:
    """The outlook from the interval's end on, zone by zone and hour by hour."""
    import numpy as np

    from cityctl.analysis.catalog import find
    from cityctl.analysis.water.forecasts.model import outlook
    from cityctl.analysis.water.nights.digest import flows_of, points_of, show_flows

    question = replace(question, statements={**find("water/night_flow").statements, **question.statements})
    zones = [zone for zone in asked(question.city, question.parameters) if zone.inflow is not None]
    if not zones:
        raise UsageProblem(
            f"no water zone with an inflow matches `{question.parameters['zones']}`",
            hint="a zone needs `network:` of kind water, and an `inflow:`",
        )
    names = [zone.inflow for zone in zones if zone.inflow is not None]
    question.engine.register("night_points", points_of(question, sorted(set(names)), set(names)))
    show_flows(question, flows_of(question, names))
    zone = question.interval.zone
    begin = question.interval.end.astimezone(zone)
    today = begin.date() if begin.minute == 0 and begin.second == 0 else (begin + timedelta(hours=1)).date()
    hour = (begin + timedelta(minutes=59, seconds=59)).hour
    wide = window(question.interval, question.parameters, question.city)
    first = wide.start.astimezone(zone).date()
    span = (today - first).days
    hours = _hours(question, zones, first, span + 1)
    days = [first + timedelta(days=at) for at in range(span + 1 + DAYS)]
    kinds = np.array(question.city.kinds_of(days), dtype=np.int64)
    told = outlook(hours, kinds, span, hour, DAYS, question.parameters["certainty"])
    return _result(question, zones, hours, told, begin_of(today, hour, zone))


def _hours(question: Question, zones: list[Asked], first: date, days: int) -> Any:
    """(zones x days x 24) [m³/h]; the hour that comes twice when clocks go back is their mean."""
    import numpy as np

    question.engine.execute(question.sql("quarters"))
    table = question.engine.arrow(question.sql("hours"))
    row_of: dict[str, list[int]] = {}
    for row, zone in enumerate(zones):
        row_of.setdefault(str(zone.inflow), []).append(row)
    day = (arrow.array_of(table["day"]).astype("datetime64[D]") - np.datetime64(first, "D")).astype(np.int64)
    hour, flow = arrow.array_of(table["hour"]), arrow.array_of(table["flow"])
    told = np.full((len(zones), days, 24), np.nan)
    inside = (day >= 0) & (day < days)
    points = np.array(table["point"].to_pylist())
    for name, rows in row_of.items():
        own = np.flatnonzero((points == name) & inside)
        for row in rows:
            told[row, day[own], hour[own]] = flow[own]
    return told


def begin_of(day: date, hour: int, zone: tzinfo) -> datetime:
    """The UTC instant at which an hour of a local day begins."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC)


def places(stamps: Sequence[datetime], zone: tzinfo) -> list[float]:
    """Where each instant lies among the hours (24 a local day) that begin with the first one's day.

    An hour that comes twice when clocks go back lies at one place; one that is left out has no instant. Where clocks
    are set by half an hour, hours lie between two of them from then on.
    """
    local = [stamp.astimezone(zone) for stamp in stamps]
    return [(one.date() - local[0].date()).days * 24 + one.hour + one.minute / 60 for one in local]


def at_places(values: Any, place: Any) -> Any:
    """Values (... x days x 24) at places: the two hours that one lies between, by its share in each."""
    import numpy as np

    hours = values.reshape(*values.shape[:-2], -1)
    first = np.floor(place).astype(np.int64)
    share = place - first
    return hours[..., first] * (1 - share) + hours[..., np.where(share > 0, first + 1, first)] * share


def _result(question: Question, zones: list[Asked], hours: Any, told: Outlook, begin: datetime) -> Result:
    import numpy as np

    zone, certainty = question.interval.zone, question.parameters["certainty"]
    stamps = [begin + timedelta(hours=ahead) for ahead in range(HOURS)]
    place = np.array(places(stamps, zone))
    rows: list[tuple[object, ...]] = []
    each: list[tuple[object, ...]] = []
    plots: list[tuple[float, Plot]] = []
    missing: list[Missing] = []
    for at, one in enumerate(zones):
        flow, low, high = (at_places(values[at], place) for values in (told.flow, told.low, told.high))
        doubt = _doubt(hours[at], flow, low)
        if doubt:
            missing.append(Missing(one.name, doubt))
        if np.isfinite(hours[at]).any(axis=1).sum() < LEAST_DAYS or not np.isfinite(flow).all():
            continue
        errors = at_places(told.errors[:, at], place)
        usual = float(np.nanmean(hours[at]))
        shares = [
            _error(at_places(values[:, at], place), usual) for values in (told.errors, *told.rivals.values())
        ]
        peak = int(flow[:24].argmax())
        rows.append(
            (one.name, *volume_of(flow[:24], errors[:, :24], certainty, float(told.least[at])),
             *volume_of(flow, errors, certainty, float(told.least[at])), float(flow[peak]), stamps[peak], *shares)
        )  # fmt: skip
        each += [
            (one.name, stamp, *(None if value != value else float(value) for value in figures))
            for stamp, *figures in zip(stamps, flow.tolist(), low.tolist(), high.tolist(), strict=True)
        ]
        lines = [
            Line("forecast", stamps, flow.tolist()),
            Line("low", stamps, _numbers(low)),
            Line("high", stamps, _numbers(high)),
        ]
        plots.append((usual, Plot(one.zone, f"Demand of {one.name}", FLOW, lines)))
    plots.sort(key=lambda pair: -pair[0])
    return Result(
        title=TITLE,
        tables=[
            sized(Table("zones", "Zones", [BY_KEY[key] for key in _ZONES], rows)),
            sized(Table("hours", "Hours", [BY_KEY[key] for key in _HOURS], each)),
        ],
        interval=question.interval,
        completeness=Completeness(len(zones), len(zones) - len(missing), missing, "zones"),
        plots=[plot for _, plot in plots[: question.parameters["plots"]]],
        notes=list(NOTES),
        summary=f"{counted(len(rows), 'zone')} forecast, from {stamps[0].astimezone(zone):%Y-%m-%d %H:%M} on",
    )


def _doubt(hours: Any, flow: Any, low: Any) -> str:
    """What keeps a zone from a forecast, or from one to rely on; empty where nothing does.

    `hours` (days x 24), `flow` and `low` of the hours to come [m³/h].
    """
    import numpy as np

    there = np.isfinite(hours)
    known = np.flatnonzero(there.any(axis=1))
    if not len(known):
        return "no readings"
    silent = len(hours) - 1 - int(known[-1])
    history = counted(len(known), "day")
    if len(known) < LEAST_DAYS:
        return f"{history} of history, {LEAST_DAYS} are needed"
    if not np.isfinite(flow).all():
        rare = np.median(there[known].sum(axis=1)) <= 12
        return "read less often than by the hour" if rare else f"silent for {counted(silent, 'day')}"
    if silent > SILENT_DAYS:
        return f"silent for {counted(silent, 'day')}: forecast from what was before"
    drawn = hours[there]
    if len(drawn) > STILL_HOURS and (drawn[-STILL_HOURS:] == 0).all() and drawn.any():
        days = (len(drawn) - 1 - int(np.flatnonzero(drawn)[-1])) // 24
        return f"has drawn nothing for {counted(days, 'day')}: shut? Forecast from its hours as they are"
    return "" if np.isfinite(low).all() else f"no interval yet from {history} of history"


def _numbers(values: Any) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def _error(errors: Any, usual: float) -> float | None:
    """Mean absolute error of hours as a share of the mean inflow."""
    import numpy as np

    known = np.abs(errors[np.isfinite(errors)])
    return float(known.mean()) / usual if len(known) and usual > 0 else None


def volume_of(
    flow: Any, errors: Any, certainty: float, least: float
) -> tuple[float, float | None, float | None]:
    """(volume [m³], low, high) of hours: by the errors of the past's spans with nine tenths of their hours.

    `flow` [m³/h] by hour, `errors` (spans x hours), `least` [m³/h] of an hour. By the quantile of their sizes, where
    two of those spans that lie apart are beyond it; else by Student's t times the root of their mean square.
    """
    import numpy as np
    from scipy.special import stdtrit

    total = float(flow.sum())
    enough = np.isfinite(errors).mean(axis=1) > 0.9
    if enough.sum() < FEWEST:
        return total, None, None
    off = np.abs(np.nanmean(errors[enough], axis=1)) * len(flow)
    apart = len(off) * 24 / len(flow)
    if apart * (1 - certainty) >= 2:
        half = float(np.quantile(off, min(1.0, certainty * (1 + 1 / len(off)))))
    else:
        half = float(stdtrit(max(3.0, apart), (1 + certainty) / 2) * np.sqrt(np.mean(off**2)))
    return total, max(total - half, least * len(flow)), total + half
