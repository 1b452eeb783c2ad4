"""Reliability of supply: SAIFI, SAIDI and CAIDI with and without major event days, after IEEE 1366."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from cityctl import arrow, glossary
from cityctl.analysis.energy.grid.interruption_indices import (
    LEAST_DAYS,
    SUSTAINED,
    Indices,
    Outage,
    Threshold,
    daily_saidi,
    indices,
    threshold,
)
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.city.records import Interruption
from cityctl.clock import midnight
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.wording import counted

TITLE = "Reliability of supply"
SUMMARY = "SAIFI, SAIDI and CAIDI of the power networks, major event days apart, after IEEE 1366"
YEARS = 5
MOST_NAMED = 5  # rows that cannot be read
READINGS = False  # interruptions stand in a CSV beside city.yaml
# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("counted_events", "Counted", None, "which interruptions are counted", priority=1),
    Column("interruptions", "Interruptions", None, "sustained interruptions: longer than 5 minutes", "integer", 0, 3),
    Column("customers_out", "Customers out", None, "customers without supply, each interruption counted", "integer", 0,
           4),
    Column("customer_hours", "Customer hours", "h", "customers without supply times their hours", "number", 1, 4),
    Column("saifi", "SAIFI", "1", "sustained interruptions for each customer served", "number", 3, 1),
    Column("saidi", "SAIDI", "min", "minutes without supply for each customer served", "number", 1, 1),
    Column("caidi", "CAIDI", "min", "minutes until supply is back, for each customer interrupted", "number", 1, 2),
    Column("asai", "ASAI", None, "share of the customers' time with supply", "share", 4, 2),
    Column("momentary", "Momentary", None, "interruptions of 5 minutes at most", "integer", 0, 5),
    Column("maifi", "MAIFI", "1", "momentary interruptions for each customer served", "number", 3, 3),
    glossary.column("date"),
    Column("times_limit", "Over limit", "1", "the day's SAIDI over the limit of a major event day", "number", 1, 2),
    glossary.column("zone"),
    Column("customers_served", "Customers", None, "customers that are served", "integer", 0, 3),
    Column("major_saidi", "Major", "min", "what of its SAIDI major event days made", "number", 1, 3),
    Column("cause", "Cause", None, "what the interruption came from", priority=1),
    Column("saidi_share", "Share", None, "share of the customer hours without supply", "share", 1, 1),
)
# fmt: on
_BY_KEY = {one.key: one for one in COLUMNS}
_INDICES = ("counted_events", "interruptions", "customers_out", "customer_hours", "saifi", "saidi", "caidi", "asai",
            "momentary", "maifi")  # fmt: skip
_MAJOR = ("date", "saidi", "times_limit", "interruptions", "customers_out")
_ZONES = (
    "zone",
    "customers_served",
    "interruptions",
    "customers_out",
    "customer_hours",
    "saifi",
    "saidi",
    "major_saidi",
)
_CAUSES = ("cause", "interruptions", "customers_out", "customer_hours", "saidi_share")
PARAMETERS = (
    Parameter(
        "customers",
        "integer",
        None,
        None,
        "customers served; the connections of the power zones else",
        least=1,
    ),
)


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """None: interruptions come from a CSV beside city.yaml."""
    del city, parameters
    return []


def served(city: City) -> int:
    """Connections of the power networks: of each outermost zone that tells them, or of the zones within it."""
    total = 0
    for name, zone in city.zones.items():
        if zone.connections is None or city.network_kind(name) != "power":
            continue
        above = zone.parent
        while above is not None and city.zones[above].connections is None:
            above = city.zones[above].parent
        total += zone.connections if above is None else 0
    return total


def answer(question: Question) -> Result:
    """The indices of the interval, its major event days, and what zones and causes make of it."""
    city, interval = question.city, question.interval
    if city.interruptions_file is None:
        raise UsageProblem(
            "city.yaml names no file of interruptions",
            hint="interruptions_file: interruptions.csv, with the columns start, end, customers, zone, cause",
        )
    customers = question.parameters["customers"] or served(city)
    if not customers:
        raise UsageProblem(
            "city.yaml does not say how many customers are served",
            hint="give the power zones `connections:`, or `--customers 12500`",
        )
    faults = city.interruption_faults()
    lacking = [Missing(place, f"not counted: {why}") for place, why in faults[:MOST_NAMED]]
    if len(faults) > MOST_NAMED:
        more = counted(len(faults) - MOST_NAMED, "row")
        lacking.append(
            Missing(city.interruptions_file, f"{more} more not counted: they cannot be read either")
        )
    told = _distinct(city.interruptions(), lacking)
    now = [one for one in told if interval.start <= one.start < interval.end]
    first = _years_before(question)
    earlier = [one for one in told if first <= one.start < interval.start]
    before = [_outage(one, question) for one in earlier if one.end is not None]
    lacking += [
        Missing(one.place, "it has no end: left out of the limit of major event days")
        for one in earlier
        if one.end is None
    ]
    outages = [_outage(one, question) for one in now]
    lacking += _doubtful(now, city, customers)
    limit = threshold(daily_saidi(before, customers))
    days = daily_saidi(outages, customers)
    major = {day: minutes for day, minutes in days.items() if limit is not None and minutes > limit.minutes}
    hours = interval.length.total_seconds() / 3600
    every = indices(outages, customers, hours)
    without = indices((one for one in outages if one.day not in major), customers, hours)
    if limit is None:
        lacking.append(
            Missing(
                "major event days", f"fewer than {LEAST_DAYS} days with interruptions in the years before"
            )
        )
    rows = [_row("all", every), _row("without major event days", without)][: 1 if limit is None else 2]
    return Result(
        title=TITLE,
        tables=[
            Table("indices", TITLE, [_BY_KEY[key] for key in _INDICES], rows),
            _major(outages, major, limit),
            *_shares(question, outages, major, every),
        ],
        interval=interval,
        findings=[
            Finding("major-event-day", day.isoformat(), midnight(day, interval.zone),
                    f"SAIDI of {minutes:.1f} min on one day, above the limit of {limit.minutes:.2f} min",
                    evidence={"saidi": minutes, "times_limit": minutes / limit.minutes})
            for day, minutes in major.items() if limit is not None
        ],
        completeness=Completeness(len(now) + len(lacking), len(now), lacking, "interruptions"),
        notes=[_basis(limit, told, first, customers, question), *NOTES],
        summary=f"SAIFI {every.saifi:.3f}, SAIDI {every.saidi:.1f} min, "
        + (f"{len(major)} major event days" if limit is not None else "no limit of major event days")
        + (f"; {counted(len(faults), 'row')} of the file not read" if faults else ""),
    )  # fmt: skip


def _years_before(question: Question) -> datetime:
    """Five years before the interval's start, by the local calendar."""
    zone = question.interval.zone
    local = question.interval.start.astimezone(zone).date()
    last_day = 28 if (local.month, local.day) == (2, 29) else local.day
    return midnight(date(local.year - YEARS, local.month, last_day), zone)


