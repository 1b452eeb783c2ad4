"""All types and word orders: what is written is what is read, on our own simulator and on libmodbus."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityctl.modbus.maps.types import TYPES, WORD_ORDERS
from cityctl.runbook import session
from tests.runbook.conftest import Rig, yes

SOURCE = Path(__file__).with_name("libmodbus_plant.c")
# A value that uses the upper and lower half of each type's registers, by hand.
VALUES = {
    "int8": -77, "int8_high": 99, "uint8": 201, "uint8_high": 7, "int16": -12345, "int32": -123456789,
    "int48": -123456789012, "int64": -1234567890123, "uint16": 54321, "uint32": 4123456789, "uint48": 223456789012,
    "uint64": 1234567890123, "acc16": 40000, "acc32": 3000000000, "acc64": 1234567890123, "float16": 12.5,
    "float32": 123.456, "float64": 123456.789012, "bcd16": 9876, "bcd32": 98765432, "bcd48": 987654321098,
    "bcd64": 9876543210987, "m10k32": 98765432, "m10k48": -987654321, "m10k64": 1234567890123,
    "int32+int32e-3": 1234567.125, "int32+int32e-6": 123456.125, "int32+int32e-9": 12345.125,
    "uint24e8": 12345.678, "int24e8": -54321.25, "sign16": -12345, "sign32": -123456789,
}  # fmt: skip


def points(order: str) -> str:
    """A point of each type, one at a time at address 8, in one word order."""
    lines = []
    at = 0
    for name, layout in TYPES.items():
        shape = name.replace("+", "_").replace("-", "_")
        common = f"address: {at}, type: '{name}', word_order: {order}, access: readwrite"
        if name == "string":
            lines.append(f"  {shape}: {{{common}, length: 6, write: {{}}}}")
        elif name == "bool":
            lines.append(
                f"  {shape}: {{address: 1, type: bool, function_code: 1, access: readwrite, write: {{}}}}"
            )
            continue
        else:
            value = VALUES[name]
            limit = f"unit: m3, write: {{min: {min(0, value)}, max: {max(0, value)}, max_step: {abs(value)}}}"
            lines.append(f"  {shape}: {{{common}, {limit}}}")
        at += layout.registers or 3
    return "\n".join(lines)


def connector(order: str) -> str:
    """A model with all of them, at addresses one behind the other."""
    return (
        "connector: rig\nvendor: Test\nmodel: Types\nclass: controller\nfunction_code: 3\n"
        f"points:\n{points(order)}\nsources: [made for these tests]\n"
    )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plant by libmodbus, built."""
    compiler, config = shutil.which("gcc"), shutil.which("pkg-config")
    if compiler is None or config is None:
        pytest.skip("no gcc or pkg-config here")
    asked = subprocess.run(
        [config, "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        pytest.skip("libmodbus' headers are not here")
    built = tmp_path_factory.mktemp("libmodbus") / "plant"
    subprocess.run([compiler, "-o", built, SOURCE, *asked.stdout.split()], check=True)
    return built


@pytest.fixture
def libmodbus(program: Path) -> Iterator[int]:
    """The port of a plant by libmodbus, all registers 0."""
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield int(running.stdout.readline())
        running.kill()


def write_all(rig: Rig) -> None:
    """Write each point of the model, and read it back through a desk of its own."""
    for name in TYPES:
        shape = name.replace("+", "_").replace("-", "_")
        if name == "string":
            value = "'Pump 7'"
        elif name == "bool":
            value = "on"
        else:
            value = f"{VALUES[name]!r} m3"
        if value.startswith("-"):
            value = f"0 m3 - {value[1:]}"
        session.run(rig.write(f"plc-1/{shape}", value), yes())
        at = rig.desk().plant.named(f"plc-1/{shape}")
        from cityctl.runbook.hand import Hand

        present = Hand(rig.desk().plant).present(at)
        if name in VALUES:
            wanted = pytest.approx(VALUES[name], rel=2**-24) if name.startswith("float") else VALUES[name]
            assert present.number == wanted, name
        else:
            assert present.number == ("Pump 7" if name == "string" else 1.0), name


@pytest.mark.parametrize("order", WORD_ORDERS)
def test_on_libmodbus(rig, libmodbus, order):
    rig.port = libmodbus
    rig.city(connector=connector(order))
    write_all(rig)


@pytest.mark.parametrize("order", WORD_ORDERS)
def test_on_our_simulator(rig, order):
    import asyncio

    from cityctl.modbus.maps.connector import load_connector
    from cityctl.modbus.pretended.wire import Bank, Server

    rig.city(connector=connector(order))
    model = load_connector(rig.folder / "connectors/devices/rig.yaml")
    bank = Bank.from_connector(model, lambda name: "ready" if model.points[name].is_text else 0.0)
    server = Server({1: bank}, writes=True)
    rig.port = asyncio.run_coroutine_threadsafe(server.start(), rig.loop).result(10)
    rig.city()
    write_all(rig)
    assert {5, 6, 16, 22} <= set(server.counts)
    asyncio.run_coroutine_threadsafe(server.stop(), rig.loop).result(10)
