"""How InfluxDB writes readings: line protocol and annotated CSV, read line by line into points.

InfluxData: "Line protocol" and "Annotated CSV" of the InfluxDB documentation. A series is called by its measurement,
its tags and its field: `water,zone=north/flow`; `/value` goes without saying.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_UNESCAPED = r"(?:\\.|[^\\,= ])+"
_TAGS = re.compile(rf"({_UNESCAPED})=({_UNESCAPED})")
_QUOTED = r'"(?:\\.|[^"\\])*"'
_FIELD = re.compile(rf"({_UNESCAPED})=({_QUOTED}|[^,\s\"]+)(?:,|$)")
_LINE = re.compile(
    rf"((?:\\.|[^\\, ])+)((?:,{_UNESCAPED}={_UNESCAPED})*) +"
    rf"((?:{_UNESCAPED}=(?:{_QUOTED}|[^,\s\"]+),?)+)(?: +(-?\d+))?\s*"
)
_ESCAPED = re.compile(r"\\([,= \\])")
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[iu]?")
_COLUMNS = frozenset({"", "result", "table", "_start", "_stop", "_time", "_value", "_field", "_measurement"})
_NUMBERS = ("double", "long", "unsignedLong")


@dataclass(frozen=True)
class Point:
    """The readings of a line: `when` is its time as it is written; `values` by field, None where one is no number."""

    measurement: str
    tags: Mapping[str, str]
    when: str
    values: Mapping[str, str | None]


def series_name(measurement: str, tags: Mapping[str, str], field: str) -> str:
    """What the readings of a field are called."""
    told = [f"{key}={value}" for key, value in sorted(tags.items())]
    called = ",".join(part for part in (measurement, *told) if part)
    return called if field == "value" and called else f"{called}/{field}".lstrip("/")


def is_line(text: str) -> bool:
    """Whether a line is one of line protocol, with its time."""
    found = _LINE.fullmatch(text)
    return found is not None and found[4] is not None


def point(text: str) -> Point | None:
    """A line of line protocol; None where it is none."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    tags = {_plain(key): _plain(value) for key, value in _TAGS.findall(found[2])}
    fields = {_plain(key): _value(value) for key, value in _FIELD.findall(found[3])}
    return Point(_plain(found[1]), tags, found[4] or "", fields)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _value(text: str) -> str | None:
    found = _NUMBER.fullmatch(text)
    return found[1] if found else None


class Tables:
    """The rows of annotated CSV: tables below each other, each with annotations and a head of its own."""

    def __init__(self) -> None:
        self._kinds: list[str] = []
        self._columns: list[str] = []
        self._begins = True

    def row(self, cells: Sequence[str]) -> Point | None:
        """The readings of a row; None of a head and of an annotation.

        Raises ValueError for an error in place of a table, one without times or values, and a row that is cut.
        """
        annotated = bool(cells) and cells[0].startswith("#")
        if annotated or not any(cells):
            self._kinds = list(cells) if annotated and cells[0] == "#datatype" else self._kinds
            self._begins = True
            return None
        if self._begins:
            self._begin(list(cells))
            return None
        if len(cells) != len(self._columns):
            raise ValueError(f"{len(cells)} cells under {len(self._columns)} columns: cut?")
        told = dict(zip(self._columns, cells, strict=True))
        kinds = dict(zip(self._columns, self._kinds, strict=False))
        beside = {key: value for key, value in told.items() if key not in _COLUMNS}
        tags = {key: value for key, value in beside.items() if value and kinds.get(key, "string") == "string"}
        if "_value" in told:
            values = {told.get("_field") or "value": told["_value"]}
        else:
            values = {key: value for key, value in beside.items() if kinds.get(key) in _NUMBERS}
        number = kinds.get("_value", _NUMBERS[0]) in _NUMBERS
        return Point(
            told.get("_measurement", ""),
            tags,
            told["_time"],
            {key: value if number else None for key, value in values.items()},
        )

    def _begin(self, columns: list[str]) -> None:
        self._begins, self._columns = False, columns
        if "error" in columns and "_time" not in columns:
            raise ValueError("an error in place of a table")
        if "_time" not in columns:
            raise ValueError("a table without the column `_time`")
        if "_value" not in columns and not any(kind in _NUMBERS for kind in self._kinds[4:]):
            raise ValueError("a table without the column `_value`")


def rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row, empty lines too."""
    reader = csv.reader(lines)
    for cells in reader:
        yield reader.line_num, cells
