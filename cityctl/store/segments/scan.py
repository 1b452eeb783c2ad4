"""Segments on the list -> the SQL that reads them: each (point, time) once, the later word over the earlier.

Every reading stands in exactly one segment of kind "new"; only "revised" segments lie over others, so only
where they do is anything compared. Knows SQL text and the list, asks no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cityctl.engine.duck import text_literal
from cityctl.store.segments.segment_list import Segment, SegmentKind

COLUMNS = "point, time, value, quality, received"
INNER = "inner_tables"  # schema of what readers of `readings` need not see
_LITERAL_POINTS = 200  # up to here names stand in the query, where DuckDB prunes row groups by them

NOTHING = (
    "SELECT NULL::VARCHAR AS point, NULL::TIMESTAMP AS time, NULL::DOUBLE AS value, NULL::UTINYINT AS quality, "
    "NULL::TIMESTAMP AS received, NULL::TIMESTAMP AS confirmed WHERE false"
)

BETTER = (
    "({new}.received > {old}.effective OR ({new}.received = {old}.effective AND ({new}.quality < {old}.quality "
    "OR ({new}.quality = {old}.quality AND (({new}.value IS NOT NULL AND {old}.value IS NULL) "
    "OR coalesce({new}.value > {old}.value, false))))))"
)
"""Whether one version wins over another, as in `batch`: received, quality, any value, the larger value."""

BEST_FIRST = "{row}{received} DESC, {row}quality, {row}value IS NULL, {row}value DESC"
"""The same order for ORDER BY, the winner first; `row` is a prefix such as `s.`."""

ALIKE = (
    "({new}.quality = {old}.quality AND ({new}.value IS NOT DISTINCT FROM {old}.value "
    "OR abs({new}.value - {old}.value) <= 1e-15 * abs({old}.value)))"
)
"""Whether two versions say the same. A value that went to another unit and back may differ in its last bits."""

BEST_OF_DELIVERY = (
    "QUALIFY row_number() OVER (PARTITION BY point, time, received "
    "ORDER BY quality, value IS NULL, value DESC) = 1"
)
"""Of two values for one instant in one delivery the better one was received, and the other never."""


def micros(moment: datetime) -> int:
    """µs since 1970 UTC of an aware instant, exactly."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(at_us: int) -> str:
    """µs since 1970 UTC as an SQL TIMESTAMP."""
    return f"make_timestamp({at_us}::BIGINT)"


@dataclass(frozen=True)
class Filter:
    """Which readings: half-open in time (µs since 1970 UTC); `points` None is all; `without` are left out.

    `table`: a table of the engine with a column `point`, in the place of `points`, where they are many.
    """

    start_us: int | None = None
    end_us: int | None = None
    points: tuple[str, ...] | None = None
    table: str | None = None
    without: tuple[str, ...] = ()

    @staticmethod
    def few(points: Iterable[str]) -> bool:
        """Whether so few points are asked for that their names can stand in the query."""
        return len(list(points)) <= _LITERAL_POINTS

    @property
    def sql(self) -> str:
        """The condition, never empty."""
        parts = []
        if self.start_us is not None:
            parts.append(f"time >= {instant(self.start_us)}")
        if self.end_us is not None:
            parts.append(f"time < {instant(self.end_us)}")
        if self.table is not None:
            parts.append(f"point IN (SELECT point FROM {self.table})")
        elif self.points is not None:
            parts.append(f"point IN ({_texts(self.points)})" if self.points else "false")
        if self.without:
            parts.append(f"point NOT IN ({_texts(self.without)})")
        return " AND ".join(parts) or "true"

    def touches(self, segment: Segment) -> bool:
        """Whether a segment can hold such readings."""
        after = self.start_us is None or segment.last_us >= self.start_us
        return after and (self.end_us is None or segment.first_us < self.end_us)


def files(folder: Path, segments: Iterable[Segment], *, named: bool = False) -> str:
    """read_parquet over segments; `named` adds the column `filename`."""
    listed = ", ".join(text_literal(str(folder / segment.path)) for segment in segments)
    return f"read_parquet([{listed}]{', filename = true' if named else ''})"


def of_kind(segments: Iterable[Segment], kind: SegmentKind) -> list[Segment]:
    """The segments of one kind."""
    return [segment for segment in segments if segment.kind == kind]


def prevailing(
    folder: Path,
    segments: Sequence[Segment],
    which: Filter,
    *,
    over: str | None = None,
    whole: Callable[[Sequence[Segment]], str] | None = None,
) -> str:
    """The query for readings as the segments have them: point, time, value, quality, received, confirmed.

    `over`: a table with columns point and time; readings in it come from elsewhere and are left out here.
    `whole`: gives the relation of some segments with the columns source and filename too; source is then given.
    """
    touched = [segment for segment in segments if which.touches(segment)]
    revised = of_kind(touched, "revised")
    reach: dict[str, tuple[int, int]] = {}
    for segment in revised:
        low, high = reach.get(segment.month, (segment.first_us, segment.last_us))
        reach[segment.month] = (min(low, segment.first_us), max(high, segment.last_us))
    clean: list[Segment] = []
    covered: list[Segment] = []
    for segment in of_kind(touched, "new"):
        over_it = reach.get(segment.month)
        under = over_it is not None and segment.first_us <= over_it[1] and segment.last_us >= over_it[0]
        (covered if under else clean).append(segment)
    columns = f"{COLUMNS}, confirmed" if whole is None else f"{COLUMNS}, confirmed, source"
    read = whole or (lambda some: files(folder, some, named=some is revised))
    hidden = ""
    if over is not None:
        hidden = f" AND NOT EXISTS (SELECT 1 FROM {over} AS o WHERE o.point = s.point AND o.time = s.time)"
    parts = []
    if clean:
        parts.append(f"SELECT {columns} FROM {read(clean)} AS s WHERE {which.sql}{hidden}")
    if covered:
        parts.append(
            f"SELECT {columns} FROM {read(covered)} AS s WHERE {which.sql}{hidden} AND NOT EXISTS "
            f"(SELECT 1 FROM {files(folder, revised)} AS r WHERE r.point = s.point AND r.time = s.time)"
        )
    if revised:
        last = ""
        if len(revised) > 1:
            last = " QUALIFY row_number() OVER (PARTITION BY point, time ORDER BY filename DESC) = 1"
        parts.append(f"SELECT {columns} FROM {read(revised)} AS s WHERE {which.sql}{hidden}{last}")
    return " UNION ALL ".join(parts) or NOTHING


def confirmations(folder: Path, segments: Sequence[Segment], which: Filter) -> str | None:
    """The query for when stored readings were last received again: point, time, confirmed."""
    found = [segment for segment in of_kind(segments, "confirmed") if which.touches(segment)]
    if not found:
        return None
    return (
        f"SELECT point, time, max(received) AS confirmed FROM {files(folder, found)} "
        f"WHERE {which.sql} GROUP BY point, time"
    )


def _texts(texts: Iterable[str]) -> str:
    return ", ".join(text_literal(text) for text in texts)
