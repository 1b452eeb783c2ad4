"""What a recorded finding rests on: readings and their quality, the rule, its sources, the SQL, and command lines
that work the number out again.

Reads the book of findings, the recipe, the analysis and the store; changes nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cityctl.analysis.catalog import Analysis
from cityctl.city.model import City
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.errors import StoreProblem, UsageProblem
from cityctl.glossary import column
from cityctl.report.asking import analysis_of, said, settled
from cityctl.report.findings.book import Book
from cityctl.report.findings.kept import Kept, found, instant
from cityctl.report.findings.views import listing_of
from cityctl.report.recipe import Loaded, load
from cityctl.result import Column, Missing, Result, Table
from cityctl.store.choice import opened
from cityctl.store.views.city_tables import attach_city

BEFORE = timedelta(days=7)
"""How much before a finding's start its readings are shown."""
MOST_BY_DAY = 8
"""Points of which each day is shown; of more, their sums over the interval say enough."""

COLUMNS: tuple[Column, ...] = (
    Column("evidence_of", "Evidence", meaning="a figure that the finding rests on", priority=1),
    Column("evidence_is", "Is", meaning="the figure as the run recorded it", priority=1),
    Column("good", "Good", meaning="readings of good quality", kind="integer", priority=2),
    Column(
        "graded_estimated",
        "Estimated",
        meaning="readings that the source estimated",
        kind="integer",
        priority=3,
    ),
    Column("graded_suspect", "Suspect", meaning="readings that may be wrong", kind="integer", priority=3),
    Column("bad", "Bad", meaning="readings of bad quality, or without a value", kind="integer", priority=3),
    Column("least", "Least", meaning="the smallest value", kind="number", digits=3, priority=4),
    Column("mean_value", "Mean", meaning="the mean of the values", kind="number", digits=3, priority=2),
    Column("largest", "Largest", meaning="the largest value", kind="number", digits=3, priority=4),
    Column("asked_with", "Parameter", meaning="what the analysis was asked with", priority=1),
    Column("said_by", "Said by", meaning="the analysis, the recipe or the run's own words", priority=3),
    Column("statement", "Statement", meaning="a statement's name in the analysis' .sql file", priority=1),
    Column("sql_text", "SQL", meaning="a line of the statement, as the engine gets it", priority=1),
    Column("command_line", "Command", meaning="a line for a shell", priority=1),
    Column("shows", "Shows", meaning="what the line works out again", priority=2),
)
_OWN = {one.key: one for one in COLUMNS}


@dataclass(frozen=True)
class Asked:
    """The last recorded run that found it: its interval and its instant."""

    at: datetime
    start: datetime | None
    end: datetime | None


def explain(word: str, project: Project) -> Result:
    """All that is known of a recorded finding. Raises UsageProblem (no such finding), ConfigInvalid."""
    with Book(project.state).reading() as connection:
        try:
            one = found(connection, word)
        except UsageProblem:
            if word in project.city.points():
                hint = f"the evidence of its savings: `cityctl report run savings-evidence --meters {word}`"
                raise UsageProblem(f"`{word}` is a point and no finding", hint=hint) from None
            raise
        row = connection.execute("SELECT at, start, until FROM runs WHERE run = ?", (one.run,)).fetchone()
    asked = Asked(datetime.fromisoformat(row["at"]), instant(row["start"]), instant(row["until"]))
    loaded = load(project.library, one.report).asked_as(one.evidence.get("part"))
    analysis = analysis_of(loaded, project.folder)
    parameters = settled(loaded, analysis, one.asked)
    city = project.city
    points = about(one, city, analysis.points(city, parameters))
    window = _window(one, asked, city)
    result = Result(
        f"Finding {one.id}",
        subtitle=f"{one.subject}: {one.text}",
        interval=window,
        notes=_words(loaded, analysis),
        summary=f"found by `{one.report}` ({analysis.name}) on {asked.at.astimezone(city.zone_info):%Y-%m-%d %H:%M}",
    )
    readings = _readings(project, points, window, result)
    result.tables = [
        listing_of([one], asked.at),
        _evidence(one.evidence),
        *readings,
        _rule(loaded, analysis, one.asked, parameters),
        _commands(one, asked, points, window, project),
        _sql(analysis),
    ]
    return result


