"""Delimited text: head-end exports, long, wide by series and wide by slot of the day.

The text is cut into blocks at ends of lines, so that memory stays bounded and every line keeps its number.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from cityctl.errors import InputRefused
from cityctl.exports.parsed import Chunk
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.table.columns import find_roles
from cityctl.exports.table.head import Head, read_head
from cityctl.exports.table.rows import Block, TableReader

SUMMARY = "delimited text, long or wide: , ; tab or |, decimal point or comma"
SUFFIXES = (".csv", ".tsv", ".txt")

_BLOCK = 8 << 20
_LONGEST_LINE = 64 << 20


def recognises(head: bytes) -> bool:  # noqa: ARG001 - every format is asked the same way
    """Any text may be one: only the file's ending, or being told, makes it one."""
    return False


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The readings of a delimited text. Raises InputRefused and UsageProblem where it cannot be understood."""
    named = [word for word in (shape.time, shape.point, shape.value, *shape.columns) if word]
    if shape.time and "+" in shape.time:
        named += [part.strip() for part in shape.time.split("+")]
    head = read_head(source.name, source.head(), named, shape.delimiter)
    roles = find_roles(source.name, head.columns, head.units, head.sample, shape)
    reader = TableReader(source.name, source.stem, head.columns, roles, shape)
    with source.stream() as stream:
        for text, line in _blocks(source.name, stream, head):
            yield from reader.take(_read(reader, text, line, head, roles.read))
    yield from reader.finish()


def _blocks(name: str, stream: BinaryIO, head: Head) -> Iterator[tuple[bytes, int]]:
    """(whole lines as UTF-8, number of the first) of a stream, from the first line of data on."""
    text: Any = stream
    if head.encoding.startswith("utf-16"):
        text = codecs.EncodedFile(stream, "utf-8", head.encoding)
    for _ in range(head.data_line - 1):
        text.readline()
    line = head.data_line
    left, fresh = b"", text.read(_BLOCK)
    while fresh:
        following = text.read(_BLOCK)
        block = left + fresh
        cut = _cut(block) if following else len(block)
        if cut < 0 and len(block) > _LONGEST_LINE:
            raise InputRefused(f"{name}: line {line} does not end", hint="is this a text with lines?")
        if cut > 0:
            yield block[:cut], line
            line += block.count(b"\n", 0, cut)
        left, fresh = block[max(cut, 0) :], following


def _cut(block: bytes) -> int:
    """Where the last whole record of a block ends: behind a line's end that lies in no quoted cell."""
    cut = block.rfind(b"\n") + 1
    while cut and block.count(b'"', 0, cut) % 2:
        cut = block.rfind(b"\n", 0, cut - 1) + 1
    return cut or -1


def _read(reader: TableReader, text: bytes, line: int, head: Head, wanted: tuple[int, ...]) -> Block:
    """A block's rows as columns of text, each row with its line."""
    names = [str(index) for index in range(len(head.columns))]
    odd = False

    def refuse(row: Any) -> Literal["skip"]:  # noqa: ARG001 - pyarrow hands the row over
        nonlocal odd
        odd = True
        return "skip"

    chosen = [str(index) for index in wanted]
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(text),
            read_options=arrow_csv.ReadOptions(
                column_names=names,
                use_threads=False,
                block_size=len(text) + 1,
                encoding=head.encoding if head.encoding == "cp1252" else "utf8",
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=head.delimiter, newlines_in_values=b'"' in text, invalid_row_handler=refuse
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=chosen,
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
        lines = _plain_lines(text, line, table.num_rows)
        first = reader.roles.time[0]
        again = pc.any(pc.equal(table.column(str(first)), pa.scalar(head.columns[first]))).as_py()
        if not odd and not again and lines is not None:
            columns = {index: table.column(str(index)).combine_chunks() for index in wanted}
            return Block({index: _whole(column) for index, column in columns.items()}, lines)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        pass
    return _read_carefully(reader, text, line, head, wanted)


def _whole(column: Any) -> Any:
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def _plain_lines(text: bytes, line: int, rows: int) -> npt.NDArray[np.int64] | None:
    """Lines of rows where each line is one row; None where lines are empty or rows have several."""
    count = text.count(b"\n") + (0 if text.endswith(b"\n") or not text else 1)
    return np.arange(line, line + rows, dtype=np.int64) if count == rows else None


def _read_carefully(
    reader: TableReader, text: bytes, line: int, head: Head, wanted: tuple[int, ...]
) -> Block:
    """The same, row by row: with empty lines, cells of several lines and rows that are too short or long."""
    width = len(head.columns)
    said = text.decode("cp1252" if head.encoding == "cp1252" else "utf-8", "replace")
    rows: list[list[str]] = []
    lines: list[int] = []
    ended = said.endswith("\n")
    records = csv.reader(io.StringIO(said, newline=""), delimiter=head.delimiter)
    first = line
    total = said.count("\n") + (0 if ended else 1)
    while True:
        begin = records.line_num
        try:
            row = next(records)
        except StopIteration:
            break
        except csv.Error as problem:
            reader.rejections.add(first + begin, None, f"the line cannot be read: {problem}")
            continue
        if not any(cell.strip() for cell in row) or row[0].startswith("#"):
            continue
        if [cell.strip() for cell in row] == list(head.columns):  # the head again, before another day
            continue
        while len(row) > width and not row[-1].strip():
            row.pop()
        number = first + begin
        if len(row) > width:
            comma = head.delimiter == "," and "a decimal comma that is not quoted?"
            why = f"the line has {len(row)} cells under {width} columns"
            reader.rejections.add(number, None, f"{why}: {comma}" if comma else why)
            continue
        if len(row) < width:
            if len(row) <= max(reader.roles.time) or (not ended and records.line_num >= total):
                reader.rejections.add(
                    number, None, f"the line has {len(row)} cells under {width} columns: cut?"
                )
                continue
            row += [""] * (width - len(row))
        rows.append(row)
        lines.append(number)
    columns = {index: pa.array([row[index] for row in rows], pa.string()) for index in wanted}
    return Block(columns, np.array(lines, np.int64))
