"""`data status`: what the store holds. Asks the list and the readings; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cityctl.city.project import Project
from cityctl.engine.duck import Engine
from cityctl.glossary import column
from cityctl.result import Column, Result, Table
from cityctl.store.choice import chosen, opened
from cityctl.store.folder import network_warning
from cityctl.store.register import Series
from cityctl.store.segments.quarantine import DAMAGED, dropped_note
from cityctl.store.segments.segment_list import Snapshot
from cityctl.store.store import Store
from cityctl.units import pretty
from cityctl.wording import counted

COLUMNS: tuple[Column, ...] = (
    Column("points", "Points", meaning="how many points", kind="integer", priority=1),
    Column("segments", "Segments", meaning="immutable Parquet files on the list", kind="integer", priority=3),
    Column(
        "landed", "Landed", meaning="polled readings that are in no segment yet", kind="integer", priority=4
    ),
    Column("size", "Size", unit="MB", meaning="all segments together", kind="number", digits=2, priority=3),
    Column(
        "bytes_a_reading",
        "Bytes a reading",
        meaning="size of the segments by their readings",
        kind="number",
        digits=2,
        priority=5,
    ),
    Column(
        "no_value",
        "No value",
        meaning="readings without a value: the source said so",
        kind="integer",
        priority=4,
    ),
    Column(
        "not_good",
        "Not good",
        meaning="readings whose quality is estimated, suspect or bad",
        kind="integer",
        priority=4,
    ),
    Column(
        "versions_replaced",
        "Replaced",
        meaning="versions of readings that gave way to later ones: `cityctl data history`",
        kind="integer",
        priority=5,
    ),
    Column("months_rolled", "Rolled up", meaning="local months with roll-ups", kind="integer", priority=5),
    DAMAGED,
)
_OWN = {entry.key: entry for entry in COLUMNS}


def status(project: Project, words: Sequence[str] = ()) -> Result:
    """The store as a whole, and each point (or those that words name). Raises StoreProblem where it is empty."""
    with opened(project) as store:
        points = chosen(store, project.city, words)
        snapshot = store.snapshot()
        series = store.series()
        rows = _by_point(store, points)
        span = store.span()
    store_rows = _whole(snapshot, span, sum(row[1] for row in rows), len(rows))
    whole = [_OWN["points"], column("readings"), column("first"), column("last")]
    whole += [_OWN["segments"], _OWN["landed"], _OWN["size"], _OWN["bytes_a_reading"]]
    whole += [_OWN["versions_replaced"], _OWN["months_rolled"], DAMAGED]
    each = [column("point"), column("quantity"), column("unit"), column("readings"), column("first")]
    each += [column("last"), _OWN["no_value"], _OWN["not_good"]]
    listed: list[tuple[object, ...]] = [(row[0], *_stored_as(series.get(row[0])), *row[1:]) for row in rows]
    points_table = Table("points", "Points", each, listed)
    store_table = Table("store", "Store", whole, store_rows)
    result = Result("Store", [points_table, store_table], subtitle=str(store.folder))
    result.summary = _summary(snapshot, sum(row[1] for row in rows), len(rows))
    told = (dropped_note(snapshot), network_warning(store.folder))
    result.notes += [note for note in told if note is not None]
    return result


def _by_point(store: Store, points: list[str] | None) -> list[tuple[str, int, datetime, datetime, int, int]]:
    with Engine() as engine:
        store.attach(engine, None, points=points)
        rows = engine.rows(
            "SELECT point, count(*), min(time), max(time), count(*) - count(value), "
            "coalesce(sum(CASE WHEN quality > 0 THEN 1 ELSE 0 END), 0)::BIGINT "
            "FROM readings GROUP BY point ORDER BY point"
        )
    return [
        (point, count, first.replace(tzinfo=UTC), last.replace(tzinfo=UTC), empty, doubtful)
        for point, count, first, last, empty, doubtful in rows
    ]


def _whole(
    snapshot: Snapshot, span: tuple[datetime, datetime] | None, readings: int, points: int
) -> list[tuple[object, ...]]:
    size = sum(segment.bytes for segment in snapshot.segments)
    stored = sum(segment.rows for segment in snapshot.segments if segment.kind == "new")
    first, last = span or (None, None)
    each = size / stored if stored else None
    held = (len(snapshot.segments), len(snapshot.landed), size / 1e6, each)
    replaced = sum(segment.rows for segment in snapshot.replaced)
    rolled = len({segment.month for segment in snapshot.rollups})
    return [(points, readings, first, last, *held, replaced, rolled, len(snapshot.damaged))]


def _stored_as(series: Series | None) -> tuple[str | None, str | None]:
    if series is None or series.unit is None:
        return None, None
    return series.quantity, pretty(series.unit)


def _summary(snapshot: Snapshot, readings: int, points: int) -> str:
    size = sum(segment.bytes for segment in snapshot.segments) / 1e6
    waiting = f", {len(snapshot.landed)} landed" if snapshot.landed else ""
    segments = counted(len(snapshot.segments), "segment")
    return (
        f"{counted(readings, 'reading')} of {counted(points, 'point')} in {segments}, {size:.1f} MB{waiting}"
    )
