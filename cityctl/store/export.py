"""`data export`: readings in the long format, in the units that the city speaks, streamed.

One row a reading: point, time (UTC), local (with its offset), value, unit, quality.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from cityctl import clock, units
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.disk import sync_folder
from cityctl.engine.columns import floats, octets, table, texts
from cityctl.engine.duck import Engine
from cityctl.errors import UsageProblem
from cityctl.glossary import column
from cityctl.reading import Quality
from cityctl.result import Column, Result, Table
from cityctl.store.choice import chosen, opened
from cityctl.store.city_tables import calendar
from cityctl.store.grid import floor_division

if TYPE_CHECKING:
    from cityctl.city.model import City
    from cityctl.store.store import Store

StreamFormat = Literal["csv", "parquet", "jsonl"]
STREAMED: tuple[StreamFormat, ...] = ("csv", "parquet", "jsonl")
"""Formats that are written as the readings come; any other holds all of them in memory."""

COLUMNS: tuple[Column, ...] = (
    Column("local", "Local time", meaning="the city's own time, with its offset from UTC", priority=3),
)

_HALF_HOUR = 1_800_000_000  # µs


def _written(time: str) -> str:
    """SQL of a time as `2026-11-19T01:15:00`, with six digits where it has a fraction; strftime takes longer."""
    return (
        f"CASE WHEN epoch_us({time}) % 1000000 = 0 THEN replace(CAST({time} AS VARCHAR), ' ', 'T') "
        f"ELSE strftime({time}, '%Y-%m-%dT%H:%M:%S.%f') END"
    )


def _query(time: str) -> str:
    return f"""
SELECT r.point, {time} AS time, {_written("r.time + c.shift")} || c.offset_text AS local,
       r.value * u.factor + u.shift AS value, u.unit, q.quality
FROM readings AS r
JOIN shown AS u ON u.point = r.point
JOIN grades AS q ON q.grade = r.quality
JOIN offsets AS c ON c.half_hour = {floor_division("epoch_us(r.time)", _HALF_HOUR)}
ORDER BY r.point, r.time
"""


_QUERY = _query("r.time")
_TEXT_QUERY = _query(f"{_written('r.time')} || 'Z'")


@contextmanager
def _asked(
    project: Project,
    words: Sequence[str],
    since: str | None,
    until: str | None,
    last: str | None,
    now: datetime,
) -> Iterator[tuple[Engine, Interval | None]]:
    """An engine that can answer _QUERY, and the interval (None: all readings)."""
    city = project.city
    narrowed = since is not None or until is not None or last is not None
    asked = clock.interval(since, until, last, zone=city.zone_info, now=now) if narrowed else None
    with opened(project) as store, Engine() as engine:
        points = chosen(store, city, words)
        store.attach(engine, city, points=points, interval=asked)
        span = store.span()
        assert span is not None
        whole = asked or Interval(span[0] - timedelta(days=2), span[1] + timedelta(days=2), city.zone_info)
        engine.keep("shown", _shown(store, city))
        engine.keep("grades", _grades())
        engine.keep("calendar", calendar(city, whole))
        engine.execute(
            f"CREATE TABLE offsets AS SELECT epoch_us(slot) // {_HALF_HOUR} AS half_hour, local - slot AS shift, "
            "CASE WHEN local < slot THEN '-' ELSE '+' END || strftime(TIMESTAMP '1970-01-01' + "
            "to_microseconds(abs(epoch_us(local) - epoch_us(slot))), '%H:%M') AS offset_text FROM calendar"
        )
        yield engine, asked


def export(
    project: Project,
    words: Sequence[str],
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

    `words` name points (`b0_*` names several); none means all. Without an interval: all readings. Raises
    StoreProblem, and UsageProblem for a word that names no point, a path that cannot be written, or Parquet
    on a terminal.
    """
    when: dict[str, Any] = {"since": since, "until": until, "last": last, "now": now}
    stream_form = next((known for known in STREAMED if known == form), None)
    if stream_form is None:
        return readings(project, words, **when)
    if path is not None:
        stream_to(path, project, words, form=stream_form, **when)
    elif stream_form == "parquet" and terminal:
        raise UsageProblem("-o parquet is no text for a terminal", hint="add --output-file PATH")
    else:
        stream(project, words, form=stream_form, write=out, **when)
    return None


