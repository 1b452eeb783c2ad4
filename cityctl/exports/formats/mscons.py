"""MSCONS: metered values as EDIFACT messages (EDI@Energy 2.x, Swiss and older D.99A profiles).

DTM 163 and 164 hold the start and end of a value, or of a whole series with values at even steps (DTM 672);
7 and 9 the instant of a register. Times without an offset are on the wall; a gas day begins at 06:00 there. A message
is taken as a whole: of values at even steps none may be missing, and of amounts over each other the finer ones count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from cityctl.exports import obis
from cityctl.exports.edifact.segments import Segment, Signs, begins, segments
from cityctl.exports.gather import Gather
from cityctl.exports.meaning import Instants, kind_of, known_unit, micros_of
from cityctl.exports.overlap import Covered
from cityctl.exports.parsed import Chunk, Series
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.reading import Kind, Quality

SUMMARY = "MSCONS (EDIFACT) metered values"
SUFFIXES: tuple[str, ...] = (".edi", ".edifact", ".mscons")
PLACE = "segment"

_MICRO = 1_000_000
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d*)?|[-+]?[.,]\d+")
_TIME = re.compile(r"(\d{8})(\d{4})?(\d{2})?(?:([+-]\d{2})(\d{2})?|Z|UTC)?")
_PERIODS = {"718": "102", "719": "203"}  # formats of a period (DTM 324), by those of its ends
_STEPS = {"804": 86_400, "805": 3600, "806": 60, "807": 1}  # seconds of a DTM of that format
# QTY 6063: 220 and 46 measured; 67 and 79 substituted, 187 forecast, 201 and Z18 provisional; 20 not to be used.
_QUALITIES = {
    "220": Quality.GOOD, "46": Quality.GOOD, "47": Quality.GOOD, "136": Quality.GOOD, "67": Quality.ESTIMATED,
    "79": Quality.ESTIMATED, "187": Quality.ESTIMATED, "201": Quality.ESTIMATED, "Z18": Quality.ESTIMATED,
    "Z30": Quality.ESTIMATED, "20": Quality.BAD, "Z31": Quality.BAD,
}  # fmt: skip


def recognises(head: bytes) -> bool:
    """Whether the file begins as an EDIFACT interchange; messages of other types are refused by their name."""
    return begins(head)


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The values of an interchange. Raises InputRefused where it is not whole."""
    reader = _Reader(Gather(source.name, "segment"), Instants(source.name, shape.time_zone), shape)
    for segment, signs in segments(source, "MSCONS"):
        reader.take(segment, signs)
        yield from reader.gather.due()
    yield from reader.gather.rest()


@dataclass
class _Times:
    """DTM segments by qualifier: (value, format)."""

    said: dict[str, tuple[str, str]] = field(default_factory=dict)

    def take(self, segment: Segment) -> None:
        self.said[segment.part(0)] = (segment.part(0, 1), segment.part(0, 2))


@dataclass(frozen=True)
class _Value:
    """A value with its time [µs], its length [s; 0 where nothing says it], its line and its segment."""

    series: str
    micros: int
    length: int
    value: float
    quality: int
    line: int
    segment: int


