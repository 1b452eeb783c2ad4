"""Delimited text: head-end exports, long, wide by series and wide by slot of the day.

The text is cut into blocks at ends of lines, so that memory stays bounded and every line keeps its number.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from cityctl import arrow
from cityctl.errors import InputRefused
from cityctl.exports.meaning import direction_of
from cityctl.exports.parsed import Chunk
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.table.clock.patterns import EXCEL, EXCEL_1904
from cityctl.exports.table.clock.stamps import looks_like_epoch, looks_like_time
from cityctl.exports.table.columns import find_roles
from cityctl.exports.table.head import Head, read_head
from cityctl.exports.table.kinds import load_curve_of_enedis
from cityctl.exports.table.records import records, whole_records
from cityctl.exports.table.roles import Roles
from cityctl.exports.table.rows import Block, TableReader
from cityctl.wording import counted

SUMMARY = "delimited text, long or wide: , ; tab or |, decimal point or comma"
SUFFIXES = (".csv", ".tsv", ".txt")

_BLOCK = 8 << 20
_LONGEST_LINE = 64 << 20
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})?)?")
_ZONE = re.compile(r"(?:Z|:\d{2}[+-]\d{2}:\d{2})$")
_FEWEST = 8  # values that tell how many signs one has
_ABOVE = 1 << 16  # bytes of text that they stand in
_DECIMALS = re.compile(rb"^[^.,]*[.,]?")  # all but them
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_POINTED = re.compile(r"-?(?:0|\d{4,})\.\d+|-?\d+\.(?:\d{1,2}|\d{4,})")  # no thousand
GENERIC = True


def recognises(head: bytes) -> bool:
    """Whether the file is text in lines, with a time and another cell in most of the first ones."""
    if b"\x00" in head or head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"<", b"{", b"["):
        return False
    lines = [
        line
        for line in head[:8192].decode("latin-1").splitlines()[:-1] or [head.decode("latin-1")]
        if line.strip()
    ]
    rows = [re.split(r"[,;\t|]", line) for line in lines[-20:]]
    dated = [row for row in rows if len(row) > 1 and any(looks_like_time(cell.strip(' "')) for cell in row)]
    return len(dated) * 2 > len(rows)


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The readings of a delimited text. Raises InputRefused and UsageProblem where it cannot be understood."""
    if source.since_1904 and (shape.time_format or "").strip().casefold() == EXCEL:
        shape = replace(shape, time_format=EXCEL_1904)
    named = [word for word in (shape.time, shape.point, shape.value, *shape.columns) if word]
    if shape.time and "+" in shape.time:
        named += [part.strip() for part in shape.time.split("+")]
    if shape.value and " * " in shape.value:
        named += [part.strip() for part in shape.value.split(" * ")]
    head = read_head(source.name, source.head(), named, shape.delimiter, shape.encoding)
    roles = find_roles(source.name, head.columns, head.units, head.sample, shape)
    if shape.time is None and _of_enedis(head, roles):
        roles = replace(roles, ends=True)
    shape = replace(shape, delimiter=head.delimiter, unit=shape.unit or _said_unit(head, roles))
    reader = TableReader(source.name, source.stem, head.columns, roles, shape, above=head.zone)
    kinds = _kinds(head, roles, shape)
    with source.stream() as stream:
        line, above = head.data_line, b""
        for text in _blocks(source.name, stream, head):
            if (cut := _cut_value(above, text, head, reader)) is not None:
                place = line + _count(text) - 1
                text = text[: text.rfind(b"\n") + 1]
                why = f"the last line has no end, and its `{cut}` is shorter than what stands above: cut?"
                reader.rejections.add(place, None, why)
            block, lines = _read(reader, text, line, head, reader.roles.read, kinds)
            yield from reader.take(block)
            line += lines
            above = text[-_ABOVE:]
    yield from reader.finish()
    if head.guessed:
        yield Chunk(notes=(f"{source.name}: it is no UTF-8, and read as Windows-1252 (--encoding)",))


def _cut_value(above: bytes, text: bytes, head: Head, reader: TableReader) -> str | None:
    """The value that a file ends in, where it was cut in the middle of it: its line does not end, unlike the others.

    Told by its decimals, where all others have as many, or by two signs less than each of them: a value that happens
    to be shorter, as 9.8 behind 10.1, is whole.
    """
    if text.endswith(b"\n") or len(head.columns) - 1 not in reader.values:
        return None
    delimiter, at = head.delimiter.encode(), reader.roles.time[0]
    _, *lines = (above + text)[-_ABOVE:].split(b"\n")
    if len(lines) <= _FEWEST:
        return None
    *cells, value = (line.rpartition(delimiter)[2].strip() for line in lines)
    others = [cell for cell in cells if cell]
    if len(others) < _FEWEST or not value or not _is_shorter(value, others):
        return None
    when = lines[-1].split(delimiter)[at : at + 1]
    timed = any(looks_like_time(cell.decode("latin-1").strip(' "')) for cell in when)
    return value.decode("utf-8", "replace") if timed else None


