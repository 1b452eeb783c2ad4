"""Coverage: how many readings each point should have had, has, and had late; where they are missing.

A point has one reading for each `every`, and its days are those of the city's calendar. A reading is due when
the interval that it stands for has passed, and as long after as the point's readings usually take to come in.
One scan counts by point and day; only days that cannot be whole are looked at reading by reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cityctl.arrow import integers, table, texts
from cityctl.clock import Interval
from cityctl.engine.duck import Engine

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_LONG = 64 * _DAY  # what rare readings are counted by
_OFTEN = timedelta(hours=1)
_GRACE = timedelta(hours=1)

# Days have 23 to 25 hours, so counts of daily readings get a tolerance of a tenth of a day.
_SLACK = "(CASE WHEN every_us >= 86400000000 THEN 0.1 ELSE 1e-9 END)"

# A bucket is whole where its readings lie on one grid and are as many as fit between the first and the last.
_COUNT = """
INSERT INTO buckets
SELECT r.point, epoch_us(r.time) // {width} AS bucket, min(r.time), max(r.time), count(*), count(r.value),
       count(*) FILTER (WHERE r.quality = 1),
       min(epoch_us(r.time) % e.every_us) = max(epoch_us(r.time) % e.every_us),
       min(r.received), max(epoch_us(r.received) - epoch_us(r.time)) - any_value(e.every_us)
FROM readings AS r JOIN expected AS e ON e.point = r.point WHERE e.width_us = {width} GROUP BY 1, 2
"""
_BUCKETS = """
CREATE OR REPLACE TABLE buckets (
    point VARCHAR, bucket BIGINT, first TIMESTAMP, last TIMESTAMP, readings BIGINT, had BIGINT, estimated BIGINT,
    even BOOLEAN, received TIMESTAMP, slowest BIGINT)
"""
_BETWEEN = """
CREATE OR REPLACE TABLE holes AS
SELECT point, every_us, before, time FROM (
    SELECT b.point, e.every_us, lag(b.last) OVER (PARTITION BY b.point ORDER BY b.bucket) AS before, b.first AS time
    FROM buckets AS b JOIN expected AS e ON e.point = b.point
) WHERE epoch_us(time) - epoch_us(before) > 1.5 * every_us
"""
_WITHIN = """
INSERT INTO holes SELECT point, every_us, before, time FROM (
    SELECT r.point, u.every_us, r.time, lag(r.time) OVER (PARTITION BY r.point, u.bucket ORDER BY r.time) AS before
    FROM readings AS r JOIN (
        SELECT b.point, b.bucket, e.every_us FROM buckets AS b JOIN expected AS e ON e.point = b.point
        WHERE e.width_us = {width}
        AND (NOT b.even OR b.readings - 1 < round((epoch_us(b.last) - epoch_us(b.first)) / e.every_us))
    ) AS u ON u.point = r.point AND u.bucket = epoch_us(r.time) // {width}
) WHERE epoch_us(time) - epoch_us(before) > 1.5 * every_us
"""
# How long readings take: what came with the first delivery was history, and says nothing about it. A quarter of
# the days came quicker than the delay that is taken, so that history brought in later does not excuse silence.
_DELAYS = """
CREATE OR REPLACE TABLE delays AS
WITH begun AS (SELECT point, min(received) AS received FROM buckets GROUP BY point)
SELECT g.point, g.received, greatest(0, coalesce(
    quantile_cont(b.slowest, 0.25) FILTER (WHERE b.received > g.received), 0))::BIGINT AS delay_us