def about(one: Kept, city: City, wanted: Sequence[str]) -> list[str]:
    """The points among `wanted` that a finding is about: its subject or evidence names them, their zone, device, asset.

    All of them where nothing names any.
    """
    words = {_fold(one.subject), *(_fold(str(value)) for value in _leaves(one.evidence))}
    chosen = []
    for name in wanted:
        point = city.points().get(name)
        names = {name}
        if point is not None:
            zone = city.zones.get(point.zone) if point.zone else None
            names |= {point.name or name, point.zone or name, (zone.name if zone else None) or name}
            names |= {(point.device or name).partition("/")[0], point.asset or name}
        elif name.endswith("/inflow"):
            names |= {name.removesuffix("/inflow")}
        if words & {_fold(each) for each in names}:
            chosen.append(name)
    return chosen or list(wanted)


def _leaves(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list | tuple):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value] if isinstance(value, str) else []


def _fold(name: str) -> str:
    return name.casefold().strip()


def _window(one: Kept, asked: Asked, city: City) -> Interval:
    end = asked.end or asked.at
    start = one.since - BEFORE if one.since is not None else asked.start or end - BEFORE
    return Interval(min(start, end - timedelta(hours=1)), end, city.zone_info)


def _evidence(evidence: Mapping[str, object]) -> Table:
    rows: list[tuple[object, ...]] = [(name, _shown(value)) for name, value in evidence.items()]
    return Table("evidence", "Evidence", [_OWN["evidence_of"], _OWN["evidence_is"]], rows)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(_shown(inner) for inner in value)
    return "-" if value is None else str(value)


def _readings(project: Project, points: list[str], window: Interval, result: Result) -> list[Table]:
    """What the store holds of the points, by quality, and of a few also by local day; none without a store."""
    city = project.city
    try:
        with opened(project) as store, Engine() as engine:
            store.attach(engine, city, points=points, interval=window)
            held = engine.rows(
                "SELECT point, count(*) AS n, min(time) AS a, max(time) AS z, "
                "sum(CASE WHEN quality = 0 AND value IS NOT NULL THEN 1 ELSE 0 END)::BIGINT AS good, "
                "sum(CASE WHEN quality = 1 AND value IS NOT NULL THEN 1 ELSE 0 END)::BIGINT AS estimated, "
                "sum(CASE WHEN quality = 2 AND value IS NOT NULL THEN 1 ELSE 0 END)::BIGINT AS suspect, "
                "sum(CASE WHEN quality = 3 OR value IS NULL THEN 1 ELSE 0 END)::BIGINT AS bad, "
                "min(value) AS least, max(value) AS largest FROM readings GROUP BY point ORDER BY point"
            )
            attach_city(engine, city, window)
            by_day = engine.rows(
                "SELECT r.point, c.day, count(*), min(r.value), avg(r.value), max(r.value) FROM readings AS r "
                "JOIN calendar AS c ON c.slot = time_bucket(INTERVAL 30 MINUTE, r.time) "
                "WHERE r.value IS NOT NULL GROUP BY ALL ORDER BY ALL"
            )
    except StoreProblem as problem:
        result.completeness.missing.append(Missing("readings", problem.message))
        return []
    there = {row[0] for row in held}
    result.completeness.wanted, result.completeness.had = len(points), len(there)
    result.completeness.unit = "points"
    result.completeness.missing += [
        Missing(name, "no readings in this interval") for name in points if name not in there
    ]
    rows: list[tuple[object, ...]] = []
    for name, count, first, last, *graded, least, largest in held:
        point = city.points().get(name)
        unit = point.unit if point is not None else ""
        rows.append(
            (name, unit, count, first.replace(tzinfo=UTC), last.replace(tzinfo=UTC), *graded, least, largest)
        )
    columns = [column(key) for key in ("point", "unit", "readings", "first", "last")]
    columns += [
        _OWN[key] for key in ("good", "graded_estimated", "graded_suspect", "bad", "least", "largest")
    ]
    tables = [Table("readings", "Readings", columns, rows, note="Values in the unit that the store keeps.")]
    if len(points) <= MOST_BY_DAY:
        columns = [column(key) for key in ("point", "date", "readings")]
        columns += [_OWN[key] for key in ("least", "mean_value", "largest")]
        tables.append(Table("days", "Readings by day", columns, by_day, most=40))
    return tables


