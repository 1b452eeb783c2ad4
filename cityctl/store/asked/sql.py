r"""`data sql`: one read-only SELECT over readings, the city's tables, views by network and zone; `\d` lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cityctl import clock
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.engine.readonly import Answer, ask
from cityctl.engine.walls import on_the_wall
from cityctl.engine.zones import to_zones
from cityctl.errors import StoreProblem, UsageProblem, near
from cityctl.glossary import column
from cityctl.result import CellKind, Column, Completeness, Missing, Result, Table
from cityctl.store.choice import opened
from cityctl.store.store import Store
from cityctl.store.views.counters import MEANINGS
from cityctl.store.views.people_views import View, attach_people
from cityctl.store.views.rolled_views import LEVELS, attach_rollups
from cityctl.store.views.shown import attach_city
from cityctl.wording import counted

FEW = 1000
"""Rows that people are shown where they set no limit."""
MANY = 1_000_000
"""Rows that a file or a pipe gets where no limit is set: they are held in memory."""

COLUMNS: tuple[Column, ...] = (
    Column("sql_type", "Type", meaning="what SQL takes the column for", priority=1),
)

LOCAL = "local"
"""The one column of our tables and views that holds the city's own clock's times."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROLLED = re.compile(rf"\b({'|'.join(LEVELS)})\b", re.IGNORECASE)
_ROLLED_VIEWS = [
    View(name, f"readings by {what}, dropped ones too: UTC of its start, canonical units")
    for name, what in LEVELS.items()
]
_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL")
_INTEGERS = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT)|HUGEINT")
_MEANT: dict[str, str] = {
    "point": "id of the point, as in city.yaml",
    "time": "UTC",
    "since": "UTC",
    "until": "UTC, itself not included",
    LOCAL: "the city's own time, as the wall clock shows it",
    "value": "the reading's value; NULL: none",
    "unit": "of the value",
    "quality": "good, estimated, suspect, bad (0 to 3 in `readings`)",
    "received": "when cityctl took it in, UTC",
    "state": "the name of a state's code, or the text that was stored",
    "code": "what stands for the word in `readings`",
    "amount": "what was counted; NULL: not known",
    "before": "the register at the beginning",
    "after": "the register at the end",
    "readings": "how many have a value",
    "sum": "of the values",
    "first": "the value at first_time",
    "last": "the value at last_time",
    "doubtful": "readings whose quality is not good",
    "expected": "how many readings there should be; NULL: not rolled up yet",
    "repair": "what was put right: " + "; ".join(MEANINGS),
}


def sql(
    project: Project,
    query: str,
    *,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    limit: int | None = None,
    form: str = "table",
    seconds: float = 60.0,
    now: datetime,
) -> Result:
    r"""The rows of a SELECT, `limit` of them at most, within `seconds`.

    Without a limit: FEW in a `form` for people, MANY in one for machines; there, more is incomplete.
    `since`, `until` and `last` narrow the readings and the calendar; all of them otherwise. `\d` lists tables
    and views, `\d NAME` the columns of one. Raises UsageProblem for anything but a SELECT that reads,
    StoreProblem where the store is empty.
    """
    city = project.city
    given, limit = limit, limit or (FEW if form in ("table", "md", "html") else MANY)
    narrowed = since is not None or until is not None or last is not None
    asked = clock.interval(since, until, last, zone=city.zone_info, now=now) if narrowed else None
    for attempt in range(3):
        with opened(project) as store, _attached(project, store, asked, query) as (engine, views):
            generation = store.list.generation()
            if query.strip().startswith("\\"):
                return _described(engine, views, query.strip().rstrip(";").split())
            try:
                known = [view.name for view in views]
                query = to_zones(engine, query, LOCAL)
                answer = ask(engine, query, limit=limit, seconds=seconds, known=known)
                timed = any(kind.startswith("TIMESTAMP") for _, kind in answer.columns)
                walls = on_the_wall(engine, known, query, LOCAL) if timed else set()
            except StoreProblem:
                # A sealed engine cannot follow the list: begin anew where compaction took a file away.
                if attempt == 2 or store.list.generation() == generation:
                    raise
            else:
                return _result(answer, walls, asked, limit, wanted_all=given is None and limit == MANY)
    raise AssertionError("the third attempt returns or raises")


