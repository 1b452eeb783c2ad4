"""Since when the present version of a reading has been known: the earliest instant at which it was received.

Versions may arrive in any order, and one that was replaced may come back: what is kept is the same in every
order. Knows SQL over segments and landed readings; writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cityctl.arrow import numbers_of, texts
from cityctl.engine.duck import Engine
from cityctl.store.segments.batch import NEVER, Batch
from cityctl.store.segments.compare import EARLIER, REVISED, incoming, landed_table
from cityctl.store.segments.scan import ALIKE, BEST_OF_DELIVERY, Filter, confirmations
from cityctl.store.segments.segment_list import Snapshot
from cityctl.store.segments.versions import WHOLE, sourced

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def first_received(
    opened: Callable[[], Engine],
    folder: Path,
    batch: Batch,
    classes: npt.NDArray[np.uint8],
    snapshot: Snapshot,
    *,
    landed: bool,
    source: str,
) -> Batch:
    """The batch, where readings are REVISED or EARLIER, with when their value first came, from where, and when last.

    Without this, `received` would say when a version came back, or that of whichever delivery came in first. `source`
    is the batch's, where it has none of its own.
    """
    import numpy as np

    places = np.flatnonzero((classes == REVISED) | (classes == EARLIER))
    held = [s for s in (*snapshot.segments, *snapshot.replaced) if s.kind != "confirmed"]
    if not len(places) or not (held or (landed and snapshot.landed)):
        return batch
    some = batch.take(places)
    which = Filter(int(some.times.min()), int(some.times.max()) + 1)
    held = [segment for segment in held if which.touches(segment)]
    parts = [f"SELECT {WHOLE} FROM {sourced(folder, held)} WHERE {which.sql}"] if held else []
    with_landed = landed and bool(snapshot.landed)
    if not parts and not with_landed:
        return batch
    engine = opened()
    engine.register("incoming", incoming(some))
    if with_landed:
        engine.register("landed", landed_table(snapshot.landed))
        parts.append(
            "SELECT point, time, value, quality, received, NULL::TIMESTAMP AS confirmed, 'poll' AS source "
            f"FROM landed {BEST_OF_DELIVERY}"
        )
    again = confirmations(folder, snapshot.segments, which)
    found = engine.arrow(
        "SELECT n.place, min(epoch_us(v.received)) AS first, "
        "max(greatest(epoch_us(v.received), epoch_us(v.confirmed))) AS last, "
        + ("max(epoch_us(c.confirmed))" if again else "NULL::BIGINT")
        + " AS again, first(v.source ORDER BY v.received, v.confirmed IS NOT NULL, v.source) AS source "
        + f"FROM incoming AS n JOIN ({' UNION ALL '.join(parts)}) AS v "
        f"ON v.point = n.point AND v.time = n.time AND {ALIKE.format(new='n', old='v')} "
        + (f"LEFT JOIN ({again}) AS c ON c.point = n.point AND c.time = n.time " if again else "")
        + "GROUP BY n.place"
    )
    engine.unregister("incoming")
    if with_landed:
        engine.unregister("landed")
    if not found.num_rows:
        return batch
    at = places[numbers_of(found["place"], "int64", missing=0)]
    first, last, again_at = (
        numbers_of(found[name], "int64", missing=NEVER) for name in ("first", "last", "again")
    )
    received = batch.received.copy()
    confirmed = np.full(len(batch), NEVER) if batch.confirmed is None else batch.confirmed.copy()
    # What confirmed a reading confirmed its present version: that of an EARLIER one, not of one that comes anew.
    last = np.where(classes[at] == EARLIER, np.maximum(last, again_at), last)
    confirmed[at] = np.maximum(np.maximum(confirmed[at], last), received[at])
    bringers = found["source"]
    earlier = [
        (int(at[row]), str(bringers[row].as_py()))
        # One that comes back after another version was brought back by its own delivery.
        for row in np.flatnonzero((first <= received[at]) & (classes[at] == EARLIER)).tolist()
        if first[row] < received[at[row]]
        or str(bringers[row].as_py()) < _source_of(batch, int(at[row]), source)
    ]
    received[at] = np.minimum(received[at], first)
    return _brought(replace(batch, received=received, confirmed=confirmed), earlier, source)


def _source_of(batch: Batch, place: int, source: str) -> str:
    return source if batch.sources is None else str(batch.source_names[int(batch.sources[place])])


def _brought(batch: Batch, earlier: list[tuple[int, str]], source: str) -> Batch:
    """The batch, where the readings at some places have another source than the rest."""
    import numpy as np

    if not earlier:
        return batch
    names = [source] if batch.sources is None else batch.source_names.to_pylist()
    codes = np.zeros(len(batch), np.int32) if batch.sources is None else batch.sources.copy()
    numbers = {name: number for number, name in enumerate(names)}
    for place, who in earlier:
        codes[place] = numbers.setdefault(who, len(numbers))
    return replace(batch, sources=codes, source_names=texts(list(numbers)))
