"""What stands in registers, unscaled: the order of words and bytes, and which bits are a point's own.

Below `codec`, which makes values of it. Knows no device and no network.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.maps.types import Raw, Unrepresentable, WordOrder


def arranged(data: bytes, order: WordOrder) -> bytes:
    """Bytes of one number moved from an order to ABCD, or back: each of the four is its own inverse.

    The names are those of 32 bit; wider numbers follow them. CDAB: words reversed. BADC: the two bytes of
    each word swapped. DCBA: both, all bytes reversed.
    """
    if order == "ABCD":
        return data
    if order == "DCBA":
        return data[::-1]
    words = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order == "CDAB":
        return b"".join(reversed(words))
    return b"".join(word[::-1] for word in words)


def in_order(point: DevicePoint, data: bytes, order: WordOrder) -> bytes:
    """The bytes of a point's registers, each part of its type moved from an order to ABCD, or back."""
    layout = point.layout
    if layout.family == "bit":
        return data
    if layout.family == "text":  # text is no number: its words stay in line, its bytes may be swapped
        return arranged(data, "BADC") if order in ("BADC", "DCBA") else data
    pieces, at = [], 0
    for size in layout.parts:
        pieces.append(arranged(data[at : at + size], order))
        at += size
    return b"".join(pieces)


def raw_value(
    point: DevicePoint, registers: Sequence[int], word_order: WordOrder | None = None
) -> Raw | None:
    """What stands in a point's registers, unscaled; None where that is no value of its type.

    Of a point that is a field of bits, the whole of its registers. Raises Unrepresentable for the wrong
    number of registers.
    """
    if len(registers) != point.registers:
        raise Unrepresentable(f"{point.name}: {len(registers)} registers given, {point.registers} needed")
    data = struct.pack(f">{len(registers)}H", *registers)
    return point.layout.unpack(in_order(point, data, word_order or point.word_order))


def raw_registers(point: DevicePoint, raw: Raw, word_order: WordOrder | None = None) -> list[int]:
    """The registers that hold a raw value. Raises Unrepresentable where the type cannot hold it."""
    data = point.layout.pack(raw)
    size = 2 * point.registers
    if len(data) > size:
        raise Unrepresentable(f"{point.name}: {len(data)} characters, {size} fit")
    data = in_order(point, data.ljust(size, b"\0"), word_order or point.word_order)
    return list(struct.unpack(f">{point.registers}H", data))


def own_bits(point: DevicePoint, word_order: WordOrder | None = None) -> list[int]:
    """For each register of a point, the bits of it that are the point's; 0xFFFF where all are."""
    if point.bit is not None:
        low, width = point.bit
        return raw_registers(point, signed_alike(point, ((1 << width) - 1) << low), word_order)
    mask = point.layout.mask
    if mask is None:
        return [0xFFFF] * point.registers
    data = in_order(point, struct.pack(">H", mask), word_order or point.word_order)
    return list(struct.unpack(">H", data))


def signed_alike(point: DevicePoint, pattern: int) -> int:
    """A pattern of bits as the number that the point's type reads it as."""
    layout = point.layout
    return pattern - (1 << layout.bits) if pattern > layout.high else pattern
