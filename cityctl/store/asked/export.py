"""`data export`: readings in the long format, in the units that the city speaks, streamed.

One row a reading: point, time (UTC), local (with its offset), value, unit, quality. Words of states stand in the
column of values, which is then one of text in CSV and Parquet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cityctl import clock, units
from cityctl.arrow import floats, octets, table, texts
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.disk import unwritten, whole_file
from cityctl.engine.duck import Engine
from cityctl.errors import UsageProblem
from cityctl.glossary import column
from cityctl.reading import LEAST_WORD, Quality
from cityctl.result import Column, Result, Table
from cityctl.store.asked.streams import WRITERS
from cityctl.store.choice import chosen, opened
from cityctl.store.segments import words
from cityctl.store.views.city_tables import calendar
from cityctl.store.views.grid import floor_division
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.city.model import City
    from cityctl.store.store import Store

StreamFormat = Literal["csv", "parquet", "jsonl"]
STREAMED: tuple[StreamFormat, ...] = ("csv", "parquet", "jsonl")
"""Formats that are written as the readings come; any other holds all of them in memory."""

COLUMNS: tuple[Column, ...] = (
    Column("local", "Local time", meaning="the city's own time, with its offset from UTC", priority=3),
)

WORD = Column("word", "Text", meaning="the text that the reading is, where it is no number", priority=1)

_HALF_HOUR = 1_800_000_000  # µs


def _written(time: str) -> str:
    """SQL of a time as `2026-11-19T01:15:00`, with six digits where it has a fraction; strftime takes longer."""
    return (
        f"CASE WHEN epoch_us({time}) % 1000000 = 0 THEN replace(CAST({time} AS VARCHAR), ' ', 'T') "
        f"ELSE strftime({time}, '%Y-%m-%dT%H:%M:%S.%f') END"
    )


def _query(time: str, *, words: bool) -> str:
    """`words`: a column of them beside the numbers; either is NULL."""
    number = "r.value * u.factor + u.shift"
    value = f"CASE WHEN w.code IS NULL THEN {number} END AS value, w.word" if words else f"{number} AS value"
    words_too = "LEFT JOIN words AS w ON w.code = r.value" if words else ""
    return f"""
SELECT r.point, {time} AS time, {_written("r.time + c.shift")} || c.offset_text AS local,
       {value}, u.unit, q.quality
