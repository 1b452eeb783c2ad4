"""Forms that readings are streamed in, batch by batch: CSV, JSON lines, Parquet.

Where there are words, they stand in the column of values, which is then one of text in CSV and Parquet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Literal


@contextmanager
def _as_csv(write: Callable[[bytes], object], worded: bool) -> Iterator[Callable[[Any], None]]:
    from pyarrow import ArrowInvalid, csv

    write(b"point,time,local,value,unit,quality\n")

    def written(batch: Any, quoting: Literal["none", "needed"]) -> bytes:
        piece = BytesIO()
        csv.write_csv(batch, piece, csv.WriteOptions(include_header=False, quoting_style=quoting))
        return piece.getvalue()

    def put(batch: Any) -> None:
        plain = _plain(_joined(batch) if worded else batch)
        try:
            write(written(plain, "none"))
        except (
            ArrowInvalid
        ):  # a name or a word holds a comma, a quote or a line break: Arrow then quotes all texts
            write(written(plain, "needed"))

    yield put


def _joined(batch: Any) -> Any:
    """The batch with words and numbers in one column of text; a word begins with an apostrophe as a name does."""
    import pyarrow.compute as pc

    word: Any = pc.replace_substring_regex(batch.column("word"), pattern=r"^(\s*[=+@-])", replacement=r"'\1")
    value = pc.coalesce(word, pc.cast(batch.column("value"), "string"))
    at = batch.schema.get_field_index("value")
    return batch.drop_columns(["word"]).set_column(at, "value", value)


def _plain(batch: Any) -> Any:
    """Names that a spreadsheet would run as a formula begin with an apostrophe (CWE-1236)."""
    import pyarrow.compute as pc

    formula = r"^(\s*[=+@-])"
    named: Any = pc.unique(batch.column("point"))
    if not pc.any(pc.match_substring_regex(named, pattern=formula)).as_py():
        return batch
    names = pc.replace_substring_regex(batch.column("point"), pattern=formula, replacement=r"'\1")
    return batch.set_column(0, "point", names)


@contextmanager
def _as_jsonl(write: Callable[[bytes], object], worded: bool) -> Iterator[Callable[[Any], None]]:
    def put(batch: Any) -> None:
        rows = batch.to_pylist()
        for row in rows if worded else ():
            word = row.pop("word")
            row["value"] = row["value"] if word is None else word
        write("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode())

    yield put


@contextmanager
def _as_parquet(write: Callable[[bytes], object], worded: bool) -> Iterator[Callable[[Any], None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    fields: Any = {
        "point": text,
        "time": pa.timestamp("us", "UTC"),
        "local": text,
        "value": text if worded else pa.float64(),
    }
    schema = pa.schema(fields | {"unit": text, "quality": text})
    pipe: Any = _Pipe(write)
    with pq.ParquetWriter(pa.PythonFile(pipe, mode="w"), schema, compression="zstd") as writer:

        def put(batch: Any) -> None:
            writer.write_table(pa.Table.from_batches([_joined(batch) if worded else batch]).cast(schema))

        yield put


WRITERS = {"csv": _as_csv, "jsonl": _as_jsonl, "parquet": _as_parquet}


class _Pipe:
    """What Arrow wants of a file that is only written, front to back."""

    closed = False

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True
