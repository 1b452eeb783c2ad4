"""A re-issued day replaces the day that is stored, also where its intervals have another length.

Stored readings of a replaced span that stand between the instants of its new intervals are withdrawn: they
stay in the history, and are bad from now on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from cityctl import arrow
from cityctl.clock import Interval
from cityctl.collect.ledger import Ledger, schema
from cityctl.collect.order import moment
from cityctl.reading import Quality

if TYPE_CHECKING:
    from cityctl.city.points import Point
    from cityctl.store import Store

_SECOND = 1_000_000


def withdraw(store: Store, ledger: Ledger, points: Mapping[str, Point] | None, now: datetime) -> int:
    """How many stored readings were withdrawn, because the export replaces the spans that they stand in.

    To be called when the export's own readings are stored, also where all of them were: a run that was killed
    before it came here is then completed by the next one. What is withdrawn is noted in the ledger.
    """
    import pyarrow as pa

    from cityctl.engine.duck import Engine

    spans: dict[str, list[tuple[int, int, int]]] = {}
    for one in ledger.replaced:
        line = ledger.lines.get(one.series)
        if line is not None and line.match.point and one.every:
            spans.setdefault(line.match.point, []).append((one.start, one.end, one.every * _SECOND))
    ledger.replaced = []
    if not spans:
        return 0
    edges = [edge for some in spans.values() for start, end, _ in some for edge in (start, end)]
    interval = Interval(moment(min(edges)), moment(max(edges)), ZoneInfo("UTC"))
    names: list[str] = []
    times: list[int] = []
    with Engine() as engine:
        store.attach(engine, None, points=list(spans), interval=interval, name="stored")
        rows = engine.rows(
            "SELECT s.point, epoch_ms(s.time) AS ms FROM stored AS s WHERE s.value IS NOT NULL ORDER BY s.point, s.time"
        )
    by_point: dict[str, list[int]] = {}
    for point, ms in rows:
        by_point.setdefault(point, []).append(int(ms) * 1000)
    for point, known in by_point.items():
        instants = np.array(known, np.int64)
        gone = np.zeros(len(instants), np.bool_)
        for start, end, every in spans[point]:
            low, high = np.searchsorted(instants, [start, end])
            gone[low:high] |= (instants[low:high] - start) % every != 0
        times += instants[gone].tolist()
        names += [point] * int(gone.sum())
    if not names:
        return 0
    count = len(names)
    batch = pa.record_batch(
        [
            arrow.texts(names).dictionary_encode(),
            arrow.times(times),
            pa.nulls(count, pa.float64()),
            arrow.octets(np.full(count, Quality.BAD, np.uint8)),
        ],
        names=["point", "time", "value", "quality"],
    )
    reader = pa.RecordBatchReader.from_batches(schema(), [batch])
    # Later than all that came in this run: of two words of one instant the better value would win.
    store.add(reader, source=ledger.source, received=now + timedelta(microseconds=1), points=points)
    ledger.notes.append(f"{ledger.source}: {count} stored readings of days that it replaces were withdrawn")
    return count
