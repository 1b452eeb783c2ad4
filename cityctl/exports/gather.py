"""Readings that come one after the other, gathered into chunks: for formats that are no tables of columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl import arrow
from cityctl.exports.meaning import factor_to
from cityctl.exports.parsed import Chunk, Rejections, Replaced, Series, readings_table
from cityctl.reading import Quality
from cityctl.units import Unit

_TOGETHER = 65_536  # readings that are handed on together


class Gather:
    """The readings, rejections and notes of one file, in the order in which they stand there."""

    def __init__(self, file: str, word: str = "line") -> None:
        self.file = file
        self.rejections = Rejections(file, word)
        self._codes: dict[str, int] = {}
        self._declared: dict[str, Series] = {}
        self._fresh: dict[str, Series] = {}
        self._rows: tuple[list[Any], ...] = ([], [], [], [], [])
        self._parts: list[tuple[Any, ...]] = []
        self._held = 0
        self._notes: dict[str, None] = {}
        self._blank = 0
        self._replaced: list[Replaced] = []
        self._absent: dict[str, None] = {}
        self.following = ""

    def declare(self, series: Series) -> Series:
        """A series is there; the first word about it holds."""
        known = self._declared.setdefault(series.id, series)
        if known is series:
            self._fresh[series.id] = series
        return known

    def lasting(self, series: str, seconds: int) -> None:
        """How long the intervals of a series are that was declared since readings were handed on last."""
        if seconds and (fresh := self._fresh.get(series)) is not None and fresh.every is None:
            self._fresh[series] = replace(fresh, every=seconds)

    def known(self, series: str) -> Series | None:
        """What was declared of a series."""
        return self._declared.get(series)

    def going_on(self, name: str, unit: Unit | None, said: str) -> tuple[str, Series | None, float]:
        """The series that a value in a unit goes on, and what it is multiplied by to be in the unit that it began with.

        None, and the name it is to be declared by, where none goes on: another quantity is a series of its own.
        """
        told = self.known(name)
        factor = 1.0 if told is None else factor_to(told, unit, said)
        if factor is None:
            name = f"{name} ({said or 'no unit'})"
            told, factor = self.known(name), 1.0
        return name, told, factor

    def add(self, series: str, micros: int, value: float, quality: int, place: int) -> None:
        """A reading; one that is not finite is rejected."""
        if not isfinite(value):
            self.refuse(place, series, "is no finite number", str(value))
            return
        code = self._codes.setdefault(series, len(self._codes))
        for column, cell in zip(self._rows, (code, micros, value, quality, place), strict=True):
            column.append(cell)

    def add_many(
        self,
        series: str,
        micros: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        qualities: npt.NDArray[np.uint8],
        place: int,
    ) -> None:
        """The readings of one record, all of them finite."""
        code = self._codes.setdefault(series, len(self._codes))
        self._settle()
        count = len(micros)
        self._parts.append(
            (np.full(count, code, np.int64), micros, values, qualities, np.full(count, place, np.int64))
        )
        self._held += count

    def _settle(self) -> None:
        """The single readings become a part of their own, so that the order stays."""
        if self._rows[0]:
            kinds = (np.int64, np.int64, np.float64, np.uint8, np.int64)
            self._parts.append(
                tuple(np.array(row, kind) for row, kind in zip(self._rows, kinds, strict=True))
            )
            self._held += len(self._rows[0])
            self._rows = ([], [], [], [], [])

    def refuse(
        self, line: int | None, series: str | None, kind: str, detail: str = "", place: str = ""
    ) -> None:
        """A reading cannot be taken; see Rejections.add."""
        self.rejections.add(line, series, kind, detail, place)

    def refuse_many(self, line: int, series: str | None, reason: str, count: int, place: str = "") -> None:
        """`count` readings of one place cannot be taken."""
        if count > 0:
            self.rejections.add_many([line], series, reason, count, place or f"{self.rejections.word} {line}")

    def blank(self, count: int = 1) -> None:
        """Cells that say "no reading"."""
        self._blank += count

    def replace(self, span: Replaced) -> None:
        """All readings of a span stand here."""
        self._replaced.append(span)

    def lacks(self, text: str) -> None:
        """The export itself shows that something is missing."""
        self._absent[text] = None

    def note(self, text: str) -> None:
        """Something to say about the file, once."""
        self._notes[text] = None

    def due(self) -> Iterator[Chunk]:
        """What was gathered, where it is enough to be handed on."""
        if self._held + len(self._rows[0]) >= _TOGETHER or len(self._fresh) > 4096:
            yield self._chunk()

    def rest(self) -> Iterator[Chunk]:
        """What was gathered, at the end of the file."""
        chunk = self._chunk()
        chunk.rejections += self.rejections.rest()
        chunk.notes, chunk.absent = tuple(self._notes), tuple(self._absent)
        chunk.following = self.following
        yield chunk

    def _chunk(self) -> Chunk:
        self._settle()
        readings = None
        if self._parts:
            codes, times, values, qualities, places = (
                np.concatenate(row) for row in zip(*self._parts, strict=True)
            )
            names = arrow.named(codes, list(self._codes))
            readings = readings_table(names, times, values, qualities, places)
        series, self._fresh = tuple(self._fresh.values()), {}
        self._parts, self._codes, self._held = [], {}, 0
        blank, self._blank = self._blank, 0
        replaced, self._replaced = tuple(self._replaced), []
        return Chunk(readings, series, self.rejections.taken(), blank, replaced=replaced)


GOOD, ESTIMATED, SUSPECT = int(Quality.GOOD), int(Quality.ESTIMATED), int(Quality.SUSPECT)