def _is_shorter(value: bytes, others: list[bytes]) -> bool:
    """Whether a value lacks decimals that all others have, or is far shorter than they, which are all as long."""
    decimals, *more = {len(_DECIMALS.sub(b"", cell, count=1)) for cell in others}
    if not more and decimals:
        return len(_DECIMALS.sub(b"", value, count=1)) < decimals
    length, *more = {len(cell) for cell in others}
    return not more and len(value) <= length - 2


def _said_unit(head: Head, roles: Roles) -> str | None:
    """The unit of a preamble, where one column alone has none, or all that are called alike."""
    alone = [one for one in roles.series if one.unit is None]
    alike = len(alone) == len(roles.series) and (
        all(direction_of(one.name) for one in alone) or len({one.name.split()[0] for one in alone}) == 1
    )
    silent = (
        len(alone) == 1
        or (bool(alone) and alike)
        or (not roles.series and roles.value_unit is None and roles.unit is None)
    )
    return head.unit if silent else None


def _of_enedis(head: Head, roles: Roles) -> bool:
    """Whether the table is a load curve of Enedis."""
    at = roles.time[0]
    cells = [row[at] for row in head.sample if len(row) > at]
    beside = chain(head.columns, *head.above, *head.sample[:1])
    return load_curve_of_enedis(head.columns[at], cells, beside)


def _kinds(head: Head, roles: Roles, shape: Shape) -> dict[int, Any]:
    """Arrow types that the columns of a plain table are read as at once; empty where its text needs a closer look."""
    if (
        shape.time_format is not None
        or len(roles.time) != 1
        or shape.decimal == ","
        or roles.layout == "day"
        or roles.again
    ):
        return {}
    stamps = [row[roles.time[0]] for row in head.sample if len(row) > roles.time[0]]
    if not stamps or not all(_ISO.fullmatch(stamp) for stamp in stamps):
        return {}
    zoned = {_ZONE.search(stamp) is not None for stamp in stamps}
    if len(zoned) > 1:
        return {}
    values = [roles.value] if roles.value is not None else [column.index for column in roles.series]
    cells = [row[index] for row in head.sample for index in values if len(row) > index]
    if not all(_NUMBER.fullmatch(cell) for cell in cells if cell) or not any(map(_POINTED.fullmatch, cells)):
        return {}
    kinds: dict[int, Any] = {roles.time[0]: pa.timestamp("us", "UTC" if zoned.pop() else None)}
    kinds |= dict.fromkeys(values, pa.float64())
    texts = (roles.point, roles.channel, roles.unit, roles.direction, roles.quality)
    return kinds | {index: pa.dictionary(pa.int32(), pa.string()) for index in texts if index is not None}


def _blocks(name: str, stream: BinaryIO, head: Head) -> Iterator[bytes]:
    """Whole lines as UTF-8, from the first line of data on, a piece of the stream at a time."""
    text: Any = stream
    if head.encoding not in ("utf-8", "cp1252"):
        text = codecs.EncodedFile(stream, "utf-8", head.encoding, "replace")
    if head.lone_returns:
        text = io.BufferedReader(_Returns(text))
    for _ in range(head.data_line - 1):
        text.readline()
    left = b""
    while fresh := text.read(_BLOCK):
        tail = b""
        if len(fresh) == _BLOCK and not fresh.endswith(b"\n"):
            tail = text.readline(_LONGEST_LINE)  # the line is ended where the piece cuts it
        block = b"".join((left, fresh, tail)) if left or tail else fresh
        cut = whole_records(block)
        if not cut and len(block) > _LONGEST_LINE:
            raise InputRefused(
                f"{name}: a line of more than {_LONGEST_LINE >> 20} MB", hint="is this text with lines?"
            )
        if cut == len(block):
            left = b""
            yield block
        elif cut:
            left = block[cut:]
            yield block[:cut]
        else:
            left = block
    if left:
        yield left


