"""Arrow columns from lists and NumPy arrays.

Arrow's own `pa.array` and `to_numpy` import pandas at their first call, to see whether a pandas object is meant: half
of what a report of a small city costs. Here the buffers are laid out and read directly. Knows types, no readings.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

Values = Sequence[Any] | Any  # a list (None: missing), or a NumPy array


def table(**columns: Any) -> pa.Table:
    """A table of columns that the other functions made."""
    import pyarrow as pa

    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def texts(values: Sequence[str | None]) -> Any:
    """A column of text."""
    import numpy as np
    import pyarrow as pa

    known = [value or "" for value in values]
    whole = "".join(known)
    pieces: Sequence[Sized] = known
    if not whole.isascii():
        pieces = [piece.encode("utf-8", "surrogatepass") for piece in known]
    offsets = np.zeros(len(known) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, pieces), np.int64, len(known)), out=offsets[1:])
    missing = np.array([value is None for value in values], np.bool_) if None in values else None
    long = offsets[-1] > np.iinfo(np.int32).max
    kind = pa.large_string() if long else pa.string()
    places = offsets if long else offsets.astype(np.int32)
    buffers = [_validity(missing), _buffer(places), _buffer(whole.encode("utf-8", "surrogatepass"))]
    return pa.Array.from_buffers(kind, len(known), buffers)


def integers(values: Values) -> Any:
    """A column of whole numbers, 64 bit."""
    import numpy as np
    import pyarrow as pa

    return _numbers(values, np.int64, pa.int64())


def codes(values: Values) -> Any:
    """A column of whole numbers, 32 bit."""
    import numpy as np
    import pyarrow as pa

    return _numbers(values, np.int32, pa.int32())


def octets(values: Values) -> Any:
    """A column of whole numbers from 0 to 255."""
    import numpy as np
    import pyarrow as pa

    return _numbers(values, np.uint8, pa.uint8())


def floats(values: Values) -> Any:
    """A column of numbers; None and NaN are missing."""
    import numpy as np
    import pyarrow as pa

    numbers = np.asarray(
        [np.nan if v is None else v for v in values] if isinstance(values, list) else values, np.float64
    )
    return _laid_out(numbers, pa.float64(), np.isnan(numbers))


def times(values_us: Values, *, never: int | None = None) -> Any:
    """A column of timestamps [µs], of whole numbers since 1970 UTC; the number `never` is missing."""
    import numpy as np
    import pyarrow as pa

    numbers = np.asarray(values_us, dtype=np.int64)
    missing = None if never is None else numbers == never
    return _laid_out(numbers, pa.timestamp("us"), missing)


def dates(values: Values) -> Any:
    """A column of dates."""
    import numpy as np
    import pyarrow as pa

    days = np.array(values, dtype="datetime64[D]")
    return _laid_out(days.view(np.int64).astype(np.int32), pa.date32(), np.isnat(days))


def flags(values: Values) -> Any:
    """A column of yes and no."""
    import numpy as np
    import pyarrow as pa

    missing = np.array([v is None for v in values], np.bool_) if isinstance(values, list) else None
    bits = np.packbits(np.asarray(values, dtype=np.bool_), bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [_validity(missing), _buffer(bits)])


def named(places: Values, names: Sequence[str | None]) -> Any:
    """A column of texts that repeat: the place of each in `names`."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(codes(places), texts(names))


def numbers_of(column: Any, kind: str, *, missing: float) -> Any:
    """A column of numbers or timestamps as a NumPy array of that type, with `missing` where there is none."""
    import numpy as np
    import pyarrow as pa

    flat = _flat(column)
    alias: Any = kind
    numbers, known = _read(flat.cast(pa.type_for_alias(alias), safe=False), kind)
    return numbers if known is None else np.where(known, numbers, np.array(missing, dtype=kind))


def array_of(column: Any) -> Any:
    """A column of numbers, times, dates, or yes and no as a NumPy array of its own type.

    Missing ones are NaN or NaT, or no. Decimals, and whole numbers of which some are missing, become float64.
    """
    import numpy as np
    import pyarrow as pa

    kind = column.type
    flat = _flat(column)
    if pa.types.is_boolean(kind):
        return numbers_of(flat, "uint8", missing=0) == 1
    if pa.types.is_timestamp(kind):
        numbers, known = _read(flat.cast(pa.int64()), f"datetime64[{kind.unit}]")
    elif pa.types.is_date32(kind):
        numbers, known = _read(flat.cast(pa.int32()).cast(pa.int64()), "datetime64[D]")
    elif pa.types.is_integer(kind):
        numbers, known = _read(flat, kind.to_pandas_dtype())
    else:
        numbers, known = _read(flat.cast(pa.float64()), np.float64)
    if known is None:
        return numbers
    if numbers.dtype.kind == "M":
        return np.where(known, numbers, np.array("NaT", numbers.dtype))
    return np.where(known, numbers, np.nan)


def _flat(column: Any) -> Any:
    """A column in one piece; yes and no as 1 and 0."""
    import pyarrow as pa

    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return flat.cast(pa.uint8()) if pa.types.is_boolean(flat.type) else flat


def _read(flat: Any, kind: Any) -> tuple[Any, Any]:
    """(the numbers of a column in one piece, which of them are known; None: all)."""
    import numpy as np

    if not len(flat):
        return np.empty(0, dtype=kind), None
    here = slice(flat.offset, flat.offset + len(flat))
    validity, content = flat.buffers()
    numbers: Any = np.frombuffer(content, dtype=kind)[here]
    if not flat.null_count:
        return numbers, None
    return numbers, np.unpackbits(np.frombuffer(validity, dtype=np.uint8), bitorder="little")[here] == 1


def _numbers(values: Values, dtype: Any, kind: Any) -> Any:
    import numpy as np

    if isinstance(values, list) and None in values:
        missing = np.array([value is None for value in values], dtype=np.bool_)
        return _laid_out(
            np.array([0 if value is None else value for value in values], dtype=dtype), kind, missing
        )
    return _laid_out(np.asarray(values, dtype=dtype), kind, None)


def _laid_out(numbers: npt.NDArray[Any], kind: Any, missing: npt.NDArray[np.bool_] | None) -> Any:
    import numpy as np
    import pyarrow as pa

    buffers = [_validity(missing), _buffer(np.ascontiguousarray(numbers))]
    return pa.Array.from_buffers(kind, len(numbers), buffers)


def _validity(missing: npt.NDArray[np.bool_] | None) -> Any:
    import numpy as np

    if missing is None or not missing.any():
        return None
    return _buffer(np.packbits(~missing, bitorder="little"))


def _buffer(memory: Any) -> Any:
    import pyarrow as pa

    return pa.py_buffer(memory)
