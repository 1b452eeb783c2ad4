"""Roll-ups: the readings of a local month by hour, day and month, as segments of their own.

Hours are added up from readings, days from hours, months from days. Where the readings were dropped once they
were rolled up, and others come in late, an hour takes whichever knows more: see `_joined`. Knows SQL over
segments; knows no rule of what to keep.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cityctl.arrow import floats, table, texts, times
from cityctl.engine.duck import Engine, text_literal
from cityctl.store.segments.compaction import filling
from cityctl.store.segments.months import HOUR_US, LocalMonth, utc_months
from cityctl.store.segments.scan import NOTHING, Filter, files, instant, prevailing
from cityctl.store.segments.segment import put
from cityctl.store.segments.segment_list import Segment, SegmentKind, Snapshot

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = "point, time, readings, sum, min, max, first, last, first_time, last_time, doubtful, expected"
"""Of one bucket: its start (UTC), how many readings with a value, their sum, least, largest, first and last
value, the times of these two, how many were not good, and how many were to be expected."""

ADDED = (
    "sum(readings)::BIGINT AS readings, sum(sum) AS sum, min(min) AS min, max(max) AS max, "
    "arg_min(first, first_time) AS first, arg_max(last, last_time) AS last, min(first_time) AS first_time, "
    "max(last_time) AS last_time, sum(doubtful)::BIGINT AS doubtful"
)


@dataclass(frozen=True)
class Rolled:
    """One local month rolled up: the segments made, those they replace, and how many readings came too late."""

    made: list[Segment]
    replaced: list[Segment]
    late: dict[str, int]


def roll_up(
    folder: Path,
    engine: Engine,
    snapshot: Snapshot,
    month: LocalMonth,
    *,
    dropped: Sequence[str],
    every_us: Mapping[str, int],
    levels: Sequence[SegmentKind],
    key: str,
) -> Rolled:
    """Write the roll-ups of one local month, not on the list yet.

    `dropped`: months (UTC) whose raw readings are gone. `every_us`: how often points have a reading, where it
    is known [µs]. `levels`: which roll-ups are kept.
    """
    old = {level: _of(snapshot, level, month.name) for level in ("hourly", "daily", "monthly")}
    which = Filter(month.start_us, month.end_us)
    raw = f"SELECT * FROM ({prevailing(folder, snapshot.segments, which)}) WHERE value IS NOT NULL"
    before = {level: stored(folder, held) for level, held in old.items()}
    gone = [name for name in utc_months(month) if name in dropped]
    union = " UNION ALL ".join(
        [f"SELECT point, count(*) AS n FROM ({raw}) GROUP BY point"]
        + [f"SELECT point, 1 AS n FROM ({query}) GROUP BY point" for query in before.values() if gone]
    )
    counts = engine.rows(f"SELECT point, sum(n)::BIGINT FROM ({union}) GROUP BY point ORDER BY point")
    _calendar(engine, month)
    made: list[Segment] = []
    late: dict[str, int] = {}
    groups = list(filling(counts))
    for part, names in enumerate(groups):
        among = f"WHERE point BETWEEN {text_literal(names[0])} AND {text_literal(names[-1])}"
        then = {level: f"SELECT * FROM ({query}) {among}" for level, query in before.items()}
        fresh = f"SELECT * FROM ({raw}) {among}"
        _expect(engine, fresh, names, every_us)
        _hours(engine, month, fresh, then["hourly"], gone)
        for name, count in engine.rows(
            "SELECT strftime(time, '%Y-%m'), sum(late)::BIGINT FROM hours WHERE late > 0 GROUP BY 1"
        ):
            late[name] = late.get(name, 0) + count
        # A level whose finer one was dropped by its age cannot be added up anew from that.
        _days(engine, then["daily"], partial=bool(gone) and not old["hourly"])
        _whole_month(engine, month, then["monthly"], partial=bool(gone) and not old["daily"])
        for level in levels:
            made += _written(
                folder, engine, snapshot, month, level, ordinal=len(made), key=key, part=(part, len(groups))
            )
    replaced = [segment for held in old.values() for segment in held]
    return Rolled(made, replaced, late)


def _of(snapshot: Snapshot, level: str, month: str) -> list[Segment]:
    return [segment for segment in snapshot.rollups if segment.kind == level and segment.month == month]


def stored(folder: Path, held: Sequence[Segment]) -> str:
    """The query for stored roll-ups; COLUMNS."""
    if held:
        return f"SELECT {COLUMNS} FROM {files(folder, held)}"
    none = NOTHING.split(" WHERE ")[0]
    return (
        "SELECT point, time, 0::BIGINT AS readings, value AS sum, value AS min, value AS max, value AS first, "
        "value AS last, time AS first_time, time AS last_time, 0::BIGINT AS doubtful, value AS expected "
        f"FROM ({none}) WHERE false"
    )


def _calendar(engine: Engine, month: LocalMonth) -> None:
    hours, days = zip(
        *((at, start) for start, end in month.days for at in range(start, end, HOUR_US)), strict=True
    )
    lengths = [(end - start) / HOUR_US for start, end in month.days for _ in range(start, end, HOUR_US)]
    engine.keep(
        "month_hours", table(hour=times(list(hours)), day=times(list(days)), hours=floats(list(lengths)))
    )


def _expect(engine: Engine, raw: str, names: Sequence[str], every_us: Mapping[str, int]) -> None:
    """Table `steps`: how often a point has a reading, from city.yaml or as it mostly had one this month."""
    known = [name for name in names if name in every_us]
    engine.keep("known_steps", table(point=texts(known), every_us=floats([every_us[name] for name in known])))
    guess = ""
    if len(known) < len(names):
        guess = (
            " UNION ALL SELECT point, median(step) FROM (SELECT point, epoch_us(time) - epoch_us(lag(time) OVER "
            f"(PARTITION BY point ORDER BY time)) AS step FROM ({raw}) WHERE point NOT IN "
            "(SELECT point FROM known_steps)) WHERE step > 0 GROUP BY point"
        )
    engine.execute(f"CREATE OR REPLACE TABLE steps AS SELECT point, every_us FROM known_steps{guess}")


def by_hour(month: LocalMonth, raw: str) -> str:
    """The query for the readings with a value of `raw` (point, time, value, quality), by hour; not yet `expected`."""
    return (
        f"SELECT point, {month.hour_of('r.time')} AS time, count(*)::BIGINT AS readings, sum(value) AS sum, "
        "min(value) AS min, max(value) AS max, arg_min(value, r.time) AS first, arg_max(value, r.time) AS last, "
        "min(r.time) AS first_time, max(r.time) AS last_time, "
        "sum(CASE WHEN quality > 0 THEN 1 ELSE 0 END)::BIGINT AS doubtful "
        f"FROM ({raw}) AS r GROUP BY 1, 2"
    )


def _hours(engine: Engine, month: LocalMonth, raw: str, before: str, gone: Sequence[str]) -> None:
    engine.execute(
        f"CREATE OR REPLACE TABLE fresh AS SELECT h.*, ({HOUR_US} / s.every_us)::DOUBLE AS expected "
        f"FROM ({by_hour(month, raw)}) AS h LEFT JOIN steps AS s ON s.point = h.point"
    )
    if not gone:
        engine.execute("CREATE OR REPLACE TABLE hours AS SELECT *, 0 AS late FROM fresh")
        return
    listed = ", ".join(text_literal(name) for name in gone)
    _joined(engine, "hours", before, f"strftime(coalesce(f.time, o.time), '%Y-%m') IN ({listed})")


def _days(engine: Engine, before: str, *, partial: bool) -> None:
    engine.execute(
        f"CREATE OR REPLACE TABLE fresh AS SELECT h.point, m.day AS time, {ADDED}, "
        "max(h.expected) * max(m.hours) AS expected FROM hours AS h JOIN month_hours AS m ON m.hour = h.time "
        "GROUP BY h.point, m.day"
    )
    if partial:
        _joined(engine, "days", before, "true")
    else:
        engine.execute("CREATE OR REPLACE TABLE days AS SELECT *, 0 AS late FROM fresh")


def _whole_month(engine: Engine, month: LocalMonth, before: str, *, partial: bool) -> None:
    engine.execute(
        f"CREATE OR REPLACE TABLE fresh AS SELECT d.point, {instant(month.start_us)} AS time, {ADDED}, "
        f"max(d.expected / m.hours) * {(month.end_us - month.start_us) / HOUR_US!r} AS expected FROM days AS d "
        "JOIN (SELECT DISTINCT day, hours FROM month_hours) AS m ON m.day = d.time GROUP BY d.point"
    )
    if partial:
        _joined(engine, "months", before, "true")
    else:
        engine.execute("CREATE OR REPLACE TABLE months AS SELECT *, 0 AS late FROM fresh")


def _joined(engine: Engine, into: str, before: str, gone: str) -> None:
    """Buckets of `fresh` and of an older roll-up, where readings behind the older one were dropped (`gone`).

    A bucket with as many readings as were rolled up before was imported anew: it counts. One whose readings
    all lie before or after those is added to them. Of any other it cannot be told which readings are in the
    older one: that stays, and the readings are `late`, to be kept raw beside it.
    """
    after = "(f.first_time > o.last_time OR f.last_time < o.first_time)"
    engine.execute(
        f"CREATE OR REPLACE TABLE joined AS SELECT coalesce(f.point, o.point) AS point, "
        "coalesce(f.time, o.time) AS time, "
        f"CASE WHEN o.point IS NULL OR NOT ({gone}) THEN 'fresh' WHEN f.point IS NULL THEN 'old' "
        f"WHEN f.readings >= o.readings THEN 'fresh' WHEN {after} THEN 'both' ELSE 'old' END AS choice, "
        "f.point IS NOT NULL AS has_fresh, coalesce(f.readings, 0) AS fresh_readings "
        f"FROM fresh AS f FULL JOIN ({before}) AS o ON o.point = f.point AND o.time = f.time "
        f"WHERE f.point IS NOT NULL OR ({gone})"
    )
    engine.execute(
        f"CREATE OR REPLACE TABLE {into} AS SELECT p.point, p.time, {ADDED}, max(p.expected) AS expected, "
        "max(CASE WHEN j.choice = 'old' AND j.has_fresh THEN j.fresh_readings ELSE 0 END)::BIGINT AS late "
        f"FROM (SELECT {COLUMNS}, 'fresh' AS side FROM fresh UNION ALL SELECT {COLUMNS}, 'old' FROM ({before})) AS p "
        "JOIN joined AS j ON j.point = p.point AND j.time = p.time AND (j.choice = p.side OR j.choice = 'both') "
        "GROUP BY p.point, p.time"
    )


_TABLES = {"hourly": "hours", "daily": "days", "monthly": "months"}


def _written(
    folder: Path,
    engine: Engine,
    snapshot: Snapshot,
    month: LocalMonth,
    level: SegmentKind,
    *,
    ordinal: int,
    key: str,
    part: tuple[int, int],
) -> Iterator[Segment]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = engine.arrow(f"SELECT {COLUMNS} FROM {_TABLES[level]} ORDER BY point, time")
    if not rows.num_rows:
        return
    about: dict[str, Any] = {"generation": snapshot.generation + 1, "source": month.zone.key}
    footer = {"cityctl": json.dumps({**about, "kind": level, "batch": key, "part": part})}
    target = pa.BufferOutputStream()
    repeated = ["point", "readings", "doubtful", "expected"]
    options: dict[str, Any] = {"use_dictionary": repeated, "store_schema": False, "compression": "zstd"}
    with pq.ParquetWriter(target, rows.schema, **options) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata(footer)
    first, last = engine.row(f"SELECT epoch_us(min(time)), epoch_us(max(time)) FROM {_TABLES[level]}")
    yield put(
        folder,
        month.name,
        level,
        target.getvalue(),
        ordinal=ordinal,
        key=key,
        first_us=first,
        last_us=last,
        rows=rows.num_rows,
        received_us=0,
        **about,
    )
