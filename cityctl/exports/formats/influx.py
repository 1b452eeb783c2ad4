"""InfluxDB: line protocol, and the annotated CSV that Flux answers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cityctl.errors import InputRefused
from cityctl.exports import influx
from cityctl.exports.parsed import Chunk, Rejections
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.table.names import column_unit
from cityctl.exports.tree.rows import JsonRows

SUMMARY = "InfluxDB line protocol, and annotated CSV"
SUFFIXES = (".lp", ".line")

_HEAD = re.compile(rb"(?:#(?:group|datatype|default),|,result,table,)")
_MARK = b"\xef\xbb\xbf"  # of UTF-8
_TOGETHER = 20_000  # rows
_LONGEST = 1 << 20  # signs of a line


def recognises(head: bytes) -> bool:
    """Whether the file begins with an annotation, the head of a Flux table, or a line of line protocol."""
    if _HEAD.match(head.removeprefix(_MARK)):
        return True
    lines = head[:8192].decode("utf-8", "replace").splitlines()
    told = [line for line in lines[: -1 if len(head) > 8192 else None] if line.strip() and line[0] != "#"]
    return bool(told) and all(influx.is_line(line) for line in told[:3])


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The readings of a file. Raises InputRefused where it cannot be understood."""
    table = replace(
        shape,
        rows="@",
        time="time",
        point="series",
        value="value",
        unit_from="unit",
        quality=None,
        direction=None,
    )
    reader = JsonRows(source.name, source.stem, table, field_of=_field, word="line")
    rejections = Rejections(source.name)
    words: set[str] = set()
    with source.stream() as stream, io.TextIOWrapper(stream, "utf-8", "replace", newline="") as text:
        lines = _lines(source.name, text)
        annotated = _HEAD.match(source.head(1 << 10).removeprefix(_MARK)) is not None
        points = _rows(source.name, lines) if annotated else _points(lines, rejections)
        for number, point in points:
            for field, value in point.values.items():
                if value is None:
                    words.add(field)
                    continue
                series = influx.series_name(point.measurement, point.tags, field)
                when = point.when if annotated else int(point.when)
                unit = shape.units.get(series) or column_unit(field) or ""
                reader.add(({"series": series, "time": when, "value": value, "unit": unit},), number)
            if reader.held >= _TOGETHER:
                yield from reader.taken()
    yield from reader.taken()
    yield from reader.finish()
    notes: tuple[str, ...] = ()
    if words:
        names = ", ".join(f"`{name}`" for name in sorted(words))
        notes = (f"{source.name}: fields of words left out: {names}",)
    yield Chunk(rejections=rejections.taken() + rejections.rest(), notes=notes)


def _field(text: str, around: tuple[Any, ...]) -> Any:
    return around[-1][text]


def _lines(name: str, text: io.TextIOWrapper) -> Iterator[str]:
    first = True
    while line := text.readline(_LONGEST):
        if len(line) == _LONGEST:
            raise InputRefused(
                f"{name}: a line of more than {_LONGEST >> 20} MB", hint="is this text with lines?"
            )
        yield line.removeprefix("\ufeff") if first else line
        first = False


def _points(lines: Iterator[str], rejections: Rejections) -> Iterator[tuple[int, influx.Point]]:
    """(line, point) of line protocol. Times of one file are s, ms, µs or ns: a shorter one was cut."""
    length = 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        point = influx.point(text)
        length = length or (len(point.when) if point is not None else 0)
        if point is None:
            rejections.add(number, None, "is no line of line protocol: cut?", f"`{text[:40]}`")
            continue
        why, detail = "", ""
        if not point.when:
            why = "it has no time: the database would take that of its arrival"
        elif len(point.when) != length:
            why, detail = f"has not the {length} figures of the times above: cut?", f"`{point.when}`"
        if not why:
            yield number, point
            continue
        for field, value in point.values.items():
            if value is not None:
                series = influx.series_name(point.measurement, point.tags, field)
                rejections.add(number, series, why, detail)


def _ended(name: str, lines: Iterator[str]) -> Iterator[str]:
    """Lines of which each has an end. Raises InputRefused where the last one has none."""
    for number, line in enumerate(lines, 1):
        if not line.endswith(("\n", "\r")):
            raise InputRefused(f"{name}:{number}: the last line has no end: cut?", hint="ask the query again")
        yield line


def _rows(name: str, lines: Iterator[str]) -> Iterator[tuple[int, influx.Point]]:
    """(line, point) of annotated CSV."""
    tables = influx.Tables()
    for number, cells in influx.rows(_ended(name, lines)):
        try:
            point = tables.row(cells)
        except ValueError as problem:
            raise InputRefused(f"{name}:{number}: {problem}", hint="ask the query again") from None
        if point is not None:
            yield number, point
