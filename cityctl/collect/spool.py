"""The readings of one answer, held until its end is seen: in memory while they are few, on disk from then on."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cityctl import arrow
from cityctl.exports.parsed import Chunk

IN_MEMORY = 200_000  # readings


class Spool:
    """Chunks in their order. An answer that is refused half-way must not count in part, whatever its size."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._chunks: list[tuple[Chunk, bool]] = []  # (chunk, whether its readings are on disk)
        self._file: Any = None
        self._writer: Any = None
        self._in_memory = 0
        self.readings = 0
        self.found = 0  # readings, rejections and blanks
        self.span: tuple[int, int] | None = None  # of the readings' times [µs]

    @classmethod
    def of(cls, chunks: Iterable[Chunk], folder: Path) -> Spool:
        """All chunks of an answer. Raises what its parser raises, and leaves nothing then."""
        spool = cls(folder)
        try:
            for chunk in chunks:
                spool.put(chunk)
        except BaseException:
            spool.close()
            raise
        return spool

    def put(self, chunk: Chunk) -> None:
        """One more chunk."""
        rows = chunk.readings.num_rows if chunk.readings is not None else 0
        self.readings += rows
        self.found += rows + chunk.blank + sum(one.count for one in chunk.rejections)
        if rows:
            times = arrow.array_of(chunk.readings["time"].combine_chunks().view("int64"))
            first, last = self.span or (times[0], times[0])
            self.span = min(int(first), int(times.min())), max(int(last), int(times.max()))
        if not rows or self._in_memory + rows <= IN_MEMORY:
            self._in_memory += rows
            self._chunks.append((chunk, False))
            return
        self._write(chunk.readings)
        self._chunks.append((replace(chunk, readings=None), True))

    def _write(self, readings: Any) -> None:
        import pyarrow as pa

        (batch,) = readings.unify_dictionaries().combine_chunks().to_batches()
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  closed by `close`
            self._writer = pa.ipc.new_stream(self._file, batch.schema)
        self._writer.write_batch(batch)

    @property
    def following(self) -> str:
        """The page that the answer says comes after it."""
        return next((chunk.following for chunk, _ in reversed(self._chunks) if chunk.following), "")

    def signature(self) -> str:
        """The same for answers of the same readings, whatever else they say; empty without any, and for large ones."""
        digest = hashlib.sha256()
        if self._file is not None or not self.readings:
            return ""
        for chunk, _ in self._chunks:
            if chunk.readings is not None:
                digest.update("\n".join(chunk.readings.column("series").to_pylist()).encode())
                for name in ("time", "value"):
                    digest.update(arrow.array_of(chunk.readings.column(name)).tobytes())
        return digest.hexdigest()

    def series(self) -> Iterator[Any]:
        """All series that the answer declares."""
        for chunk, _ in self._chunks:
            yield from chunk.series

    def chunks(self) -> Iterator[Chunk]:
        """The chunks, once more."""
        import pyarrow as pa

        batches: Any = None
        if self._file is not None:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._file.seek(0)
            batches = pa.ipc.open_stream(pa.PythonFile(self._file, mode="r"))
        for chunk, on_disk in self._chunks:
            if not on_disk:
                yield chunk
                continue
            yield replace(chunk, readings=pa.Table.from_batches([batches.read_next_batch()]))

    def close(self) -> None:
        """Give the disk back."""
        self._writer = None
        if self._file is not None:
            self._file.close()
            self._file = None
        self._chunks = []
