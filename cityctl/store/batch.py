"""Readings as they are handed in -> columns that can be stored: checked, each (point, time) once, sorted.

Of two versions of a reading the later received wins; where both were received together the better quality,
then a value over none, then the larger value: a total order, so that the order of rows never matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cityctl.engine.columns import integers, numbers_of, texts
from cityctl.errors import InputRefused, near
from cityctl.store.balance import Balance, Rejection

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Ints = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

CHUNK = 4_000_000  # readings that are checked and sorted in memory at a time
NEVER = -(2**63)
_EARLIEST_US = -2_208_988_800_000_000  # 1900-01-01
_LATEST_US = 7_258_118_400_000_000  # 2200-01-01


@dataclass
class Batch:
    """Readings in columns of equal length, sorted by point and time; `codes` count in the sorted `points`.

    Times, `received` and `confirmed` in µs since 1970 UTC; a missing value is NaN, a missing time NEVER.
    `sources` count in `source_names`, where readings come from several.
    """

    points: Any  # Arrow array of text
    codes: npt.NDArray[np.int32]
    times: Ints
    values: npt.NDArray[np.float64]
    qualities: npt.NDArray[np.uint8]
    received: Ints
    confirmed: Ints | None = None
    sources: npt.NDArray[np.int32] | None = None
    source_names: Any = None  # Arrow array of text

    def __len__(self) -> int:
        return len(self.times)

    def take(self, which: Mask | Ints | slice) -> Batch:
        """Some of the readings, in the given order."""
        return Batch(
            self.points,
            self.codes[which],
            self.times[which],
            self.values[which],
            self.qualities[which],
            self.received[which],
            None if self.confirmed is None else self.confirmed[which],
            None if self.sources is None else self.sources[which],
            self.source_names,
        )

    @property
    def names(self) -> list[str]:
        """The point ids that `codes` count in."""
        return list(self.points.to_pylist())

    def counts(self, which: Mask | None = None) -> list[int]:
        """How many readings each of `points` has."""
        import numpy as np

        codes = self.codes if which is None else self.codes[which]
        return [int(n) for n in np.bincount(codes, minlength=len(self.points))]

    def by_month(self) -> Iterator[tuple[str, Batch]]:
        """(YYYY-MM in UTC, its readings), still sorted by point and time."""
        import numpy as np

        if not len(self):
            return
        low, high = (self.times[[self.times.argmin(), self.times.argmax()]]).view("datetime64[us]")
        edges = np.arange(low.astype("datetime64[M]"), high.astype("datetime64[M]") + 1)
        if len(edges) == 1:
            yield str(edges[0]), self
            return
        starts = edges.astype("datetime64[us]").view(np.int64)
        month = (np.searchsorted(starts, self.times, side="right") - 1).astype(np.int16)
        order = np.argsort(month, kind="stable")
        counts = np.bincount(month, minlength=len(edges))
        end = 0
        for name, count in zip(edges, counts, strict=True):
            begin, end = end, end + int(count)
            if count:
                yield str(name), self.take(order[begin:end])


def chunks(readings: pa.Table | pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The readings in parts that fit in memory. Raises InputRefused where a column is missing."""
    import pyarrow as pa

    _check_columns(readings.schema)
    if isinstance(readings, pa.Table):
        for at in range(0, readings.num_rows, CHUNK):
            yield readings.slice(at, CHUNK)
        return
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in readings:
        held.append(batch)
        rows += batch.num_rows
        if rows >= CHUNK:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held)


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
    batch, kept = _once_each(in_order(batch), outdone)
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
    ints = numbers_of(micros, "int64", missing=_LATEST_US)
    return ints, (ints >= _EARLIEST_US) & (ints < _LATEST_US)


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


def in_order(batch: Batch) -> Batch:
    """The same readings, sorted by point and time."""
    import numpy as np

    codes, times = batch.codes, batch.times
    if len(batch) < 2:
        return batch
    same = codes[1:] == codes[:-1]
    if bool(np.all((codes[1:] > codes[:-1]) | (same & (times[1:] >= times[:-1])))):
        return batch
    low = int(times.min())
    span = int(times.max()) - low + 1
    if span * len(batch.points) < 2**62:  # both in one number: one sort instead of two
        # Stable: exports come in runs, and merging runs is faster than sorting anew.
        order = np.argsort(codes.astype(np.int64) * span + (times - low), kind="stable")
    else:
        order = np.lexsort((times, codes))
    return batch.take(order)


def _once_each(batch: Batch, outdone: list[Batch] | None = None) -> tuple[Batch, list[int] | None]:
    """The winning version of each reading, and how many versions of each point gave way (None: none)."""
    import numpy as np

    again = np.zeros(len(batch), dtype=np.bool_)
    again[1:] = (batch.codes[1:] == batch.codes[:-1]) & (batch.times[1:] == batch.times[:-1])
    if not again.any():
        return batch, None
    contested = again.copy()
    contested[:-1] |= again[1:]
    places = np.flatnonzero(contested)
    some = batch.take(places)
    missing = np.isnan(some.values)
    rank = np.lexsort(
        (
            np.where(missing, 0.0, some.values),
            ~missing,
            -some.qualities.astype(np.int16),
            some.received,
            some.times,
            some.codes,
        )
    )
    ordered = places[rank]
    # The last of each group is the winner: the next row is another reading.
    last = np.ones(len(ordered), dtype=np.bool_)
    last[:-1] = ~again[places[1:]]
    keep = ~contested
    keep[ordered[last]] = True
    given_way = batch.counts(~keep)
    if outdone is not None:
        outdone.append(batch.take(~keep))
    return batch.take(keep), given_way
