"""Readings of blocks whose ReadingType has not come yet: kept outside of memory until the feed has ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityctl import arrow
from cityctl.exports.espi.links import Links, MeterReading

_IN_MEMORY = 16 << 20  # bytes
_COLUMNS: Any = [
    ("time", pa.int64()), ("value", pa.float64()), ("code", pa.int32()), ("place", pa.int64()), ("length", pa.int64()),
]  # fmt: skip
_SCHEMA = pa.schema(_COLUMNS)
_MADE = (arrow.integers, arrow.floats, arrow.codes, arrow.integers, arrow.integers)


@dataclass(frozen=True)
class Readings:
    """Raw readings: µs since 1970, integers as written, quality codes (-1: none), numbers, lengths in s (0: none)."""

    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    codes: npt.NDArray[np.int16]
    places: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence[Readings]) -> Readings:
        """Several as one."""
        columns = zip(*(part.columns for part in parts), strict=True)
        return parts[0] if len(parts) == 1 else cls(*map(np.concatenate, columns))

    def where(self, which: npt.NDArray[np.bool_]) -> Readings:
        """Some of them."""
        return Readings(*(column[which] for column in self.columns))

    @property
    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """All that is known of them, beside each other."""
        return self.times, self.values, self.codes, self.places, self.lengths

    def __len__(self) -> int:
        return len(self.times)


class Spool:
    """Readings that wait, in the order in which they came."""

    def __init__(self) -> None:
        self._file: Any = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  closed by __exit__
        self._writer: Any = pa.ipc.new_stream(self._file, _SCHEMA)
        self._labels: list[tuple[Links, MeterReading | None, int]] = []

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def keep(self, links: Links, meter: MeterReading | None, line: int, readings: Readings) -> None:
        """The readings of an entry wait; `meter` is the one before it, `line` where the entry stands."""
        columns = [make(column) for make, column in zip(_MADE, readings.columns, strict=True)]
        self._writer.write_batch(pa.record_batch(columns, schema=_SCHEMA))
        self._labels.append((links, meter, line))

    def waits_for(self, address: str) -> bool:
        """Whether readings wait that a ReadingType of this address may be of."""
        return any(meter is None or address in meter.links.related for _, meter, _ in self._labels)

    def drain(self) -> Iterator[tuple[Links, MeterReading | None, int, Readings]]:
        """All that waited."""
        self._writer.close()
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            for (links, meter, line), batch in zip(self._labels, reader, strict=True):
                columns = [arrow.array_of(batch.column(index)) for index in range(len(_COLUMNS))]
                yield links, meter, line, Readings(*columns)
