"""`data history`: every version of a point's readings: what was known when, who received it, what it gave way to.

Asks all segments of the point, those of replaced versions too; the scan of other questions never reads these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cityctl import clock, units
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.glossary import column
from cityctl.reading import LEAST_WORD, Quality
from cityctl.result import Column, Result, Table
from cityctl.store.asked.export import WORD
from cityctl.store.choice import chosen, opened
from cityctl.store.opened import Opened
from cityctl.store.segments.compare import landed_table
from cityctl.store.segments.quarantine import name_damaged
from cityctl.store.segments.scan import BEST_OF_DELIVERY, Filter, instant, micros
from cityctl.store.segments.versions import WHOLE, confirming, sourced
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.city.points import Point
    from cityctl.store.register import Series

COLUMNS: tuple[Column, ...] = (
    Column("version", "Version", meaning="1 is the first that was received", kind="integer", priority=1),
    Column("received_by", "From", meaning="the file, service or poll that it came from", priority=3),
    Column("replaced_at", "Replaced", meaning="when a later version took its place", kind="time", priority=2),
)
_VERSION, _FROM, _REPLACED = COLUMNS


def history(
    project: Project,
    words: Sequence[str],
    *,
    at: str | None = None,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    everything: bool = False,
    now: datetime,
) -> Result:
    """Versions of the readings of points that words name: of those that were ever revised, or of `everything`.

    `at`: only what was known at that instant, one row a reading. Raises UsageProblem and StoreProblem.
    """
    zone = project.city.zone_info
    interval = None
    if since or until or last:
        interval = clock.interval(since, until, last, zone=zone, now=now)
    known_at = None if at is None else clock.interval(None, at, "1d", zone=zone, now=now).end
    with opened(project) as store:
        points = chosen(store, project.city, words) or []
        series = store.series()
        rows = _versions(store, points, interval, known_at, revised_only=not everything and known_at is None)
        texts = store.list.words()
    known = project.city.points()
    spoken = {name: _spoken(known.get(name), series.get(name)) for name in points}
    shown: list[tuple[object, ...]] = [
        (
            *row[:2],
            *_said(row[2], texts, spoken[row[0]]),
            spoken[row[0]][0],
            Quality(row[3]).name.lower(),
            *row[4:],
        )
        for row in rows
    ]
    columns = [column("point"), column("time"), column("value"), WORD, column("unit"), column("quality")]
    if not any(row[3] for row in shown):
        columns.remove(WORD)
        shown = [(*row[:3], *row[4:]) for row in shown]
    columns += [_VERSION, column("received_at", priority=2), _FROM, _REPLACED]
    title = "History" if known_at is None else "As it was known"
    result = Result(title, [Table("versions", "Versions", columns, shown)], interval=interval)
    if known_at is not None:
        result.subtitle = f"what was known at {known_at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
        result.summary = counted(len(rows), "reading")
    else:
        readings = len({row[:2] for row in rows})
        result.summary = f"{counted(len(rows), 'version')} of {counted(readings, 'reading')}"
        if not rows:
            result.notes.append("no reading of these points was ever replaced (--all shows those too)")
    return result


def _spoken(point: Point | None, stored: Series | None) -> tuple[str | None, float, float]:
    """The unit that the city speaks of a point in, and how a stored value becomes one of it: scale and shift."""
    if point is not None:
        return point.shown_unit and units.pretty(point.shown_unit), *units.linear(
            point.unit, point.shown_unit
        )
    return units.pretty(stored.unit) if stored and stored.unit else None, 1.0, 0.0


def _said(
    value: float | None, words: Mapping[int, str], spoken: tuple[str | None, float, float]
) -> tuple[float | None, str | None]:
    """(number, word): one of them, or neither."""
    if value is None:
        return None, None
    word = words.get(int(value)) if value >= LEAST_WORD else None
    return (value * spoken[1] + spoken[2], None) if word is None else (None, word)


def _versions(
    store: Opened,
    points: Sequence[str],
    interval: Interval | None,
    at: datetime | None,
    *,
    revised_only: bool,
) -> list[tuple[str, datetime, float | None, int, int, datetime, str, datetime | None]]:
    """(point, time, value, quality, version, received, source, replaced at), by point, time and version."""
    which = Filter(
        micros(interval.start) if interval else None,
        micros(interval.end) if interval else None,
        points=tuple(points),
    )
    snapshot = store.snapshot()
    name_damaged(snapshot, which.start_us, which.end_us)
    with Engine() as engine:
        live = [segment for segment in snapshot.segments if segment.kind != "confirmed"]
        parts = [
            f"SELECT {WHOLE}, {gone} AS gone FROM {sourced(store.folder, held)} WHERE {which.sql}"
            for gone, kind in (("false", live), ("true", snapshot.replaced))
            if (held := [segment for segment in kind if which.touches(segment)])
        ]
        if snapshot.landed:
            engine.keep("landed_rows", landed_table(snapshot.landed))
            parts.append(
                "SELECT point, time, value, quality, received, NULL::TIMESTAMP AS confirmed, 'poll' AS source, "
                "false AS gone "
                f"FROM landed_rows WHERE {which.sql} {BEST_OF_DELIVERY}"
            )
        if not parts:
            return []
        again = confirming(store.folder, snapshot.segments, which)
        engine.execute(f"CREATE TABLE versions AS {' UNION ALL '.join(parts)}")
        # A version that was received again after another one counts from then on once more.
        events = "SELECT point, time, value, quality, received, source, confirmed IS NOT NULL AS again FROM versions"
        events += (
            " UNION ALL SELECT point, time, value, quality, confirmed, source, true FROM versions "
            "WHERE confirmed IS NOT NULL"
        )
        if again is not None:
            events += f" UNION ALL SELECT point, time, value, quality, received, source, true FROM ({again})"
        until = f" WHERE received <= {instant(micros(at))}" if at is not None else ""
        # Who brought a version first is told by the row that says nothing of its coming back.
        order = "ORDER BY received, quality DESC, value IS NOT NULL, value, again, source"
        engine.execute(
            f"CREATE TABLE known AS SELECT * EXCLUDE (same) FROM (SELECT *, "
            f"value IS NOT DISTINCT FROM lag(value) OVER w AND quality = lag(quality) OVER w AS same "
            f"FROM ({events}){until} WINDOW w AS (PARTITION BY point, time {order})) WHERE same IS NOT TRUE"
        )
        rows = engine.rows(
            f"SELECT point, time, value, quality, row_number() OVER w AS version, received, source, "
            f"lead(received) OVER w AS replaced, count(*) OVER (PARTITION BY point, time) AS versions FROM known "
            f"WINDOW w AS (PARTITION BY point, time {order}) ORDER BY point, time, version"
        )
    chosen_rows = [row for row in rows if row[8] > 1 or not revised_only]
    if at is not None:
        chosen_rows = [row for row in rows if row[7] is None]
    return [
        (row[0], _aware(row[1]), row[2], row[3], row[4], _aware(row[5]), row[6], row[7] and _aware(row[7]))
        for row in chosen_rows
    ]


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
