"""`data repairs`: what was left out or put right in the readings of counters, and what was booked for it.

The readings stay as they came; `counters` makes amounts of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cityctl import clock, units
from cityctl.city.project import Project
from cityctl.engine.duck import Engine
from cityctl.glossary import column
from cityctl.result import Column, Result, Table
from cityctl.store.choice import chosen, opened
from cityctl.store.views import counters

COLUMNS: tuple[Column, ...] = (
    Column("repair", "Repair", meaning="what was wrong with a counter's reading", priority=1),
    Column(
        "register_before",
        "Before",
        meaning="the register at the last reading before it that counts",
        kind="number",
        digits=2,
        priority=3,
    ),
    Column(
        "register_after", "After", meaning="the register as it was read", kind="number", digits=2, priority=3
    ),
    Column(
        "booked",
        "Booked",
        meaning="what is counted as used in this step",
        kind="number",
        digits=2,
        priority=2,
    ),
)


def repairs(
    project: Project,
    words: Sequence[str] = (),
    *,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    now: datetime,
) -> Result:
    """Repairs of the city's counters, or of those that words name. Raises StoreProblem, UsageProblem."""
    city = project.city
    interval = clock.interval(since, until, last, zone=city.zone_info, now=now)
    known = {name: point for name, point in city.points().items() if point.kind == "counter"}
    with opened(project) as store, Engine() as engine:
        named = chosen(store, city, words)
        wanted = {name: known[name] for name in (known if named is None else named) if name in known}
        store.attach(engine, city, points=list(wanted), interval=interval)
        counters.keep_counters(engine, wanted)
        found = engine.rows(
            f"SELECT * FROM ({counters.repairs('SELECT * FROM readings')}) ORDER BY point, time"
        )
    rows: list[tuple[object, ...]] = []
    for name, time, repair, *numbers in found:
        point = wanted[name]
        scale, _ = units.linear(point.unit, point.shown_unit)
        shown = [None if number is None else number * scale for number in numbers]
        rows.append(
            (name, time.replace(tzinfo=UTC), repair, *shown, point.shown_unit, counters.MEANINGS[repair])
        )
    columns = [column("point"), column("time"), *COLUMNS, column("unit"), column("meaning")]
    result = Result("Repairs", [Table("repairs", "Repairs", columns, rows)], interval=interval)
    result.summary = f"{len(rows)} repairs in {len({row[0] for row in rows})} of {len(wanted)} counters"
    if named is not None and (others := [name for name in named if name not in known]):
        result.notes.append(f"no counters: {', '.join(others)}")
    return result
