"""Pressure by sensor and zone: too low, too high, sudden steps, and what a lower pressure would save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date
from typing import Any

from cityctl import arrow, clock, glossary
from cityctl.analysis.question import Parameter, Question
from cityctl.analysis.water import night_flow, zone_nights
from cityctl.analysis.water.balancing.formulas import favad
from cityctl.analysis.water.basis.prices import price_of
from cityctl.analysis.water.basis.small import sized
from cityctl.analysis.water.basis.zones import asked, gauges, sensor_label
from cityctl.analysis.water.night_use import exponent_for
from cityctl.analysis.water.pressures.heads import HEAD as _HEAD
from cityctl.analysis.water.pressures.heads import Told, told_by
from cityctl.analysis.water.pressures.schedule import NOTHING, Change, Departed, Planned, departed, plan
from cityctl.analysis.water.pressures.standing import Stand, stands
from cityctl.analysis.water.pressures.together import HIGHEST
from cityctl.analysis.water.zone_nights import ZoneNights, day_of, inside, median
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.units import convert
from cityctl.wording import counted

TITLE = "Pressure"
SUMMARY = "pressure of each sensor, sudden steps, and what a lower pressure would save in each zone"
# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("gauge", "Sensor", None, "pressure sensor: device/point, or the point", priority=1),
    glossary.column("zone"),
    Column("head_mean", "Mean", _HEAD, "mean pressure", "number", 1, 1),
    Column("head_p5", "5 %", _HEAD, "pressure that it is below in 5 % of the time", "number", 1, 3),
    Column("head_p95", "95 %", _HEAD, "pressure that it is above in 5 % of the time", "number", 1, 3),
    Column("head_least", "Least", _HEAD, "lowest reading", "number", 1, 2),
    Column("head_most", "Most", _HEAD, "highest reading", "number", 1, 2),
    Column("transients", "Steps", None, "changes from one reading to the next beyond the limit", "integer", 0, 3),
    Column("largest_step", "Largest step", _HEAD, "largest change from one reading to the next", "number", 1, 4),
    Column("daily_changes", "By schedule", None, "steps that come at the same time on most days", priority=5),
    Column("read_every", "Every", None, "time between two readings: faster transients are not seen", priority=6),
    glossary.column("verdict"),
    Column("night_leakage", "Leakage", "m3/h", "night flow less use by night and exceptional users", "number", 1, 1),
    Column("n1", "N1", None, "exponent of leakage by pressure", "number", 2, 5),
    Column("n1_from", "N1 from", None, "how the exponent was come by, with its 95 % interval", priority=7),
    Column("head_night", "By night", _HEAD, "mean pressure by night, median of the nights", "number", 1, 1),
    Column("head_lower", "Lowered to", _HEAD, "mean pressure by night after lowering", "number", 1, 3),
    Column("saved_share", "Saves", None, "share of the leakage that the lower pressure saves", "share", 2, 1),
    Column("saved_m3_day", "Saves a day", "m3/d", "leakage of a day that the lower pressure saves", "number", 1, 2),
    Column("saved_money_year", "Worth", "money", "worth of a year's saving at the city's flat price of water", "number",
           0, 3),
)
# fmt: on
BY_KEY = {one.key: one for one in COLUMNS}
_SENSORS = ("gauge", "zone", "head_mean", "head_p5", "head_p95", "head_least", "head_most", "transients",
            "largest_step", "daily_changes", "read_every", "verdict")  # fmt: skip
_SAVINGS = ("zone", "head_night", "head_lower", "night_leakage", "n1", "n1_from", "saved_share", "saved_m3_day",
            "saved_money_year", "verdict")  # fmt: skip
PARAMETERS = (
    *zone_nights.PARAMETERS,
    Parameter("least_pressure", "number", 20.0, _HEAD, "pressure below which customers are served badly", least=0),
    Parameter("most_pressure", "number", 80.0, _HEAD, "pressure above which pipes and fittings suffer", least=0),
    Parameter("step", "number", 5.0, _HEAD, "change from one reading to the next that counts as a transient",
              least=0.1),
    Parameter("lower", "share", 0.1, None, "by which share a zone's pressure is to be lowered", least=0.001, most=0.9),
    Parameter("n1", "number", None, None, "exponent of leakage by pressure; from data where left out, else 1",
              least=0.3, most=2.5),
    Parameter("use_share", "share", None, None, "legitimate use as a share of night flow, in place of meters or people",
              least=0, most=1),
)  # fmt: skip
HEAD = convert(1.0, "bar", _HEAD)


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Pressure sensors, and what tells the leakage of their zones."""
    return list(
        dict.fromkeys([*gauges(city, asked(city, parameters)), *zone_nights.points(city, parameters)])
    )


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The history before the interval too."""
    return night_flow.window(interval, parameters, city)


@dataclass(frozen=True)
class Gauge:
    """What one sensor showed [m of head]; `low` and `high`: its 5th and 95th percentile."""

    point: str
    mean: float
    low: float
    high: float
    least: float
    most: float
    transients: int
    largest: float | None
    stand: Stand
    planned: tuple[Planned, ...] = ()
    beside: Departed = NOTHING

    @property
    def sound(self) -> bool:
        """Whether what it shows can be a pressure of these days."""
        return not self.stand.frozen and self.most > 0 and self.low <= HIGHEST


def answer(question: Question) -> Result:
    """Sensors with their verdicts, and the zones' savings."""
    sensors = gauges(question.city, asked(question.city, question.parameters))
    if not sensors:
        raise UsageProblem(
            "no pressure sensor in these zones",
            hint="a point of pressure needs `zone:`, or its zone's network",
        )
    found = _gauges(question, sensors)
    known = question.city.points()
    told = told_by(known[name] for name in sensors)
    rows, findings = [], []
    for one in found:
        verdict = _verdict(question, one, told)
        rows.append(_row(question, one, told, verdict))
        if verdict != "normal":
            name = sensor_label(question.city, one.point)
            findings.append(Finding("pressure", name, None, verdict))
    missing = [Missing(name, "no readings") for name in sensors if name not in {one.point for one in found}]
    tables = [told.table(Table("sensors", TITLE, [BY_KEY[key] for key in _SENSORS], rows))]
    zones = [one for one in zone_nights.read(question) if one.gauges]
    lowest = dict(question.engine.rows(question.sql("pressure_lowest"), _between(question))) if zones else {}
    savings = [_saving(question, one, found, lowest, told) for one in zones]
    if savings:
        title = f"What {100 * question.parameters['lower']:g} % less pressure would save"
        money = replace(BY_KEY["saved_money_year"], unit=question.city.currency)
        columns = [money if key == "saved_money_year" else BY_KEY[key] for key in _SAVINGS]
        tables.append(told.table(sized(Table("lower_pressure", title, columns, savings))))
    return Result(
        title=TITLE,
        tables=tables,
        interval=question.interval,
        findings=findings,
        completeness=Completeness(len(sensors), len(found), missing, "sensors"),
        notes=list(NOTES),
        summary=f"{len(findings)} of {len(found)} sensors are worth a look",
    )


