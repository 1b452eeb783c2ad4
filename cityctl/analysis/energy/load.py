"""What a load looks like: base, peak, duration, week, unusual days, use while nobody is there, use by floor area."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cityctl import glossary
from cityctl.analysis.energy.basis.load_shape import (
    DAILY,
    EXCEEDED,
    HOURLY,
    Shape,
    far_above,
    length_of,
    longest_at_zero,
    off_hours,
    said_far_above,
    shape,
    unlike_days,
    week,
)
from cityctl.analysis.energy.basis.meters import USE, network_of
from cityctl.analysis.energy.basis.network_balance import with_next
from cityctl.analysis.energy.basis.twice import by_same_days, said_twice, told_twice
from cityctl.analysis.energy.basis.windowed import (
    LOAD_FACTOR,
    OFFSETS,
    PEAK,
    PEAK_AT,
    USED,
    Windows,
    place,
    sum_up,
    why_none,
    windows,
)
from cityctl.analysis.patterns import points_of
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.clock import Interval
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.tariff.use import Use
from cityctl.wording import counted, grouped, percent

TITLE = "Loads"
SUMMARY = "base load, peak, load factor, duration, week and unusual days of each meter"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("zone"), glossary.column("meter"),
    USED,
    PEAK,
    PEAK_AT,
    LOAD_FACTOR,
    Column("base_kw", "Base", "kW", "base load: the power that is exceeded in 95 % of the time", "number", 1, 2),
    Column("night_kw", "Night", "kW", "mean power from 01:00 to 05:00", "number", 1, 5),
    Column("base_share", "Base share", None, "share of the use that the base load makes", "share", 0, 4),
    Column("off_share", "Off hours", None, "share of the use at night (22 to 06), on weekends and holidays", "share",
           0, 4),
    Column("weekday_kw", "Weekday", "kW", "mean power of the days that are no weekend", "number", 1, 6),
    Column("weekend_kw", "Weekend", "kW", "mean power of the days of the weekend", "number", 1, 6),
    *(Column(f"exceeded_{share}_kw", f"{share} %", "kW", f"power that is exceeded in {share} % of the time",
             "number", 1, 7) for share in EXCEEDED),
    Column("kwh_m2", "By area", "kWh/m2", "use of a year for each m² of the zone's floor area", "number", 0, 3),
    Column("standby_kwh", "Standby", "kWh", "what the base load uses while nobody is there", "number", 0, 5),
    Column("metered_share", "Metered", None, "share of the interval that was metered", "share", 1, 4),
    glossary.column("verdict", priority=2),
    Column("weekday", "Day", None, "day of the week", priority=1),
    Column("week_shape", "00 to 24", "kW", "mean power of each hour of that day of the week", "spark", 0, 1),
    Column("highest_kw", "Highest", "kW", "highest of those hours", "number", 1, 2),
    Column("lowest_kw", "Lowest", "kW", "lowest of those hours", "number", 1, 2),
    glossary.column("date"),
    Column("day_kwh", "That day", "kWh", "use of the day", "number", 0, 1),
    Column("usual_kwh", "Usual", "kWh", "median use of such a day: working or not, in the same three months",
           "number", 0, 1),
    Column("deviations", "Deviations", "1", "how far off it is, in robust standard deviations", "number", 1, 3),
)
# fmt: on
_BY_KEY = {one.key: one for one in COLUMNS}
_LOADS = ("zone", "meter", "used_kwh", "peak_kw", "peak_window", "load_factor", "base_kw", "night_kw", "base_share",
          "off_share", "standby_kwh", "kwh_m2", "weekday_kw", "weekend_kw",
          *(f"exceeded_{share}_kw" for share in EXCEEDED), "metered_share", "verdict")  # fmt: skip
_WEEK = ("meter", "weekday", "week_shape", "lowest_kw", "highest_kw")
_DAYS = ("meter", "date", "day_kwh", "usual_kwh", "deviations")
PARAMETERS = (
    Parameter(
        "meters", "text", "*", None, "ids of the meters to look at, `*` for any letters, several with commas"
    ),
    Parameter(
        "window", "choice", "15m", None, "length over which power is a mean", choices=("15m", "30m", "60m")
    ),
    Parameter("weeks", "integer", 5, None, "of how many meters to show the week, the largest first", least=0),
    Parameter("unlike", "integer", 20, None, "how many unusual days to show, the largest first", least=0),
)
WHOLE = 0.9  # of the interval that has to be metered
IDLE_HOURS = 24.0  # at zero: longer than a building that is in use ever is
_Load = tuple[Point, Windows, Shape, str]
"""A meter, its windows, the figures of its load, and what makes them doubtful."""
_MINUTES = {"15m": 15, "30m": 30, "60m": 60}


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Meters of energy that is used."""
    return [point.id for point in _meters(city, parameters)]


