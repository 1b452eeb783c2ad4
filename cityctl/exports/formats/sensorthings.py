"""OGC SensorThings: observations alone, within Datastreams and Things, and as data arrays.

The unit is that of the Datastream; without one nothing is imported. The time of an interval is its start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cityctl.errors import InputRefused
from cityctl.exports.gather import Gather
from cityctl.exports.meaning import AMOUNTS, Instants, known_unit
from cityctl.exports.parsed import Chunk, Series
from cityctl.exports.sensorthings import Observed, observed
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.table.numbers import read_number
from cityctl.exports.table.quality import NO_READING, QualityWords
from cityctl.exports.tree import jsons
from cityctl.exports.waterml.words import unit_of
from cityctl.reading import Kind
from cityctl.units import Unit

SUMMARY = "OGC SensorThings observations"
SUFFIXES: tuple[str, ...] = ()
PLACE = "observation"


def recognises(head: bytes) -> bool:
    """Whether the file is JSON with the annotations of SensorThings."""
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    marks = rb'"(?:@iot\.\w+|dataArray(?:@iot\.count)?|phenomenonTime|[A-Za-z]+@iot\.\w+)"'
    return plain[:1] in (b"{", b"[") and bool(re.search(marks, plain))


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The observations of a document. Raises InputRefused where there is none."""
    reader = _Reader(Gather(source.name, PLACE), Instants(source.name, shape.time_zone), shape, source.stem)
    if jsons.start(source)[1]:
        nodes: Iterator[Any] = iter([jsons.document(source)])
    else:
        nodes = jsons.items(source, "value.item")
    for node in nodes:
        if isinstance(node, dict):
            following = node.get("@iot.nextLink") or node.get("@nextLink")
            if isinstance(following, str):
                reader.gather.following = following
        for one in observed(node):
            reader.take(one)
            yield from reader.gather.due()
    if not reader.count and not reader.empty:
        raise InputRefused(
            f"{source.name}: no observations in it", hint="ask for Observations, or Datastreams with them"
        )
    yield from reader.gather.rest()


class _Reader:
    def __init__(self, gather: Gather, instants: Instants, shape: Shape, stem: str) -> None:
        self.gather = gather
        self.instants = instants
        self.shape = shape
        self.stem = stem
        self.count = 0
        self.empty = False
        self._words = QualityWords(shape.qualities)

    def take(self, one: Observed) -> None:
        """One observation, or the word that there is a list of none, or that a nested list goes on elsewhere."""
        if one.missing:
            self.gather.lacks(one.missing)
            return
        if one.nothing:
            self.empty = True
            return
        self.count += 1
        results = one.result if isinstance(one.result, list) else [one.result]
        for index, result in enumerate(results):
            name = f"{one.series}/{index + 1}" if isinstance(one.result, list) else one.series
            unit = one.units[index] if index < len(one.units) else ""
            self._add(name or self.stem, result, unit, one)

    def _add(self, name: str, result: Any, unit: str, one: Observed) -> None:
        series = self._series(name, unit, one)
        place = f"{PLACE} {self.count}"
        if result is None or result == "":
            self.gather.blank()
            return
        if isinstance(result, bool) or not isinstance(result, int | float | str):
            self.gather.refuse(None, series.id, "is no number", f"`{str(result)[:40]}`", place)
            return
        graded = int(self._words.read_one(one.quality)) if one.quality else 0
        try:
            value = read_number(result, ".") if isinstance(result, str) else float(result)
            micros = self.instants.of(one.time.split("/")[0])
        except (ValueError, OverflowError) as problem:
            self.gather.refuse(None, series.id, str(problem), "", place)
            return
        if value is None or graded == NO_READING or value in self.shape.missing:
            self.gather.blank()
            return
        self.gather.add(series.id, micros, value, graded, self.count)

    def _series(self, name: str, word: str, one: Observed) -> Series:
        word = word or self.shape.units.get(name) or self.shape.unit or ""
        unit = unit_of(word) or known_unit(word) if word else None
        known = self.gather.known(name)
        symbol = unit.symbol if unit else None
        if known is not None and (known.unit, known.said_unit) != (symbol, "" if unit else word):
            if not word:
                return known
            name = f"{name} ({word})"
        return self.gather.declare(
            Series(
                name,
                unit=symbol,
                quantity=unit.quantity if unit else None,
                kind=self.shape.kind or _kind(one.time, unit),
                title=one.title,
                usage_point=one.thing,
                said_unit="" if unit else word,
            )
        )


def _kind(time: str, unit: Unit | None) -> Kind:
    """An amount that is observed over a period is that period's; what is observed at an instant is none."""
    start, _, end = time.partition("/")
    return "interval" if end not in ("", start) and unit is not None and unit.quantity in AMOUNTS else "gauge"
