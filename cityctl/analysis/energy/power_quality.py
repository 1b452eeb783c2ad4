"""Power quality: voltage, unbalance, flicker and distortion of each supply point by week, after EN 50160."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cityctl import glossary
from cityctl.analysis.energy.basis import subjects
from cityctl.analysis.energy.basis.early import from_early, keep_clocks
from cityctl.analysis.energy.grid.supply_readings import (
    SupplyReadings,
    marks_of,
    nominal_voltage,
    read_supply,
)
from cityctl.analysis.energy.grid.voltage_quality import (
    RULES,
    Mean,
    Rule,
    Week,
    blocks,
    judge,
)
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.clock import Interval, local_days, midnight
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.wording import counted

TITLE = "Power quality"
SUMMARY = "voltage, unbalance, flicker and distortion of each supply point by week, after EN 50160"
FLAG = "flagged"
_ROLES = (*RULES, "pst")
# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("supply_point", "Supply point", None, "the asset or zone whose supply is measured", priority=2),
    glossary.column("point"),
    Column("week_of", "Week of", None, "first local day of the week", "date", priority=1),
    Column("rule", "Rule", None, "what the standard asks for", priority=2),
    Column("clause", "Clause", None, "where in the standard", priority=6),
    Column("blocks", "Blocks", None, "means that a whole week has", "integer", 0, 6),
    Column("valid_blocks", "Valid", None, "means that were recorded and are not flagged", "integer", 0, 4),
    Column("flagged_blocks", "Flagged", None, "means left out: a dip, a swell or an interruption, or a doubtful "
           "reading in them", "integer", 0, 4),
    Column("block_coverage", "Recorded", None, "share of the week's means that were recorded", "share", 1, 3),
    Column("outside_blocks", "Outside", None, "valid means outside the band", "integer", 0, 1),
    Column("allowed_blocks", "Allowed", None, "how many of them the standard allows in that week", "integer", 0, 2),
    Column("allowance_left", "Left", None, "how many more were allowed; below 0: how many were too many", "integer", 0,
           3),
    Column("worst_mean", "Worst", None, "the mean furthest outside, or nearest to the edge of the band", "number", 2,
           3),
    glossary.column("unit", priority=3), glossary.column("verdict"),
)
# fmt: on
PARAMETERS = (
    Parameter("nominal", "number", 230.0, "V", "nominal voltage where city.yaml names none", least=1.0),
    Parameter(
        "least",
        "share",
        0.95,
        None,
        "share of a week's blocks that it takes to assess it",
        least=0.5,
        most=1.0,
    ),
)


def _wanted(city: City) -> list[Point]:
    return sorted(
        (point for point in city.points().values() if point.role in _ROLES),
        key=lambda point: (_place(point), _ROLES.index(str(point.role)), point.id),
    )


def _place(point: Point) -> str:
    return point.asset or point.zone or point.id


def _flags(city: City) -> dict[str, list[str]]:
    """Supply point -> the points that mark its blocks, such as one of dips and one of swells."""
    found: dict[str, list[str]] = {}
    for point in city.points().values():
        if point.role == FLAG:
            found.setdefault(_place(point), []).append(point.id)
    return found


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Points with a role of power quality, and those that flag their blocks."""
    del parameters
    wanted = _wanted(city)
    places, flags = {_place(point) for point in wanted}, _flags(city)
    return [
        *(point.id for point in wanted),
        *sorted(one for place in places & flags.keys() for one in flags[place]),
    ]


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The interval, and readings of its first slot that are stamped early."""
    del parameters, city
    return from_early(interval)


def weeks(interval: Interval) -> list[tuple[datetime, datetime]]:
    """Whole local weeks from Monday in an interval; without one, its spans of 7 days. Raises UsageProblem."""
    found = []
    for day, start, _ in local_days(interval):
        end = midnight(day + timedelta(days=7), interval.zone)
        if day.weekday() == 0 and start >= interval.start and end <= interval.end:
            found.append((start, end))
    if found:
        return found
    start = interval.start.replace(minute=interval.start.minute // 10 * 10, second=0, microsecond=0)
    while (end := _week_on(start, interval)) <= interval.end:
        found.append((start, end))
        start = end
    if not found:
        raise UsageProblem(
            f"no whole week in {interval}", hint="EN 50160 judges weeks: `--last last-week` or `--last 7d`"
        )
    return found


def _week_on(start: datetime, interval: Interval) -> datetime:
    """The same wall time seven local days on."""
    return (start.astimezone(interval.zone) + timedelta(days=7)).astimezone(UTC)


def answer(question: Question) -> Result:
    """Each rule of each point and week with its verdict: failing ones first, then those not assessable."""
    import numpy as np

    city = question.city
    wanted = _wanted(city)
    if not wanted:
        raise UsageProblem(
            "no point of power quality in city.yaml",
            hint="points: {l1: {unit: V, every: 10m, zone: north, role: voltage}}; roles: voltage, unbalance, thd, "
            "plt, pst, and flagged for a state that marks blocks with an event",
        )
    spans = weeks(question.interval)
    asked = points(city, question.parameters)
    keep_clocks(question, asked)
    marks = {
        place: [marks_of(question, one) for one in these if one in asked]
        for place, these in _flags(city).items()
    }
    rows: list[tuple[object, ...]] = []
    lacking: list[Missing] = []
    findings: list[Finding] = []
    interrupted: dict[str, list[Any]] = {}
    silent, called = 0, subjects.of_points(city)
    for point in wanted:
        read = read_supply(question, point)
        if isinstance(read, str):
            lacking.append(Missing(point.id, read))
            silent += 1
            continue
        flagged = np.concatenate([read.doubtful, *marks.get(_place(point), [])])
        if (
            point.role == "voltage"
        ):  # the next ones of its place, after all voltages, have no meaning without it
            interrupted[_place(point)] = [*interrupted.get(_place(point), []), read.interrupted]
        else:
            flagged = np.concatenate([flagged, *interrupted.get(_place(point), [])])
        for start, end in spans:
            for rule in RULES["plt" if point.role == "pst" else str(point.role)]:
                week = _week(question, point, rule, replace(read, doubtful=flagged), start, end)
                verdict = _verdict(rule, week)
                local = start.astimezone(question.interval.zone).date()
                factor = nominal_voltage(question, point) if point.role == "voltage" else 1.0
                worst = None if week.worst is None else week.worst * factor
                rows.append(
                    (_place(point), point.id, local, rule.name, rule.clause, week.expected, week.valid, week.flagged,
                     week.coverage, week.outside, week.allowed, week.left, worst, rule.unit, verdict)
                )  # fmt: skip
                if week.fails:
                    subject = f"{called[point.id]}: {rule.name}"
                    evidence = {"point": point.id, "outside": week.outside, "allowed": week.allowed}
                    findings.append(Finding("power-quality", subject, start, verdict, evidence=evidence))
                elif week.fails is None:
                    lacking.append(Missing(point.id, f"week of {local}, {rule.name}: {week.why}"))
    rank = {"F": 0, "N": 1, "p": 2}
    rows.sort(key=lambda row: (rank[str(row[-1])[0]], str(row[0]), str(row[1]), str(row[2])))
    failing, assessed = len(findings), sum(str(row[-1])[0] != "N" for row in rows)
    return Result(
        title=TITLE,
        tables=[Table("weeks", TITLE, list(COLUMNS), rows)],
        interval=question.interval,
        findings=findings,
        completeness=Completeness(len(rows) + silent, assessed, lacking, "rules"),
        notes=[*NOTES, *_not_judged(question.interval, spans)],
        summary=f"{failing} of {assessed} weekly rules fail, {len(rows) - assessed} are not assessable",
    )


def _not_judged(interval: Interval, spans: list[tuple[datetime, datetime]]) -> list[str]:
    """That days of the interval are in no whole week, where they are."""
    before = spans[0][0] - interval.start
    after = interval.end - spans[-1][1]
    rest = [
        f"{round(length / timedelta(days=1), 1):g} d {where}"
        for length, where in ((before, "before"), (after, "after"))
        if length >= timedelta(hours=1)
    ]
    if not rest:
        return []
    weeks_said = counted(len(spans), "whole week")
    return [f"Limits: judged: {weeks_said} of the interval; {' and '.join(rest)} lie in none"]


def _week(
    question: Question, point: Point, rule: Rule, read: SupplyReadings, start: datetime, end: datetime
) -> Week:
    import numpy as np

    at, value, each, flagged = read.at, read.value, read.each, read.doubtful
    begin, width = round(start.timestamp() * 1e6), rule.minutes * 60_000_000
    count = round((end - start).total_seconds() * 1e6) // width
    means: dict[str, Mean] = {"pst": "cube", "plt": "last"}
    found = blocks(at, value, begin, count, rule.minutes, each, means.get(str(point.role), "square"))
    mark = np.zeros(count, bool)
    place = (flagged - begin) // width
    mark[place[(place >= 0) & (place < count)]] = True
    return judge(rule, found, mark, question.parameters["least"])


def _verdict(rule: Rule, week: Week) -> str:
    share = "all" if rule.percent == 100 else f"{rule.percent} %"
    said = f"{rule.name} for {share} of the week (EN 50160, {rule.clause})"
    blocks_said = f"{week.outside} of {week.valid} blocks outside, {week.allowed} allowed"
    if week.valid + week.flagged < week.expected:
        blocks_said += f"; {week.valid + week.flagged} of {week.expected} recorded"
    if week.fails is None:
        return f"NOT ASSESSABLE: {said}: {week.why}"
    if week.fails:
        return f"FAILS: {said}: {blocks_said}"
    return f"passes: {said}: {blocks_said}, {week.left} left"


NOTES = (
    "Method: 10-minute means (roots of the mean square; P_lt: 2 hours, from P_st where that is metered) of a "
    "local week. Of N blocks floor(5 % of N) may lie outside: 50 of 1 008. Blocks that hold a doubtful reading, a "
    "voltage below 5 % of the nominal one, or a mark of a point with `role: flagged` are left out; what has no "
    "supply has no unbalance, flicker or distortion either. A mark without `every` holds until the next.",
    "Method: NOT ASSESSABLE where less than `least` of the blocks were recorded, most of them are flagged, or the lost "
    "ones could tip the verdict; where more lie outside already than a whole week allows, it fails. The standard asks "
    "for the whole week: `least=100 %` is that strict. At 95 % the lost blocks alone cannot use up the allowance; the "
    "rule about all means is then about the recorded ones.",
    "Source: EN 50160:2010, clause 4, low voltage; IEC 61000-4-30 (means, flagging); IEC 61000-4-15 (P_lt).",
    "Limits: the meter's class is not known here: a verdict for a dispute needs class A. Frequency (10-second means of "
    "a year), single harmonics, dips and swells are not judged. In some areas 3 % of unbalance is allowed.",
)
