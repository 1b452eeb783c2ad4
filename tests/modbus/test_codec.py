"""The codec's laws, over all types and orders, and a few values worked out by hand."""

from __future__ import annotations

import math
import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.modbus.codec import arranged, decode, encode, raw_registers, raw_value
from cityctl.modbus.point import DevicePoint
from cityctl.modbus.types import TYPES, WORD_ORDERS, Unrepresentable, invalid_codes
from cityctl.reading import Quality

ORDERS = st.sampled_from(WORD_ORDERS)
INTEGERS = [
    name for name, layout in TYPES.items() if layout.family in ("signed", "unsigned") and "+" not in name
]


def point(type_: str, **fields: object) -> DevicePoint:
    registers = TYPES[type_].registers or 6
    return DevicePoint(name="p", address=0, type=type_, registers=registers, function_code=3, **fields)  # type: ignore[arg-type]


@given(data=st.data(), type_=st.sampled_from(INTEGERS), order=ORDERS)
def test_integers_come_back_exactly(data, type_, order):
    raw = data.draw(st.integers(TYPES[type_].low, TYPES[type_].high))
    assert raw_value(point(type_), raw_registers(point(type_), raw, order), order) == raw


@given(data=st.data(), type_=st.sampled_from([*INTEGERS, "float32", "float64"]), order=ORDERS)
def test_registers_come_back_exactly(data, type_, order):
    """Whatever a device sends means one raw value, and that value is sent the same way (NaN payloads apart)."""
    size = TYPES[type_].registers
    registers = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=size, max_size=size))
    raw = raw_value(point(type_), registers, order)
    if not (isinstance(raw, float) and math.isnan(raw)):
        assert raw_registers(point(type_), raw, order) == registers


@given(value=st.floats(width=32, allow_nan=False), order=ORDERS)
def test_float32_comes_back_exactly(value, order):
    assert raw_value(point("float32"), raw_registers(point("float32"), value, order), order) == value


@given(value=st.floats(allow_nan=False), order=ORDERS)
def test_float64_comes_back_exactly(value, order):
    assert raw_value(point("float64"), raw_registers(point("float64"), value, order), order) == value


@given(billionths=st.integers(-(2**31 - 1) * 10**9, (2**31 - 1) * 10**9), order=ORDERS)
def test_whole_and_billionths_come_back_exactly(billionths, order):
    total = Decimal(billionths).scaleb(-9)
    p = point("int32+int32e-9")
    assert raw_value(p, raw_registers(p, total, order), order) == total


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
    assert encode(p, value, order) == registers


@given(raw=st.integers(-0x7FFF, 0x7FFF), exponent=st.integers(-10, 10))
def test_sunspec_scale_factor_comes_back_exactly(raw, exponent):
    p = point("int16", scale_factor=9)
    value, _ = decode(p, raw_registers(p, raw), exponent=exponent)
    assert value == float(Decimal(raw).scaleb(exponent))
    assert encode(p, value, exponent=exponent) == raw_registers(p, raw)


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
    assert encode(p, None) == registers


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("type_", ["float32", "float64"])
def test_floats_that_are_no_number_become_no_value(type_, value):
    letter = "f" if type_ == "float32" else "d"
    data = struct.pack(">" + letter, value)
    registers = list(struct.unpack(f">{len(data) // 2}H", data))
    assert decode(point(type_), registers) == (None, Quality.BAD)


def test_outside_plausible_limits_is_kept_and_suspect():
    p = point("float32", minimum=0.0, maximum=100.0)
    assert decode(p, encode(p, 50.0)) == (50.0, Quality.GOOD)
    assert decode(p, encode(p, 150.0)) == (150.0, Quality.SUSPECT)
    assert decode(p, encode(p, -1.0)) == (-1.0, Quality.SUSPECT)


@pytest.mark.parametrize("exponent", [None, -0x8000, 11, -11])
def test_a_scale_factor_that_is_none_gives_no_value(exponent):
    assert decode(point("int16", scale_factor=9), [5], exponent=exponent) == (None, Quality.BAD)


def test_a_character_in_each_register_reads_as_text():
    assert decode(point("string"), [ord(c) for c in "SOCO"] + [0, 0]).value == "SOCO"
    assert decode(point("string"), [0] * 6) == (None, Quality.BAD)


def test_states_by_name():
    p = point("uint16", enum={0: "off", 1: "on"})
    assert encode(p, "on") == [1]
    with pytest.raises(Unrepresentable, match="no state is named `up`"):
        encode(p, "up")


@pytest.mark.parametrize(
    ("type_", "value"),
    [("int16", 40000), ("uint16", -1), ("float32", 1e300), ("uint32", math.inf), ("int32+int32e-9", 3e9)],
)
def test_what_does_not_fit_is_refused(type_, value):
    with pytest.raises(Unrepresentable):
        encode(point(type_), value)


def test_wrong_number_of_registers_is_refused():
    with pytest.raises(Unrepresentable, match="1 registers given, 2 needed"):
        decode(point("float32"), [0])
