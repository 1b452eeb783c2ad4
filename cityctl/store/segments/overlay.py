"""What has landed laid over what segments hold: of two versions the later word counts, wherever it lies.

Knows SQL, and the engine that asks it; writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from cityctl.engine.duck import Engine
from cityctl.store.segments.compare import landed_table
from cityctl.store.segments.scan import (
    ALIKE,
    BEST_FIRST,
    BEST_OF_DELIVERY,
    BETTER,
    COLUMNS,
    Filter,
    confirmations,
    prevailing,
)
from cityctl.store.segments.segment_list import Snapshot


def with_landed(engine: Engine, folder: Path, snapshot: Snapshot, which: Filter, *, landed: str) -> str:
    """The query for readings (COLUMNS), each (point, time) once; what has landed is kept in the table `landed`."""
    stored = f"SELECT {COLUMNS} FROM ({prevailing(folder, snapshot.segments, which)})"
    if not snapshot.landed:
        return stored
    engine.keep("landed_rows", landed_table(snapshot.landed))
    engine.execute(
        f"CREATE OR REPLACE TABLE {landed} AS SELECT point, time, value, quality, min(received) OVER "
        "(PARTITION BY point, time, value, quality) AS received, received AS last_received "
        f"FROM (SELECT * FROM landed_rows WHERE {which.sql} {BEST_OF_DELIVERY}) AS landed_rows "
        "QUALIFY row_number() OVER (PARTITION BY point, time "
        f"ORDER BY {BEST_FIRST.format(row='landed_rows.', received='received')}) = 1"
    )
    engine.execute("DROP TABLE landed_rows")
    low, high = engine.row(f"SELECT epoch_us(min(time)), epoch_us(max(time)) FROM {landed}")
    if low is None:
        return stored
    near = Filter(low, high + 1, table=landed)
    if any(near.touches(segment) for segment in snapshot.segments):
        effective = "greatest(s.received, s.confirmed"
        again = confirmations(folder, snapshot.segments, near)
        joined = ""
        if again is not None:
            joined = f" LEFT JOIN ({again}) AS c ON c.point = s.point AND c.time = s.time"
            effective += ", c.confirmed"
        # What lost against a stored version leaves the landing's table; what won is laid over.
        known = prevailing(folder, snapshot.segments, near)
        engine.execute(
            f"DELETE FROM {landed} AS n USING ("
            f"SELECT s.point, s.time, s.value, s.quality, s.received, {effective}) AS effective "
            f"FROM ({known}) AS s{joined}) AS o WHERE o.point = n.point AND o.time = n.time AND CASE "
            f"WHEN {ALIKE.format(new='n', old='o')} THEN n.received >= o.received "
            f"ELSE NOT {BETTER.format(new='n', old='o').replace('n.received', 'n.last_received')} END"
        )
        stored = f"SELECT {COLUMNS} FROM ({prevailing(folder, snapshot.segments, which, over=landed)})"
    return f"{stored} UNION ALL SELECT {COLUMNS} FROM {landed}"
