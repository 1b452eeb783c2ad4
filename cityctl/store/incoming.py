"""Readings as they are handed in, part by part: checked, and made columns that can be sorted and stored.

What cannot be taken is rejected with the reason. Knows Arrow; knows nothing of segments and of where readings
come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cityctl.arrow import integers, numbers_of, texts
from cityctl.errors import InputRefused, near
from cityctl.reading import EARLIEST, LATEST
from cityctl.store.balance import Balance, Rejection
from cityctl.store.segments.batch import Batch, in_order, once_each

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Ints = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

CHUNK = 4_000_000  # readings of a table that are checked and sorted at a time
# Of a stream, which its giver does not hold in memory. Of one point a month is some thousand readings, so that
# more of them at a time make no larger segments; of many points they do.
STREAMED = 1_000_000
_FEW = 200_000
_OF_A_POINT = 40_000


def chunks(readings: pa.Table | pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The readings in parts that fit in memory. Raises InputRefused where a column is missing."""
    import pyarrow as pa

    _check_columns(readings.schema)
    if isinstance(readings, pa.Table):
        for at in range(0, readings.num_rows, CHUNK):
            yield readings.slice(at, CHUNK)
        return
    held: list[pa.RecordBatch] = []
    names: set[str] = set()
    rows = 0
    for batch in readings:
        held.append(batch)
        rows += batch.num_rows
        most = min(STREAMED, _FEW + _OF_A_POINT * _known(batch, names))
        del batch
        if rows >= most:
            yield _given_away(held)
            names, rows = set(), 0
    if held:
        yield _given_away(held)


def _known(batch: pa.RecordBatch, names: set[str]) -> int:
    """How many points the held readings have, with those of one more batch; many, where that is not easily told."""
    import pyarrow as pa

    column: Any = batch.column(batch.schema.get_field_index("point"))
    if not pa.types.is_dictionary(column.type):
        return STREAMED
    if len(names) * _OF_A_POINT < STREAMED:
        names.update(column.dictionary.to_pylist())
    return len(names)


def _given_away(held: list[pa.RecordBatch]) -> pa.Table:
    """The batches as one table, which alone holds them from then on."""
    import pyarrow as pa

    table = pa.Table.from_batches(held)
    held.clear()
    return table


def prepare(
    table: pa.Table,
    *,
    received_us: int,
    source: str,
    balance: Balance,
    outdone: list[Batch] | None = None,
) -> Batch:
    """Check and sort one part; what cannot be taken is rejected, and duplicates counted, in `balance`.

    A column `received` (timestamp) takes the place of `received_us`, reading by reading. Versions that give
    way to another one of the same part are put into `outdone`, where it is given.
    """
    import numpy as np

    codes, points = _points(table["point"])
    times, timed = _times(table["time"])
    values, finite = _values(table["value"])
    qualities, graded = _qualities(table, len(times))
    if "received" in table.column_names:
        received = _times(table["received"])[0]
    else:
        received = np.broadcast_to(np.int64(received_us), len(times))
    names: list[str] = points.to_pylist()
    faults = (
        ("no point", codes >= 0),
        ("no time, or one outside of 1900 to 2199", timed),
        ("no finite number", finite),
        ("no known quality (0 good, 1 estimated, 2 suspect, 3 bad)", graded),
    )
    good = np.ones(len(times), dtype=np.bool_)
    for reason, passed in faults:
        for code, count in zip(*np.unique(codes[good & ~passed], return_counts=True), strict=True):
            name = names[code] if code >= 0 else "(no point)"
            balance.reject(Rejection(source, "", name, reason, int(count)))
        good &= passed
    batch = Batch(points, codes, times, values, qualities, received)
    if not good.all():
        batch = batch.take(good)
    for name, count in zip(names, batch.counts(), strict=True):
        if count:
            balance.of(name).received += count
    batch, kept = once_each(in_order(batch), outdone)
    if kept is not None:
        for name, count in zip(names, kept, strict=True):
            if count:
                balance.of(name).duplicate += count
    return batch


