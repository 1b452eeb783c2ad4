"""What readings are, against what is stored: new, unchanged, received again, or a revision.

Knows SQL over segments and landed readings; writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cityctl.arrow import codes, floats, integers, named, numbers_of, octets, table, times
from cityctl.engine.duck import Engine
from cityctl.store.landing import Landed
from cityctl.store.segments.batch import Batch
from cityctl.store.segments.scan import ALIKE, BEST_FIRST, BETTER, COLUMNS, Filter, confirmations, prevailing
from cityctl.store.segments.segment_list import Segment

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

NEW, UNCHANGED, CONFIRMED, REVISED, OUTDATED, EARLIER, GAVE_WAY, EVEN_REVISED, EVEN_GAVE_WAY = range(9)
"""unchanged: stored so · earlier, confirmed: stored so, and now received earlier, or later · outdated: another
version, and what is stored was received later · gave way: another version, received at the same instant, and not
the better one · even: of the same quality, so that the larger value alone decides."""


def classify(
    opened: Callable[[], Engine],
    folder: Path,
    batch: Batch,
    segments: Sequence[Segment],
    landed: Landed | None = None,
    *,
    among: Container[str],
) -> npt.NDArray[np.uint8]:
    """One of the classes above for each reading of the batch.

    `among`: the points that may be in the segments and among the landed; readings of others are new. `opened`
    gives the engine, and is only called where something is stored in the batch's time.
    """
    import numpy as np

    classes = np.full(len(batch), NEW, dtype=np.uint8)
    known = np.array([name in among for name in batch.names], dtype=np.bool_)[batch.codes]
    if known.any() and (segments or landed):
        some = batch if known.all() else batch.take(known)
        classes[known] = _compared(opened, folder, some, segments, landed)
    return classes


def _compared(
    opened: Callable[[], Engine],
    folder: Path,
    batch: Batch,
    segments: Sequence[Segment],
    landed: Landed | None,
) -> npt.NDArray[np.uint8]:
    import numpy as np

    classes = np.full(len(batch), NEW, dtype=np.uint8)
    present = batch.points.take(codes(_codes(batch))).to_pylist()
    which = Filter(
        int(batch.times.min()),
        int(batch.times.max()) + 1,
        points=tuple(present) if Filter.few(present) else None,
    )
    again = confirmations(folder, segments, which)
    stored = prevailing(folder, segments, which)
    if not landed and not any(which.touches(segment) for segment in segments):
        return classes
    engine = opened()
    engine.register("incoming", incoming(batch))
    effective = "greatest(received, confirmed)"
    stored = f"SELECT {COLUMNS}, {effective} AS effective, false AS has_landed FROM ({stored})"
    if again is not None:
        stored = (
            f"SELECT s.* REPLACE (greatest(s.effective, c.confirmed) AS effective) FROM ({stored}) AS s "
            f"LEFT JOIN ({again}) AS c ON c.point = s.point AND c.time = s.time"
        )
    only_one = ""
    if landed:
        engine.register("landed", landed_table(landed))
        stored += f" UNION ALL SELECT {COLUMNS}, received AS effective, true AS has_landed FROM landed"
        best = BEST_FIRST.format(row="s.", received="effective")
        only_one = f" QUALIFY row_number() OVER (PARTITION BY n.place ORDER BY {best}) = 1"
    # A confirmation stands beside a segment's reading: one that has only landed is written whole.
    later = f"CASE WHEN s.has_landed THEN {EARLIER} ELSE {CONFIRMED} END"
    same = ALIKE.format(new="n", old="s")
    even = (
        "n.received = s.effective AND n.quality = s.quality AND n.value IS NOT NULL AND s.value IS NOT NULL"
    )
    found = engine.arrow(
        f"SELECT n.place, (CASE WHEN {same} THEN "
        f"CASE WHEN n.received > s.effective THEN {later} WHEN n.first < s.received THEN {EARLIER} "
        f"ELSE {UNCHANGED} END "
        f"WHEN {BETTER.format(new='n', old='s')} THEN CASE WHEN {even} THEN {EVEN_REVISED} ELSE {REVISED} END "
        f"WHEN {even} THEN {EVEN_GAVE_WAY} WHEN n.received = s.effective THEN {GAVE_WAY} "
        f"ELSE {OUTDATED} END)::UTINYINT AS class "
        f"FROM incoming AS n JOIN ({stored}) AS s ON s.point = n.point AND s.time = n.time{only_one}"
    )
    engine.unregister("incoming")
    if landed:
        engine.unregister("landed")
    places = numbers_of(found["place"], "int64", missing=0)
    classes[places] = numbers_of(found["class"], "uint8", missing=NEW)
    return classes


def incoming(batch: Batch) -> pa.Table:
    """A batch as Arrow: the columns of a reading, `received` the last time and `first` the first; `place`, its row."""
    import numpy as np
    import pyarrow as pa

    return table(
        point=pa.DictionaryArray.from_arrays(codes(batch.codes), batch.points),
        time=times(batch.times),
        value=floats(batch.values),
        quality=octets(batch.qualities),
        received=times(batch.last_received),
        first=times(batch.received),
        place=integers(np.arange(len(batch))),
    )


def landed_table(landed: Landed) -> pa.Table:
    """Landed readings as Arrow, with the columns of a reading; the same (point, time) may stand several times."""
    columns = landed.columns()
    return table(
        point=named(columns.codes, columns.names),
        time=times(columns.times),
        value=floats(columns.values),
        quality=octets(columns.qualities),
        received=times(columns.received),
    )


def _codes(batch: Batch) -> npt.NDArray[np.int32]:
    """Each code that occurs, once."""
    import numpy as np

    return np.asarray(batch.codes[np.flatnonzero(np.diff(batch.codes, prepend=-1))])
