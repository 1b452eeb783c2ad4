"""Reading an export whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from cityctl.exports import formats
from cityctl.exports.parsed import Rejection, Series
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source


@dataclass
class Parsed:
    """An export, read whole."""

    series: dict[str, Series] = field(default_factory=dict)
    readings: dict[str, list[tuple[str, float | None, int, int]]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    following: str = ""
    blank: int = 0

    def of(self, series: str) -> list[tuple[str, float | None]]:
        """(UTC time, value) of a series, in the order of the file."""
        return [(time, value) for time, value, _, _ in self.readings.get(series, [])]

    @property
    def refused(self) -> list[tuple[int | None, str]]:
        """(line, reason) of each rejection."""
        return [(one.line, one.reason) for one in self.rejections]


def parse(source: Source, name: str, shape: Shape) -> Parsed:
    """All chunks of an export, in plain Python."""
    whole = Parsed()
    for chunk in formats.find(name).parse(source, shape):
        whole.series |= {series.id: series for series in chunk.series}
        whole.rejections += chunk.rejections
        whole.notes += chunk.notes
        whole.absent += chunk.absent
        whole.following = chunk.following or whole.following
        whole.blank += chunk.blank
        if chunk.readings is not None:
            for row in chunk.readings.to_pylist():
                time = row["time"].isoformat(" ") + "Z"
                told = (time, row["value"], row["quality"], row["place"])
                whole.readings.setdefault(row["series"], []).append(told)
    return whole


@pytest.fixture
def table() -> Callable[..., Parsed]:
    """Read delimited text; the words are those of Shape."""

    def read(text: str | bytes, name: str = "flows.csv", **words: Any) -> Parsed:
        data = text.encode() if isinstance(text, str) else text
        return parse(Source(name, data=data), "csv", Shape(**words))

    return read


@pytest.fixture
def feed() -> Callable[..., Parsed]:
    """Read a Green Button feed."""

    def read(text: str | bytes, name: str = "feed.xml") -> Parsed:
        data = text.encode() if isinstance(text, str) else text
        return parse(Source(name, data=data), "green_button", Shape())

    return read


@pytest.fixture
def read() -> Callable[..., Parsed]:
    """Read an export of any format; the words are those of Shape."""

    def of(name: str, text: str | bytes, file: str = "a.txt", **words: Any) -> Parsed:
        data = text.encode() if isinstance(text, str) else text
        return parse(Source(file, data=data), name, Shape(**words))

    return of