def _distinct(told: list[Interruption], lacking: list[Missing]) -> list[Interruption]:
    """Each row once; what stands there twice is named."""
    seen: set[tuple[object, ...]] = set()
    kept = []
    for one in told:
        key = (one.start, one.end, one.customers, one.zone, one.cause)
        if key in seen:
            lacking.append(Missing(one.place, "the same row stands above: counted once"))
        else:
            seen.add(key)
            kept.append(one)
    return kept


def _outage(one: Interruption, question: Question) -> Outage:
    """An interruption as the indices take it; one that lasts counts up to the end of the interval."""
    end = one.end or question.interval.end
    minutes = max((end - one.start).total_seconds() / 60, 0.0)
    day = one.start.astimezone(question.interval.zone).date()
    return Outage(day, one.customers, minutes, one.zone, one.cause)


def _doubtful(now: list[Interruption], city: City, customers: int) -> list[Missing]:
    found = []
    for one in now:
        connections = city.zones[one.zone].connections if one.zone is not None else None
        most = min(customers, connections) if connections is not None else customers
        if one.end is None:
            found.append(Missing(one.place, "it has no end: counted up to the end of the interval"))
        elif (one.end - one.start).days >= 7:
            found.append(Missing(one.place, f"it lasts {(one.end - one.start).days} days: is its end right?"))
        if one.customers > most:
            found.append(
                Missing(one.place, f"{counted(one.customers, 'customer')} out of {most}: is that right?")
            )
    return found


