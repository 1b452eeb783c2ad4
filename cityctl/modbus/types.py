"""How values lie in registers: word orders and data types. One entry of TYPES a type: a new type is a new entry.

Knows no device and no network.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

WordOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]
WORD_ORDERS: tuple[WordOrder, ...] = ("ABCD", "CDAB", "BADC", "DCBA")
Family = Literal["unsigned", "signed", "float", "text", "bit"]
Raw = int | float | str | Decimal
"""What stands in the registers, before scale and offset; Decimal where a float would lose digits."""


class Unrepresentable(ValueError):
    """A value that the point's type cannot hold."""


@dataclass(frozen=True)
class Layout:
    """How one type lies in its registers; `parts` are the bytes that a word order rearranges on their own."""

    registers: int
    family: Family
    unpack: Callable[[bytes], Raw]
    pack: Callable[[Raw], bytes]
    parts: tuple[int, ...] = ()
    low: int = 0
    high: int = 0


def _integer(letter: str) -> Layout:
    size = struct.calcsize(">" + letter)
    signed = letter.islower()
    low, high = (-(1 << (8 * size - 1)), (1 << (8 * size - 1)) - 1) if signed else (0, (1 << (8 * size)) - 1)

    def pack(raw: Raw) -> bytes:
        if not low <= int(raw) <= high:
            raise Unrepresentable(f"{raw} is outside {low} to {high}")
        return struct.pack(">" + letter, int(raw))

    def unpack(data: bytes) -> Raw:
        return int(struct.unpack(">" + letter, data)[0])

    return Layout(size // 2, "signed" if signed else "unsigned", unpack, pack, (size,), low, high)


def _floating(letter: str) -> Layout:
    size = struct.calcsize(">" + letter)

    def pack(raw: Raw) -> bytes:
        try:
            return struct.pack(">" + letter, float(raw))
        except OverflowError as problem:
            raise Unrepresentable(f"{raw} does not fit into {8 * size} bits") from problem

    def unpack(data: bytes) -> Raw:
        return float(struct.unpack(">" + letter, data)[0])

    return Layout(size // 2, "float", unpack, pack, (size,))


def _whole_and_billionths() -> Layout:
    """Two int32: the whole part, then the fraction in units of 1e-9, both with the total's sign."""
    high = (1 << 31) - 1

    def pack(raw: Raw) -> bytes:
        exact = Decimal(raw) if isinstance(raw, int | Decimal) else Decimal(repr(float(raw)))
        billionths = int((exact * 10**9).to_integral_value(ROUND_HALF_EVEN))
        whole, fraction = divmod(abs(billionths), 10**9)
        if whole > high:
            raise Unrepresentable(f"{raw} is outside -{high} to {high}")
        sign = -1 if billionths < 0 else 1
        return struct.pack(">ii", sign * whole, sign * fraction)

    def unpack(data: bytes) -> Raw:
        whole, fraction = struct.unpack(">ii", data)
        return Decimal(whole) + Decimal(fraction).scaleb(-9)

    return Layout(4, "signed", unpack, pack, (4, 4), -high, high)


def _text() -> Layout:
    def pack(raw: Raw) -> bytes:
        return str(raw).encode("latin-1", "replace")

    def unpack(data: bytes) -> Raw:
        # Some devices keep one character a register: the empty half is NUL and says nothing.
        return data.replace(b"\0", b"").decode("latin-1").strip()

    return Layout(0, "text", unpack, pack)


def _bit() -> Layout:
    return Layout(
        1, "bit", lambda data: int(any(data)), lambda raw: struct.pack(">H", 1 if raw else 0), (), 0, 1
    )


TYPES: dict[str, Layout] = {
    "int16": _integer("h"),
    "int32": _integer("i"),
    "int64": _integer("q"),
    "uint16": _integer("H"),
    "uint32": _integer("I"),
    "uint64": _integer("Q"),
    "acc32": _integer("I"),  # SunSpec accumulator: 0 means that nothing was accumulated
    "acc64": _integer("Q"),
    "float32": _floating("f"),
    "float64": _floating("d"),
    "int32+int32e-9": _whole_and_billionths(),  # Siemens MAG 8000 totals
    "string": _text(),
    "bool": _bit(),  # a coil or discrete input
}


def invalid_codes(type_: str, name: str) -> frozenset[int]:
    """The raw code that a named convention means for a type.

    all_ones: 0xFFFF.. · max_positive: 0x7FFF.. · min: 0x8000.. · zero · none.

    Raises Unrepresentable for other names.
    """
    layout = TYPES[type_]
    bits = 16 * layout.registers
    if name == "none" or layout.family in ("float", "text", "bit"):
        return frozenset()
    if name == "zero":
        return frozenset({0})
    if name == "all_ones":
        return frozenset({(1 << bits) - 1 if layout.family == "unsigned" else -1})
    if name == "max_positive":
        return frozenset({(1 << (bits - 1)) - 1})
    if name == "min":
        return frozenset({-(1 << (bits - 1)) if layout.family == "signed" else 1 << (bits - 1)})
    raise Unrepresentable(f"`{name}` names no invalid code")
