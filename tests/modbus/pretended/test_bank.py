"""What a pretended device answers and refuses."""

from __future__ import annotations

import pytest

from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended.bank import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Bank


def bank(live: dict[str, float | str | None], *points: DevicePoint, **fields: object) -> Bank:
    connector = DeviceConnector("c", "v", "m", "controller", {p.name: p for p in points}, **fields)  # type: ignore[arg-type]
    return Bank.from_connector(connector, live.__getitem__)


A = DevicePoint("a", 0, "uint32", 2, 3, kind="counter")
B = DevicePoint("b", 4, "uint16", 1, 3)


def test_values_are_those_of_the_moment():
    live: dict[str, float | str | None] = {"a": 1.0, "b": 2.0}
    served = bank(live, A, B)
    assert served.read(3, 0, 2) == [0, 1]
    live["a"] = 65536.0
    assert served.read(3, 0, 2) == [1, 0]


def test_unknown_addresses_and_functions_are_refused():
    served = bank({"a": 1.0, "b": 2.0}, A, B)
    assert served.read(3, 2, 1) == ILLEGAL_ADDRESS
    assert served.read(3, 0, 5) == ILLEGAL_ADDRESS
    assert served.read(3, 65535, 1) == ILLEGAL_ADDRESS
    assert served.read(4, 0, 1) == ILLEGAL_FUNCTION


def test_a_short_gap_reads_as_zero_where_the_connector_says_so():
    assert bank({"a": 1.0, "b": 2.0}, A, B, gap=2).read(3, 0, 5) == [0, 1, 0, 0, 2]
    assert bank({"a": 1.0, "b": 2.0}, A, B, gap=1).read(3, 0, 5) == ILLEGAL_ADDRESS


def test_more_registers_than_the_device_allows_are_refused():
    assert bank({"a": 1.0, "b": 2.0}, A, B, max_registers=1).read(3, 0, 2) == ILLEGAL_VALUE


@pytest.mark.parametrize(("address", "count"), [(0, 1), (1, 1), (1, 4)])
def test_edges_inside_a_value_are_refused_where_the_device_does(address, count):
    live = {"a": 70000.0, "b": 2.0}
    assert bank(live, A, B, gap=2, whole_values=True).read(3, address, count) == ILLEGAL_ADDRESS
    whole = [1, 0x1170, 0, 0, 2]  # 70000 = 0x00011170
    assert bank(live, A, B, gap=2).read(3, address, count) == whole[address : address + count]


def test_counters_roll_over_and_gauges_stop():
    served = bank({"a": float(2**32 + 5), "b": 70000.0}, A, B)
    assert served.read(3, 0, 2) == [0, 5]
    assert served.read(3, 4, 1) == [0xFFFF]


def test_no_value_is_the_devices_code_or_nothing():
    absent = DevicePoint("a", 0, "uint16", 1, 3, invalid=frozenset({0xFFFF}))
    assert bank({"a": None, "b": None}, absent, B).read(3, 0, 1) == [0xFFFF]
    assert bank({"a": None, "b": None}, absent, B).read(3, 4, 1) == [0]


def test_scale_factors_follow_the_values_where_the_source_gives_none():
    """SunSpec: a 16 bit power of 250 kW needs a coarser step than one of 3 kW, and the factor says which."""
    power = DevicePoint("a", 0, "int16", 1, 3, scale_factor=1)
    factor = DevicePoint("sf", 1, "int16", 1, 3)
    live: dict[str, float | str | None] = {"a": 3000.0, "sf": None}
    served = bank(live, power, factor)
    assert served.read(3, 0, 2) == [30000, 0xFFFF]  # 30000 * 10**-1
    live["a"] = 250_000.0
    assert served.read(3, 0, 2) == [25000, 1]  # 25000 * 10**1
    live["sf"] = 2.0
    assert served.read(3, 0, 2) == [2500, 2]
