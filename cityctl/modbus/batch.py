"""All values of one answer at once: numbers by one unpacking and one pass, everything else by the codec.

The same values and qualities as `codec.decode` point by point (a test holds that), at a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import repeat
from operator import itemgetter
from struct import Struct
from typing import Any

from cityctl.modbus.ask import Value
from cityctl.modbus.codec import decode, scaling
from cityctl.modbus.line import Frame
from cityctl.modbus.plan import Block, Wanted
from cityctl.modbus.point import DevicePoint
from cityctl.modbus.raw import raw_value
from cityctl.reading import Quality

_LETTERS = {
    "float32": "f", "float64": "d", "int16": "h", "int32": "i", "int64": "q",
    "uint16": "H", "uint32": "I", "uint64": "Q", "acc16": "H", "acc32": "I", "acc64": "Q",
}  # fmt: skip
_ORDER: dict[str, Callable[[int, int], int]] = {  # where byte `at` of `size` lies
    "ABCD": lambda at, _: at,
    "CDAB": lambda at, size: size - 2 - (at & ~1) + (at & 1),
    "BADC": lambda at, _: at ^ 1,
    "DCBA": lambda at, size: size - 1 - at,
}
_value: Callable[[tuple[Any, ...]], Value] = partial(tuple.__new__, Value)
"""A Value out of its four fields; the class's own constructor takes three times as long."""
_VOID = (0, 0, 1)
"""Makes 0 of any number: for a point whose scale factor says that it has none."""


class BlockReader:
    """Makes the values of a block's points out of its frame. One for each block, used again and again."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._numbers: list[Wanted] = []
        self._others: list[Wanted] = []
        end = 0
        for each in sorted(block.wanted, key=lambda wanted: wanted.point.address):
            if _is_number(each, block.function_code) and each.point.address >= end:
                self._numbers.append(each)
                end = each.point.end
            else:
                self._others.append(each)
        points = [each.point for each in self._numbers]
        self._names = tuple(point.name for point in points)
        self.names = (*self._names, *(each.point.name for each in self._others))
        self._struct, self._arranged = _layout(points, block)
        self._floats = all(point.type in ("float32", "float64") for point in points)
        self._scaled = not all(point.plain and point.scale_factor is None for point in points)
        self._checked = [
            (at, point.invalid, point.minimum, point.maximum)
            for at, point in enumerate(points)
            if point.invalid or point.minimum is not None or point.maximum is not None
        ]
        self._factors = tuple(
            dict.fromkeys(each.exponent for each in self._numbers if each.exponent is not None)
        )
        self._factors_at = [
            slice(2 * (factor.address - block.address), 2 * (factor.end - block.address))
            for factor in self._factors
        ]
        self._seen: list[bytes] | None = None
        self._scalings: list[tuple[int, int, int]] = []
        self._void: list[int] = []

    def read(self, frame: Frame) -> list[Value]:
        """Every point's value with its quality and the time of the frame, in the order of `names`."""
        time = frame.received
        found = self._read_numbers(frame, time) if self._names else []
        if self._others:
            registers = frame.registers
            for each in self._others:
                value, quality = _decoded(each, self._block, registers)
                found.append(Value(each.point.name, value, quality, time))
        return found

    def _read_numbers(self, frame: Frame, time: datetime) -> list[Value]:
        payload = frame.payload
        if self._arranged is not None:
            payload = bytes(self._arranged(payload))
        raws = self._struct.unpack(payload)
        void = self._rescale(frame) if self._scaled else ()
        values: list[float]
        if self._scaled:
            try:
                values = [(raw * a + b) / d for raw, (a, b, d) in zip(raws, self._scalings, strict=True)]
            except OverflowError:  # larger than a float can be
                return self._one_by_one(frame, time)
        else:
            values = list(raws) if self._floats else list(map(float, raws))
        found = list(map(_value, zip(self._names, values, repeat(Quality.GOOD), repeat(time))))
        total = sum(values)
        if total - total != 0.0:  # some are infinite or no number
            for at, value in enumerate(values):
                if value - value != 0.0:
                    found[at] = Value(self._names[at], None, Quality.BAD, time)
        for at, invalid, low, high in self._checked:
            if raws[at] in invalid:
                found[at] = Value(self._names[at], None, Quality.BAD, time)
            elif (low is not None and values[at] < low) or (high is not None and values[at] > high):
                found[at] = Value(self._names[at], values[at], Quality.SUSPECT, time)
        for at in void:
            found[at] = Value(self._names[at], None, Quality.BAD, time)
        return found

    def _rescale(self, frame: Frame) -> list[int]:
        """Bring the scalings up to the scale factors in this frame; the numbers that have none are given."""
        seen = [frame.payload[at] for at in self._factors_at]
        if seen != self._seen:
            registers = frame.registers
            now = {factor: _raw_factor(factor, self._block, registers) for factor in self._factors}
            scalings = [
                scaling(each.point, now[each.exponent] if each.exponent else None) for each in self._numbers
            ]
            self._void = [at for at, each in enumerate(scalings) if each is None]
            self._scalings = [each or _VOID for each in scalings]
            self._seen = seen
        return self._void

    def _one_by_one(self, frame: Frame, time: datetime) -> list[Value]:
        registers = frame.registers
        return [
            Value(each.point.name, *_decoded(each, self._block, registers), time) for each in self._numbers
        ]


def _is_number(each: Wanted, function_code: int) -> bool:
    point = each.point
    whole = not point.type.startswith("float")
    return (
        function_code in (3, 4)
        and point.type in _LETTERS
        and point.bit is None
        and (whole or (point.plain and point.scale_factor is None))
    )


def _layout(
    numbers: list[DevicePoint], block: Block
) -> tuple[Struct, Callable[[bytes], tuple[int, ...]] | None]:
    """How to unpack the numbers, and how the bytes must be arranged before, where they must be."""
    letters, places, at = [">"], list(range(2 * block.count)), 0
    for point in numbers:
        first, size = 2 * (point.address - block.address), 2 * point.registers
        if first > at:
            letters.append(f"{first - at}x")
        letters.append(_LETTERS[point.type])
        where = _ORDER[point.word_order]
        for byte in range(size):
            places[first + byte] = first + where(byte, size)
        at = first + size
    if 2 * block.count > at:
        letters.append(f"{2 * block.count - at}x")
    in_order = places == list(range(2 * block.count))
    return Struct("".join(letters)), None if in_order else itemgetter(*places)


def _decoded(each: Wanted, block: Block, registers: tuple[int, ...]) -> tuple[float | str | None, Quality]:
    exponent = None if each.exponent is None else _raw_factor(each.exponent, block, registers)
    at = each.point.address - block.address
    return decode(each.point, registers[at : at + each.point.registers], exponent=exponent)


def _raw_factor(factor: DevicePoint, block: Block, registers: tuple[int, ...]) -> int | None:
    at = factor.address - block.address
    raw = raw_value(factor, registers[at : at + factor.registers])
    return raw if isinstance(raw, int) else None
