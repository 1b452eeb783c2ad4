"""SunSpec blocks are found where the device has them, and read there; nothing behind a block's end is taken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.careful import CarefulLine
from cityctl.modbus.line import Link
from cityctl.modbus.looking.identify import Fit, Registers, fits
from cityctl.modbus.looking.scan import Seen, look_at
from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.modbus.memory import Memory
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.run import asking_all
from cityctl.modbus.sunspec import Model, chain
from tests.modbus.sunspec_device import SunSpecDevice

SHIPPED = Path(__file__).parents[2] / "connectors" / "devices"


def shipped(name: str) -> DeviceConnector:
    return load_connector(SHIPPED / f"{name}.yaml")


def live(connector: DeviceConnector, **known: float | str) -> dict[str, float | str]:
    """Values of every point: its own where the test names one, otherwise 1; scale factors -1."""
    values: dict[str, float | str] = {}
    for name, p in connector.points.items():
        values[name] = "T" if p.is_text else -1.0 if connector.is_factor(p) else 1.0
    return {**values, "model_id": float(connector.sunspec or 0), **known}


def device(start: int, common_length: int = 66) -> SunSpecDevice:
    common, inverter, inputs = shipped("sunspec_common"), shipped("sunspec_103"), shipped("sunspec_160")
    return SunSpecDevice(
        [
            (common, live(common, manufacturer="ACME", serial="S-7"), common_length),
            (inverter, live(inverter, active_power=1234.5, frequency=50.0), 50),
            # two inputs of the five that the connector describes: 8 registers and 20 for each
            (inputs, live(inputs, module1_dc_voltage=612.5, module2_dc_voltage=598.0), 48),
        ],
        start,
    )


def read(bank: SunSpecDevice, connector: DeviceConnector, points: tuple[str, ...], memory: Memory) -> Answer:
    async def go() -> Answer:
        async with Server({1: bank}) as server:  # type: ignore[dict-item]
            target = Target("pv", "127.0.0.1", server.port, 1, connector, points, 2.0)
            (answer,) = await asking_all([target], memory=memory)
            return answer

    return asyncio.run(go())


@pytest.mark.parametrize("start", [40_000, 50_000, 0, 40_001, 39_999, 50_001, 1])
def test_the_chain_is_walked_from_each_of_its_places_and_where_a_maker_counts_from_1(start):
    async def go() -> list[Model]:
        async with Server({1: device(start)}) as server:  # type: ignore[dict-item]
            line = CarefulLine(Link("127.0.0.1", server.port), rate=0)
            try:
                return await chain(line, 1, timeout=2.0)
            finally:
                line.close()

    # header of "SunS" 2, then id and length 2 and the registers of each model
    assert asyncio.run(go()) == [
        Model(1, start + 2, 66),
        Model(103, start + 70, 50),
        Model(160, start + 122, 48),
    ]


@pytest.mark.parametrize(("start", "common_length"), [(40_000, 66), (40_000, 65), (50_000, 66), (0, 66)])
def test_a_block_is_read_wherever_it_is(start, common_length):
    connector = shipped("sunspec_103")
    answer = read(device(start, common_length), connector, ("active_power", "frequency"), Memory())
    assert {name: value.value for name, value in answer.values.items()} == {
        "active_power": 1234.5,
        "frequency": 50.0,
    }
    assert answer.failures == []


def test_what_a_run_found_the_next_one_knows():
    connector, memory = shipped("sunspec_103"), Memory()
    bank = device(50_000)

    async def go() -> tuple[Answer, Answer]:
        async with Server({1: bank}) as server:  # type: ignore[dict-item]
            target = Target("pv", "127.0.0.1", server.port, 1, connector, ("active_power",), 2.0)
            (first,) = await asking_all([target], memory=memory)
            (second,) = await asking_all([target], memory=memory)
            return first, second

    first, second = asyncio.run(go())
    assert first.placed == (50_070, 50)
    assert second.values["active_power"].value == 1234.5
    assert second.requests == 1
    assert second.tried == ["TCP connect ok"]


def test_points_behind_the_end_of_a_block_are_named_and_never_read():
    """Behind two inputs stands the end of the chain: as a third input it would give values."""
    connector = shipped("sunspec_160")
    points = ("module1_dc_voltage", "module2_dc_voltage", "module3_dc_voltage")
    answer = read(device(40_000), connector, points, Memory())
    assert {name: value.value for name, value in answer.values.items()} == {
        "module1_dc_voltage": 612.5,
        "module2_dc_voltage": 598.0,
    }
    (failure,) = answer.failures
    assert failure.points == ("module3_dc_voltage",)
    assert failure.reason == "the device's block of SunSpec model 160 ends before it"


def test_a_device_without_the_model_gives_nothing():
    answer = read(device(40_000), shipped("sunspec_203"), ("active_power",), Memory())
    assert answer.values == {}
    assert "model_id is 103, not 203: this is no sunspec_203" in answer.reason


def test_no_sunspec_device_has_no_chain():
    class Plain:
        connector = shipped("sunspec_common")

        def read(self, function_code: int, address: int, count: int) -> list[int] | int:
            return [7] * count

    async def go() -> list[Model]:
        async with Server({1: Plain()}) as server:  # type: ignore[dict-item]
            line = CarefulLine(Link("127.0.0.1", server.port), rate=0)
            try:
                return await chain(line, 1, timeout=2.0)
            finally:
                line.close()

    assert asyncio.run(go()) == []


def test_the_place_of_a_block_outlives_the_process(tmp_path):
    connector = shipped("sunspec_103")
    memory = Memory.load(tmp_path)
    bank = device(50_000)

    async def go() -> tuple[Answer, Answer]:
        async with Server({1: bank}) as server:  # type: ignore[dict-item]
            target = Target("pv", "127.0.0.1", server.port, 1, connector, ("active_power",), 2.0)
            (first,) = await asking_all([target], memory=memory)
            memory.save()
            (second,) = await asking_all([target], memory=Memory.load(tmp_path))
            return first, second

    first, second = asyncio.run(go())
    assert first.values["active_power"].value == second.values["active_power"].value == 1234.5
    assert second.requests == 1


def test_a_block_that_moved_again_is_found_again():
    """A firmware update lengthens the common model by one register: what was learnt is wrong by one."""
    connector, memory = shipped("sunspec_103"), Memory()

    async def go() -> list[Answer]:
        async with Server({1: device(50_000, 65)}) as server:  # type: ignore[dict-item]
            target = Target("pv", "127.0.0.1", server.port, 1, connector, ("active_power",), 2.0)
            found = await asking_all([target], memory=memory)
            server.units[1] = device(50_000, 66)  # type: ignore[assignment]
            return found + await asking_all([target], memory=memory)

    first, second = asyncio.run(go())
    assert first.placed == (50_069, 50)
    assert second.placed == (50_070, 50)
    assert second.values["active_power"].value == 1234.5


# A device that is pretended from one connector

MODELS = sorted(path.stem for path in SHIPPED.glob("sunspec_*.yaml"))


@pytest.mark.parametrize("start", [40_000, 50_000, 0])
@pytest.mark.parametrize("name", MODELS)
def test_each_model_is_found_on_a_device_made_of_its_connector_and_read_there(name, start):
    """Scanned, identified and polled by the connector as it is shipped, whatever the chain begins at."""
    connector = shipped(name)
    first = connector.base - 40_000
    placed = connector.placed_at(start + first)
    values = live(connector)
    del values["length"]
    bank = Bank.from_connector(placed, values.get)

    async def go() -> tuple[Seen, Fit, Answer]:
        async with Server({1: bank}) as server:
            line = CarefulLine(Link("127.0.0.1", server.port), rate=0)
            try:
                seen = await look_at(line, line.link, 1, 2.0)
                assert seen is not None
                registers = Registers(line, 1, 2.0)
                best, *_ = await fits(
                    map(shipped, ("sunspec_common", name)), registers, seen.identity, seen.models
                )
            finally:
                line.close()
            wanted = tuple(connector.polled() or connector.readable())
            target = Target("pv", "127.0.0.1", server.port, 1, connector, wanted, 2.0)
            (answer,) = await asking_all([target])
            return seen, best, answer

    seen, best, answer = asyncio.run(go())
    end = max(point.end for point in connector.points.values()) - connector.base
    chained = [Model(connector.sunspec, placed.base, end - 2)]
    if name != "sunspec_common":
        chained.insert(0, Model(1, start + 2, 66))
    assert list(seen.models) == chained
    assert (best.connector.connector, best.connector.base) == (name, placed.base)
    assert not answer.failures
    assert {point: value.value for point, value in answer.values.items()} == {
        point: values[point] for point in answer.target.points
    }


def test_a_pretended_device_says_its_maker_and_ends_its_chain():
    # Addresses by hand: SunS 40000, common 40002 (66), inverter 40070 (50), end 40122.
    bank = Bank.from_connector(shipped("sunspec_103"), lambda _: None)
    assert bank.read(3, 40_000, 4) == [0x5375, 0x6E53, 1, 66]
    assert bank.read(3, 40_004, 4) == [0x5375, 0x6E53, 0x7065, 0x6300]  # "SunSpec"
    assert bank.read(3, 40_070, 2) == [103, 50]
    assert bank.read(3, 40_122, 2) == [0xFFFF, 0]
    assert bank.read(3, 40_124, 1) == 2  # illegal address


@pytest.mark.parametrize("name", ["sunspec_101", "sunspec_103", "sunspec_111", "sunspec_112", "sunspec_113"])
def test_the_energy_of_an_inverter_is_a_register(name):
    """Models 101 to 113 tell AC energy over the device's life, as acc32 or as float: no value of now."""
    assert shipped(name).point("energy").kind == "counter"