def _between(question: Question) -> dict[str, Any]:
    """The interval as statements take it."""
    ends = (question.interval.start, question.interval.end)
    since, until = (moment.astimezone(UTC).replace(tzinfo=None) for moment in ends)
    return {"since": since, "until": until}


def _gauges(question: Question, sensors: list[str]) -> list[Gauge]:
    question.engine.register("pressure_points", arrow.table(point=arrow.texts(sensors)))
    between = _between(question)
    classes: dict[str, list[tuple[float, int]]] = defaultdict(list)
    ends_of: dict[str, tuple[float, float]] = {}
    for point, low, readings, least, most in question.engine.rows(question.sql("pressure_classes"), between):
        classes[point].append((low, readings))
        ends_of[point] = ends_of.get(point, (least, most))[0], most  # classes come in order
    limit = question.parameters["step"] / HEAD
    for name in ("pressure_pace", "pressure_values", "pressure_changed"):
        question.engine.execute(question.sql(name))
    question.engine.execute(question.sql("pressure_moves"), {"step": limit})
    told = []
    schedules = _schedules(question, between)
    still = stands(question)
    for point, mean, largest, transients in question.engine.rows(question.sql("pressure_steps"), between):
        least, most = ends_of[point]
        low, high = (max(least, min(most, percentile(classes[point], share))) for share in (0.05, 0.95))
        told.append(
            Gauge(point, mean * HEAD, low * HEAD, high * HEAD, least * HEAD, most * HEAD, int(transients),
                  None if largest is None else largest * HEAD, still[point], *schedules.get(point, ()))
        )  # fmt: skip
    return told


