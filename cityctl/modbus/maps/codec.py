"""Registers to values and back, exactly.

Knows no device and no network. A value that the device marks as absent becomes None with quality BAD; one
outside its plausible limits stays, as SUSPECT. Two ways lead back: `encode` for a plant (exact, or refused)
and `nearest` for a pretended device (rounded as a device rounds what it measures).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import NamedTuple

from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.maps.raw import own_bits, raw_registers, raw_value, signed_alike
from cityctl.modbus.maps.types import Unrepresentable, WordOrder
from cityctl.reading import Quality


class Decoded(NamedTuple):
    """A value in the connector's unit (text for strings), None where the device has none."""

    value: float | str | None
    quality: Quality


NOTHING = Decoded(None, Quality.BAD)


@lru_cache(maxsize=512)
def _exact(number: float) -> Decimal:
    return Decimal(repr(number))


@lru_cache(maxsize=512)
def ratio(scale: float, offset: float) -> tuple[int, int, int]:
    """(a, b, d), so that raw * scale + offset is (raw * a + b) / d; a scale of 0.1 is the tenth it is written as."""
    a, b = Fraction(_exact(scale)), Fraction(_exact(offset))
    d = lcm(a.denominator, b.denominator)
    return a.numerator * (d // a.denominator), b.numerator * (d // b.denominator), d


def decode(
    point: DevicePoint,
    registers: Sequence[int],
    word_order: WordOrder | None = None,
    *,
    exponent: int | None = None,
) -> Decoded:
    """A point's value in the connector's unit: raw * scale * 10**exponent + offset, with its quality.

    `exponent` is the SunSpec scale factor read in the same block, for points that have one; what points of other
    places multiply is not yet multiplied. Whole numbers are
    scaled exactly and rounded once, so that 2305 * 0.1 is 230.5 and not 230.50000000000003. Values are float64:
    raw counts beyond 2**53 are rounded. Never raises for any content of the registers.
    """
    raw = raw_value(point, registers, word_order)
    if isinstance(raw, str):
        return Decoded(raw, Quality.GOOD) if raw else NOTHING
    if raw is None or raw in point.invalid:
        return NOTHING
    if isinstance(raw, float):
        value = raw if point.plain else raw * point.scale + point.offset
    else:
        if point.bit is not None:
            low_bit, width = point.bit
            raw = int(raw) >> low_bit & ((1 << width) - 1)
        scaled = scaling(point, exponent)
        if scaled is None:
            return NOTHING
        a, b, d = scaled
        try:
            value = float((raw * a + b) / d)
        except OverflowError:
            return NOTHING
    if not math.isfinite(value):
        return NOTHING
    low, high = point.limits
    implausible = (low is not None and value < low) or (high is not None and value > high)
    implausible = implausible or raw == point.doubtful
    return Decoded(value, Quality.SUSPECT if implausible else Quality.GOOD)


def scaling(point: DevicePoint, exponent: int | None) -> tuple[int, int, int] | None:
    """(a, b, d), so that the value of a whole raw number is (raw * a + b) / d; None where the point has none.

    `exponent` is the SunSpec scale factor. All three are whole: Python rounds the quotient of two whole numbers
    once, however large they are.
    """
    if point.scale_factor is None:
        return ratio(point.scale, point.offset)
    # SunSpec allows -10 to 10; anything else is a register that holds something else.
    if exponent is None or not -10 <= exponent <= 10:
        return None
    a, b, d = ratio(point.scale, point.offset)
    return (a * 10**exponent, b, d) if exponent >= 0 else (a, b * 10**-exponent, d * 10**-exponent)


def _unscaled(point: DevicePoint, value: float, exponent: int | None) -> Decimal:
    """The exact raw number of a value, not yet rounded to what the registers can say."""
    with localcontext() as context:
        context.prec = 60
        exact = (Decimal(value) if isinstance(value, int) else _exact(float(value))) - _exact(point.offset)
        exact /= _exact(point.scale)
        return exact.scaleb(-(exponent or 0)) if point.scale_factor is not None else exact


def _code_of(point: DevicePoint, name: str) -> int:
    codes = {shown: code for code, shown in point.enum.items()}
    if name not in codes:
        from cityctl.errors import near

        match = near(name, codes)
        meant = f"; did you mean `{match}`?" if match else f"; there are: {', '.join(codes)}" if codes else ""
        raise Unrepresentable(f"{point.name}: no state is named `{name}`{meant}")
    return codes[name]


def _placed(point: DevicePoint, raw: int, word_order: WordOrder | None) -> list[int]:
    """The registers of a whole number: in its field of bits, where it has one, all others 0."""
    if point.bit is None:
        return raw_registers(point, raw, word_order)
    low, width = point.bit
    if not 0 <= raw < 1 << width:
        raise Unrepresentable(f"{raw} is outside 0 to {(1 << width) - 1}")
    return raw_registers(point, signed_alike(point, raw << low), word_order)


def encode(
    point: DevicePoint,
    value: float | str,
    word_order: WordOrder | None = None,
    *,
    exponent: int | None = None,
    current: Sequence[int] | None = None,
) -> list[int]:
    """The registers to WRITE for a value in the connector's unit: exactly that value, or Unrepresentable.

    A state may be given by its name. For whole numbers `decode(point, encode(point, v))` is `v`, bit for
    bit; a float is the nearest that its width has (a part in 2**24 for float32) and whole numbers in it are
    exact. `exponent` is the present SunSpec scale factor, needed where the point has one. `current` are the
    registers as just read, needed where the point owns only some bits of them (`point.is_part`): the others
    are kept. Where a device has function 22, `mask_write` needs no `current`.

    Refused: no number, infinity, what lies between two steps of the point, what its type or its plausible
    limits exclude, the codes by which the device says that it has no value, states without a name.
    """
    registers = _checked_registers(point, value, word_order, exponent)
    if not point.is_part:
        return registers
    if current is None:
        raise Unrepresentable(
            f"{point.name}: it shares its register with other bits: the present content is needed"
        )
    if len(current) != point.registers:
        raise Unrepresentable(f"{point.name}: {len(current)} registers given, {point.registers} needed")
    mine = own_bits(point, word_order)
    return [old & ~mask | new & mask for old, new, mask in zip(current, registers, mine, strict=True)]


def mask_write(
    point: DevicePoint, value: float | str, word_order: WordOrder | None = None
) -> tuple[int, int]:
    """(and mask, or mask) of function 22 for a value of one register: only the point's own bits change.

    MODBUS Application Protocol Specification V1.1b3, section 6.16: result = (present AND and_mask) OR
    (or_mask AND NOT and_mask). Raises Unrepresentable as `encode` does, and for points of several registers.
    """
    if point.registers != 1:
        raise Unrepresentable(f"{point.name}: function 22 writes one register, this has {point.registers}")
    (mine,) = own_bits(point, word_order)
    (content,) = _checked_registers(point, value, word_order, None)
    return 0xFFFF & ~mine, content & mine


def _checked_registers(
    point: DevicePoint, value: float | str | None, word_order: WordOrder | None, exponent: int | None
) -> list[int]:
    layout = point.layout
    if layout.family == "text":
        text = str(value)
        if not text.isprintable() or not text.strip() or text != text.strip():
            raise Unrepresentable(f"{point.name}: a text of printable signs without spaces around it")
        try:
            text.encode("latin-1")
        except UnicodeEncodeError:
            raise Unrepresentable(f"{point.name}: `{text}` has signs that registers cannot say") from None
        return raw_registers(point, text, word_order)
    if isinstance(value, str):
        value = _code_of(point, value)
    if value is None or not math.isfinite(value):
        raise Unrepresentable(f"{point.name}: {value} is no number to write")
    if point.scale_factor is not None and (exponent is None or not -10 <= exponent <= 10):
        raise Unrepresentable(f"{point.name}: its scale factor must be read first")
    low, high = point.minimum, point.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise Unrepresentable(f"{point.name}: {value:g} is outside its limits {_end(low)} to {_end(high)}")
    exact = _unscaled(point, value, exponent)
    if layout.family == "float":
        registers = raw_registers(point, float(exact), word_order)
        _refuse_lost(point, registers, exact, word_order)
    elif layout.fractional:
        registers = raw_registers(point, exact, word_order)
    else:
        step = int(exact.to_integral_value(ROUND_HALF_EVEN))
        try:
            registers = _placed(point, step, word_order)
        except Unrepresentable as problem:
            raise Unrepresentable(f"{point.name}: {value:g} does not fit: {problem}") from None
        if (point.enum and step not in point.enum) or (point.type == "bool" and exact not in (0, 1)):
            raise Unrepresentable(f"{point.name}: no state has the code {step}")
    came = decode(point, registers, word_order, exponent=exponent)
    if came.value is None:
        raise Unrepresentable(f"{point.name}: {value:g} is a code by which the device says `no value`")
    if layout.fractional and layout.family != "float" and came.value != float(value):
        raise Unrepresentable(f"{point.name}: {point.type} cannot say {value!r}, only {came.value!r}")
    if layout.family != "float" and came.value != float(value):
        raise Unrepresentable(
            f"{point.name}: {value!r} lies between two steps{_steps(point, exact, exponent)}"
        )
    return registers


def _end(limit: float | None) -> str:
    return "any" if limit is None else f"{limit:g}"


def _steps(point: DevicePoint, exact: Decimal, exponent: int | None) -> str:
    """` of 0.1: 2.3 and 2.4 can be written`, for an error."""
    step = _exact(point.scale).scaleb(exponent or 0)
    below, above = (
        float(step * exact.to_integral_value(rounding) + _exact(point.offset))
        for rounding in ("ROUND_FLOOR", "ROUND_CEILING")
    )
    return f" of {float(step):g}: {below!r} and {above!r} can be written"


def _refuse_lost(
    point: DevicePoint, registers: Sequence[int], exact: Decimal, word_order: WordOrder | None
) -> None:
    """A float that is not there, or a whole number that is not exact, is refused. Raises Unrepresentable."""
    came = raw_value(point, registers, word_order)
    if not isinstance(came, float) or not math.isfinite(came):
        raise Unrepresentable(f"{point.name}: {exact} does not fit into {point.type}")
    whole = exact == exact.to_integral_value()
    # Half a unit in the last place of a normal number: IEEE 754-2008, table 3.5 (precision 11, 24, 53).
    precision = {1: 11, 2: 24, 4: 53}[point.registers]
    error = abs(Decimal(came) - exact)
    # The value itself came through a float64, whose own half unit is added.
    slack = Decimal(2) ** -precision + Decimal(2) ** -53
    if (whole and point.plain and came != float(exact)) or error > abs(exact) * slack:
        raise Unrepresentable(f"{point.name}: {point.type} cannot say {exact}, only {came!r}")


def nearest(
    point: DevicePoint,
    value: float | str | None,
    word_order: WordOrder | None = None,
    *,
    exponent: int | None = None,
) -> list[int]:
    """The registers that a DEVICE shows for a value: rounded to its nearest step. For pretended devices.

    A state may be given by its name; None becomes the code by which the device says that it has no value.
    `word_order` None means the point's own. Bits that are another point's are 0. Raises Unrepresentable
    where the point cannot say it.
    """
    layout = point.layout
    if layout.family == "text":
        return raw_registers(point, "" if value is None else str(value), word_order)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        if layout.family == "float":
            return raw_registers(point, math.nan, word_order)
        if not point.invalid:
            raise Unrepresentable(f"{point.name}: {point.type} has no code for `no value` in this device")
        return raw_registers(point, min(point.invalid), word_order)
    if isinstance(value, str):
        return _placed(point, _code_of(point, value), word_order)
    if layout.family == "float":
        raw = value if point.plain else (value - point.offset) / point.scale
        return raw_registers(point, raw, word_order)
    if math.isinf(value):
        raise Unrepresentable(f"{point.name}: {value} does not fit into {point.type}")
    exact = _unscaled(point, value, exponent)
    if layout.fractional:
        return raw_registers(point, exact, word_order)
    return _placed(point, int(exact.to_integral_value(ROUND_HALF_EVEN)), word_order)
