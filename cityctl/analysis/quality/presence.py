"""Data quality by point: how much of what was due is there and can be used, and which points are silent.

A point is due every `every` of city.yaml; one without it is not judged, as nobody knows when it should speak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cityctl import clock, glossary
from cityctl.analysis.patterns import points_of
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.clock import Interval
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table

TITLE = "Data quality"
SUMMARY = "how much of what each point should have said is there and can be used; silent points"
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("point"), glossary.column("zone"),
    Column("spoke_share", "Present", None, "readings that are there, of those that were due", "share", 1, 1),
    Column("usable_share", "Usable", None, "readings with a value that are not bad, of those that were due", "share",
           1, 2),
    Column("guessed_share", "Estimated", None, "readings that their source estimated, of those there", "share", 1, 5),
    Column("doubted_share", "Suspect", None, "readings that may be wrong, of those there", "share", 1, 4),
    Column("silence_h", "Longest gap", "h", "longest time between two readings, or to an end of the interval",
           "number", 1, 3),
    Column("last_heard", "Last heard", None, "time of the last reading in the interval", "time", priority=6),
    glossary.column("verdict"),
)
# fmt: on
_BY_KEY = {one.key: one for one in COLUMNS}
# fmt: off
PARAMETERS: tuple[Parameter, ...] = (
    Parameter("points", "text", "*", None, "ids of the points, `*` for any letters, several with commas"),
    Parameter("least_present", "share", 0.95, None, "below this share of usable readings a point has gaps",
              least=0, most=1),
    Parameter("most_suspect", "share", 0.05, None, "above this share of suspect readings a point is suspect",
              least=0, most=1),
    Parameter("silent_after", "number", 4.0, None, "a point is silent so many of its intervals after its last reading",
              least=1),
    Parameter("sound", "flag", True, None, "show the points too with which nothing is wrong"),
)
# fmt: on


@dataclass(frozen=True)
class _Heard:
    """What the readings of one point tell; times are aware UTC."""

    readings: int
    usable: int
    estimated: int
    suspect: int
    first: datetime
    last: datetime
    silence: timedelta


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """The points that speak at a known interval and are not worked out from others."""
    return [point.id for point in _due(city, str(parameters["points"]))]


def _due(city: City, chosen: str) -> list[Point]:
    known = (point for point in city.points().values() if point.every is not None and point.formula is None)
    return points_of(chosen, known, "point of a known interval")


def answer(question: Question) -> Result:
    """Each point with its verdict, the worst first; a silent or gappy point is a finding."""
    asked, interval = question.parameters, question.interval
    due = _due(question.city, str(asked["points"]))
    if not due:
        raise UsageProblem(
            "no point has an `every` in city.yaml",
            hint="points: {flow: {every: 15m, ...}} says how often a reading is due",
        )
    heard = _heard(question)
    rows: list[tuple[object, ...]] = []
    findings: list[Finding] = []
    wanted = had = 0
    missing: list[Missing] = []
    for point in due:
        assert point.every is not None
        count = max(1, round((interval.end - interval.start) / point.every))
        one = heard.get(point.id)
        wanted += count
        if one is None:
            rows.append(
                _row(question, point, 0.0, 0.0, None, None, _length(interval), None, "SILENT throughout")
            )
            missing.append(Missing(point.id, "no readings in the interval"))
            continue
        had += min(count, one.readings)
        present, usable = min(1.0, one.readings / count), min(1.0, one.usable / count)
        silence = max(one.silence, one.first - interval.start, interval.end - one.last - point.every)
        doubted = one.suspect / one.readings
        verdict, since = _verdict(point.every, one, usable, doubted, silence, question)
        rows.append(
            _row(
                question,
                point,
                present,
                usable,
                one.estimated / one.readings,
                doubted,
                silence,
                one.last,
                verdict,
            )
        )
        if verdict != "normal":
            findings.append(Finding("data-quality", point.id, since, verdict))
    rows.sort(key=lambda row: (row[-1] == "normal", float(str(row[3])), str(row[0])))
    shown = rows if asked["sound"] else [row for row in rows if row[-1] != "normal"]
    poor = len(findings) + len(missing)
    return Result(
        title=TITLE,
        tables=[Table("points", TITLE, list(COLUMNS), shown)],
        interval=interval,
        findings=findings,
        completeness=Completeness(wanted, had, missing, "readings"),
        summary=f"{poor} of {len(due)} points silent, with gaps or suspect",
    )


def _heard(question: Question) -> dict[str, _Heard]:
    told = {}
    for name, readings, usable, estimated, suspect, first, last, silence in question.engine.rows(
        question.sql("presence")
    ):
        ends = (first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
        told[name] = _Heard(readings, usable, estimated, suspect, *ends, silence or timedelta(0))
    return told


def _length(interval: Interval) -> timedelta:
    return interval.end - interval.start


def _row(
    question: Question,
    point: Point,
    present: float,
    usable: float,
    estimated: float | None,
    suspect: float | None,
    silence: timedelta,
    last: datetime | None,
    verdict: str,
) -> tuple[object, ...]:
    zone = question.city.zones.get(point.zone) if point.zone else None
    named = (zone.name or point.zone) if zone else point.zone
    hours = max(0.0, silence.total_seconds() / 3600)
    return (point.id, named, present, usable, estimated, suspect, hours, last, verdict)


def _verdict(
    every: timedelta, one: _Heard, usable: float, suspect: float, silence: timedelta, question: Question
) -> tuple[str, datetime | None]:
    """What follows, and since when: silence at the end goes before gaps, and gaps before doubts."""
    asked, interval = question.parameters, question.interval
    if interval.end - one.last > float(asked["silent_after"]) * every:
        local = one.last.astimezone(interval.zone)
        return f"SILENT since {local:%a} {local.day} {local:%b %H:%M}", one.last
    if usable < float(asked["least_present"]):
        return f"GAPS of up to {clock.short(silence)}", interval.start
    if suspect > float(asked["most_suspect"]):
        return "SUSPECT readings", interval.start
    return "normal", None
