"""All versions of readings, those that gave way included: for `data history`, compaction and rebuilding.

Knows SQL text over segments; the scan that every question uses looks at none of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from cityctl.engine.duck import text_literal
from cityctl.store.segments.scan import COLUMNS, Filter, files, of_kind
from cityctl.store.segments.segment_list import Segment

WHOLE = f"{COLUMNS}, confirmed, source"


def sourced(folder: Path, segments: Iterable[Segment]) -> str:
    """A relation of the segments' rows with all columns of a version, and `filename`.

    Segments of the store's version 1 have no column `source`: theirs is the one on the list.
    """
    import pyarrow.parquet as pq

    every = list(segments)
    without = [segment for segment in every if "source" not in pq.read_schema(folder / segment.path).names]
    if not without:
        return files(folder, every, named=True)
    having = [segment for segment in every if segment not in without]
    known = ", ".join(
        f"{text_literal(str(folder / segment.path))}: {text_literal(segment.source)}" for segment in without
    )
    parts = [
        f"SELECT {COLUMNS}, confirmed, (MAP {{{known}}})[filename] AS source, filename "
        f"FROM {files(folder, without, named=True)}"
    ]
    if having:
        parts.append(f"SELECT {WHOLE}, filename FROM {files(folder, having, named=True)}")
    return f"({' UNION ALL '.join(parts)})"


def outdone(folder: Path, segments: Sequence[Segment]) -> str | None:
    """The query for versions that segments of kind "revised" replace, in segments of one month; WHOLE.

    That such a version was received again is a row of its own.
    """
    revised, new = of_kind(segments, "revised"), of_kind(segments, "new")
    if not revised:
        return None
    later = sourced(folder, revised)
    parts = [
        f"SELECT {WHOLE} FROM {later} AS s QUALIFY "
        "row_number() OVER (PARTITION BY point, time ORDER BY filename DESC) > 1"
    ]
    laid_over = f"(SELECT 1 FROM {files(folder, revised)} AS r WHERE r.point = s.point AND r.time = s.time"
    if new:
        parts.append(f"SELECT {WHOLE} FROM {sourced(folder, new)} AS s WHERE EXISTS {laid_over})")
    again = confirming(folder, segments, Filter())
    if again is not None:
        parts.append(
            f"SELECT {WHOLE} FROM ({again}) AS s WHERE EXISTS {laid_over} AND r.received > s.received)"
        )
    return " UNION ALL ".join(parts)


def confirming(folder: Path, segments: Sequence[Segment], which: Filter) -> str | None:
    """The query for stored versions that were received again, with `received` when that was; WHOLE.

    What counted then is what the newest segment held of those that were there already.
    """
    touched = [segment for segment in segments if which.touches(segment)]
    again, held = of_kind(touched, "confirmed"), [s for s in touched if s.kind in ("new", "revised")]
    if not again or not held:
        return None
    return (
        "SELECT v.point, v.time, v.value, v.quality, c.received, NULL::TIMESTAMP AS confirmed, v.source "
        f"FROM (SELECT * FROM {files(folder, again, named=True)} WHERE {which.sql}) AS c "
        f"JOIN (SELECT * FROM {sourced(folder, held)} WHERE {which.sql}) AS v "
        "ON v.point = c.point AND v.time = c.time AND v.filename < c.filename "
        "QUALIFY row_number() OVER (PARTITION BY c.filename, c.point, c.time ORDER BY v.filename DESC) = 1"
    )