def _row(counted: str, one: Indices) -> tuple[object, ...]:
    return (counted, one.interruptions, one.customers, one.customer_minutes / 60, one.saifi, one.saidi, one.caidi,
            one.asai, one.momentary, one.maifi)  # fmt: skip


def _major(outages: list[Outage], major: Mapping[date, float], limit: Threshold | None) -> Table:
    rows: list[tuple[object, ...]] = []
    for day, minutes in major.items():
        assert limit is not None
        of_day = [one for one in outages if one.day == day and one.sustained]
        rows.append(
            (day, minutes, minutes / limit.minutes, len(of_day), sum(one.customers for one in of_day))
        )
    rows.sort(key=lambda row: -float(str(row[1])))
    return Table("major", "Major event days", [_BY_KEY[key] for key in _MAJOR], rows)


def _shares(
    question: Question, outages: list[Outage], major: Mapping[date, float], every: Indices
) -> list[Table]:
    handed = arrow.table(
        zone=arrow.texts([one.zone for one in outages]),
        cause=arrow.texts([one.cause for one in outages]),
        customers=arrow.integers([one.customers for one in outages]),
        minutes=arrow.floats([one.minutes for one in outages]),
        major=arrow.flags([one.day in major for one in outages]),
    )
    question.engine.register("outages", handed)
    asked = {"sustained": SUSTAINED}
    zones: list[tuple[object, ...]] = []
    for zone, count, customers, minutes, of_major in question.engine.rows(question.sql("by_zone"), asked):
        own = question.city.zones[zone].connections
        per = (customers / own, minutes / own, of_major / own) if own else (None, None, None)
        zones.append((zone, own, count, customers, minutes / 60, *per))
    causes: list[tuple[object, ...]] = [
        (cause, count, customers, minutes / 60,
         minutes / every.customer_minutes if every.customer_minutes else None)
        for cause, count, customers, minutes in question.engine.rows(question.sql("by_cause"), asked)
    ]  # fmt: skip
    return [
        Table("zones", "By zone, for its own customers", [_BY_KEY[key] for key in _ZONES], zones),
        Table("causes", "By cause", [_BY_KEY[key] for key in _CAUSES], causes),
    ]


def _basis(
    limit: Threshold | None, told: list[Interruption], first: datetime, customers: int, question: Question
) -> str:
    zone = question.interval.zone
    said = f"Basis: {counted(customers, 'customer')} served."
    if limit is None:
        return f"{said} No limit of major event days: all days are counted."
    since = max(told[0].start, first).astimezone(zone).date()
    years = (question.interval.start.astimezone(zone).date() - since).days / 365.25
    short = f" The file begins on {since}: only {years:.1f} of 5 years." if years < YEARS - 0.5 else ""
    return (
        f"{said} Major event days lie above {limit.minutes:.3f} min of SAIDI: exp({limit.alpha:.4f} + 2.5 x "
        f"{limit.beta:.4f}) from {counted(limit.days, 'day')} with interruptions in the 5 years before the "
        f"interval.{short}"
    )


NOTES = (
    "Method: sustained interruptions last longer than 5 minutes, shorter ones are momentary. SAIFI = sum(N_i) / N_T, "
    "SAIDI = sum(N_i r_i) / N_T, CAIDI = SAIDI / SAIFI, ASAI = 1 - SAIDI / T, all over the interval, not over a year. "
    "An interruption belongs whole to the local day on which it starts.",
    "Method: a day is a major event day where its SAIDI lies above T_MED = exp(alpha + 2.5 beta): mean and standard "
    "deviation of ln(daily SAIDI) over the five years before the interval, days without interruption left out.",
    "Source: IEEE Std 1366-2012.",
    "Limits: the customers served are those of today, in earlier years too. Each row of the file stands for its own "
    "customers: a step of restoration is a row of its own. Planned interruptions count; their cause tells them apart.",
)
