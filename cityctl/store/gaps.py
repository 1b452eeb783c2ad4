"""`data gaps`: which readings are missing, point by point, by how often each point should have one.

A reading is due when the interval that it stands for has passed; what is not due yet is not missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from cityctl import clock
from cityctl.city.project import Project
from cityctl.clock import Interval, short
from cityctl.engine.columns import integers, table, texts
from cityctl.engine.duck import Engine
from cityctl.glossary import column
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.store.choice import chosen, opened
from cityctl.store.store import Store

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
        "present", "Present", meaning="share of the wanted readings that are there", kind="share", priority=2
    ),
)
_OWN = {entry.key: entry for entry in COLUMNS}
_DAY = timedelta(days=1)

# Days have 23 to 25 hours, so counts of daily readings get a tolerance of a tenth of a day.
_SLACK = "(CASE WHEN e.every_us >= 86400000000 THEN 0.1 ELSE 1e-9 END)"

_COVERAGE = f"""
WITH stepped AS (
    SELECT r.point, r.time, r.value, e.every_us, {_SLACK} AS slack,
           lag(r.time) OVER (PARTITION BY r.point ORDER BY r.time) AS before
    FROM readings AS r JOIN expected AS e ON e.point = r.point
), holes AS (
    SELECT point, make_timestamp(epoch_us(before) + every_us) AS since, time AS until,
           round((epoch_us(time) - epoch_us(before)) / every_us)::BIGINT - 1 AS missing
    FROM stepped WHERE epoch_us(time) - epoch_us(before) > 1.5 * every_us
), edges AS (
    SELECT e.point, e.every_us, {_SLACK} AS slack, min(r.time) AS first, max(r.time) AS last,
           count(r.time) AS readings, count(r.value) AS had
    FROM expected AS e LEFT JOIN readings AS r ON r.point = e.point GROUP BY e.point, e.every_us
), counted AS (
    SELECT *,
        CASE WHEN readings > 0 THEN floor((epoch_us(first) - $start) / every_us + slack) ELSE 0 END::BIGINT AS ahead,
        CASE WHEN readings > 0 THEN ceil(($end - epoch_us(last)) / every_us - slack) - 1
             ELSE ceil(($end - $start) / every_us - slack) END::BIGINT AS behind,
        CASE WHEN readings > 0 THEN floor(($now - epoch_us(last)) / every_us + slack) - 1
             ELSE floor(($now - $start) / every_us + slack) END::BIGINT AS due
    FROM edges
), settled AS (
    SELECT *, greatest(0, least(behind, due)) AS late,
        CASE WHEN readings > 0 THEN epoch_us(last) + every_us ELSE $start END AS onward
    FROM counted
)
"""

_HOLES = (
    _COVERAGE
    + """
SELECT point, since, until, missing, true AS due, until AS anchor FROM holes
UNION ALL
SELECT point, make_timestamp((epoch_us(first) - ahead * every_us)::BIGINT), first, ahead, true, first
FROM settled WHERE ahead > 0
UNION ALL
SELECT point, make_timestamp(onward), make_timestamp(least($end, onward + late * every_us)::BIGINT), late, true, last
FROM settled WHERE late > 0
UNION ALL
SELECT point, make_timestamp((onward + late * every_us)::BIGINT), make_timestamp($end), behind - late, false, last
FROM settled WHERE behind > late
ORDER BY point, since
"""
)

_POINTS = (
    _COVERAGE
    + """
SELECT s.point, s.readings, s.had, s.readings - s.had AS no_value,
       greatest(0, s.ahead) + s.late + coalesce(h.missing, 0) AS missing, greatest(0, s.behind - s.late) AS not_due
FROM settled AS s LEFT JOIN (SELECT point, sum(missing)::BIGINT AS missing FROM holes GROUP BY point) AS h
ON h.point = s.point ORDER BY s.point
"""
)


@dataclass(frozen=True)
class Gap:
    """A stretch without readings: how many are missing, or not due yet (`due` False)."""

    point: str
    since: datetime
    until: datetime
    missing: int
    due: bool


@dataclass(frozen=True)
class Coverage:
    """Readings of one point in an interval: those that were due, and those that were there with a value."""

    point: str
    every: timedelta
    readings: int
    had: int
    no_value: int
    missing: int
    not_due: int

    @property
    def wanted(self) -> int:
        """How many should be there by now."""
        return self.readings + self.missing


def coverage(
    engine: Engine, every: Mapping[str, timedelta], interval: Interval, now: datetime
) -> tuple[list[Coverage], list[Gap]]:
    """Coverage and gaps of points of which a reading is expected `every` so often.

    The engine has a view `readings` of these points in the interval.
    """
    micro = timedelta(microseconds=1)
    lengths = integers([length // micro for length in every.values()])
    engine.keep("expected", table(point=texts(list(every)), every_us=lengths))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    asked = {"start": interval.start, "end": interval.end, "now": now}
    given = {name: (moment - epoch) // micro for name, moment in asked.items()}
    points = [Coverage(row[0], every[row[0]], *map(int, row[1:])) for row in engine.rows(_POINTS, given)]
    gaps = []
    for point, since, until, missing, due, anchor in engine.rows(_HOLES, given):
        begin, end = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
        if anchor is not None and every[point] % _DAY == timedelta():
            reading = anchor.replace(tzinfo=UTC)
            begin = _same_wall_time(begin, reading, interval.zone)
            end = min(interval.end, _same_wall_time(end, reading, interval.zone))
        gaps.append(Gap(point, begin, end, int(missing), due))
    engine.execute("DROP TABLE expected")
    return points, gaps


def _same_wall_time(moment: datetime, anchor: datetime, zone: tzinfo) -> datetime:
    """The instant nearest to `moment` at which local clocks show what they show at `anchor`."""
    wall = anchor.astimezone(zone).time()
    day = moment.astimezone(zone).date()
    near = [datetime.combine(day + off * _DAY, wall, tzinfo=zone).astimezone(UTC) for off in (-1, 0, 1)]
    return min(near, key=lambda instant: abs(instant - moment))


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
        every, guessed = _every(engine, city, points)
        found, holes = coverage(engine, every, interval, now)
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
    if guessed:
        result.notes.append(
            f"how often is read from the readings themselves, as city.yaml has no `every`: {guessed}"
        )
    without = len(points) - len(every)
    if without:
        result.notes.append(
            f"{without} points have no `every` in city.yaml and fewer than three readings: their gaps are unknown"
        )
    result.summary = _summary(found)
    return result


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
    columns += [_OWN["no_value"], _OWN["not_due"], _OWN["present"]]
    rows: list[tuple[Any, ...]] = [
        (
            entry.point,
            short(entry.every),
            entry.wanted,
            entry.had,
            entry.missing,
            entry.no_value,
            entry.not_due,
            entry.had / entry.wanted if entry.wanted else None,
        )
        for entry in found
    ]
    return Table("points", "Points", columns, rows)


def _summary(found: Sequence[Coverage]) -> str:
    incomplete = sum(entry.missing > 0 for entry in found)
    missing = sum(entry.missing for entry in found)
    if not missing:
        return f"no gaps in {len(found)} points"
    return f"{missing} readings missing in {incomplete} of {len(found)} points"
