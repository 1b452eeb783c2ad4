"""Views `hourly`, `daily` and `monthly`: roll-ups where they are up to date, readings added up where not.

All of one snapshot, so that nothing is counted twice or missed while months are rolled up and dropped. Knows
SQL over segments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cityctl.arrow import table, times
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.store.segments.months import HOUR_US, LocalMonth, local_months, utc_months
from cityctl.store.segments.overlay import with_landed
from cityctl.store.segments.rollup import ADDED, COLUMNS, by_hour, stored
from cityctl.store.segments.scan import INNER, Filter, micros
from cityctl.store.segments.segment_list import Snapshot

if TYPE_CHECKING:
    from cityctl.store.opened import Opened

_BUCKET = (
    "point, time, readings, sum / nullif(readings, 0) AS mean, sum, min, max, first, last, first_time, last_time, "
    "doubtful, expected"
)


LEVELS: dict[str, str] = {"hourly": "hour", "daily": "local day", "monthly": "local month"}
"""View -> what a row of it stands for."""


def attach_rollups(store: Opened, engine: Engine, zone: ZoneInfo, interval: Interval | None = None) -> None:
    """Show readings by hour, local day and local month: point, time (start, UTC), readings, mean, sum, min ...

    `expected` is NULL where a month is not rolled up yet. `zone`: the city's. `interval`: only what begins in it.
    Readings that are in no roll-up are added up here and now, so attach them only where they are asked for.
    """
    snapshot = store.list.snapshot()
    engine.execute(f"CREATE SCHEMA IF NOT EXISTS {INNER}")
    engine.allow(store.folder / segment.path for segment in snapshot.all)
    live = _live_months(snapshot, zone)
    ours = [held for held in snapshot.rollups if held.source == zone.key]
    kept = [held for held in ours if held.month not in live or _gone(live[held.month], snapshot.dropped)]
    _live_hours(store, engine, snapshot, list(live.values()))
    _calendar(engine, [*live.values(), *(LocalMonth(name, zone) for name in {held.month for held in kept})])
    fresh = f"{INNER}.live_hourly"
    within = Filter(micros(interval.start), micros(interval.end)).sql if interval else "true"
    for level, slot in (("hourly", "time"), ("daily", "day"), ("monthly", "month")):
        old = stored(store.folder, [held for held in kept if held.kind == level])
        if slot == "time":
            new = f"SELECT {COLUMNS} FROM {fresh}"
        else:
            new = (
                f"SELECT h.point, m.{slot} AS time, {ADDED}, NULL::DOUBLE AS expected FROM {fresh} AS h "
                f"JOIN {INNER}.hours AS m ON m.hour = h.time GROUP BY h.point, m.{slot}"
            )
        same = "b.point = a.point AND b.time = a.time"
        engine.execute(
            f"CREATE OR REPLACE VIEW {level} AS SELECT {_BUCKET} FROM ("
            f"SELECT {COLUMNS} FROM ({old}) AS a WHERE NOT EXISTS (SELECT 1 FROM ({new}) AS b WHERE {same} "
            f"AND b.readings >= a.readings) UNION ALL SELECT {COLUMNS} FROM ({new}) AS a WHERE NOT EXISTS "
            f"(SELECT 1 FROM ({old}) AS b WHERE {same} AND b.readings > a.readings)) WHERE {within}"
        )


def _live_months(snapshot: Snapshot, zone: ZoneInfo) -> dict[str, LocalMonth]:
    """Local months with readings that are in no roll-up."""
    spans = [(month.first_us, month.last_us) for month in snapshot.dirty]
    if snapshot.landed:
        columns = snapshot.landed.columns()
        spans.append((int(columns.times.min()), int(columns.times.max())))
    live = {month.name: month for span in spans for month in local_months(zone, *span)}
    there = {held.month for held in snapshot.rollups if held.source == zone.key}
    for segment in snapshot.segments:
        if segment.kind == "new":
            for month in local_months(zone, segment.first_us, segment.last_us):
                if month.name not in there:
                    live[month.name] = month
    return live


def _gone(month: LocalMonth, dropped: Mapping[str, int]) -> bool:
    return any(name in dropped for name in utc_months(month))


def _live_hours(store: Opened, engine: Engine, snapshot: Snapshot, months: list[LocalMonth]) -> None:
    parts = []
    for month in months:
        which = Filter(month.start_us, month.end_us)
        landed = f"{INNER}.landed_{month.name.replace('-', '_')}"
        held = with_landed(engine, store.folder, snapshot, which, landed=landed)
        parts.append(by_hour(month, f"SELECT * FROM ({held}) WHERE value IS NOT NULL"))
    union = " UNION ALL ".join(f"SELECT *, NULL::DOUBLE AS expected FROM ({part})" for part in parts)
    engine.execute(f"CREATE OR REPLACE TABLE {INNER}.live_hourly AS {union or stored(store.folder, [])}")


def _calendar(engine: Engine, months: list[LocalMonth]) -> None:
    named = {month.name: month for month in months}
    rows = [
        (at, start, days[0][0])
        for days in (month.days for month in named.values())
        for start, end in days
        for at in range(start, end, HOUR_US)
    ]
    engine.keep(
        f"{INNER}.hours",
        table(
            hour=times([row[0] for row in rows]),
            day=times([row[1] for row in rows]),
            month=times([row[2] for row in rows]),
        ),
    )