@dataclass
class _Reader:
    gather: Gather
    instants: Instants
    shape: Shape
    place: str = ""
    product: str = ""
    around: _Times = field(default_factory=_Times)  # of the location
    line: _Times = field(default_factory=_Times)  # of the line item
    own: _Times = field(default_factory=_Times)  # of the value
    quantity: Segment | None = None
    index: int = 0
    stepped: list[_Value] = field(default_factory=list)  # of the line item, at even steps
    values: list[_Value] = field(default_factory=list)  # of the message
    covered: dict[str, Covered] = field(default_factory=dict)  # by series

    def take(self, segment: Segment, signs: Signs) -> None:
        """One segment; a value is settled when the segment comes that ends it."""
        tag = segment.tag
        if segment.doubt:
            self.gather.lacks(segment.doubt)
        if tag == "DTM":
            held = self.own if self.quantity is not None else self.line if self.product else self.around
            parts = segment.elements[0] if segment.elements else []
            held.said[segment.part(0)] = (segment.part(0, 1), segment.part(0, 2) if len(parts) > 2 else "")
            return
        if tag in ("QTY", "LIN", "PIA", "LOC", "NAD", "UNT", "UNH"):
            self._settle()
        if tag in ("LIN", "LOC", "UNT", "UNH"):
            self._end_line_item()
        match tag:
            case "UNT":
                self._end_message()
            case "UNH":
                self.place = self.product = ""
                self.around, self.line = _Times(), _Times()
            case "LOC":
                # Of a location that stands for more than one, the one of the values comes last.
                if segment.part(0) in ("172", "7", "237", "Z04", "Z19", "231", "171", ""):
                    self.place = segment.part(1) or segment.part(1, 3)
                self.product, self.around, self.line, self.index = "", _Times(), _Times(), 0
            case "LIN":
                self.product, self.line, self.index = "?", _Times(), 0
            case "PIA":
                self.product = segment.part(1) or "?"
            case "QTY":
                self.quantity, self.own = segment, _Times()
                self._decimal = signs.decimal

    def _settle(self) -> None:
        segment, self.quantity = self.quantity, None
        if segment is None:
            return
        index, self.index = self.index, self.index + 1
        code = obis.read(self.product)
        series, factor = self._series(segment, code)
        place = f"segment {segment.number}"
        text = segment.part(0, 1)
        if not text:
            self.gather.blank()
            return
        if not _NUMBER.fullmatch(text):
            self.gather.refuse(segment.line, series.id, "is no number", f"`{text[:40]}`", place)
            return
        try:
            micros, length, stepped = self._time(code, index)
        except ValueError as problem:
            self.gather.refuse(segment.line, series.id, f"its time: {problem}", "", place)
            return
        word = segment.part(0)
        graded = _QUALITIES.get(word)
        if graded is None:
            self.gather.note(
                f"{self.gather.file}: QTY qualifier `{word[:12]}` is not known; taken as suspect"
            )
            graded = Quality.SUSPECT
        number = float(text.replace(",", ".")) * factor
        found = _Value(series.id, micros, length, number, int(graded), segment.line, segment.number)
        (self.stepped if stepped else self.values).append(found)

    def _end_line_item(self) -> None:
        """Values at even steps are taken where they fill their period: else nobody knows which of them is missing."""
        held, self.stepped = self.stepped, []
        if not held:
            return
        first, step = held[0], held[0].length
        said = self.line.said.get("164") or self.around.said.get("164")
        begin = self.line.said.get("163") or self.around.said["163"]
        code = obis.read(self.product)
        wanted = -(-self._length(self._instant(*begin, code), said, code) // step)
        if not wanted or self.index in (wanted, wanted + 1):  # the end may be the last value's beginning
            self.values += held
            return
        why = f"{self.index} values, where steps of {step} s make {wanted} of their period: which one lacks?"
        self.gather.refuse_many(first.line, first.series, why, len(held), f"segment {first.segment}")

    def _end_message(self) -> None:
        """Hand on the values of a message, those first that are told in finer steps."""
        held, self.values = self.values, []
        for name in dict.fromkeys(one.series for one in held):
            of_series = sorted((one for one in held if one.series == name), key=lambda one: one.length)
            times, lengths = (
                np.array(cells, np.int64)
                for cells in zip(*((one.micros, one.length) for one in of_series), strict=True)
            )
            over = self.covered.setdefault(name, Covered()).again(times, lengths)
            taken = lengths[(over == 0) & (lengths > 0)]
            self.gather.lasting(name, int(taken.min()) if len(taken) else 0)
            for one, other in zip(of_series, over.tolist(), strict=True):
                if other:
                    why = f"its interval of {one.length} s lies over others of {other} s: not counted twice"
                    self.gather.refuse(one.line, name, why, place=f"segment {one.segment}")
                else:
                    self.gather.add(name, one.micros, one.value, one.quality, one.segment)

    def _time(self, code: obis.Obis | None, index: int) -> tuple[int, int, bool]:
        """The start of a value's interval, or the instant of a register; its length [s]; whether it is at even steps.

        The length is 0 where nothing says it. Raises ValueError.
        """
        for said in (self.own.said, self.line.said):
            for qualifier in ("163", "7", "9"):
                if qualifier in said:
                    start = self._instant(*said[qualifier], code)
                    return start, self._length(start, said.get("164"), code), False
        for said in (self.own.said, self.line.said):
            if said.get("324", ("", ""))[1] in _PERIODS:  # start and end as one text
                text, form = said["324"]
                start = self._instant(text[: len(text) // 2], _PERIODS[form], code)
                return start, self._length(start, (text[len(text) // 2 :], _PERIODS[form]), code), False
        step = self.line.said.get("672") or self.around.said.get("672") or ("", "")
        first = self.line.said.get("163") or self.around.said.get("163")
        if step[0].isdecimal() and int(step[0]) and step[1] in _STEPS and first:
            seconds = int(step[0]) * _STEPS[step[1]]
            return self._instant(*first, code) + index * seconds * _MICRO, seconds, True
        if "163" in self.around.said and "164" in self.around.said and index == 0:
            # one value of the whole period
            start = self._instant(*self.around.said["163"], code)
            return start, self._length(start, self.around.said["164"], code), False
        raise ValueError("no DTM 163, 324, 7 or 9 says it")

    def _length(self, start: int, end: tuple[str, str] | None, code: obis.Obis | None) -> int:
        """Seconds from a start to an end; 0 where there is none, or none that can be read."""
        if end is None:
            return 0
        with suppress(ValueError):
            return max(0, self._instant(*end, code) - start) // _MICRO
        return 0

    def _instant(self, text: str, form: str, code: obis.Obis | None) -> int:
        found = _TIME.fullmatch(text)
        lengths = {"102": 8, "203": 12, "303": 12, "204": 14, "304": 14}
        digits = "" if found is None else "".join(part or "" for part in found.groups()[:3])
        if found is None or (form and lengths.get(form, len(digits)) != len(digits)):
            raise ValueError(f"`{text[:40]}` is no time of format {form[:8] or '203'}")
        hour = found[2] or ("0600" if code is not None and code.medium == 7 else "0000")
        day, second = found[1], found[3] or "00"
        zone = ""
        if found[4]:
            zone = f"{found[4]}:{found[5] or '00'}"
        elif text[-1:] in "ZC":
            zone = "Z"
        if zone in ("Z", "+00:00") and text.isascii():  # nearly all of them
            with suppress(ValueError):  # then they are read as any other time, with what is wrong about them
                return micros_of(datetime(int(day[:4]), int(day[4:6]), int(day[6:]), int(hour[:2]), int(hour[2:]),
                                          int(second), tzinfo=UTC))  # fmt: skip
        return self.instants.of(f"{day[:4]}-{day[4:6]}-{day[6:]}T{hour[:2]}:{hour[2:]}:{second}{zone}")

    def _series(self, segment: Segment, code: obis.Obis | None) -> tuple[Series, float]:
        said = segment.part(0, 2)
        unit = known_unit(said, code_first=True)
        taken = ""
        if not said and code is not None and code.unit is not None:
            unit, taken = known_unit(code.unit), code.unit
        name = f"{self.place or '?'}/{self.product or '?'}"
        name, known, factor = self.gather.going_on(name, unit, said)
        if known is not None:
            return known, factor
        if taken:
            self.gather.note(f"{self.gather.file}: `{name}` names no unit; {taken}, by its OBIS code")
        quantity = unit.quantity if unit else None
        kind: Kind | None = self.shape.kind or kind_of(quantity)
        if code is not None and kind == "interval" and "163" not in self.own.said and code.kind == "counter":
            kind = "counter"
        series = Series(
            name,
            unit=unit.symbol if unit else None,
            quantity=quantity,
            direction=code.direction if code is not None else "",
            kind=kind,
            usage_point=self.place,
            said_unit="" if unit else said,
        )
        return self.gather.declare(series), factor