def _check_columns(schema: pa.Schema) -> None:
    for name in ("point", "time", "value"):
        if name not in schema.names:
            match = near(name, schema.names)
            known = ", ".join(schema.names)
            raise InputRefused(
                f"readings without a column `{name}`; there are {known}",
                hint=f"rename `{match}` to `{name}`"
                if match
                else "name the columns point, time, value, quality",
            )


def _points(column: Any) -> tuple[npt.NDArray[np.int32], Any]:
    """Codes in the sorted dictionary of point ids; -1 where there is none."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    runs: npt.NDArray[np.int64] | None = None
    if not pa.types.is_dictionary(column.type):
        column, runs = _runs(column.cast(pa.string()))
        column = column.dictionary_encode()
    encoded = column.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # no rows
        return np.empty(0, dtype=np.int32), texts([])
    dictionary = encoded.dictionary.cast(pa.string())
    raw = numbers_of(encoded.indices, "int32", missing=-1)
    # Sorted, each once, the empty name taken out: Parquet and DuckDB order text by its bytes as well.
    points: Any = pc.unique(dictionary.drop_null())
    points = points.filter(pc.invert(pc.is_in(points, value_set=texts([""]))))
    points = points.take(pc.sort_indices(points))
    rank = numbers_of(pc.index_in(dictionary, points), "int32", missing=-1)
    codes = np.where(raw >= 0, rank[raw], -1) if len(rank) else raw
    codes = codes.astype(np.int32, copy=False)
    return codes if runs is None else np.repeat(codes, runs), points


def _runs(column: Any) -> tuple[Any, npt.NDArray[np.int64] | None]:
    """Where ids come in long runs: one id a run and the runs' lengths, three times as fast to look up."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pa.chunked_array([column.combine_chunks()]) if column.num_chunks != 1 else column
    ids: Any = whole.chunk(0)
    if len(ids) < 1000 or ids.null_count:
        return whole, None
    starts = np.flatnonzero(numbers_of(pc.not_equal(ids[1:], ids[:-1]), "uint8", missing=0)) + 1
    if len(starts) * 8 > len(ids):
        return whole, None
    starts = np.concatenate(([0], starts))
    return pa.chunked_array([ids.take(integers(starts))]), np.diff(starts, append=len(ids))


def _times(column: Any) -> tuple[Ints, Mask]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("us"))
    elif not pa.types.is_timestamp(kind):
        raise InputRefused(
            f"the column `time` holds {kind} instead of timestamps", hint="times are UTC timestamps here"
        )
    micros = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    ints = numbers_of(micros, "int64", missing=LATEST)
    return ints, (ints >= EARLIEST) & (ints < LATEST)


def _values(column: Any) -> tuple[npt.NDArray[np.float64], Mask]:
    import numpy as np
    import pyarrow as pa

    kind = column.type
    types = pa.types
    numeric = (types.is_floating, types.is_integer, types.is_decimal, types.is_boolean, types.is_null)
    if not any(fits(kind) for fits in numeric):
        raise InputRefused(f"the column `value` holds {kind} instead of numbers")
    # -0.0 becomes 0.0, so that equal values have equal bits.
    values = numbers_of(column, "float64", missing=np.nan) + 0.0
    return values, ~np.isinf(values)


def _qualities(table: pa.Table, rows: int) -> tuple[npt.NDArray[np.uint8], Mask]:
    import numpy as np

    if "quality" not in table.column_names:
        return np.zeros(rows, dtype=np.uint8), np.ones(rows, dtype=np.bool_)
    quality: Any = table["quality"]
    wide = numbers_of(quality, "int64", missing=0)
    known = (wide >= 0) & (wide <= 3)
    return np.where(known, wide, 0).astype(np.uint8), known
