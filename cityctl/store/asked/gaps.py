"""`data gaps`: which readings are missing, point by point, by how often each point should have one.

What is not due yet is not missing, and what was estimated or came late is not missing either: see `coverage`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cityctl import clock
from cityctl.arrow import table, texts
from cityctl.city.project import Project
from cityctl.clock import short
from cityctl.engine.duck import Engine
from cityctl.glossary import column
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.store.asked.coverage import Coverage, Gap, coverage
from cityctl.store.choice import chosen, opened
from cityctl.store.segments.quarantine import dropped_note
from cityctl.store.segments.scan import micros
from cityctl.store.store import Store
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.city.model import City

COLUMNS: tuple[Column, ...] = (
    Column("every", "Every", meaning="how often the point should have a reading", priority=2),
    Column("due", "State", meaning="missing, or not due yet", priority=2),
    Column(
        "no_value",
        "No value",
        meaning="readings without a value: the source said so",
        kind="integer",
        priority=4,
    ),
    Column("not_due", "Not due", meaning="readings that are not due yet", kind="integer", priority=5),
    Column(
        "estimated",
        "Estimated",
        meaning="readings that the source estimated or substituted",
        kind="integer",
        priority=4,
    ),
    Column(
        "received_late",
        "Late",
        meaning="readings that came, or were revised, long after the point's usual delay",
        kind="integer",
        priority=4,
    ),
    Column("delay", "Delay", meaning="how long after its interval a reading usually comes in", priority=6),
    Column(
        "present", "Present", meaning="share of the wanted readings that are there", kind="share", priority=2
    ),
)
_OWN = {entry.key: entry for entry in COLUMNS}
_AT_ONCE = 4_000_000  # readings that are put in order at once: some 60 bytes of memory each


def gaps(
    project: Project,
    words: Sequence[str] = (),
    *,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    now: datetime,
) -> Result:
    """Missing readings of the measured points (or of those that words name). Raises StoreProblem, UsageProblem."""
    city = project.city
    interval = clock.interval(since, until, last, zone=city.zone_info, now=now)
    with opened(project) as store, Engine() as engine:
        points = chosen(store, city, words) or _measured(store, city)
        store.attach(engine, city, points=points, interval=interval)
        every: dict[str, timedelta] = {}
        guessed = 0
        found: list[Coverage] = []
        holes: list[Gap] = []
        parts = list(_parts(engine, points))
        for part in parts:
            if len(parts) > 1:
                store.attach(engine, city, points=part, interval=interval)
            lengths, read = _every(engine, city, part)
            covered, between = coverage(engine, lengths, interval, now)
            every |= lengths
            guessed += read
            found += covered
            holes += between
        dropped = dropped_note(
            store.list.snapshot(landing=False), micros(interval.start), micros(interval.end)
        )
    result = Result("Gaps", interval=interval)
    result.tables = [_gap_table(holes), _point_table(found)]
    result.completeness = Completeness(
        wanted=sum(entry.wanted for entry in found),
        had=sum(entry.had for entry in found),
        missing=[
            Missing(entry.point, f"{entry.missing} of {entry.wanted} readings are missing")
            for entry in found
            if entry.missing
        ],
    )
    if dropped is not None:
        result.notes.append(dropped)
    if guessed:
        result.notes.append(
            f"how often is read from the readings themselves, as city.yaml has no `every`: {guessed}"
        )
    without = len(points) - len(every)
    if without:
        result.notes.append(
            f"gaps unknown of {counted(without, 'point')}: no `every` in city.yaml, and fewer than three readings"
        )
    result.summary = _summary(found)
    return result


def _parts(engine: Engine, points: Sequence[str]) -> Iterator[list[str]]:
    """The points in their order, as many at a time as have readings that are put in order at once."""
    counts = dict(engine.rows("SELECT point, count(*) FROM readings GROUP BY point"))
    part: list[str] = []
    readings = 0
    for point in sorted(points):
        readings += counts.get(point, 0)
        if part and readings > _AT_ONCE:
            yield part
            part, readings = [], counts.get(point, 0)
        part.append(point)
    if part:
        yield part


def _measured(store: Store, city: City) -> list[str]:
    """Points that are measured: those of city.yaml without a formula, and what else is in the store."""
    known = city.points()
    named = [point for point, entry in known.items() if entry.formula is None]
    return list(dict.fromkeys([*named, *(name for name in store.series() if name not in known)]))


def _every(engine: Engine, city: City, points: Sequence[str]) -> tuple[dict[str, timedelta], int]:
    """How often each point should have a reading, by city.yaml or by its readings, and how many by the latter."""
    known = city.points()
    every: dict[str, timedelta] = {}
    unknown = []
    for point in points:
        length = known[point].every if point in known else None
        if length is not None and length > timedelta():
            every[point] = length
        else:
            unknown.append(point)
    if not unknown:
        return every, 0
    engine.keep("unknown", table(point=texts(unknown)))
    steps = engine.rows(
        "SELECT point, median(step) FROM (SELECT point, epoch_us(time) - epoch_us(lag(time) OVER "
        "(PARTITION BY point ORDER BY time)) AS step FROM readings WHERE point IN (SELECT point FROM unknown)) "
        "WHERE step IS NOT NULL GROUP BY point HAVING count(*) > 1"
    )
    engine.execute("DROP TABLE unknown")
    every |= {point: timedelta(microseconds=round(step)) for point, step in steps}
    return every, len(steps)


def _gap_table(holes: Sequence[Gap]) -> Table:
    columns = [column("point"), column("since"), column("until"), column("missing"), _OWN["due"]]
    rows: list[tuple[Any, ...]] = [
        (gap.point, gap.since, gap.until, gap.missing, "missing" if gap.due else "not due yet")
        for gap in holes
    ]
    return Table("gaps", "Gaps", columns, rows)


def _point_table(found: Sequence[Coverage]) -> Table:
    columns = [column("point"), _OWN["every"], column("wanted"), column("had"), column("missing")]
    columns += [
        _OWN[key] for key in ("no_value", "not_due", "estimated", "received_late", "delay", "present")
    ]
    rows: list[tuple[Any, ...]] = [
        (
            entry.point,
            short(entry.every),
            entry.wanted,
            entry.had,
            entry.missing,
            entry.no_value,
            entry.not_due,
            entry.estimated,
            entry.received_late,
            short(timedelta(minutes=round(entry.delay / timedelta(minutes=1))))
            if entry.delay >= timedelta(minutes=1)
            else None,
            entry.had / entry.wanted if entry.wanted else None,
        )
        for entry in found
    ]
    return Table("points", "Points", columns, rows)


def _summary(found: Sequence[Coverage]) -> str:
    incomplete = sum(entry.missing > 0 for entry in found)
    missing = sum(entry.missing for entry in found)
    if not missing:
        return f"no gaps in {counted(len(found), 'point')}"
    return f"{counted(missing, 'reading')} missing in {incomplete} of {len(found)} points"