def _schedules(
    question: Question, asked_for: Mapping[str, Any]
) -> dict[str, tuple[tuple[Planned, ...], Departed]]:
    """Sensor -> what changes there by the clock, learnt from the history and the interval, and what departs from it."""
    changes: dict[str, list[Change]] = defaultdict(list)
    for point, day, minute, steps, size in question.engine.rows(question.sql("pressure_changes"), asked_for):
        changes[point].append(Change(day_of(day), int(minute), int(steps), size * HEAD))
    readings: dict[str, dict[date, int]] = defaultdict(dict)
    for point, day, count in question.engine.rows(question.sql("pressure_days")):
        readings[point][day_of(day)] = count
    zone, limit = question.interval.zone, question.parameters["step"]
    first, end = (one.astimezone(zone) for one in (question.interval.start, question.interval.end))
    known = sorted({day for own in readings.values() for day in own})
    kinds = zip(known, question.city.kinds_of(known), strict=True)
    free = {day for day, kind in kinds if kind in question.city.days_of_rest}
    told = {}
    for point, own in changes.items():
        usual = median(readings[point].values()) or 0.0
        days = [day for day, count in readings[point].items() if count >= 0.9 * usual]
        planned = plan(own, days, free)
        whole = [day for day in days if first.date() <= day < end.date()]
        told[point] = tuple(planned), departed(planned, own, whole, limit, free)
    return told


def percentile(classes: list[tuple[float, int]], share: float, width: float = 0.05) -> float:
    """The value below which that share of the readings lies; `classes`: lower ends in order, and their readings."""
    wanted, before = share * sum(count for _, count in classes), 0
    for low, count in classes:
        if before + count >= wanted:
            return low + width * (wanted - before) / count
        before += count
    return classes[-1][0] + width


def _verdict(question: Question, one: Gauge, told: Told) -> str:
    given = question.parameters
    said = []
    if one.stand.frozen:
        if one.stand.since is None:
            return f"FROZEN at {told.figure(one.mean)}"
        since = one.stand.since.astimezone(question.interval.zone)
        return f"FROZEN since {since:%a} {since.day} {since:%b %H:%M}"
    if not one.sound:
        return f"IMPLAUSIBLE {told.figure(one.mean)}: check its unit and its sensor"
    if one.low < given["least_pressure"]:
        said.append(f"LOW below {told.limit(given['least_pressure'])} in 5 % of the time or more")
    if one.high > given["most_pressure"]:
        said.append(f"HIGH above {told.limit(given['most_pressure'])} in 5 % of the time or more")
    if one.beside.steps:
        beside = " beside those by schedule" if one.planned else ""
        largest = told.figure(one.beside.largest)
        said.append(
            f"STEPS {one.beside.steps} of {told.limit(given['step'])} or more{beside}, the largest {largest}"
        )
    for change, days in one.beside.left_out.items():
        last = f"{days[-1]:%a} {days[-1].day} {days[-1]:%b}"
        said.append(f"LEFT OUT {change.said(told)} on {counted(len(days), 'day')}, the last {last}")
    return "; ".join(said) or "normal"