def _rule(loaded: Loaded, analysis: Analysis, asked: Sequence[str], values: Mapping[str, object]) -> Table:
    own = {word.partition("=")[0].strip() for word in asked}
    rows: list[tuple[object, ...]] = []
    for parameter in analysis.parameters:
        name = parameter.name
        by = "run" if name in own else "recipe" if name in loaded.recipe.parameters else "analysis"
        rows.append((name, said(parameter, values[name]), by, parameter.meaning))
    columns = [_OWN["asked_with"], column("value", kind="text"), _OWN["said_by"], column("meaning")]
    return Table("rule", "Rule", columns, rows)


def _words(loaded: Loaded, analysis: Analysis) -> list[str]:
    words = loaded.recipe.words
    notes = [f"Method: {words.method or analysis.summary}"]
    notes += [f"Source: {source}" for source in words.sources]
    notes += [f"Limit: {limit}" for limit in words.limits]
    return [*notes, f"The report is {loaded.document.path}, its analysis {analysis.path}"]


def _sql(analysis: Analysis) -> Table:
    rows: list[tuple[object, ...]] = [
        (name, line) for name, text in analysis.statements.items() for line in text.splitlines()
    ]
    return Table("sql", "SQL", [_OWN["statement"], _OWN["sql_text"]], rows)


def _commands(one: Kept, asked: Asked, points: list[str], window: Interval, project: Project) -> Table:
    where = ["--project", str(project.folder)]
    profile = ["--profile", project.profile] if project.profile else []
    span = _span(window.start, window.end)
    run = ["cityctl", "report", "run", one.report]
    if asked.start is not None and asked.end is not None:
        run += _span(asked.start, asked.end)
    for word in one.asked:
        run += ["--set", word]
    now = f"CITYCTL_NOW={_word(asked.at)} "
    named = ", ".join("'" + name.replace("'", "''") + "'" for name in points)
    sql = f"SELECT point, time, value, quality FROM readings WHERE point IN ({named}) ORDER BY point, time"
    rows: list[tuple[object, ...]] = [
        (
            now + _line([*run, *profile, *where]),
            "the report, as of the run that found it; -o json to the last digit",
        ),
        (
            _line(["cityctl", "data", "export", *points, *span, "-o", "csv", *profile, *where]),
            "its readings",
        ),
        (
            _line(["cityctl", "data", "sql", sql, *span, *profile, *where]),
            "the same in canonical units, UTC",
        ),
        (
            _line(["cityctl", "data", "gaps", *points, *span, *profile, *where]),
            "which readings are missing",
        ),
    ]
    if one.report.startswith("savings"):
        again = ["cityctl", "report", "run", "savings_evidence", *run[4:]]
        rows.append((now + _line([*again, *profile, *where]), "model, residuals and sums behind a saving"))
    return Table("commands", "To work it out again", [_OWN["command_line"], _OWN["shows"]], rows)


def _line(words: Sequence[str]) -> str:
    """The words for a POSIX shell; SQL's own quotes stay readable within double ones."""
    plain = re.compile(r"[^\"$`\\\\!\n]*")
    return " ".join(
        f'"{word}"' if "'" in word and plain.fullmatch(word) else shlex.quote(word) for word in words
    )


def _span(start: datetime, end: datetime) -> list[str]:
    return ["--since", _word(start), "--until", _word(end)]


def _word(moment: datetime) -> str:
    """An instant as the command line reads it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
