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
    """How one type lies in its registers; `parts` are the bytes that a word order rearranges on their own.

    `unpack` gives None for bytes that are no value of the type, such as a BCD digit over 9. `mask` has the
    bits of a type that owns only part of its one register. `bits` is the width that named invalid codes go
    by, 0 where there are none.
    """

    registers: int
    family: Family
    unpack: Callable[[bytes], Raw | None]
    pack: Callable[[Raw], bytes]
    parts: tuple[int, ...] = ()
    low: int = 0
    high: int = 0
    bits: int = 0
    mask: int | None = None
    fractional: bool = False


def _checked(raw: Raw, low: int, high: int) -> int:
    if not low <= int(raw) <= high:
        raise Unrepresentable(f"{raw} is outside {low} to {high}")
    return int(raw)


def _integer(bits: int, *, signed: bool) -> Layout:
    size = bits // 8
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)

    def pack(raw: Raw) -> bytes:
        return _checked(raw, low, high).to_bytes(size, "big", signed=signed)

    def unpack(data: bytes) -> Raw:
        return int.from_bytes(data, "big", signed=signed)

    return Layout(size // 2, "signed" if signed else "unsigned", unpack, pack, (size,), low, high, bits)


def _octet(*, signed: bool, upper: bool) -> Layout:
    """One byte of a register; what stands in the other one is another point's, or nothing."""
    low, high = (-128, 127) if signed else (0, 255)

    def pack(raw: Raw) -> bytes:
        one = _checked(raw, low, high).to_bytes(1, "big", signed=signed)
        return one + b"\0" if upper else b"\0" + one

    def unpack(data: bytes) -> Raw:
        return int.from_bytes(data[:1] if upper else data[1:], "big", signed=signed)

    mask = 0xFF00 if upper else 0x00FF
    return Layout(1, "signed" if signed else "unsigned", unpack, pack, (2,), low, high, 8, mask)


def _floating(letter: str) -> Layout:
    size = struct.calcsize(">" + letter)

    def pack(raw: Raw) -> bytes:
        try:
            return struct.pack(">" + letter, float(raw))
        except OverflowError as problem:
            raise Unrepresentable(f"{raw} does not fit into {8 * size} bits") from problem

    def unpack(data: bytes) -> Raw:
        return float(struct.unpack(">" + letter, data)[0])

    return Layout(size // 2, "float", unpack, pack, (size,), fractional=True)


def _decimal_digits(bits: int) -> Layout:
    """Binary-coded decimal: one digit in each 4 bits."""
    digits = bits // 4
    high = 10**digits - 1

    def pack(raw: Raw) -> bytes:
        return bytes.fromhex(f"{_checked(raw, 0, high):0{digits}d}")

    def unpack(data: bytes) -> Raw | None:
        text = data.hex()
        return int(text) if text.isdecimal() else None

    return Layout(bits // 16, "unsigned", unpack, pack, (bits // 8,), 0, high)


def _ten_thousands(registers: int) -> Layout:
    """Modulo 10000 ("M10k"): each register holds four decimal digits, all with the value's sign.

    Schneider Electric, PowerLogic register list, "MOD10": R1 x 10 000**(n - 1) + .. + Rn, each Ri from
    -9999 to 9999.
    """
    high = 10_000**registers - 1

    def pack(raw: Raw) -> bytes:
        value = _checked(raw, -high, high)
        sign, left, words = (-1 if value < 0 else 1), abs(value), []
        for _ in range(registers):
            left, four = divmod(left, 10_000)
            words.append(sign * four)
        return struct.pack(f">{registers}h", *reversed(words))

    def unpack(data: bytes) -> Raw | None:
        words = struct.unpack(f">{registers}h", data)
        if any(abs(word) > 9999 for word in words) or (min(words) < 0 < max(words)):
            return None
        value = 0
        for word in words:
            value = value * 10_000 + word
        return value

    return Layout(registers, "signed", unpack, pack, (2 * registers,), -high, high)


def _whole_and_parts(digits: int) -> Layout:
    """Two int32: the whole part, then the fraction in units of 10**-digits, both with the total's sign."""
    high = (1 << 31) - 1
    one = 10**digits

    def pack(raw: Raw) -> bytes:
        exact = Decimal(raw) if isinstance(raw, int | Decimal) else Decimal(repr(float(raw)))
        parts = int((exact * one).to_integral_value(ROUND_HALF_EVEN))
        whole, fraction = divmod(abs(parts), one)
        if whole > high:
            raise Unrepresentable(f"{raw} is outside -{high} to {high}")
        sign = -1 if parts < 0 else 1
        return struct.pack(">ii", sign * whole, sign * fraction)

    def unpack(data: bytes) -> Raw | None:
        whole, fraction = struct.unpack(">ii", data)
        if abs(fraction) >= one:
            return None
        return Decimal(whole) + Decimal(fraction).scaleb(-digits)

    return Layout(4, "signed", unpack, pack, (4, 4), -high, high, fractional=True)


def _power_of_ten(*, signed: bool) -> Layout:
    """An exponent of ten in the highest byte (int8), and the number before it in the other three.

    Iskra, measuring centres MC and energy meters WM, Modbus tables, types T5 and T6: 123456 x 10**-3 is FD01 E240.
    """
    low, high = (-(1 << 23), (1 << 23) - 1) if signed else (0, (1 << 24) - 1)

    def pack(raw: Raw) -> bytes:
        exact = Decimal(raw) if isinstance(raw, int | Decimal) else Decimal(repr(float(raw)))
        exact = exact.normalize()
        exponent = int(exact.as_tuple().exponent) if exact else 0
        while True:
            exponent = max(exponent, -128)
            number = int(exact.scaleb(-exponent).to_integral_value(ROUND_HALF_EVEN))
            if low <= number <= high and exponent <= 127:
                break
            if exponent >= 127 or (number < 0 and not signed):
                raise Unrepresentable(f"{raw} does not fit into 24 bits and a power of ten")
            exponent += 1
        return exponent.to_bytes(1, "big", signed=True) + number.to_bytes(3, "big", signed=signed)

    def unpack(data: bytes) -> Raw:
        exponent = int.from_bytes(data[:1], "big", signed=True)
        return Decimal(int.from_bytes(data[1:], "big", signed=signed)).scaleb(exponent)

    family: Family = "signed" if signed else "unsigned"
    return Layout(2, family, unpack, pack, (4,), low, high, fractional=True)


def _sign_and_size(bits: int) -> Layout:
    """The sign in the highest bit and the size in the others, as in no computer but in many meters."""
    top, size = 1 << (bits - 1), bits // 8

    def pack(raw: Raw) -> bytes:
        value = _checked(raw, 1 - top, top - 1)
        return (abs(value) | (top if value < 0 else 0)).to_bytes(size, "big")

    def unpack(data: bytes) -> Raw:
        number = int.from_bytes(data, "big")
        return -(number - top) if number & top else number

    return Layout(size // 2, "signed", unpack, pack, (size,), 1 - top, top - 1)


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
    "int8": _octet(signed=True, upper=False),  # the low byte of its register
    "int8_high": _octet(signed=True, upper=True),
    "uint8": _octet(signed=False, upper=False),
    "uint8_high": _octet(signed=False, upper=True),
    **{f"int{bits}": _integer(bits, signed=True) for bits in (16, 32, 48, 64)},
    **{f"uint{bits}": _integer(bits, signed=False) for bits in (16, 32, 48, 64)},
    "acc16": _integer(16, signed=False),  # SunSpec accumulators: 0 means that nothing was accumulated
    "acc32": _integer(32, signed=False),
    "acc64": _integer(64, signed=False),
    "float16": _floating("e"),
    "float32": _floating("f"),
    "float64": _floating("d"),
    **{f"bcd{bits}": _decimal_digits(bits) for bits in (16, 32, 48, 64)},
    **{f"m10k{16 * registers}": _ten_thousands(registers) for registers in (2, 3, 4)},
    **{f"int32+int32e-{digits}": _whole_and_parts(digits) for digits in (3, 6, 9)},  # -9: MAG 8000
    "uint24e8": _power_of_ten(signed=False),
    "int24e8": _power_of_ten(signed=True),
    **{f"sign{bits}": _sign_and_size(bits) for bits in (16, 32)},
    "string": _text(),
    "bool": _bit(),  # a coil or discrete input, or one bit of a register
}


def invalid_codes(type_: str, name: str) -> frozenset[int]:
    """The raw code that a named convention means for a type.

    all_ones: 0xFFFF.. · max_positive: 0x7FFF.. · min: 0x8000.. · zero · none.

    Raises Unrepresentable for other names.
    """
    layout = TYPES[type_]
    bits = layout.bits
    if name == "none" or layout.family in ("float", "text", "bit"):
        return frozenset()
    if name == "zero":
        return frozenset({0})
    if name not in ("all_ones", "max_positive", "min"):
        raise Unrepresentable(f"`{name}` names no invalid code")
    if not bits:  # decimal digits: no pattern of ones is a number, so it is no value without being named
        return frozenset()
    if name == "all_ones":
        return frozenset({(1 << bits) - 1 if layout.family == "unsigned" else -1})
    if name == "max_positive":
        return frozenset({(1 << (bits - 1)) - 1})
    return frozenset({-(1 << (bits - 1)) if layout.family == "signed" else 1 << (bits - 1)})
