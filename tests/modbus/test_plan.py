"""The plan's laws: every value whole, within the device's limits, and few requests."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.errors import UsageProblem
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.plan import plan, split

REGISTERS = {"uint16": 1, "float32": 2, "float64": 4}


def connector(points: list[DevicePoint], **fields: object) -> DeviceConnector:
    return DeviceConnector("c", "v", "m", "controller", {p.name: p for p in points}, **fields)  # type: ignore[arg-type]


def a_point(name: str, address: int, type_: str = "float32", code: int = 3, **fields: object) -> DevicePoint:
    return DevicePoint(name, address, type_, REGISTERS.get(type_, 1), code, **fields)  # type: ignore[arg-type]


@st.composite
def connectors(draw):
    """Points one after another with holes of 0 to 9 registers, in two tables."""
    points, address = [], draw(st.integers(0, 100))
    for index in range(draw(st.integers(1, 30))):
        address += draw(st.sampled_from([0, 0, 0, 1, 3, 9]))
        type_ = draw(st.sampled_from(list(REGISTERS)))
        points.append(a_point(f"p{index}", address, type_, draw(st.sampled_from([3, 3, 4]))))
        address += REGISTERS[type_]
    return connector(points, max_registers=draw(st.integers(4, 40)), gap=draw(st.integers(0, 4)))


@given(connectors())
def test_every_point_is_whole_in_exactly_one_block(device):
    blocks = plan(device, device.points)
    assert sorted(name for block in blocks for name in block.names) == sorted(device.points)
    for block in blocks:
        assert 1 <= block.count <= device.max_registers
        starts = {each.start for each in block.wanted}
        ends = {each.end for each in block.wanted}
        assert block.address == min(starts)
        assert block.address + block.count == max(ends)
        assert {each.point.function_code for each in block.wanted} == {block.function_code}


@given(connectors())
def test_no_block_bridges_more_than_the_gap(device):
    for block in plan(device, device.points):
        reached = block.address
        for each in sorted(block.wanted, key=lambda w: w.start):
            assert each.start - reached <= device.gap
            reached = max(reached, each.end)


@given(connectors())
def test_neighbours_are_joined_wherever_they_may_be(device):
    """Greedy in one direction is optimal for intervals: no two consecutive blocks could have been one."""
    blocks = plan(device, device.points)
    for first, second in pairwise(blocks):
        if first.function_code == second.function_code:
            near_enough = second.address - (first.address + first.count) <= device.gap
            head = min(second.wanted, key=lambda w: w.start)
            assert not near_enough or head.end - first.address > device.max_registers


@given(connectors())
def test_splitting_ends_at_single_points_and_loses_none(device):
    for block in plan(device, device.points):
        pending, singles = [block], []
        while pending:
            part = pending.pop()
            smaller = split(part)
            assert all(len(each.wanted) < len(part.wanted) for each in smaller)
            pending += smaller
            if not smaller:
                singles += part.names
        assert sorted(singles) == sorted(block.names)


def test_sixty_neighbouring_floats_are_one_request():
    device = connector([a_point(f"p{i}", 2 * i) for i in range(60)])
    (block,) = plan(device, device.points)
    # Modbus/TCP: 7 header + 5; 7 header + function + byte count + 2 bytes for each of 120 registers
    assert (block.address, block.count, block.bytes_out, block.bytes_in, block.bridged) == (
        0,
        120,
        12,
        249,
        0,
    )


def test_a_scale_factor_comes_in_the_same_request():
    points = [
        a_point("a", 0, "uint16", scale_factor=5),
        a_point("sf", 5, "int16"),
        a_point("b", 20, "uint16"),
    ]
    (first, second) = plan(connector(points), ["a", "b"])
    assert (first.address, first.count, first.names, first.bridged) == (0, 6, ("a",), 4)
    assert second.names == ("b",)


def test_a_refused_block_is_split_at_its_bridges_first():
    device = connector([a_point("a", 0), a_point("b", 2), a_point("c", 6)], gap=4)
    (block,) = plan(device, device.points)
    assert [part.names for part in split(block)] == [("a", "b"), ("c",)]


def test_bits_have_their_own_limit():
    device = connector([DevicePoint(f"b{i}", i, "bool", 1, 1) for i in range(300)])
    (block,) = plan(device, device.points)
    assert (block.count, block.bytes_in) == (300, 9 + 38)


def test_an_unknown_point_is_refused_with_the_near_match():
    with pytest.raises(UsageProblem) as caught:
        plan(connector([a_point("flow", 0)]), ["flwo"])
    assert caught.value.hint == "did you mean `flow`? `cityctl connectors show c` lists them"
