"""Parquet tables, long, wide by series and wide by slot of the day; read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cityctl.errors import InputRefused
from cityctl.exports.parsed import Chunk
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.table.columns import find_roles
from cityctl.exports.table.rows import Block, TableReader

SUMMARY = "Parquet tables, long or wide"
SUFFIXES = (".parquet", ".pq")
PLACE = "row"

_CELLS = 8 << 20  # cells of a batch


def recognises(head: bytes) -> bool:
    """Whether the file begins with Parquet's mark."""
    return head.startswith(b"PAR1")


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The readings of a Parquet table. Raises InputRefused and UsageProblem where it cannot be understood."""
    with source.reading(), source.raw() as raw:
        try:
            table = pq.ParquetFile(raw)
        except (pa.ArrowInvalid, pa.ArrowException) as problem:
            raise InputRefused(
                f"{source.name}: no whole Parquet file: {problem}", hint="fetch it again"
            ) from None
        schema = table.schema_arrow
        columns = list(schema.names)
        if len(set(columns)) < len(columns):
            twice = next(column for column in columns if columns.count(column) > 1)
            raise InputRefused(f"{source.name}: two columns are named `{twice}`", hint="rename one of them")
        rows = max(1024, _CELLS // max(1, len(columns)))
        first = next(table.iter_batches(batch_size=60), None)
        sample = _sample(first, len(columns)) if first is not None else []
        times = [i for i in range(len(columns)) if _holds_times(schema.field(i).type)]
        numeric = [i for i in range(len(columns)) if _holds_numbers(schema.field(i).type)]
        numeric += [
            i for i in range(len(columns)) if _holds_text(schema.field(i).type) and _numbers(sample, i)
        ]
        roles = find_roles(
            source.name, columns, [None] * len(columns), sample, shape, times=times, numbers=numeric
        )
        reader = TableReader(source.name, source.stem, columns, roles, shape, word="row")
        wanted = list(roles.read)
        row = 1
        for batch in table.iter_batches(batch_size=rows, columns=[columns[i] for i in wanted]):
            count = batch.num_rows
            lines = np.arange(row, row + count, dtype=np.int64)
            yield from reader.take(Block({i: _plain(batch.column(columns[i])) for i in wanted}, lines))
            row += count
        yield from reader.finish()


def _sample(batch: Any, width: int) -> list[list[str]]:
    cells = [[_said(value) for value in batch.column(index).to_pylist()] for index in range(width)]
    return [list(row) for row in zip(*cells, strict=True)]


def _said(value: object) -> str:
    return "" if value is None else str(value)


def _numbers(sample: list[list[str]], index: int) -> bool:
    from cityctl.exports.table.numbers import is_blank, looks_like_number

    filled = [row[index] for row in sample if not is_blank(row[index])]
    return bool(filled) and sum(looks_like_number(cell) for cell in filled) * 2 > len(filled)


def _holds_times(kind: Any) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _holds_numbers(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _holds_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _plain(column: Any) -> Any:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
