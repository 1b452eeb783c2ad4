"""`data sql`: one read-only SELECT over readings, points, zones, calendar and interventions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cityctl import clock
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.engine.readonly import Answer, ask
from cityctl.errors import StoreProblem
from cityctl.result import CellKind, Column, Result, Table
from cityctl.store.choice import opened
from cityctl.store.views import attach_city

_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL")
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


def sql(
    project: Project,
    query: str,
    *,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    limit: int = 1000,
    seconds: float = 60.0,
    now: datetime,
) -> Result:
    """The rows of a SELECT, `limit` of them at most, within `seconds`.

    `since`, `until` and `last` narrow the readings and the calendar; all of them otherwise. Times are UTC
    inside. Raises UsageProblem for anything but a SELECT that reads, StoreProblem where the store is empty.
    """
    city = project.city
    narrowed = since is not None or until is not None or last is not None
    asked = clock.interval(since, until, last, zone=city.zone_info, now=now) if narrowed else None
    for attempt in range(3):
        with opened(project) as store, Engine(locked=True) as engine:
            span = store.span()
            assert span is not None
            store.attach(engine, city, interval=asked)
            attach_city(
                engine, city, asked or Interval(span[0], span[1] + timedelta(hours=1), city.zone_info)
            )
            generation = store.list.generation()
            try:
                answer = ask(engine, query, limit=limit, seconds=seconds)
            except StoreProblem:
                # A sealed engine cannot follow the list: begin anew where compaction took a file away.
                if attempt == 2 or store.list.generation() == generation:
                    raise
            else:
                return _result(answer, asked, limit)
    raise AssertionError("the third attempt returns or raises")


def _result(answer: Answer, interval: Interval | None, limit: int) -> Result:
    columns = [
        Column(name, name, meaning=kind.lower(), kind=_kind(kind), digits=3, priority=1)
        for name, kind in answer.columns
    ]
    table = Table("answer", "Answer", columns, [tuple(_cell(cell) for cell in row) for row in answer.rows])
    result = Result("SQL", [table], interval=interval)
    result.summary = f"{len(answer.rows)} rows"
    if answer.cut:
        result.summary = f"the first {limit} rows; there are more"
        result.notes.append(f"cut after {limit} rows: --limit takes more")
    return result


def _kind(duckdb_type: str) -> CellKind:
    if duckdb_type.startswith("TIMESTAMP"):
        return "time"
    if duckdb_type == "DATE":
        return "date"
    if duckdb_type.removeprefix("U") in _INTEGERS:
        return "integer"
    return "number" if duckdb_type.startswith(_NUMBERS) else "text"


def _cell(cell: object) -> object:
    return cell.replace(tzinfo=UTC) if isinstance(cell, datetime) and cell.tzinfo is None else cell
