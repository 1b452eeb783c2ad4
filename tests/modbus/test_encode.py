"""Values on their way to a plant: exactly what was said, or refused. And the rules that a write has to keep."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.modbus.maps.codec import decode, encode, mask_write
from cityctl.modbus.maps.point import DevicePoint, WriteRule
from cityctl.modbus.maps.raw import own_bits
from cityctl.modbus.maps.types import TYPES, WORD_ORDERS, Unrepresentable, invalid_codes
from cityctl.reading import Quality

WHOLE = [name for name, layout in TYPES.items() if layout.low < layout.high and not layout.fractional]


def point(type_: str, **fields: object) -> DevicePoint:
    registers = TYPES[type_].registers or 6
    return DevicePoint(name="p", address=0, type=type_, registers=registers, function_code=3, **fields)  # type: ignore[arg-type]


@given(
    data=st.data(),
    type_=st.sampled_from(WHOLE),
    order=st.sampled_from(WORD_ORDERS),
    scale=st.sampled_from([1.0, 0.1, 0.01, 0.001, 10.0, 0.5]),
    offset=st.sampled_from([0.0, -273.15, 4.0]),
)
def test_what_is_written_is_what_is_read_back(data, type_, order, scale, offset):
    """Every value that decodes is encoded to the very registers, as far as a float64 tells steps apart."""
    if type_ == "bool":
        scale, offset = 1.0, 0.0
    p = point(type_, scale=scale, offset=offset)
    layout = TYPES[type_]
    raw = data.draw(st.integers(max(layout.low, -(2**49)), min(layout.high, 2**49)))
    value = float(f"{raw * scale + offset:.15g}") if scale != 1.0 or offset else float(raw)
    current = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=p.registers, max_size=p.registers))
    try:
        registers = encode(p, value, order, current=current)
    except Unrepresentable:
        assert scale != 1.0 or offset  # the decimal text of the product is not always the exact step
        return
    assert decode(p, registers, order) == (value, Quality.GOOD)
    for old, new, mine in zip(current, registers, own_bits(p, order), strict=True):
        if p.is_part:
            assert old & ~mine == new & ~mine


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False), order=st.sampled_from(WORD_ORDERS))
def test_a_float32_is_written_bit_for_bit(value, order):
    assert decode(point("float32"), encode(point("float32"), value, order), order).value == value


@given(value=st.floats(-1e30, 1e30).filter(lambda value: abs(value) > 1e-30))
def test_a_float_is_the_nearest_or_refused(value):
    try:
        back = decode(point("float32"), encode(point("float32"), value)).value
    except Unrepresentable:
        assert value == int(value)  # a whole number that 24 bits cannot hold
        return
    assert isinstance(back, float)
    assert abs(back - value) <= abs(value) * 2**-24 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("fields", "value", "said"),
    [
        ({"type_": "uint16"}, math.nan, "no number"),
        ({"type_": "float32"}, math.nan, "no number"),
        ({"type_": "float32"}, math.inf, "no number"),
        ({"type_": "uint16"}, None, "no number"),
        ({"type_": "int16"}, 40000, "outside -32768 to 32767"),
        ({"type_": "uint16"}, -1, "outside 0 to 65535"),
        ({"type_": "uint8"}, 256, "outside 0 to 255"),
        ({"type_": "bcd16"}, 10000, "outside 0 to 9999"),
        ({"type_": "m10k32"}, 10**8, "outside -99999999 to 99999999"),
        ({"type_": "uint16"}, 2.5, "between two steps of 1: 2.0 and 3.0"),
        ({"type_": "uint16", "scale": 0.1}, 2.34, "between two steps of 0.1: 2.3 and 2.4"),
        ({"type_": "float32"}, 1e300, "does not fit"),
        ({"type_": "float32"}, 16777217, "cannot say 16777217"),  # 2**24 + 1
        ({"type_": "float16"}, 2049, "cannot say 2049"),  # 2**11 + 1
        ({"type_": "float32"}, 1e-44, "cannot say"),
        ({"type_": "int32+int32e-9"}, 3e9, "outside"),
        ({"type_": "int32+int32e-3"}, 1.00005, "cannot say 1.00005, only 1.0"),
        ({"type_": "uint16", "maximum": 50.0}, 51, "outside its limits any to 50"),
        ({"type_": "uint16", "invalid": invalid_codes("uint16", "all_ones")}, 65535, "no value"),
        ({"type_": "uint16", "enum": {0: "off", 1: "on"}}, 7, "no state has the code 7"),
        ({"type_": "uint16", "enum": {0: "stop", 1: "start"}}, "strat", "did you mean `start`?"),
        ({"type_": "int16", "scale_factor": 9}, 5, "scale factor must be read first"),
        ({"type_": "uint16", "bit": (4, 2)}, 4, "outside 0 to 3"),
        ({"type_": "string"}, "日", "signs that registers cannot say"),
        ({"type_": "string"}, "a\x00b", "printable"),
        ({"type_": "string"}, "thirteen chars", "14 characters, 12 fit"),
    ],
)
def test_what_a_plant_must_not_get_is_refused(fields, value, said):
    with pytest.raises(Unrepresentable, match=said):
        encode(point(**fields), value)


def test_a_sunspec_setpoint_needs_the_present_scale_factor():
    p = point("int16", scale_factor=9)
    assert encode(p, 12.5, exponent=-1) == [125]
    with pytest.raises(Unrepresentable, match="between two steps of 1"):
        encode(p, 12.5, exponent=0)


def test_bits_of_others_are_kept():
    p = point("uint16", bit=(4, 3))
    assert encode(p, 5, current=[0xFF0F]) == [0xFF5F]
    with pytest.raises(Unrepresentable, match="present content is needed"):
        encode(p, 5)
    # MODBUS V1.1b3, 6.16: (present AND and) OR (or AND NOT and)
    and_mask, or_mask = mask_write(p, 5)
    assert (and_mask, or_mask) == (0xFF8F, 0x0050)
    assert (0xFF0F & and_mask) | (or_mask & ~and_mask & 0xFFFF) == 0xFF5F
    assert mask_write(point("uint8_high"), 0x12) == (0x00FF, 0x1200)
    with pytest.raises(Unrepresentable, match="writes one register"):
        mask_write(point("uint32", bit=(0, 4)), 1)


def test_states_are_written_by_name():
    assert encode(point("uint16", enum={0: "off", 1: "on"}), "on") == [1]
    assert encode(point("bool", enum={0: "off", 1: "on"}), "on") == [1]


def test_the_rule_of_a_write():
    rule = WriteRule(6, minimum=1.0, maximum=6.0, max_step=0.5, tolerance=0.05)
    assert rule.violation(3.0, 2.5) is None
    assert rule.violation(2.3, 1.8) is None  # 2.3 - 1.8 is 0.4999999999999998, and 2.6 - 2.1 is 0.5
    assert rule.violation(0.3 + 0.3, 0.1) is not None
    assert "below the lowest that may be written, 1 bar" in str(rule.violation(0.5, 1.0, "bar"))
    assert "above the highest" in str(rule.violation(7, 6.8))
    assert "a step of 1 bar from 2 bar to 3 bar is larger than 0.5 bar" in str(rule.violation(3, 2, "bar"))
    assert "present value is not known" in str(rule.violation(3.0))
    assert "no number" in str(rule.violation(math.nan, 3.0))
    assert rule.agrees(3.0, 3.05)
    assert not rule.agrees(3.0, 3.051)
    assert not rule.agrees(3.0, None)