def _meters(city: City, parameters: Mapping[str, Any]) -> list[Point]:
    known = (
        point
        for point in city.points().values()
        if point.role == USE and point.quantity in ("energy", "power")
    )
    found = points_of(parameters.get("meters"), known, "meter of use")
    return sorted(found, key=lambda point: point.id)


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The interval and the first readings after it, which tell the last rise of counters."""
    del parameters, city
    return with_next(interval)


def answer(question: Question) -> Result:
    """Loads ranked by use, the week of the largest, and the days unlike the others."""
    meters = _meters(question.city, question.parameters)
    if not meters:
        raise UsageProblem(
            f"no meter of energy use matches `{question.parameters['meters']}`",
            hint="a meter of use has `role: consumption` under `points:`; `cityctl data status` lists the points",
        )
    width = _MINUTES[question.parameters["window"]]
    steps = sum_up(question, [point.id for point in meters], OFFSETS)
    place(question)
    loads: list[_Load] = []
    lacking: list[Missing] = []
    for point in meters:
        found = windows(question, point.id, OFFSETS, steps.get(point.id))
        if found is None or not found.use.energy.sum() > 0:
            lacking.append(Missing(point.id, why_none(point) if found is None else "used nothing"))
            continue
        found = found.wider(width).as_metered()
        doubts = _doubts(question, point, found)
        verdict = f"DOUBTFUL {'; '.join(doubts)}" if doubts else "normal"
        loads.append((point, found, shape(found.use, question.city.days_of_rest), verdict))
        lacking += [Missing(point.id, doubt) for doubt in doubts]
    twice = _told_twice(question.city, loads)
    for at, (point, found, figures, verdict) in enumerate(loads):
        if point.id in twice:
            doubt = said_twice(twice[point.id])
            loads[at] = (point, found, figures, _with_doubt(verdict, doubt))
            lacking.append(Missing(point.id, doubt))
    used = sum(load[2].used for load in loads if load[0].id not in twice)
    loads.sort(key=lambda load: (-load[2].used, load[0].id))
    return Result(
        title=TITLE,
        tables=_tables(question, loads),
        interval=question.interval,
        completeness=Completeness(
            len(meters), len(meters) - len({one.what for one in lacking}), lacking, "meters"
        ),
        notes=list(NOTES),
        summary=f"{counted(len(loads), 'meter')}, {grouped(used)} kWh in all",
    )


def _told_twice(city: City, loads: list[_Load]) -> dict[str, str]:
    """Meters that tell what another of their zone does, such as power beside energy: the sum holds one of them."""
    points = sorted((point for point, *_ in loads), key=lambda point: point.id)
    days = by_same_days({point.id: (found.day, found.use.energy) for point, found, *_ in loads})
    return told_twice(city, points, days)


def _with_doubt(verdict: str, doubt: str) -> str:
    return f"{verdict}; {doubt}" if verdict.startswith("DOUBTFUL") else f"DOUBTFUL {doubt}"


def _metered_share(question: Question, found: Windows) -> float:
    return min(float(found.held.sum()) / question.interval.length.total_seconds(), 1.0)


def _doubts(question: Question, point: Point, found: Windows) -> list[str]:
    """What makes the figures of a load doubtful: gaps, feeding in, missing readings that were written as 0."""
    said = []
    share = _metered_share(question, found)
    if share < WHOLE:
        said.append(f"{percent(share)} of the interval metered")
    apart = float(found.use.hours.max())
    if apart > DAILY:
        said.append(f"its readings are {apart / 24:.0f} days apart: peak and base are means of them")
    unseen = found.unseen(1 - WHOLE)
    if unseen is not None:
        said.append(unseen)
    below = int((found.use.energy < 0).sum())
    if below:
        said.append(f"{counted(below, 'window')} below zero: does it feed in?")
    high = far_above(found.use)
    if high is not None:
        said.append(said_far_above(high))
    hours = longest_at_zero(found.use)
    if hours >= IDLE_HOURS and network_of(question.city, point) == "power":
        said.append(f"0 for {hours:.0f} h in a row: was it off, or is missing written as 0?")
    return said


def _tables(question: Question, loads: list[_Load]) -> list[Table]:
    ranked = [_row(question, *load) for load in loads]
    weeks: list[tuple[object, ...]] = []
    hourly = [load for load in loads if length_of(load[1].use) <= HOURLY]
    for point, found, *_ in hourly[: question.parameters["weeks"]]:
        for name, day in zip(_WEEKDAYS, week(found.use), strict=True):
            known = [one for one in day if one is not None]
            weeks.append((point.id, name, day, min(known, default=None), max(known, default=None)))
    unlike = [
        (abs(one.used - one.usual), (point.id, one.day, one.used, one.usual, one.deviations))
        for point, found, *_ in loads
        for one in unlike_days(found.use, found.day, question.city.days_of_rest)
    ]
    unlike.sort(key=lambda pair: -pair[0])
    days: list[tuple[object, ...]] = [row for _, row in unlike[: question.parameters["unlike"]]]
    note = (
        f"unlike the others of their kind: {counted(len(unlike), 'day')}" if len(unlike) > len(days) else ""
    )
    return [
        Table("loads", "Loads", [_BY_KEY[key] for key in _LOADS], ranked),
        Table("week", "The week, hour by hour", [_BY_KEY[key] for key in _WEEK], weeks),
        Table("unlike", "Days unlike the others", [_BY_KEY[key] for key in _DAYS], days, note),
    ]


def _row(question: Question, point: Point, found: Windows, load: Shape, verdict: str) -> tuple[object, ...]:
    zone = question.city.zones.get(point.zone) if point.zone is not None else None
    area = zone.floor_area if zone is not None and network_of(question.city, point) is not None else None
    metered, standby = float(found.use.hours.sum()), _standby(load, found.use, question.city.days_of_rest)
    by_area = load.used * 8766 / metered / area if area else None  # 8 766 h: a mean year
    return (
        point.zone, point.id, load.used, load.peak_power, found.start(load.peak), load.load_factor, load.base,
        load.night, load.base_share, load.off_hours_share,
        standby, by_area, load.weekday_mean, load.weekend_mean, *load.exceeded,
        _metered_share(question, found), verdict,
    )  # fmt: skip


def _standby(load: Shape, use: Use, rest: Collection[int]) -> float | None:
    """What the base load uses from 22:00 to 06:00, on weekends and on holidays [kWh]; None where no hours are told."""
    if load.off_hours_share is None:
        return None
    return load.base * float(use.hours[off_hours(use, rest)].sum())


NOTES = (
    "Method: power is the mean of a window of local time, or of the meter's own readings where those are longer; "
    "readings that do not fill windows, as those of 10 or 20 minutes, are spread evenly over quarters of an hour. Of a "
    "window with gaps it is the mean of what was metered, no peak and no base where that is less than 80 % of it. "
    "Readings that hold more than an hour tell no night, no off hours and no week by the hour. "
    "Load factor = use / (peak x metered hours). Base load is the 5th percentile of the power; the power that is "
    "exceeded in 1 to 90 % of the time is the load duration curve.",
    "Method: a day is unlike the others where its use lies 4 robust standard deviations (1.4826 x MAD) and a tenth off "
    "the median of such days (working or not) in the same three months.",
    "Limits: standby is what the base load uses while nobody is there: some of it is needed. Use by floor area is "
    "raised to a year from what was metered, whatever the season.",
)
