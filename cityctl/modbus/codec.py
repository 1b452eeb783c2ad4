"""Registers to values and back, exactly.

Knows no device and no network. A value that the device marks as absent becomes None with quality BAD; one
outside its plausible limits stays, as SUSPECT.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import lru_cache
from typing import NamedTuple

from cityctl.modbus.point import DevicePoint
from cityctl.modbus.types import TYPES, Raw, Unrepresentable, WordOrder
from cityctl.reading import Quality

NOT_SCALED = -0x8000
"""A SunSpec scale factor that is not implemented (SunSpec Information Model Specification, sunssf)."""


class Decoded(NamedTuple):
    """A value in the connector's unit (text for strings), None where the device has none."""

    value: float | str | None
    quality: Quality


def arranged(data: bytes, order: WordOrder) -> bytes:
    """Bytes of one number moved from an order to ABCD, or back: each of the four is its own inverse."""
    if order == "ABCD":
        return data
    if order == "DCBA":
        return data[::-1]
    words = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order == "CDAB":
        return b"".join(reversed(words))
    return b"".join(word[::-1] for word in words)


def _in_order(point: DevicePoint, data: bytes, order: WordOrder) -> bytes:
    layout = TYPES[point.type]
    if layout.family == "bit":
        return data
    if layout.family == "text":  # text is no number: its words stay in line, its bytes may be swapped
        return arranged(data, "BADC") if order in ("BADC", "DCBA") else data
    pieces, at = [], 0
    for size in layout.parts:
        pieces.append(arranged(data[at : at + size], order))
        at += size
    return b"".join(pieces)


def raw_value(point: DevicePoint, registers: Sequence[int], word_order: WordOrder | None = None) -> Raw:
    """What stands in a point's registers, unscaled. Raises Unrepresentable for the wrong number of them."""
    if len(registers) != point.registers:
        raise Unrepresentable(f"{point.name}: {len(registers)} registers given, {point.registers} needed")
    data = struct.pack(f">{len(registers)}H", *registers)
    return TYPES[point.type].unpack(_in_order(point, data, word_order or point.word_order))


def raw_registers(point: DevicePoint, raw: Raw, word_order: WordOrder | None = None) -> list[int]:
    """The registers that hold a raw value. Raises Unrepresentable where the type cannot hold it."""
    data = TYPES[point.type].pack(raw)
    size = 2 * point.registers
    if len(data) > size:
        raise Unrepresentable(f"{point.name}: {len(data)} characters, {size} fit")
    data = _in_order(point, data.ljust(size, b"\0"), word_order or point.word_order)
    return list(struct.unpack(f">{point.registers}H", data))


@lru_cache(maxsize=512)
def _exact(number: float) -> Decimal:
    return Decimal(repr(number))


def decode(
    point: DevicePoint,
    registers: Sequence[int],
    word_order: WordOrder | None = None,
    *,
    exponent: int | None = None,
) -> Decoded:
    """A point's value in the connector's unit: raw * scale * 10**exponent + offset, with its quality.

    `exponent` is the SunSpec scale factor read in the same block, for points that have one. Integers are
    scaled in decimal, so that 2305 * 0.1 is 230.5 and not 230.50000000000003. Values are float64: raw counts
    beyond 2**53 are rounded.
    """
    raw = raw_value(point, registers, word_order)
    if isinstance(raw, str):
        return Decoded(raw, Quality.GOOD) if raw else Decoded(None, Quality.BAD)
    if isinstance(raw, float):
        if not math.isfinite(raw):
            return Decoded(None, Quality.BAD)
        value = raw if point.plain else raw * point.scale + point.offset
    else:
        if raw in point.invalid:
            return Decoded(None, Quality.BAD)
        if point.scale_factor is not None:
            # SunSpec allows -10 to 10; anything else is a register that holds something else.
            if exponent is None or not -10 <= exponent <= 10:
                return Decoded(None, Quality.BAD)
            scaled = Decimal(raw).scaleb(exponent) * _exact(point.scale) + _exact(point.offset)
            value = float(scaled)
        elif point.plain:
            value = float(raw)
        else:
            value = float(Decimal(raw) * _exact(point.scale) + _exact(point.offset))
    low, high = point.minimum, point.maximum
    implausible = (low is not None and value < low) or (high is not None and value > high)
    return Decoded(value, Quality.SUSPECT if implausible else Quality.GOOD)


def encode(
    point: DevicePoint,
    value: float | str | None,
    word_order: WordOrder | None = None,
    *,
    exponent: int | None = None,
) -> list[int]:
    """The registers of a value in the connector's unit, rounded to the nearest step of the point.

    A state may be given by its name; None becomes the code by which the device says that it has no value.
    `word_order` None means the point's own. Raises Unrepresentable where the point cannot say it.
    """
    layout = TYPES[point.type]
    if layout.family == "text":
        return raw_registers(point, "" if value is None else str(value), word_order)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        if layout.family == "float":
            return raw_registers(point, math.nan, word_order)
        if not point.invalid:
            raise Unrepresentable(f"{point.name}: {point.type} has no code for `no value` in this device")
        return raw_registers(point, min(point.invalid), word_order)
    if isinstance(value, str):
        codes = {name: code for code, name in point.enum.items()}
        if value not in codes:
            raise Unrepresentable(f"{point.name}: no state is named `{value}`")
        return raw_registers(point, codes[value], word_order)
    if layout.family == "float":
        return raw_registers(
            point, value if point.plain else (value - point.offset) / point.scale, word_order
        )
    if math.isinf(value):
        raise Unrepresentable(f"{point.name}: {value} does not fit into {point.type}")
    with localcontext() as context:
        context.prec = 40
        exact = (_exact(float(value)) if not isinstance(value, int) else Decimal(value)) - _exact(
            point.offset
        )
        exact /= _exact(point.scale)
        if point.scale_factor is not None:
            exact = exact.scaleb(-(exponent or 0))
        if layout.parts == (4, 4):
            return raw_registers(point, exact, word_order)
        return raw_registers(point, int(exact.to_integral_value(ROUND_HALF_EVEN)), word_order)