class _Returns(io.RawIOBase):
    """Text whose lines end with a carriage return alone, as if they ended with a line feed."""

    def __init__(self, text: Any) -> None:
        self._text = text
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        room = len(buffer)
        piece = self._left or self._text.read(room).replace(b"\r", b"\n")
        buffer[: min(room, len(piece))] = piece[:room]
        self._left = piece[room:]
        return min(room, len(piece))


def _read(
    reader: TableReader, text: bytes, line: int, head: Head, wanted: tuple[int, ...], kinds: Mapping[int, Any]
) -> tuple[Block, int]:
    """(a block's rows as columns, each row with its line; how many lines there are)."""
    quoted = b'"' in text
    first = reader.roles.time[0]
    lines = -1
    for types in (kinds, {}) if kinds else ({},):
        table = _table(text, head, wanted, types, quoted)
        if table is None:
            continue
        # Without quotes a row is a line: Arrow refuses empty ones and those of another length.
        lines = _count(text) if quoted else table.num_rows
        if table.num_rows != lines:
            break
        columns = {index: _whole(table.column(str(index)).combine_chunks()) for index in wanted}
        if not types and pc.any(pc.equal(columns[first], pa.scalar(head.columns[first]))).as_py():
            break  # the head again, before another day
        return Block(columns, np.arange(line, line + lines, dtype=np.int64)), lines
    return _read_carefully(reader, text, line, head, wanted), _count(text)


def _count(text: bytes) -> int:
    """How many lines there are."""
    return text.count(b"\n") + (not text.endswith(b"\n"))


def _table(text: bytes, head: Head, wanted: tuple[int, ...], types: Mapping[int, Any], quoted: bool) -> Any:
    """The columns as Arrow reads them; None where a row or a cell is not as expected."""
    names = [str(index) for index in range(len(head.columns))]
    texts = dict.fromkeys(names, pa.string())
    source: Any = pa.BufferReader(text)
    try:
        return arrow_csv.read_csv(
            source,
            read_options=arrow_csv.ReadOptions(
                column_names=names,
                use_threads=False,
                block_size=len(text) + 1,
                encoding=head.encoding if head.encoding == "cp1252" else "utf8",
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=head.delimiter, newlines_in_values=quoted, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=texts | {str(index): kind for index, kind in types.items()},
                include_columns=[str(index) for index in wanted],
                null_values=[""],
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None


def _whole(column: Any) -> Any:
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def _read_carefully(
    reader: TableReader, text: bytes, line: int, head: Head, wanted: tuple[int, ...]
) -> Block:
    """The same, row by row: with empty lines, cells of several lines and rows that are too short or long."""
    width = len(head.columns)
    said = text.decode("cp1252" if head.encoding == "cp1252" else "utf-8", "replace")
    ended = said.endswith("\n")
    texts = said.removesuffix("\n").replace("\r\n", "\n").split("\n")
    first = max(reader.roles.time)
    rows: list[list[str]] = []
    lines: list[int] = []

    def is_row(row: list[str]) -> bool:
        when = row[reader.roles.time[0]].strip(' "') if len(row) >= width else ""
        return looks_like_time(when) or looks_like_epoch(when)

    alone = reader.roles.point is None
    for begin, height, row in records(texts, head.delimiter, is_row):
        if not any(cell.strip() for cell in row) or row[0].startswith("#"):
            continue
        if not is_row(row):
            if head.is_another(row, reader.roles.time[0], alone) and not head.is_repeated(row):
                raise InputRefused(
                    f"{reader.name}:{line + begin}: another table begins here: `{head.delimiter.join(row)[:60]}`",
                    hint="cut the file in two: each table by itself",
                )
            if head.is_repeated(row) or head.is_fact(row):  # the head again, before another day
                continue
        while len(row) > width and not row[-1].strip():
            row.pop()
        number = line + begin
        if len(row) > width:
            comma = head.delimiter == "," and "a decimal comma that is not quoted?"
            why = f"the line has {counted(len(row), 'cell')} under {counted(width, 'column')}"
            reader.rejections.add(number, None, f"{why}: {comma}" if comma else why)
            continue
        if len(row) < width:
            if len(row) <= first or (not ended and begin + height >= len(texts)):
                reader.rejections.add(
                    number,
                    None,
                    f"the line has {counted(len(row), 'cell')} under {counted(width, 'column')}: cut?",
                )
                continue
            if len(row) > 1:
                reader.left.short.append(number)
            row += [""] * (width - len(row))
        rows.append(row)
        lines.append(number)
    columns = {index: arrow.texts([row[index] for row in rows]) for index in wanted}
    return Block(columns, np.array(lines, np.int64))