def stream(
    project: Project,
    words: Sequence[str],
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
    with _asked(project, words, since, until, last, now) as (engine, _), _WRITERS[form](write) as put:
        for batch in engine.batches(_QUERY if form == "parquet" else _TEXT_QUERY):
            rows += batch.num_rows
            put(batch)
    return rows


def stream_to(path: Path, project: Project, words: Sequence[str], **how: Any) -> int:
    """`stream` into a file that is there whole or not at all."""
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        with draft.open("xb") as handle:
            rows = stream(project, words, write=handle.write, **how)
            handle.flush()
            os.fsync(handle.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as problem:
        draft.unlink(missing_ok=True)
        raise UsageProblem(f"cannot write {path}: {problem.strerror or problem}") from None
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return rows


def readings(
    project: Project,
    words: Sequence[str],
    *,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    now: datetime,
) -> Result:
    """The same rows as a result, for people."""
    with _asked(project, words, since, until, last, now) as (engine, asked):
        rows: list[tuple[object, ...]] = [
            (point, time.replace(tzinfo=UTC), *rest) for point, time, *rest in engine.rows(_QUERY)
        ]
    columns = [
        column("point"),
        column("time"),
        COLUMNS[0],
        column("value"),
        column("unit"),
        column("quality"),
    ]
    result = Result("Readings", [Table("readings", "Readings", columns, rows)], interval=asked)
    result.summary = f"{len(rows)} readings"
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


@contextmanager
def _as_csv(write: Callable[[bytes], object]) -> Iterator[Callable[[Any], None]]:
    from pyarrow import ArrowInvalid, csv

    write(b"point,time,local,value,unit,quality\n")

    def written(batch: Any, quoting: Literal["none", "needed"]) -> bytes:
        piece = BytesIO()
        csv.write_csv(batch, piece, csv.WriteOptions(include_header=False, quoting_style=quoting))
        return piece.getvalue()

    def put(batch: Any) -> None:
        plain = _plain(batch)
        try:
            write(written(plain, "none"))
        except ArrowInvalid:  # a name holds a comma, a quote or a line break: Arrow then quotes all texts
            write(written(plain, "needed"))

    yield put


def _plain(batch: Any) -> Any:
    """Names that a spreadsheet would run as a formula begin with an apostrophe (CWE-1236)."""
    import pyarrow.compute as pc

    formula = r"^(\s*[=+@-])"
    named: Any = pc.unique(batch.column("point"))
    if not pc.any(pc.match_substring_regex(named, pattern=formula)).as_py():
        return batch
    names = pc.replace_substring_regex(batch.column("point"), pattern=formula, replacement=r"'\1")
    return batch.set_column(0, "point", names)


@contextmanager
def _as_jsonl(write: Callable[[bytes], object]) -> Iterator[Callable[[Any], None]]:
    def put(batch: Any) -> None:
        rows = batch.to_pylist()
        write("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode())

    yield put


@contextmanager
def _as_parquet(write: Callable[[bytes], object]) -> Iterator[Callable[[Any], None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    fields: Any = {"point": text, "time": pa.timestamp("us", "UTC"), "local": text, "value": pa.float64()}
    schema = pa.schema(fields | {"unit": text, "quality": text})
    pipe: Any = _Pipe(write)
    with pq.ParquetWriter(pa.PythonFile(pipe, mode="w"), schema, compression="zstd") as writer:

        def put(batch: Any) -> None:
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))

        yield put


_WRITERS = {"csv": _as_csv, "jsonl": _as_jsonl, "parquet": _as_parquet}


class _Pipe:
    """What Arrow wants of a file that is only written, front to back."""

    closed = False

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True