FROM readings AS r
JOIN shown AS u ON u.point = r.point
JOIN grades AS q ON q.grade = r.quality
JOIN offsets AS c ON c.half_hour = {floor_division("epoch_us(r.time)", _HALF_HOUR)}
{words_too}
ORDER BY r.point, r.time
"""


_WITH_WORDS = (
    f"SELECT 1 FROM readings WHERE value >= {LEAST_WORD} AND value IN (SELECT code FROM words) LIMIT 1"
)


@contextmanager
def _asked(
    project: Project,
    points: Sequence[str],
    since: str | None,
    until: str | None,
    last: str | None,
    now: datetime,
) -> Iterator[tuple[Engine, Interval | None, bool]]:
    """An engine that can answer `_query`, the interval (None: all readings), and whether there are words."""
    city = project.city
    narrowed = since is not None or until is not None or last is not None
    asked = clock.interval(since, until, last, zone=city.zone_info, now=now) if narrowed else None
    with opened(project) as store, Engine() as engine:
        store.attach(engine, city, points=chosen(store, city, points), interval=asked)
        span = store.span() or (now, now)  # where all readings were dropped, roll-ups are still there
        whole = asked or Interval(span[0] - timedelta(days=2), span[1] + timedelta(days=2), city.zone_info)
        engine.keep("shown", _shown(store, city))
        engine.keep("grades", _grades())
        words.keep(engine, dictionary := store.list.words())
        engine.keep("calendar", calendar(city, whole))
        engine.execute(
            f"CREATE TABLE offsets AS SELECT epoch_us(slot) // {_HALF_HOUR} AS half_hour, local - slot AS shift, "
            "CASE WHEN local < slot THEN '-' ELSE '+' END || strftime(TIMESTAMP '1970-01-01' + "
            "to_microseconds(abs(epoch_us(local) - epoch_us(slot))), '%H:%M') AS offset_text FROM calendar"
        )
        yield engine, asked, bool(dictionary and engine.rows(_WITH_WORDS))


def export(
    project: Project,
    points: Sequence[str],
    *,
    form: str,
    path: Path | None,
    out: Callable[[bytes], object],
    terminal: bool,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    now: datetime,
) -> Result | None:
    """Stream readings to a file or to `out`; a form for people comes back as a Result instead.

    `points` are words that name them (`b0_*` names several); none means all. Without an interval: all readings. Raises
    StoreProblem, and UsageProblem for a word that names no point, a path that cannot be written, or Parquet
    on a terminal.
    """
    when: dict[str, Any] = {"since": since, "until": until, "last": last, "now": now}
    stream_form = next((known for known in STREAMED if known == form), None)
    if stream_form is None:
        return readings(project, points, **when)
    if path is not None:
        stream_to(path, project, points, form=stream_form, **when)
    elif stream_form == "parquet" and terminal:
        raise UsageProblem("-o parquet is no text for a terminal", hint="add --output-file PATH")
    else:
        stream(project, points, form=stream_form, write=out, **when)
    return None


def stream(
    project: Project,
    points: Sequence[str],
    *,
    form: StreamFormat,
    write: Callable[[bytes], object],
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    now: datetime,
) -> int:
    """Write readings as they come, piece by piece, and say how many there were."""
    rows = 0
    with (
        _asked(project, points, since, until, last, now) as (engine, _, worded),
        WRITERS[form](write, worded) as put,
    ):
        time = "r.time" if form == "parquet" else f"{_written('r.time')} || 'Z'"
        for batch in engine.batches(_query(time, words=worded)):
            rows += batch.num_rows
            put(batch)
    return rows


def stream_to(path: Path, project: Project, points: Sequence[str], **how: Any) -> int:
    """`stream` into a file that is there whole or not at all."""
    try:
        with whole_file(path) as handle:
            return stream(project, points, write=handle.write, **how)
    except OSError as problem:
        raise unwritten(path, problem) from None


def readings(
    project: Project,
    points: Sequence[str],
    *,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    now: datetime,
) -> Result:
    """The same rows as a result, for people."""
    with _asked(project, points, since, until, last, now) as (engine, asked, worded):
        rows: list[tuple[object, ...]] = [
            (point, time.replace(tzinfo=UTC), *rest)
            for point, time, *rest in engine.rows(_query("r.time", words=worded))
        ]
    columns = [
        column("point"),
        column("time"),
        COLUMNS[0],
        column("value"),
        *([WORD] if worded else []),
        column("unit"),
        column("quality"),
    ]
    result = Result("Readings", [Table("readings", "Readings", columns, rows)], interval=asked)
    result.summary = counted(len(rows), "reading")
    return result


def _shown(store: Store, city: City) -> Any:
    """By point: the unit that the city speaks, and how the stored value becomes one of it."""
    known = city.points()
    rows: dict[str, tuple[str, float, float, str | None]] = {}
    for name, series in store.series().items():
        rows[name] = (name, 1.0, 0.0, series.unit)
    for name, point in known.items():
        factor, shift = units.linear(point.unit, point.shown_unit)
        rows[name] = (name, factor, shift, point.shown_unit)
    cells = list(zip(*rows.values(), strict=True)) or [(), (), (), ()]
    names, factors, shifts, spoken = map(list, cells)
    return table(point=texts(names), factor=floats(factors), shift=floats(shifts), unit=texts(spoken))


def _grades() -> Any:
    return table(
        grade=octets([int(grade) for grade in Quality]),
        quality=texts([grade.name.lower() for grade in Quality]),
    )
