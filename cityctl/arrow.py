"""Arrow columns from lists and NumPy arrays.

Arrow's own `pa.array` imports pandas at its first call, to see whether it was given a pandas object: most of a
second that no command has to spend. Here the buffers are laid out directly. Knows types, no readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
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

    encoded = [b"" if value is None else value.encode("utf-8", "surrogatepass") for value in values]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(piece) for piece in encoded], out=offsets[1:])
    missing = np.array([value is None for value in values], dtype=np.bool_)
    long = offsets[-1] > np.iinfo(np.int32).max
    kind = pa.large_string() if long else pa.string()
    places = offsets if long else offsets.astype(np.int32)
    buffers = [_validity(missing), _buffer(places), _buffer(b"".join(encoded))]
    return pa.Array.from_buffers(kind, len(encoded), buffers)


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


def dates(values: Sequence[date | None]) -> Any:
    """A column of dates."""
    import numpy as np
    import pyarrow as pa

    days = np.array(values, dtype="datetime64[D]")
    return _laid_out(days.view(np.int64).astype(np.int32), pa.date32(), np.isnat(days))


def flags(values: Values) -> Any:
    """A column of yes and no."""
    import numpy as np
    import pyarrow as pa

    bits = np.packbits(np.asarray(values, dtype=np.bool_), bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _buffer(bits)])


def numbers_of(column: Any, kind: str, *, missing: float) -> Any:
    """A column of numbers or timestamps as a NumPy array of that type, with `missing` where there is none."""
    import numpy as np
    import pyarrow as pa

    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not len(flat):
        return np.empty(0, dtype=kind)
    if pa.types.is_boolean(flat.type):
        flat = flat.cast(pa.uint8())
    alias: Any = kind
    flat = flat.cast(pa.type_for_alias(alias), safe=False)
    here = slice(flat.offset, flat.offset + len(flat))
    buffers: Any = flat.buffers()
    numbers: Any = np.frombuffer(buffers[1], dtype=kind)[here]
    if not flat.null_count:
        return numbers
    valid = np.unpackbits(np.frombuffer(buffers[0], dtype=np.uint8), bitorder="little")[here]
    return np.where(valid == 1, numbers, np.array(missing, dtype=kind))


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
