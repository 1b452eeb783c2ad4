"""Writes one immutable segment: temporary file, fsync, rename. Not on the list yet, so it does not exist yet.

zstd; point, quality and received as dictionaries, times as differences, values as a dictionary where they
repeat (rounded measurements: 1 to 2 bytes a reading) and else as a sample of them comes out smallest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from cityctl.arrow import codes, floats, named, octets, times
from cityctl.disk import shared_folder, write_through
from cityctl.store.folder import DRAFT, SEGMENTS, month_folder
from cityctl.store.segments.batch import NEVER, Batch
from cityctl.store.segments.segment_list import Segment, SegmentKind
from cityctl.store.segments.words import among

ROW_GROUP = 491_520  # four of DuckDB's units of work: a dictionary of values is shared by more of them
_SAMPLE = 122_880
_LEVEL = 3


@dataclass
class Coding:
    """How values of some points were coded last, and how many of them told it: their next ones are coded alike."""

    encoding: str | None = None
    told_by: int = 0


def schema() -> Any:
    """Columns of a segment. `confirmed`: when this version was last received again, known after compaction;
    `source`: who received it, for people."""
    import pyarrow as pa

    micros = pa.timestamp("us")
    fields: Any = [
        pa.field("point", pa.string(), nullable=False),
        pa.field("time", micros, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("quality", pa.uint8(), nullable=False),
        pa.field("received", micros, nullable=False),
        pa.field("confirmed", micros),
        pa.field("source", pa.dictionary(pa.int32(), pa.string())),
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
    coding: Coding | None = None,
    words: Mapping[int, str] | None = None,
) -> Segment:
    """Put the readings of one month into a file of their own, durable before this returns.

    The name begins with the generation: of two segments of a month, the one whose name sorts later holds
    the later word. The caller makes the folder's entry durable (`sync_folder`) and lists the segment.
    `words`: those that may stand in it by their codes; its own go into the footer, should the list be lost.
    """
    about: dict[str, Any] = {"kind": kind, "generation": generation, "batch": key, "source": source}
    if words and kind != "confirmed" and (held := among(batch.values, words)):
        about["words"] = held
    data = _parquet(batch, about, coding or Coding(), with_values=kind != "confirmed")
    return put(
        folder,
        month,
        kind,
        data,
        first_us=int(batch.times.min()),
        last_us=int(batch.times.max()),
        rows=len(batch),
        generation=generation,
        ordinal=ordinal,
        key=key,
        source=source,
        received_us=int(batch.last_received.max()),
    )


def put(
    folder: Path, month: str, kind: SegmentKind, data: Any, *, ordinal: int, key: str, **about: Any
) -> Segment:
    """The bytes of a segment as a file, durable but for its name; `about`: the other fields of a Segment."""
    name = f"{about['generation']:012d}-{ordinal:05d}-{kind}-{uuid4().hex[:8]}.parquet"
    path = month_folder(folder, month) / name
    shared_folder(path.parent)
    write_through(path, data, draft=path.with_suffix(DRAFT))
    return Segment(
        path=f"{SEGMENTS}/{path.parent.name}/{name}",
        month=month,
        kind=kind,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        batch=key,
        **about,
    )


def _parquet(batch: Batch, about: dict[str, Any], coding: Coding, *, with_values: bool) -> Any:
    """The file's bytes; each row group carries only the names that stand in it.

    `about` goes into the footer, for a list that has to be made anew; its `source` is that of readings
    that have none of their own.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = schema()
    repeated = ["point", "quality", "received", "confirmed", "source"]
    encodings = {"time": "DELTA_BINARY_PACKED"}
    if with_values:
        if (encoding := _encoding(batch, coding)) is None:
            repeated.append("value")
        else:
            encodings["value"] = encoding
    else:
        columns = pa.schema([columns.field("point"), columns.field("time"), columns.field("received")])
    # Names travel as a dictionary: as text, they would cost more than everything else.
    columns = columns.set(0, pa.field("point", pa.dictionary(pa.int32(), pa.string()), nullable=False))
    target = pa.BufferOutputStream()
    options: dict[str, Any] = {"use_dictionary": repeated, "column_encoding": encodings}
    with pq.ParquetWriter(
        target, columns, compression="zstd", compression_level=_LEVEL, store_schema=False, **options
    ) as writer:
        for at in range(0, len(batch), ROW_GROUP):
            rows = _row_group(batch.take(slice(at, at + ROW_GROUP)), columns, about["source"])
            writer.write_table(rows, row_group_size=ROW_GROUP)
        writer.add_key_value_metadata({"cityctl": json.dumps(about)})
    return target.getvalue()


def _encoding(batch: Batch, coding: Coding) -> str | None:
    """How values are coded; None is a dictionary.

    Measured ones repeat. Of those that do not, rounded ones are smallest as they are, computed ones by byte
    position: a sample of them is written in each way where it is not clear from how many are distinct.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    middle = max(0, len(batch) // 2 - _SAMPLE // 2)
    sample = batch.values[middle : middle + _SAMPLE]
    if coding.told_by * 2 >= len(sample) > 0:
        return coding.encoding
    coding.told_by, coding.encoding = len(sample), None
    if len(sample) < 1000 or len(np.unique(sample)) * 16 <= len(sample):
        return None
    values = pa.Table.from_arrays([floats(sample)], names=["value"])
    sizes: dict[str | None, int] = {}
    for encoding in (None, "PLAIN", "BYTE_STREAM_SPLIT"):
        target = pa.BufferOutputStream()
        coded: Any = {"value": encoding} if encoding else None
        pq.write_table(
            values,
            target,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=encoding is None,
            column_encoding=coded,
        )
        sizes[encoding] = target.getvalue().size
    coding.encoding = min(sizes, key=lambda encoding: sizes[encoding])
    return coding.encoding


def _row_group(batch: Batch, columns: Any, source: str) -> Any:
    import numpy as np
    import pyarrow as pa

    starts = np.flatnonzero(np.diff(batch.codes, prepend=-1))
    steps = np.zeros(len(batch), dtype=np.int32)
    steps[starts[1:]] = 1
    names = batch.points.take(codes(batch.codes[starts]))
    made: dict[str, Any] = {
        "point": pa.DictionaryArray.from_arrays(codes(np.cumsum(steps, dtype=np.int32)), names),
        "time": times(batch.times),
        "received": times(batch.received if "value" in columns.names else batch.last_received),
        "source": _sources(batch, source),
    }
    if "value" in columns.names:
        made["value"] = floats(batch.values)
        made["quality"] = octets(batch.qualities)
        never = np.broadcast_to(np.int64(NEVER), len(batch))
        made["confirmed"] = times(never if batch.confirmed is None else batch.confirmed, never=NEVER)
    return pa.Table.from_arrays([made[name] for name in columns.names], schema=columns)


def _sources(batch: Batch, source: str) -> Any:
    import numpy as np
    import pyarrow as pa

    if batch.sources is None:
        return named(np.zeros(len(batch), dtype=np.int32), [source])
    return pa.DictionaryArray.from_arrays(codes(batch.sources), batch.source_names)
