"""Leaks behind customers' meters: water that flowed in every one of 24 hours, and has not stood still since."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cityctl import arrow, glossary, units
from cityctl.analysis.patterns import points_of
from cityctl.analysis.question import Parameter, Question
from cityctl.analysis.water.basis.prices import price_of
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.clock import Interval
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table

TITLE = "Leaks at customers"
SUMMARY = "meters through which water never stands still: rate, start, volume and cost, the dearest first"
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("meter"), glossary.column("zone", priority=5),
    Column("leak_rate", "Rate", "L/h", "flow of the smallest hour, but for the first day and, once over, the last",
           "number", 1, 1),
    Column("leak_since", "Since", None, "start of the first 24 hours that all flowed", "time", priority=2),
    Column("leak_until", "Until", None, "first hour that stood still; empty while it runs", "time", priority=4),
    Column("leak_days", "Days", "d", "how long it ran", "number", 1, 4),
    Column("leak_volume", "Volume", "m3", "rate by the time that it ran", "number", 1, 2),
    Column("leak_cost", "Cost", "money", "that volume at the city's flat price of water", "number", 2, 3),
    glossary.column("verdict"),
)
# fmt: on
PARAMETERS = (
    Parameter("meters", "text", "*", None, "ids of the meters, `*` for any letters, several with commas"),
    Parameter("least", "number", 0.0, "L/h", "an hour with no more than this stood still", least=0),
    Parameter(
        "unsent",
        "flag",
        False,
        None,
        "meters send no zeros: an hour between two others that is not there stood still",
    ),
    Parameter("running", "flag", True, None, "leave out what has ended"),
    Parameter(
        "named", "integer", 50, None, "how many of the running leaks are findings, the dearest first", least=0
    ),
)  # fmt: skip
SILENT = timedelta(hours=24)  # a meter that was not heard for longer says nothing of now
HOUR = timedelta(hours=1)
EDGE = timedelta(hours=24)  # at a leak's ends in which a household's own use may fill hours
COARSE_STEP = 5.0  # L: from such a step on a register hides the usual leaks of a household
TOLD_BY = timedelta(days=7)  # of the interval that tell in which steps a meter counts
AT_A_TIME = {
    "counter": 20_000,
    "interval": 100_000,
    "gauge": 100_000,
}  # meters of a kind: a month in 1 to 2 GB


def _meters(city: City, parameters: Mapping[str, Any]) -> list[Point]:
    known = (
        point
        for point in city.points().values()
        if point.role == "consumption"
        and point.quantity in ("flow", "volume")
        and _kind(city, point) == "water"
    )
    return points_of(parameters["meters"], known, "customer meter of water")


def _kind(city: City, point: Point) -> str | None:
    if point.network is not None and point.network in city.networks:
        return city.networks[point.network].kind
    return city.network_kind(point.zone)


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Customer meters of water."""
    return [point.id for point in _meters(city, parameters)]


@dataclass(frozen=True)
class Leak:
    """Continuous flow of a meter; `rate` [m³/h], `until` None while it runs, `heard` the end of the last hour known."""

    meter: str
    since: datetime
    until: datetime | None
    rate: float
    heard: datetime

    @property
    def hours(self) -> float:
        """How long it ran, as far as is known [h]."""
        return ((self.until or self.heard) - self.since) / HOUR

    @property
    def volume(self) -> float:
        """What was lost, at the rate of the smallest hour [m³]."""
        return self.rate * self.hours


