"""Writes one immutable segment: temporary file, fsync, rename. Not on the list yet, so it does not exist yet.

zstd; point, quality and received as dictionaries, times as differences, values as a dictionary where they
repeat (rounded measurements: 1 to 1.8 bytes a reading) and by byte position where they do not.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

from cityctl.disk import write_through
from cityctl.engine.columns import codes, floats, octets, times
from cityctl.store.batch import NEVER, Batch
from cityctl.store.folder import DRAFT, SEGMENTS, month_folder
from cityctl.store.segment_list import Segment, SegmentKind

ROW_GROUP = 122_880  # DuckDB's own unit of work
_SAMPLE = 20_000


def schema() -> Any:
    """Columns of a segment. `confirmed`: when this version was last received again, known after compaction."""
    import pyarrow as pa

    micros = pa.timestamp("us")
    fields: Any = [
        pa.field("point", pa.string(), nullable=False),
        pa.field("time", micros, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("quality", pa.uint8(), nullable=False),
        pa.field("received", micros, nullable=False),
        pa.field("confirmed", micros),
    ]
    return pa.schema(fields)


def write(
    folder: Path,
    month: str,
    kind: SegmentKind,
    batch: Batch,
    *,
    generation: int,
    ordinal: int,
    key: str,
    source: str,
) -> Segment:
    """Put the readings of one month into a file of their own, durable before this returns.

    The name begins with the generation: of two segments of a month, the one whose name sorts later holds
    the later word. The caller makes the folder's entry durable (`sync_folder`) and lists the segment.
    """
    name = f"{generation:012d}-{ordinal:05d}-{kind}-{uuid4().hex[:8]}.parquet"
    path = month_folder(folder, month) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = _parquet(batch, with_values=kind != "confirmed")
    write_through(path, data, draft=path.with_suffix(DRAFT))
    return Segment(
        path=f"{SEGMENTS}/{path.parent.name}/{name}",
        month=month,
        kind=kind,
        first_us=int(batch.times.min()),
        last_us=int(batch.times.max()),
        rows=len(batch),
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        generation=generation,
        batch=key,
        source=source,
        received_us=int(batch.received.max()),
    )


def _parquet(batch: Batch, *, with_values: bool) -> Any:
    """The file's bytes; each row group carries only the names that stand in it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = schema()
    repeated = ["point", "quality", "received", "confirmed"]
    encodings = {"time": "DELTA_BINARY_PACKED"}
    if with_values:
        if _repeats(batch):
            repeated.append("value")
        else:
            encodings["value"] = "BYTE_STREAM_SPLIT"
    else:
        columns = pa.schema([columns.field("point"), columns.field("time"), columns.field("received")])
    # Names travel as a dictionary: as text, they would cost more than everything else.
    columns = columns.set(0, pa.field("point", pa.dictionary(pa.int32(), pa.string()), nullable=False))
    target = pa.BufferOutputStream()
    options: dict[str, Any] = {"use_dictionary": repeated, "column_encoding": encodings}
    with pq.ParquetWriter(
        target, columns, compression="zstd", compression_level=3, store_schema=False, **options
    ) as writer:
        for at in range(0, len(batch), ROW_GROUP):
            rows = _row_group(batch.take(slice(at, at + ROW_GROUP)), columns)
            writer.write_table(rows, row_group_size=ROW_GROUP)
    return target.getvalue()


def _repeats(batch: Batch) -> bool:
    """Whether values repeat often enough for a dictionary: measured ones do, computed ones do not."""
    import numpy as np

    middle = max(0, len(batch) // 2 - _SAMPLE // 2)
    sample = batch.values[middle : middle + _SAMPLE]
    return len(np.unique(sample)) * 2 <= len(sample) or len(sample) < 1000


def _row_group(batch: Batch, columns: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    starts = np.flatnonzero(np.diff(batch.codes, prepend=-1))
    steps = np.zeros(len(batch), dtype=np.int32)
    steps[starts[1:]] = 1
    names = batch.points.take(codes(batch.codes[starts]))
    made: dict[str, Any] = {
        "point": pa.DictionaryArray.from_arrays(codes(np.cumsum(steps, dtype=np.int32)), names),
        "time": times(batch.times),
        "received": times(batch.received),
    }
    if "value" in columns.names:
        made["value"] = floats(batch.values)
        made["quality"] = octets(batch.qualities)
        never = np.broadcast_to(np.int64(NEVER), len(batch))
        made["confirmed"] = times(never if batch.confirmed is None else batch.confirmed, never=NEVER)
    return pa.Table.from_arrays([made[name] for name in columns.names], schema=columns)