@contextmanager
def _attached(
    project: Project, store: Store, asked: Interval | None, query: str
) -> Iterator[tuple[Engine, list[View]]]:
    city = project.city
    span = store.span() or (_EPOCH, _EPOCH)  # where all readings were dropped, roll-ups are still there
    whole = asked or Interval(span[0], span[1] + timedelta(hours=1), city.zone_info)
    with Engine(locked=True) as engine:
        store.attach(engine, city, interval=asked)
        attach_city(engine, city, whole)
        if _ROLLED.search(query):
            attach_rollups(store, engine, city.zone_info, asked)
        yield engine, attach_people(engine, city, store.series(), whole, store.list.words()) + _ROLLED_VIEWS


def _described(engine: Engine, views: list[View], words: list[str]) -> Result:
    if words[0] not in ("\\d", "\\dt", "\\dv", "\\d+") or len(words) > 2:
        raise UsageProblem(
            f"`{' '.join(words)}` is not known",
            hint=r"`\d` lists the tables and views, `\d NAME` the columns of one",
        )
    if len(words) == 1:
        rows: list[tuple[object, ...]] = [(view.name, view.what) for view in views]
        table = Table("views", "Tables and views", [column("name", priority=1), column("what")], rows)
        return Result("SQL", [table], summary=r"\d NAME shows the columns of one")
    name = words[1].strip('"')
    found = next((view for view in views if view.name.casefold() == name.casefold()), None)
    if found is None:
        match = near(name, [view.name for view in views])
        hint = f"did you mean `{match}`?" if match else r"`\d` lists them"
        raise UsageProblem(f"no table or view `{name}`", hint=hint)
    columns = engine.columns(f"SELECT * FROM {found.name}")
    cells: list[tuple[object, ...]] = [(key, kind.lower(), _MEANT.get(key, "")) for key, kind in columns]
    table = Table(
        "columns",
        f"{found.name}: {found.what}",
        [column("name", priority=1), COLUMNS[0], column("meaning")],
        cells,
    )
    return Result("SQL", [table])


def _result(
    answer: Answer, walls: set[int], interval: Interval | None, limit: int, *, wanted_all: bool
) -> Result:
    columns = [
        Column(
            name,
            name,
            meaning=kind.lower(),
            kind="text" if at in walls else _kind(kind),
            digits=3,
            priority=1,
        )
        for at, (name, kind) in enumerate(answer.columns)
    ]
    rows = [tuple(_cell(cell, at in walls) for at, cell in enumerate(row)) for row in answer.rows]
    result = Result("SQL", [Table("answer", "Answer", columns, rows)], interval=interval)
    result.summary = f"{counted(len(answer.rows), 'row')}"
    if answer.cut:
        result.summary = f"the first {limit} rows; there are more"
        result.notes.append(f"cut after {limit} rows: --limit takes more")
        if wanted_all:
            missing = [Missing("rows", f"only the first {limit} are here: `--limit` takes more")]
            result.completeness = Completeness(len(answer.rows) + 1, len(answer.rows), missing, unit="rows")
    return result


def _kind(duckdb_type: str) -> CellKind:
    if duckdb_type.startswith("TIMESTAMP"):
        return "time"
    if duckdb_type == "DATE":
        return "date"
    if _INTEGERS.fullmatch(duckdb_type):
        return "integer"
    return "number" if duckdb_type.startswith(_NUMBERS) else "text"


def _cell(cell: object, wall: bool) -> object:
    if not isinstance(cell, datetime) or cell.tzinfo is not None:
        return cell
    return str(cell) if wall else cell.replace(tzinfo=UTC)