def answer(question: Question) -> Result:
    """Leaks by value."""
    meters = _meters(question.city, question.parameters)
    if not meters:
        raise UsageProblem(
            f"no customer meter of water matches `{question.parameters['meters']}`",
            hint="a customer meter has `role: consumption`; `cityctl data status` lists the points",
        )
    found: list[Leak] = []
    heard, rare, judged = 0, 0, 0
    steps = Counter[float]()
    _keep_counters(question, meters)
    for some in _batches(meters):
        _hand_over(question, some)
        _halve(question, some)
        ((had, seldom, told),) = question.engine.rows(question.sql("heard"))
        if question.parameters["unsent"]:  # what is not there tells as much as what is
            told = had - seldom
        heard, rare, judged = heard + int(had), rare + int(seldom), judged + int(told)
        steps.update(_coarse_steps(question))
        found += _leaks(question, some)
    price = price_of(question.city)
    shown = [one for one in found if one.until is None or not question.parameters["running"]]
    shown.sort(key=lambda one: (-one.volume, one.meter))
    running = [one for one in found if one.until is None]
    running.sort(key=lambda one: (-one.volume, one.meter))
    money = replace(COLUMNS[7], unit=question.city.currency)
    columns = [money if one.key == "leak_cost" else one for one in COLUMNS]
    zones = {point.id: point.zone for point in meters}
    missing = [
        Missing(f"{count} of {len(meters)} meters", why)
        for count, why in (
            (len(meters) - heard, "no readings"),
            (rare, "read less often than every hour and a half"),
            (heard - rare - judged, "never good readings in each of 24 hours on end"),
        )
        if count
    ]
    lost = 24 * sum(one.rate for one in running)
    said = f"{len(running)} of {judged} meters run on, {lost:.1f} m³ a day in all"
    if price is not None:
        said += f", {lost * price:.2f} {question.city.currency} a day"
    notes = list(NOTES)
    if steps:
        said += f"; {steps.total()} count in steps of {_litres(min(steps))} or more"
        each = ", ".join(f"{count} of {_litres(step)}" for step, count in sorted(steps.items()))
        notes.append(
            f"Limits: meters that count in coarse steps: {each}. A leak of less than a step in an hour shows pauses "
            "there that are none, and is not told."
        )
    return Result(
        title=TITLE,
        tables=[
            Table("customer_leaks", TITLE, columns, [_row(question, one, zones, price) for one in shown])
        ],
        interval=question.interval,
        findings=[_finding(question, one) for one in running[: question.parameters["named"]]],
        completeness=Completeness(len(meters), judged, missing, "meters"),
        notes=notes,
        summary=said,
    )


def _batches(meters: list[Point]) -> Iterator[list[Point]]:
    """Meters that are looked at together: of one kind and neighbours by name, as the store keeps them."""
    kinds = sorted({point.kind for point in meters})
    for kind in kinds:
        own = sorted((point for point in meters if point.kind == kind), key=lambda point: point.id)
        size = AT_A_TIME[kind]
        yield from (own[first : first + size] for first in range(0, len(own), size))


def _litres(step: float) -> str:
    """A step [m³] as people say it."""
    return f"{1000 * step:.4g} L"


def _pulse(point: Point) -> float | None:
    """The finest step [m³] that is coarse, as a power of ten of the unit that city.yaml speaks; None of flows."""
    if point.quantity != "volume":
        return None
    litre = units.convert(0.001, "m3", point.shown_unit)
    power = 10.0 ** math.ceil(math.log10(COARSE_STEP * litre) - 1e-9)
    return units.convert(power, point.shown_unit, "m3")


def _coarse_steps(question: Question) -> Counter[float]:
    """Step [m³] -> how many of the meters count in it, of those whose steps are coarse."""
    since = (question.interval.end - TOLD_BY).astimezone(UTC).replace(tzinfo=None)
    rows = question.engine.rows(question.sql("coarse"), {"since": since})
    return Counter({step: count for step, count in rows if step is not None})


def _keep_counters(question: Question, meters: list[Point]) -> None:
    """Set the store's table of counters aside: each batch of meters takes its own from it."""
    if any(point.kind == "counter" for point in meters):
        question.engine.execute(question.sql("all_counters"))


def _hand_over(question: Question, meters: list[Point]) -> None:
    """The meters, with the time between their readings."""
    every = {point.id: point.every.total_seconds() if point.every else None for point in meters}

    def register() -> None:
        table = arrow.table(
            meter=arrow.texts(list(every)),
            kind=arrow.texts([point.kind for point in meters]),
            every_s=arrow.floats(list(every.values())),
            pulse=arrow.floats([_pulse(point) for point in meters]),
        )
        question.engine.register("leak_meters", table)

    register()
    if any(point.every is None and point.kind != "counter" for point in meters):
        every |= dict(question.engine.rows(question.sql("fullest")))
        register()