FROM begun AS g JOIN buckets AS b ON b.point = g.point GROUP BY g.point, g.received
"""
_LATE = """
INSERT INTO late SELECT r.point, count(*) FROM readings AS r JOIN (
    SELECT b.point, b.bucket, d.received, e.every_us + d.delay_us + greatest({grace}, e.every_us) AS limit_us
    FROM buckets AS b JOIN expected AS e ON e.point = b.point JOIN delays AS d ON d.point = b.point
    WHERE e.width_us = {width} AND b.slowest > d.delay_us + greatest({grace}, e.every_us)
) AS u ON u.point = r.point AND u.bucket = epoch_us(r.time) // {width}
WHERE r.received > u.received AND epoch_us(r.received) - epoch_us(r.time) > u.limit_us GROUP BY r.point
"""
_SETTLED = f"""
WITH edges AS (
    SELECT e.point, e.every_us, {_SLACK} AS slack, min(b.first) AS first, max(b.last) AS last,
           coalesce(sum(b.readings), 0)::BIGINT AS readings, coalesce(sum(b.had), 0)::BIGINT AS had,
           coalesce(sum(b.estimated), 0)::BIGINT AS estimated, coalesce(max(d.delay_us), 0) AS delay_us
    FROM expected AS e LEFT JOIN buckets AS b ON b.point = e.point LEFT JOIN delays AS d ON d.point = e.point
    GROUP BY e.point, e.every_us
), counted AS (
    SELECT *,
        CASE WHEN readings > 0 THEN floor((epoch_us(first) - $start) / every_us + slack) ELSE 0 END::BIGINT AS ahead,
        CASE WHEN readings > 0 THEN ceil(($end - epoch_us(last)) / every_us - slack) - 1
             ELSE ceil(($end - $start) / every_us - slack) END::BIGINT AS behind,
        CASE WHEN readings > 0 THEN floor(($now - delay_us - epoch_us(last)) / every_us + slack) - 1
             ELSE floor(($now - $start) / every_us + slack) END::BIGINT AS due
    FROM edges
), settled AS (
    SELECT *, greatest(0, least(behind, due)) AS late,
        CASE WHEN readings > 0 THEN epoch_us(last) + every_us ELSE $start END AS onward
    FROM counted
)
"""
_MISSING = "round((epoch_us(time) - epoch_us(before)) / every_us)::BIGINT - 1"
_HOLES = (
    _SETTLED
    + f"""
SELECT point, make_timestamp(epoch_us(before) + every_us) AS since, time AS until, {_MISSING}, true AS due,
       time AS anchor FROM holes
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
    _SETTLED
    + f"""
SELECT s.point, s.readings, s.had, s.readings - s.had AS no_value,
       greatest(0, s.ahead) + s.late + coalesce(h.missing, 0) AS missing, greatest(0, s.behind - s.late) AS not_due,
       s.estimated, coalesce(l.readings, 0) AS received_late, s.delay_us
FROM settled AS s
LEFT JOIN (SELECT point, sum({_MISSING})::BIGINT AS missing FROM holes GROUP BY point) AS h ON h.point = s.point
LEFT JOIN (SELECT point, sum(readings)::BIGINT AS readings FROM late GROUP BY point) AS l ON l.point = s.point
ORDER BY s.point
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
    """Readings of one point in an interval: those that were due, and those that were there with a value.

    Of those that are there `estimated` were made up by the source, and `received_late` came in (or were
    revised) more than an hour and an interval after `delay`, in which the point's readings usually come.
    """

    point: str
    every: timedelta
    delay: timedelta
    readings: int
    had: int
    no_value: int
    missing: int
    not_due: int
    estimated: int
    received_late: int

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
    widths = [(_DAY if length <= _OFTEN else _LONG) // _MICROSECOND for length in every.values()]
    lengths = integers([length // _MICROSECOND for length in every.values()])
    engine.keep("expected", table(point=texts(list(every)), every_us=lengths, width_us=integers(widths)))
    engine.execute(_BUCKETS)
    for width in sorted(set(widths)):
        engine.execute(_COUNT.format(width=width))
    engine.execute(_BETWEEN)
    engine.execute(_DELAYS)
    engine.execute("CREATE OR REPLACE TABLE late (point VARCHAR, readings BIGINT)")
    for width in sorted(set(widths)):
        engine.execute(_WITHIN.format(width=width))
        engine.execute(_LATE.format(width=width, grace=_GRACE // _MICROSECOND))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    asked = {"start": interval.start, "end": interval.end, "now": now}
    given = {name: (moment - epoch) // _MICROSECOND for name, moment in asked.items()}
    points = []
    for point, *counts, delay_us in engine.rows(_POINTS, given):
        delay = timedelta(microseconds=int(delay_us))
        points.append(Coverage(point, every[point], delay, *map(int, counts)))
    gaps = []
    for point, since, until, missing, due, anchor in engine.rows(_HOLES, given):
        begin, end = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
        if anchor is not None and every[point] % _DAY == timedelta():
            reading = anchor.replace(tzinfo=UTC)
            begin = _same_wall_time(begin, reading, interval.zone)
            end = min(interval.end, _same_wall_time(end, reading, interval.zone))
        gaps.append(Gap(point, begin, end, int(missing), due))
    for name in ("expected", "buckets", "holes", "delays", "late"):
        engine.execute(f"DROP TABLE {name}")
    return points, gaps


def _same_wall_time(moment: datetime, anchor: datetime, zone: tzinfo) -> datetime:
    """The instant nearest to `moment` at which local clocks show what they show at `anchor`."""
    wall = anchor.astimezone(zone).time()
    day = moment.astimezone(zone).date()
    near = [datetime.combine(day + off * _DAY, wall, tzinfo=zone).astimezone(UTC) for off in (-1, 0, 1)]
    return min(near, key=lambda instant: abs(instant - moment))
