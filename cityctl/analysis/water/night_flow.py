"""Minimum night flow by zone, with a verdict: first on the sensors, then on leaks.

When people sleep, what still flows into a zone is mostly leakage: a rise that stays is a burst, a slow one a leak
that creeps. This file asks for the nights, has them watched and hands the rows over; it knows no store and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cityctl.analysis.question import Parameter, Question
from cityctl.analysis.water.basis.zones import asked
from cityctl.analysis.water.nights.digest import Beside, closing
from cityctl.analysis.water.words import columns
from cityctl.city.model import City
from cityctl.clock import Interval, midnight
from cityctl.errors import UsageProblem
from cityctl.result import Result

if TYPE_CHECKING:
    from cityctl.analysis.water.nights.judged import Nights
    from cityctl.analysis.water.nights.seen import Fallen, Moved
    from cityctl.analysis.water.watch.changes import Watchfulness
    from cityctl.analysis.water.watch.resume import Watched

TITLE = columns.TITLE
SUMMARY = (
    "night flow of each zone against its own history: leaks with start and size, sensors not to be trusted"
)
COLUMNS = columns.COLUMNS
REMEMBERS = True
PARAMETERS = (
    Parameter("zones", "text", "*", None, "zones to look at, `*` for any letters, several with commas"),
    Parameter("window_start", "time", 120, None, "begin of the night's window, local time, a full or half hour"),
    Parameter("window_end", "time", 240, None, "end of the night's window, local time, a full or half hour"),
    Parameter("method", "choice", "mean", None, "mean of the window, or its lowest moving mean of 60 minutes",
              choices=("mean", "lowest_hour")),
    Parameter("history", "duration", timedelta(days=365), None,
              "readings before the interval to learn from, and the month in which they begin"),
    Parameter("night_share", "share", 0.7, None, "share of the window's readings that makes a night valid",
              least=0, most=1),
    Parameter("certainty", "number", 5.9, None, "standard errors by which a change must lie beyond noise and season",
              least=2, most=20),
    Parameter("least_leak", "share", 0.02, None, "smallest leak that is reported, as a share of the mean inflow",
              least=0, most=1),
    Parameter("each_night", "flag", False, None, "add the table of every night and zone"),
    Parameter("plots", "integer", 12, None, "how many zones with a finding are drawn, the largest leak first", least=0),
)  # fmt: skip


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """The zones' inflows, and the sensors that they are worked out from."""
    names: dict[str, None] = {}
    for zone in asked(city, parameters):
        if zone.inflow is not None:
            names[zone.inflow] = None
        names.update(dict.fromkeys(zone.sensors))
    return list(names)


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:  # noqa: ARG001  # by contract
    """The history before the interval too, with all nights of the month in which it begins.

    So the first night stays the same for a month, and what was found in the nights since need not be found again.
    """
    first = (interval.start - parameters["history"]).astimezone(interval.zone).date()
    if parameters["history"]:
        first = first.replace(day=1) - timedelta(days=1)  # the first night begins on the day before it
    return Interval(min(midnight(first, interval.zone), interval.start), interval.end, interval.zone)


def answer(question: Question) -> Result:
    """Verdicts by zone, events, nights, sensors' faults, and a plot of each zone with a finding."""
    from cityctl.analysis.water.words import tables

    read, closes = nights_of(question)
    return tables.night_flow(question, read, watched(question, read), closes)


def nights_of(
    question: Question, extra: Sequence[str] = (), beside: Beside | None = None
) -> tuple[Nights, list[datetime]]:
    """The nights of the zones that are asked for, and when each night closes.

    `extra` points are reduced to parts of nights too, and `beside` asks something of these.

    Raises UsageProblem for a window or zones that cannot be.
    """
    from cityctl.analysis.water.nights import judged

    given = question.parameters
    begin, end = given["window_start"], given["window_end"]
    if begin >= end or begin % 30 or end % 30:
        raise UsageProblem(
            "the night's window must begin before it ends, on full or half hours of one local day",
            hint="such as --set window_start=02:00 --set window_end=04:00",
        )
    zones = asked(question.city, given)
    if not zones:
        raise UsageProblem(
            f"no water zone matches `{given['zones']}`",
            hint="a zone needs `network:` of kind water, and an `inflow:`",
        )
    dates = _dates(question)
    if not dates:
        raise UsageProblem(f"no night's window ends in {question.interval}", hint="ask for a longer interval")
    read = judged.read(question, zones, dates, extra, beside)
    return read, closing(read.dates, end, question.interval.zone)


def watched(
    question: Question, read: Nights, fallen: Fallen | None = None, moved: Moved | None = None
) -> Watched:
    """The nights, watched; `fallen` and `moved` is what pressure sensors say, see pressure_drops and valves."""
    from cityctl.analysis.water.watch.expected import Assumptions
    from cityctl.analysis.water.watch.resume import resumed

    seen, zones = replace(read.seen, fallen=fallen), [zone.zone for zone in read.zones]
    if moved is not None:
        seen = replace(seen, moved=read.moved.beside(moved))
    return resumed(question.memory, "nights", Assumptions(), watchfulness(question), seen, zones, read.dates)


def watchfulness(question: Question) -> Watchfulness:
    """When a change counts, as the question has it."""
    from cityctl.analysis.water.watch.changes import Watchfulness

    given = question.parameters
    return Watchfulness(certainty=given["certainty"], least_leak=given["least_leak"])


def _dates(question: Question) -> list[date]:
    """Dates of the nights that end in the interval or its history; empty where none ends in the interval."""
    from cityctl.analysis.water.nights.judged import dates_of

    zone, end = question.interval.zone, question.parameters["window_end"]
    wide = window(question.interval, question.parameters, question.city)
    first = wide.start.astimezone(zone).date() + timedelta(days=1)
    last = question.interval.end.astimezone(zone).date() + timedelta(days=1)
    dates = [
        day
        for day, at in zip(dates_of(first, last), closing(dates_of(first, last), end, zone), strict=True)
        if at <= question.interval.end
    ]
    return dates if dates and closing(dates[-1:], end, zone)[0] > question.interval.start else []