def _halve(question: Question, meters: list[Point]) -> None:
    """What each half of a day tells of each meter."""
    counting = {point.kind == "counter" for point in meters}
    names = [name for name, of in (("half_registers", True), ("half_amounts", False)) if of in counting]
    told = " union all ".join(f"({question.sql(name)})" for name in names)
    begin = _clock(question.interval).timestamp() % 43200
    question.engine.execute(f"create or replace table leak_halves as {told}", {"begin": begin})


def _leaks(question: Question, meters: list[Point]) -> list[Leak]:
    """Every leak of the interval, the ended ones too."""
    engine = question.engine
    counting = {point.kind == "counter" for point in meters}
    engine.execute("create or replace table likely_meters as " + question.sql("likely"))
    steps = ["amount_steps"] if False in counting else []
    if True in counting:
        engine.execute(question.sql("likely_counters"))
        steps.append("register_steps")
    union = " union all ".join(question.sql(name) for name in steps)
    engine.execute(f"create or replace view leak_steps as {union}")
    clock = {"clock": _clock(question.interval).replace(tzinfo=None)}
    engine.execute(question.sql("hours"), {"least": question.parameters["least"] / 1000, **clock})
    if question.parameters["unsent"]:
        engine.execute(question.sql("unsent"))
    engine.execute(question.sql("spans"))
    engine.execute(question.sql("runs"), {**clock, "edge": EDGE.total_seconds()})
    return [
        Leak(meter, _utc(since), None if until is None else _utc(until), rate, _utc(last) + HOUR)
        for meter, since, rate, last, until in engine.rows(question.sql("leaks"), clock)
    ]


def _clock(interval: Interval) -> datetime:
    """Where the first whole hour of the city's clock begins, in UTC: at a quarter past in Kathmandu."""
    local = interval.start.astimezone(interval.zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return (interval.start - into + (HOUR if into else timedelta())).astimezone(UTC)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _row(
    question: Question, leak: Leak, zones: Mapping[str, str | None], price: float | None
) -> tuple[object, ...]:
    if leak.until is not None:
        verdict = "ended"
    elif question.interval.end - leak.heard > SILENT:
        verdict = f"SILENT since {leak.heard.astimezone(question.interval.zone):%a %d %b}, ran on until then"
    else:
        verdict = "RUNS"
    return (
        leak.meter, zones[leak.meter], leak.rate * 1000, leak.since, leak.until, leak.hours / 24, leak.volume,
        None if price is None else leak.volume * price, verdict,
    )  # fmt: skip


def _rate(leak: Leak) -> str:
    return f"{leak.rate * 1000:.1f}" if leak.rate >= 0.001 else f"{leak.rate * 1000:.2g}"


def _finding(question: Question, leak: Leak) -> Finding:
    # One that ran before the interval has no known start: its name must not change as the interval moves on.
    known = leak.since - question.interval.start > HOUR
    return Finding(
        kind="customer leak",
        subject=leak.meter,
        since=leak.since if known else None,
        text=f"{_rate(leak)} L/h without a pause for {leak.hours / 24:.1f} days, {leak.volume:.1f} m³",
        evidence={"rate_l_h": leak.rate * 1000, "volume_m3": leak.volume},
    )


NOTES = (
    "Method: water that flowed in every one of 24 hours on end runs until the first hour that stands still. The rate "
    "is the smallest hour, but for the first day and, once it is over, the last, as far as a whole day is left: hours "
    "before it began, and after it was mended, may be the household's own. The volume is that rate by the time that it "
    "ran, not all that was used.",
    "Method: estimated, suspect and missing hours neither start nor end it; a step longer than an hour and a half "
    "tells only that all of it stood still. Meters that send pulses, and nothing while water stands still, show no end "
    "of a leak unless `--set unsent=yes` says that they do so. A leak that ran before the interval is told from the "
    "interval's start.",
    "Limits: cooling, fountains, softeners and round-the-clock trades flow without a pause too.",
)