def _row(question: Question, one: Gauge, told: Told, verdict: str) -> tuple[object, ...]:
    point = question.city.points()[one.point]
    every = None if point.every is None else clock.short(point.every)
    planned = one.planned if one.sound else ()  # what cannot be a pressure has no schedule
    return (
        sensor_label(question.city, one.point), point.zone, one.mean, one.low, one.high, one.least, one.most,
        one.transients, one.largest, ", ".join(own.said(told) for own in planned) or None, every, verdict,
    )  # fmt: skip


def _saving(
    question: Question, nights: ZoneNights, found: list[Gauge], lowest: Mapping[str, int], told: Told
) -> tuple[object, ...]:
    """What the lower pressure would save in a zone, and whether its lowest sensor allows it.

    `lowest`: the hour in which each sensor shows least. By day more is taken off than by night, where a valve reduces
    pressure by night already.
    """
    asked_for = question.parameters
    use, _ = nights.night_use(asked_for["use_share"])
    mean = median(inside(question, nights.mean).values())
    head = median(inside(question, nights.heads).values())
    name = nights.zone.name
    within = set(question.city.zones_within(nights.zone.zone))
    known = question.city.points()
    critical = min(
        (one for one in found if one.sound and known[one.point].zone in within),
        key=lambda one: one.low,
        default=None,
    )
    verdict = "possible" if critical else "NOT ASSESSABLE no sensor to tell how far it may fall"
    if head is None:
        none = "NOT ASSESSABLE no night with pressure" if critical else verdict
        return (name, *[None] * (len(_SAVINGS) - 2), none)
    lowered = head * (1 - asked_for["lower"])
    n1, n1_from = exponent_for(nights, asked_for["n1"], use)
    share = 1 - favad(head, lowered, n1)
    times = nights.hours.get(lowest.get(critical.point, -1), 1.0) if critical else 1.0
    if critical and (left := critical.low - (head - lowered) * times) < asked_for["least_pressure"]:
        verdict = (
            f"LIMITED {sensor_label(question.city, critical.point)} would fall to {told.figure(left, '.0f')}"
        )
    if nights.untold:
        verdict = f"NOT ASSESSABLE {nights.untold}"
    if mean is None or use is None or nights.untold:
        return (name, head, lowered, None, n1, n1_from, share, None, None, verdict)
    leakage = max(mean - use, 0.0)
    saved = leakage * nights.night_day(n1) * share
    price = price_of(question.city)
    worth = None if price is None else saved * 365.25 * price
    return (name, head, lowered, leakage, n1, n1_from, share, saved, worth, verdict)


NOTES = (
    "Method: pressures are in metres of head, or in psi where all sensors are. A sensor that shows one value for two "
    "days, and for twice as long as it did three times before and went on, tells nothing; nor does one above 300 m of "
    "head, or at none. A zone's pressure is the mean of the others, where one that is silent keeps what it lies above "
    "them. Percentiles are read from classes of half a metre. A step is "
    "the change from one reading to the next, where no more than an hour lies between: faster transients than the "
    "readings are not seen. Where readings come oftener than every ten seconds it is what their medians of ten seconds "
    "change by within half a minute, seven times what they usually do at least.",
    "Method: a step that comes at the same time, within half an hour, on eight of ten days (or six of ten workdays, or "
    "weekend days) is by schedule: night reduction, or use by the clock. It is listed and no warning; what comes "
    "beside it, is half as large again, or is left out on a day, is one.",
    "Method: leakage follows pressure as (P1/P0)^N1 (FAVAD). N1 is the slope of the logarithms of leakage and pressure "
    "by night, where pressure varied by a twentieth or more and the slope's 95 % interval is no wider than 1; else 1. "
    "The saving of a day counts every hour's pressure lowered by the same share.",
    "Source: May (1994), Pressure dependent leakage; Lambert (2001); IWA Water Loss Task Force, pressure management; "
    "Harvey and Durbin (1986) for the interval of N1.",
    "Limits: how far pressure may be lowered is told by the sensor with the least pressure only, in its lowest hour; "
    "high buildings and fire flow are for the engineer to say. A sensor that is set wrong, or stands at "
    "another height than the zone's "
    "mean, moves N1. Use that falls with pressure is not counted.",
)
