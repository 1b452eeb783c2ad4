"""Tests of each sensor before anybody judges by it: gaps, range, spikes, rate of change, flat lines, counters.

Reads the series and chooses thresholds; the tests themselves are qartod.py's, verdicts and stretches tested.py's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from cityctl import arrow, glossary, units
from cityctl.analysis.patterns import points_of
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table

if TYPE_CHECKING:
    from cityctl.analysis.quality.tested import Tested

TITLE = "Sensor tests"
SUMMARY = (
    "gaps, range, spikes, rate of change, flat lines and counters of each sensor, with the flags of QARTOD"
)
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("point"), glossary.column("zone"),
    Column("tested", "Readings", None, "readings in the interval", "integer", priority=4),
    Column("passed_share", "Passed", None, "readings that pass every test, of those that were due", "share", 1, 1),
    Column("gap_count", "Gaps", None, "times without a reading for longer than the limit", "integer", priority=3),
    Column("range_count", "Range", None, "readings outside the range", "integer", priority=2),
    Column("spike_count", "Spikes", None, "readings that stand out from both neighbours", "integer", priority=2),
    Column("rate_count", "Rate", None, "readings to which the value changed too fast", "integer", priority=3),
    Column("flat_count", "Flat", None, "readings of a value that no longer changes", "integer", priority=2),
    Column("counter_count", "Counter", None, "resets, exchanges and roll-overs of a register", "integer", priority=4),
    glossary.column("verdict"),
    Column("test_name", "Test", None, "gap, range, spike, rate, flat or counter", priority=1),
    Column("flag_word", "Flag", None, "suspect, fail or missing", priority=1),
    glossary.column("since"), glossary.column("until"),
    Column("flagged", "Flagged", None, "readings that bear the flag", "integer", priority=3),
    Column("flagged_least", "Least", None, "smallest value of them, in the point's unit", "number", 3, 4),
    Column("flagged_most", "Most", None, "largest value of them, in the point's unit", "number", 3, 4),
    Column("at_once", "At once", None, "sensors with the same trouble within the hour: many at once are a common cause",
           "integer", priority=5),
    glossary.column("time"), glossary.column("value"), glossary.column("unit"),
    Column("flag_code", "Flag", None, "worst flag: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing", "integer",
           priority=1),
    Column("range_flag", "Range", None, "flag of the gross range", "integer", priority=2),
    Column("spike_flag", "Spike", None, "flag of the spike test", "integer", priority=2),
    Column("rate_flag", "Rate", None, "flag of the rate of change", "integer", priority=2),
    Column("flat_flag", "Flat", None, "flag of the flat line", "integer", priority=2),
)
_BY_KEY = {one.key: one for one in COLUMNS}
_SENSORS = ("point", "zone", "tested", "passed_share", "gap_count", "range_count", "spike_count", "rate_count",
            "flat_count", "counter_count", "verdict")
_EVENTS = ("point", "test_name", "flag_word", "since", "until", "flagged", "flagged_least", "flagged_most", "unit",
           "at_once")
_READINGS = ("point", "time", "value", "unit", "flag_code", "range_flag", "spike_flag", "rate_flag", "flat_flag")


def _limit(name: str, meaning: str, **more: Any) -> Parameter:
    return Parameter(name, "number", None, None, meaning, **more)


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("points", "text", "*", None, "ids of the points, `*` for any letters, several with commas; customers' "
              "meters are tested where they are named only"),
    Parameter("gap", "number", 4.0, None, "of a point's intervals without a reading are a gap", least=1),
    _limit("low", "below this a reading fails, in the point's unit; what the quantity can be where left out"),
    _limit("high", "above this a reading fails, in the point's unit; what the quantity can be where left out"),
    _limit("suspect_low", "below this a reading is suspect, in the point's unit"),
    _limit("suspect_high", "above this a reading is suspect, in the point's unit"),
    _limit("spike", "a reading that stands out by more is suspect, in the point's unit; from the sensor where left "
           "out", least=0),
    _limit("spike_fail", "a reading that stands out by more fails, in the point's unit", least=0),
    Parameter("spike_method", "choice", "differential", None, "both changes must turn back, or the distance to the "
              "mean of both neighbours", choices=("differential", "average")),
    _limit("rate", "a faster change is suspect, in the point's unit for each hour; from the sensor where left out",
           least=0),
    _limit("rate_fail", "a faster change fails, in the point's unit for each hour", least=0),
    Parameter("usual_times", "number", 10.0, None, "where no spike or rate is given: so many times what 95 % of the "
              "sensor's own stay below; 0 for none", least=0),
    Parameter("flat_suspect", "duration", timedelta(hours=12), None, "a value that keeps for so long is suspect"),
    Parameter("flat_fail", "duration", timedelta(hours=24), None, "a value that keeps for so long fails"),
    Parameter("tolerance", "number", 0.0, None, "a value keeps while it moves by less, in the point's unit", least=0),
    Parameter("rest", "duration", timedelta(hours=18), None, "so long a sensor may stay at zero: PV by night, a pump "
              "that stands"),
    _limit("zero", "readings up to this are as good as zero, in the point's unit; 0.05 mg/L of concentrations where "
           "left out", least=0),
    Parameter("most_failed", "share", 0.01, None, "above this share of failed readings a sensor fails", least=0,
              most=1),
    Parameter("shown", "integer", 200, None, "how many stretches are listed, the longest first", least=0),
    Parameter("sound", "flag", True, None, "show the sensors too with which nothing is wrong"),
    Parameter("each_reading", "flag", False, None, "add the table of every reading with its flags"),
)
# fmt: on
AT_A_TIME = 4_000_000  # readings in memory
_UNTESTED = ("state", "count")  # a mode keeps its value for as long as it likes
_WORDS = {3: "suspect", 4: "fail", 9: "missing"}
NOTES = (
    "Method: QARTOD's tests on each series: gross range, spike, rate of change, flat line, gaps; and what registers "
    "did that is no counting. Flags: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing. A reading bears the worst.",
    "Method: neighbours are the nearest readings with a value. A spike turns back on both sides; a flat line is one "
    "for the whole span, and at zero only beyond `rest`. Where no spike or rate is given, it is ten times what 95 % of "
    "the sensor's own stay below, and switching on or off is no rate: what is learnt from a sensor finds the odd, not "
    "the wrong.",
    "Source: U.S. IOOS, QARTOD manuals for real-time quality control; UNESCO (2013), Ocean data standards 3, for the "
    "flags.",
    "Limits: a sensor at zero for long is dead or tells of an emergency: it is not assessable until somebody has "
    "looked. Order of time and duplicates are told at import, as the store keeps one reading an instant.",
)


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """The measured points that match."""
    return [point.id for point in _asked(city, str(parameters["points"]))]


def _asked(city: City, chosen: str) -> list[Point]:
    known = (
        point
        for point in city.points().values()
        if point.formula is None
        and not point.states
        and point.quantity not in _UNTESTED
        and (chosen.strip() != "*" or point.role != "consumption")
    )
    return points_of(chosen, known, "point that is tested")


def answer(question: Question) -> Result:
    """One row a sensor, the worst first; stretches of flagged readings; failing sensors are findings."""
    from cityctl.analysis.quality.tested import stretches_together

    asked = question.parameters
    wanted = {point.id: point for point in _asked(question.city, str(asked["points"]))}
    if not wanted:
        raise UsageProblem(
            f"no sensor matches `{asked['points']}`", hint="`cityctl data status` lists the points"
        )
    told = list(_tested(question, wanted))
    told.sort(key=lambda one: (-one.rank, one.passed or 0.0, one.point.id))
    silent = [name for name in wanted if name not in {one.point.id for one in told}]
    missing = [Missing(name, "no readings in the interval") for name in silent]
    missing += [
        Missing(one.point.id, one.verdict) for one in told if one.verdict.startswith("NOT ASSESSABLE")
    ]
    shown = [one for one in told if asked["sound"] or one.rank]
    tables = [
        Table("sensors", TITLE, _columns(_SENSORS), [_row(question, one) for one in shown]),
        Table("stretches", "What was flagged", _columns(_EVENTS), [
            (one.point, one.test, _WORDS[one.flag], one.since, one.until, one.readings, one.least, one.most,
             units.pretty(wanted[one.point].shown_unit), together)
            for one, together in stretches_together(told)[: asked["shown"]]
        ]),
    ]  # fmt: skip
    if asked["each_reading"]:
        each = [row for one in sorted(told, key=lambda one: one.point.id) for row in one.each]
        tables.append(Table("readings", "Readings", _columns(_READINGS), each))
    poor = [one for one in told if one.rank]
    return Result(
        title=TITLE,
        tables=tables,
        interval=question.interval,
        findings=[
            Finding("sensor", one.point.id, one.since, one.verdict, evidence={"passed": one.passed})
            for one in poor
            if one.rank > 1
        ],
        completeness=Completeness(len(wanted), len(wanted) - len(missing), missing, "sensors"),
        notes=list(NOTES),
        summary=f"{len(poor)} of {len(told)} sensors are worth a look",
    )


def _columns(keys: tuple[str, ...]) -> list[Column]:
    return [_BY_KEY[key] for key in keys]


def _row(question: Question, one: Tested) -> tuple[object, ...]:
    zone = question.city.zones.get(one.point.zone) if one.point.zone else None
    named = (zone.name or one.point.zone) if zone else one.point.zone
    counts = [one.counts.get(test, 0) for test in ("gap", "range", "spike", "rate", "flat", "counter")]
    return (one.point.id, named, one.readings, one.passed, *counts, one.verdict)


def _tested(question: Question, wanted: Mapping[str, Point]) -> Iterator[Tested]:
    """Sensors one after the other, of a few million readings at a time."""
    from cityctl.analysis.quality.tested import tested

    engine = question.engine
    since, until = (
        moment.astimezone(UTC).replace(tzinfo=None)
        for moment in (question.interval.start, question.interval.end)
    )
    between = {"since": since, "until": until}
    engine.register("tested_points", arrow.table(point=arrow.texts(list(wanted))))
    registers: dict[str, list[tuple[Any, ...]]] = {}
    if any(point.kind == "counter" for point in wanted.values()):
        for row in engine.rows(question.sql("registers"), between):
            registers.setdefault(row[0], []).append(row[1:])
    for names in _batches(engine.rows(question.sql("sizes"), between)):
        engine.register("chosen_points", arrow.table(point=arrow.texts(names)))
        table = engine.arrow(question.sql("series"), between).combine_chunks()
        codes = table["point"].combine_chunks().dictionary_encode()
        times = arrow.array_of(table["time"]).astype("datetime64[us]")
        values = arrow.array_of(table["value"])
        edges = _edges(arrow.array_of(codes.indices))
        for name, (first, last) in zip(codes.dictionary.to_pylist(), edges, strict=True):
            point = wanted[name]
            factor, offset = units.linear(point.unit, point.shown_unit)
            shown = values[first:last].astype(float) * factor + offset
            yield tested(point, times[first:last], shown, registers.get(name, []), question)


def _batches(sizes: list[tuple[Any, ...]]) -> Iterator[list[str]]:
    names: list[str] = []
    total = 0
    for name, readings in sizes:
        if names and total + readings > AT_A_TIME:
            yield names
            names, total = [], 0
        names.append(name)
        total += readings
    if names:
        yield names


def _edges(codes: Any) -> list[tuple[int, int]]:
    """First and last row of each run of a code; rows of one point stand together."""
    import numpy as np

    starts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1]).tolist()
    return list(zip(starts, [*starts[1:], len(codes)], strict=True))
