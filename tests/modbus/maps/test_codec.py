"""The codec's laws, over all types and orders, and a few values worked out by hand."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.modbus.maps.codec import decode, encode, nearest
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.maps.raw import arranged, own_bits, raw_registers, raw_value
from cityctl.modbus.maps.types import TYPES, WORD_ORDERS, Unrepresentable, invalid_codes
from cityctl.reading import Quality

ORDERS = st.sampled_from(WORD_ORDERS)
WHOLE = [
    name
    for name, layout in TYPES.items()
    if layout.family in ("signed", "unsigned") and not layout.fractional
]
INTEGERS = [
    name for name in WHOLE if TYPES[name].bits
]  # every pattern of bits is a number: not so in BCD, M10k
OCTETS = [name for name in TYPES if TYPES[name].mask is not None]
FLOATS = {"float16": ("e", 16), "float32": ("f", 32), "float64": ("d", 64)}


def point(type_: str, **fields: object) -> DevicePoint:
    registers = TYPES[type_].registers or 6
    return DevicePoint(name="p", address=0, type=type_, registers=registers, function_code=3, **fields)  # type: ignore[arg-type]


@given(data=st.data(), type_=st.sampled_from(WHOLE), order=ORDERS)
def test_integers_come_back_exactly(data, type_, order):
    raw = data.draw(st.integers(TYPES[type_].low, TYPES[type_].high))
    assert raw_value(point(type_), raw_registers(point(type_), raw, order), order) == raw


@given(data=st.data(), type_=st.sampled_from([*INTEGERS, *FLOATS]), order=ORDERS)
def test_registers_come_back_exactly(data, type_, order):
    """Whatever a device sends means one raw value, and that value is sent the same way (NaN payloads apart)."""
    size = TYPES[type_].registers
    registers = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=size, max_size=size))
    raw = raw_value(point(type_), registers, order)
    if not (isinstance(raw, float) and math.isnan(raw)):
        own = own_bits(point(type_), order)
        mine = [register & bits for register, bits in zip(registers, own, strict=True)]
        assert raw_registers(point(type_), raw, order) == mine


@given(data=st.data(), type_=st.sampled_from(list(FLOATS)), order=ORDERS)
def test_floats_come_back_exactly(data, type_, order):
    value = data.draw(st.floats(width=FLOATS[type_][1], allow_nan=False))
    assert raw_value(point(type_), raw_registers(point(type_), value, order), order) == value


@given(data=st.data(), type_=st.sampled_from(list(TYPES)), order=ORDERS, exponent=st.integers(-40000, 40000))
def test_no_content_of_registers_crashes_or_is_a_good_nothing(data, type_, order, exponent):
    """Arbitrary registers give a finite number, a text, or no value that is called bad."""
    codes = frozenset().union(*(invalid_codes(type_, name) for name in ("all_ones", "max_positive", "min")))
    p = point(type_, invalid=codes, scale_factor=data.draw(st.sampled_from([None, 7])), minimum=0.0)
    registers = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=p.registers, max_size=p.registers))
    value, quality = decode(p, registers, order, exponent=exponent)
    if value is None:
        assert quality is Quality.BAD
    elif not isinstance(value, str):
        assert math.isfinite(value)
        assert quality is (Quality.GOOD if value >= 0 else Quality.SUSPECT)
    if raw_value(p, registers, order) in codes:
        assert (value, quality) == (None, Quality.BAD)


@given(type_=st.sampled_from(list(FLOATS)), payload=st.integers(1, 2**9 - 1), order=ORDERS)
def test_no_nan_is_ever_a_value(type_, payload, order):
    """Every NaN payload, not only the usual one (a Liquiline says 7FA00000)."""
    letter, bits = FLOATS[type_]
    mantissa = {16: 10, 32: 23, 64: 52}[bits]
    pattern = ((1 << (bits - 1)) - (1 << mantissa)) | payload
    data = pattern.to_bytes(bits // 8, "big")
    assert math.isnan(struct.unpack(">" + letter, data)[0])
    registers = struct.unpack(f">{bits // 16}H", arranged(data, order))
    assert decode(point(type_), registers, order) == (None, Quality.BAD)


@given(thousandths=st.integers(-(2**31 - 1) * 10**3, (2**31 - 1) * 10**3), digits=st.sampled_from([3, 6, 9]))
def test_whole_and_parts_come_back_exactly(thousandths, digits):
    total = Decimal(thousandths).scaleb(-3)
    p = point(f"int32+int32e-{digits}")
    assert raw_value(p, raw_registers(p, total)) == total


@given(billionths=st.integers(-(2**31 - 1) * 10**9, (2**31 - 1) * 10**9), order=ORDERS)
def test_whole_and_billionths_come_back_exactly(billionths, order):
    total = Decimal(billionths).scaleb(-9)
    p = point("int32+int32e-9")
    assert raw_value(p, raw_registers(p, total, order), order) == total


@given(
    digits=st.integers(-(2**23), 2**23 - 1),
    exponent=st.integers(-128, 127),
    order=ORDERS,
    signed=st.booleans(),
)
def test_a_number_and_its_power_of_ten_come_back_exactly(digits, exponent, order, signed):
    total = Decimal(digits if signed else abs(digits)).scaleb(exponent)
    p = point("int24e8" if signed else "uint24e8")
    assert raw_value(p, raw_registers(p, total, order), order) == total


def test_a_number_with_a_power_of_ten_is_written_exactly_or_refused():
    """24 bits hold 16 777 215: 16 777.217 has one digit too many, -1 no place."""
    p = point("uint24e8")
    assert encode(p, 123.456) == [0xFD01, 0xE240]
    for value in (16_777.217, -1.0, 1e140):
        with pytest.raises(Unrepresentable):
            encode(p, value)
    assert decode(p, nearest(p, 16_777.217)).value == 16_777.22


@given(text=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12), order=ORDERS)
def test_text_comes_back(text, order):
    assert raw_value(point("string"), raw_registers(point("string"), text, order), order) == text


@given(
    data=st.data(),
    type_=st.sampled_from(INTEGERS),
    scale=st.sampled_from([1.0, 0.1, 0.01, 0.001, 10.0, 0.5]),
    offset=st.sampled_from([0.0, -273.15, 4.0]),
    order=ORDERS,
)
def test_scaled_integers_come_back_exactly(data, type_, scale, offset, order):
    """decode then encode gives the registers back, as far as a float64 tells neighbours apart (2**53 steps)."""
    p = point(type_, scale=scale, offset=offset)
    raw = data.draw(st.integers(max(TYPES[type_].low, -(2**49)), min(TYPES[type_].high, 2**49)))
    registers = raw_registers(p, raw, order)
    value, quality = decode(p, registers, order)
    assert quality is Quality.GOOD
    assert nearest(p, value, order) == registers
    assert encode(p, value, order, current=registers) == registers


@given(raw=st.integers(-0x7FFF, 0x7FFF), exponent=st.integers(-10, 10))
def test_sunspec_scale_factor_comes_back_exactly(raw, exponent):
    p = point("int16", scale_factor=9)
    value, _ = decode(p, raw_registers(p, raw), exponent=exponent)
    assert value == float(Decimal(raw).scaleb(exponent))
    assert encode(p, value, exponent=exponent) == raw_registers(p, raw)


@given(
    raw=st.integers(0, 2**64 - 1),
    scale=st.decimals("0.000001", "1000", places=6).map(float),
    offset=st.decimals("-1000", "1000", places=3).map(float),
    exponent=st.one_of(st.none(), st.integers(-10, 10)),
)
def test_a_scaled_number_is_the_float_next_to_the_exact_one(raw, scale, offset, exponent):
    """Against exact fractions: rounded once, at the end, also for counts beyond 2**53."""
    one = point("uint64", scale=scale, offset=offset, scale_factor=None if exponent is None else 9)
    exact = Fraction(str(scale)) * raw * Fraction(10) ** (exponent or 0) + Fraction(str(offset))
    registers = list(struct.unpack(">4H", raw.to_bytes(8, "big")))
    assert decode(one, registers, exponent=exponent).value == float(exact)


def test_a_scaled_number_that_is_too_large_for_a_float_is_no_value():
    assert decode(point("uint64", scale=1e300), [0xFFFF] * 4) == (None, Quality.BAD)
    assert decode(point("float64", scale=1e300), [0x7FE0, 0, 0, 0]) == (None, Quality.BAD)


@given(data=st.binary(min_size=2, max_size=16).filter(lambda b: len(b) % 2 == 0), order=ORDERS)
def test_each_order_is_its_own_inverse(data, order):
    assert arranged(arranged(data, order), order) == data


@pytest.mark.parametrize(
    ("order", "registers"),
    # 1.5 as IEEE 754 single is 3F C0 00 00: A=3F B=C0 C=00 D=00, worked out by hand
    [
        ("ABCD", [0x3FC0, 0x0000]),
        ("CDAB", [0x0000, 0x3FC0]),
        ("BADC", [0xC03F, 0x0000]),
        ("DCBA", [0x0000, 0xC03F]),
    ],
)
def test_the_four_orders_by_hand(order, registers):
    assert encode(point("float32"), 1.5, order) == registers
    assert decode(point("float32"), registers, order).value == 1.5


def test_a_total_of_whole_and_billionths_by_hand():
    # 12 345 m3 and 0.678 m3 = 678 000 000 billionths = 0x2869_7580
    registers = [0, 12345, 0x2869, 0x7580]
    assert decode(point("int32+int32e-9"), registers).value == 12345.678
    assert encode(point("int32+int32e-9"), 12345.678) == registers
    assert decode(point("int32+int32e-9"), encode(point("int32+int32e-9"), -0.25)).value == -0.25


def test_integers_are_scaled_in_decimal():
    assert (
        decode(point("uint16", scale=0.1), [2305]).value == 230.5
    )  # 2305 * 0.1 in binary is 230.50000000000003
    assert decode(point("uint16", scale=0.01, offset=-273.15), [29315]).value == 20.0


@pytest.mark.parametrize(
    ("type_", "name", "registers"),
    [
        ("uint16", "all_ones", [0xFFFF]),
        ("uint32", "all_ones", [0xFFFF, 0xFFFF]),
        ("uint64", "all_ones", [0xFFFF] * 4),
        ("int16", "max_positive", [0x7FFF]),
        ("int32", "max_positive", [0x7FFF, 0xFFFF]),
        ("int16", "min", [0x8000]),
        ("int64", "min", [0x8000, 0, 0, 0]),
        ("uint16", "min", [0x8000]),
        ("acc32", "zero", [0, 0]),
    ],
)
def test_invalid_codes_become_no_value(type_, name, registers):
    p = point(type_, invalid=invalid_codes(type_, name))
    assert decode(p, registers) == (None, Quality.BAD)
    assert nearest(p, None) == registers


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("type_", list(FLOATS))
def test_floats_that_are_no_number_become_no_value(type_, value):
    letter = FLOATS[type_][0]
    data = struct.pack(">" + letter, value)
    registers = list(struct.unpack(f">{len(data) // 2}H", data))
    assert decode(point(type_), registers) == (None, Quality.BAD)


def test_outside_plausible_limits_is_kept_and_suspect():
    p = point("float32", minimum=0.0, maximum=100.0)
    assert decode(p, nearest(p, 50.0)) == (50.0, Quality.GOOD)
    assert decode(p, nearest(p, 150.0)) == (150.0, Quality.SUSPECT)
    assert decode(p, nearest(p, -1.0)) == (-1.0, Quality.SUSPECT)


@pytest.mark.parametrize("exponent", [None, -0x8000, 11, -11])
def test_a_scale_factor_that_is_none_gives_no_value(exponent):
    assert decode(point("int16", scale_factor=9), [5], exponent=exponent) == (None, Quality.BAD)


def test_a_character_in_each_register_reads_as_text():
    assert decode(point("string"), [ord(c) for c in "SOCO"] + [0, 0]).value == "SOCO"
    assert decode(point("string"), [0] * 6) == (None, Quality.BAD)


def test_wrong_number_of_registers_is_refused():
    with pytest.raises(Unrepresentable, match="1 registers given, 2 needed"):
        decode(point("float32"), [0])


@pytest.mark.parametrize(
    ("type_", "registers", "value"),
    [
        # BCD, one digit in 4 bits: 0x1234 0x5678 reads as it is written
        ("bcd16", [0x1234], 1234.0),
        ("bcd32", [0x1234, 0x5678], 12345678.0),
        ("bcd64", [0x1234, 0x5678, 0x9012, 0x3456], 1234567890123456.0),
        ("bcd16", [0x12A4], None),
        ("bcd32", [0xFFFF, 0xFFFF], None),
        # M10k: 12 x 10000 + 3456; -1 x 10000 - 5 in two's complement
        ("m10k32", [12, 3456], 123456.0),
        ("m10k48", [1, 2, 3], 100020003.0),
        ("m10k32", [0xFFFF, 0xFFFB], -10005.0),
        ("m10k32", [12, 10000], None),
        ("m10k32", [0x8000, 0x8000], None),
        ("m10k32", [0xFFFF, 5], None),  # the two parts have different signs
        # 48 bit: 1 x 2**32 + 2 x 2**16 + 3
        ("uint48", [1, 2, 3], 4295098371.0),
        ("int48", [0xFFFF, 0xFFFF, 0xFFFE], -2.0),
        # half precision: 0x3E00 is 1.5 (IEEE 754-2008, 3.6)
        ("float16", [0x3E00], 1.5),
        ("uint8", [0x12F0], 240.0),
        ("int8", [0x12F0], -16.0),
        ("uint8_high", [0x12F0], 18.0),
        ("int32+int32e-9", [0, 5, 0x3B9A, 0xCA00], None),  # a fraction of 1e9 billionths is none
        # Iskra's own examples of its types T5 and T6: 123456 x 10**-3, -123456 x 10**-3
        ("uint24e8", [0xFD01, 0xE240], 123.456),
        ("int24e8", [0xFDFE, 0x1DC0], -123.456),
        ("uint24e8", [0x0300, 0x0007], 7000.0),
        # the sign in the highest bit, the size in the others
        ("sign16", [0x8005], -5.0),
        ("sign16", [0x7FFF], 32767.0),
        ("sign16", [0x8000], 0.0),
        ("sign32", [0x8000, 0x04D2], -1234.0),
    ],
)
def test_types_by_hand(type_, registers, value):
    assert decode(point(type_), registers).value == value


@pytest.mark.parametrize(
    ("order", "registers"),
    # 0x010203040506: A=01 .. F=06, words reversed, bytes swapped, both; by hand
    [
        ("ABCD", [0x0102, 0x0304, 0x0506]),
        ("CDAB", [0x0506, 0x0304, 0x0102]),
        ("BADC", [0x0201, 0x0403, 0x0605]),
        ("DCBA", [0x0605, 0x0403, 0x0201]),
    ],
)
def test_48_bits_follow_the_four_orders(order, registers):
    assert raw_value(point("uint48"), registers, order) == 0x010203040506


@pytest.mark.parametrize("order", ["BADC", "DCBA"])
def test_a_swapped_register_has_its_low_byte_first(order):
    assert decode(point("uint8"), [0x12F0], order).value == 0x12
    assert own_bits(point("uint8"), order) == [0xFF00]


def test_a_field_of_bits():
    field = point("uint16", bit=(4, 3), enum={5: "eco"})
    assert decode(field, [0xFFD3]).value == 5.0  # 0xD3 = 1101 0011: bits 4 to 6 are 101
    assert own_bits(field) == [0x0070]
    one = point("bool", bit=(15, 1))
    assert (decode(one, [0x8000]).value, decode(one, [0x7FFF]).value) == (1.0, 0.0)
    wide = point("uint32", bit=(12, 8), word_order="CDAB")
    assert decode(wide, [0xA000, 0x0005]).value == 0x5A  # 0x0005A000
    assert own_bits(wide) == [0xF000, 0x000F]


def test_a_field_of_a_register_that_says_no_value_is_none():
    field = point("uint16", bit=(4, 3), invalid=invalid_codes("uint16", "all_ones"))
    assert decode(field, [0xFFFF]) == (None, Quality.BAD)
    assert decode(field, [0x0070]) == (7.0, Quality.GOOD)


def test_a_float_has_invalid_codes_too():
    p = point("float32", invalid=frozenset({-9999.0}))
    assert decode(p, raw_registers(p, -9999.0)) == (None, Quality.BAD)
