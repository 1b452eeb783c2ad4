"""All values of an answer at once are those of the codec, point by point: for every shipped model, type and order."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.library import shipped_folder
from cityctl.modbus.batch import BlockReader
from cityctl.modbus.line import Frame
from cityctl.modbus.maps.codec import decode
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.maps.raw import raw_value
from cityctl.modbus.maps.types import TYPES, WORD_ORDERS
from cityctl.modbus.plan import Block, Wanted, plan
from cityctl.reading import Quality

MODELS = sorted((shipped_folder() / "connectors" / "devices").glob("*.yaml"))


def one_by_one(block: Block, registers: tuple[int, ...]) -> dict[str, tuple[object, object]]:
    found = {}
    for each in block.wanted:
        exponent = None
        if each.exponent is not None:
            at = each.exponent.address - block.address
            raw = raw_value(each.exponent, registers[at : at + each.exponent.registers])
            exponent = raw if isinstance(raw, int) else None
        at = each.point.address - block.address
        found[each.point.name] = tuple(
            decode(each.point, registers[at : at + each.point.registers], exponent=exponent)
        )
    return found


def at_once(block: Block, registers: tuple[int, ...]) -> dict[str, tuple[object, object]]:
    if block.function_code in (1, 2):
        packed = bytearray((len(registers) + 7) // 8)
        for at, bit in enumerate(registers):
            packed[at // 8] |= (bit & 1) << at % 8
        frame = Frame(bytes(packed), block.count, True, 1.0)
    else:
        frame = Frame(struct.pack(f">{len(registers)}H", *registers), block.count, False, 1.0)
    return {value.point: (value.value, value.quality) for value in BlockReader(block).read(frame)}


words = st.one_of(st.integers(0, 0xFFFF), st.sampled_from([0, 0xFFFF, 0x7FFF, 0x8000, 0x7F80]))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
@settings(max_examples=6)
@given(data=st.data())
def test_every_shipped_model(path, data):
    connector = load_connector(path)
    for block in plan(connector, connector.readable()):
        most = 1 if block.function_code in (1, 2) else 0xFFFF
        word = st.one_of(st.integers(0, most), st.sampled_from([0, most, 0x8000 & most, 0x7FFF & most]))
        registers = tuple(data.draw(st.lists(word, min_size=block.count, max_size=block.count)))
        assert at_once(block, registers) == one_by_one(block, registers)


@settings(max_examples=150)
@given(data=st.data(), order=st.sampled_from(WORD_ORDERS))
def test_every_type_and_order_with_gaps_between(data, order):
    """Scaled and not, with limits, invalid codes and a scale factor that is sometimes none: what is read in a row."""
    types = [name for name, layout in TYPES.items() if layout.registers and layout.family != "bit"]
    factor = DevicePoint("sf", 99, "int16", 1, 3, invalid=frozenset({-0x8000}))
    wanted, at = [Wanted(factor)], 100
    for number, name in enumerate(data.draw(st.lists(st.sampled_from(types), min_size=1, max_size=8))):
        at += data.draw(st.integers(0, 2))
        limit = data.draw(st.sampled_from([None, 0.0, 1000.0]))
        scale, offset = data.draw(st.sampled_from([(1.0, 0.0), (0.1, 0.0), (0.001, -40.0), (1e300, 0.0)]))
        code = data.draw(st.sampled_from([frozenset(), frozenset({0}), frozenset({TYPES[name].high})]))
        has_factor = data.draw(st.booleans())
        point = DevicePoint(
            f"p{number}", at, name, TYPES[name].registers, 3, word_order=order, maximum=limit, scale=scale,
            offset=offset, invalid=code, scale_factor=99 if has_factor else None,
        )  # fmt: skip
        wanted.append(Wanted(point, factor if has_factor else None))
        at = point.end
    block = Block(3, 99, at - 99, tuple(wanted))
    reader = BlockReader(block)
    for _ in range(3):  # of one reader, whose scale factor changes while it runs
        exponent = data.draw(st.sampled_from([0, -1, 3, -10, 10, 11, -0x8000]))
        rest = data.draw(st.lists(words, min_size=block.count - 1, max_size=block.count - 1))
        registers = (exponent & 0xFFFF, *rest)
        frame = Frame(struct.pack(f">{len(registers)}H", *registers), block.count, False, 1.0)
        found = reader.read(frame)
        assert [value.point for value in found] == list(reader.names)
        assert {v.point: (v.value, v.quality) for v in found} == one_by_one(block, registers)


@settings(max_examples=150)
@given(data=st.data(), order=st.sampled_from(WORD_ORDERS))
def test_points_that_share_registers(data, order):
    """Bits and fields of a status word, its two bytes, the word itself, and a number that lies across two words."""
    kinds = [
        ("bool", 1),
        ("uint16", 1),
        ("int16", 1),
        ("uint8", 1),
        ("int8_high", 1),
        ("uint32", 2),
        ("int48", 3),
    ]
    wanted = []
    for number in range(data.draw(st.integers(1, 12))):
        kind, size = data.draw(st.sampled_from(kinds))
        low = data.draw(st.integers(0, 15))
        width = 1 if kind == "bool" else data.draw(st.integers(1, 16 - low))
        code = data.draw(st.sampled_from([frozenset(), frozenset({0xFFFF})]))
        has_bit = kind in ("bool", "uint16", "int16") and (kind == "bool" or data.draw(st.booleans()))
        point = DevicePoint(
            f"p{number}", data.draw(st.integers(0, 5)), kind, size, 3, word_order=order, scale=0.5,
            bit=(low, width) if has_bit else None, invalid=code,
        )  # fmt: skip
        wanted.append(Wanted(point))
    start = min(each.start for each in wanted)
    count = max(each.end for each in wanted) - start
    registers = tuple(data.draw(st.lists(words, min_size=count, max_size=count)))
    block = Block(3, start, count, tuple(wanted))
    assert at_once(block, registers) == one_by_one(block, registers)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=2000), st.data())
def test_coils_and_discrete_inputs(bits, data):
    places = data.draw(st.sets(st.integers(0, len(bits) - 1), min_size=1))
    points = [DevicePoint(f"c{at}", at, "bool", 1, 1, kind="state") for at in places]
    block = Block(1, 0, len(bits), tuple(map(Wanted, points)))
    assert at_once(block, tuple(bits)) == {f"c{at}": (float(bits[at]), Quality.GOOD) for at in places}


def test_what_a_float_cannot_hold_is_no_value_and_its_neighbour_stays():
    """2**64 - 1 times 1e300 is beyond 1.8e308, the largest float64."""
    points = [
        DevicePoint("large", 0, "uint64", 4, 3, scale=1e300),
        DevicePoint("small", 4, "uint16", 1, 3, scale=0.1),
    ]
    block = Block(3, 0, 5, tuple(map(Wanted, points)))
    found = at_once(block, (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 123))
    assert found == {"large": (None, Quality.BAD), "small": (12.3, Quality.GOOD)}


def test_a_doubtful_code_is_kept_as_suspect():
    """Three temperatures of a chip: one is not connected (0x8000), one at the other end, one measured."""
    points = [DevicePoint(f"t{at}", at, "int16", 1, 3, scale=0.1, doubtful=-0x8000) for at in range(3)]
    block = Block(3, 0, 3, tuple(map(Wanted, points)))
    words = (0x8000, 0x7FFF, 215)
    found = at_once(block, words)
    assert found == one_by_one(block, words)
    assert found == {
        "t0": (-3276.8, Quality.SUSPECT),
        "t1": (3276.7, Quality.GOOD),
        "t2": (21.5, Quality.GOOD),
    }
