"""Servers and clients of other hands: read, written and answered without special cases."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityctl.modbus.ask import Target
from cityctl.modbus.line import open_tcp
from cityctl.modbus.line.faults import ExceptionAnswer
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.run import ask_all
from cityctl.modbus.write import write_coil, write_coils, write_register, write_registers

ROOT = Path(__file__).resolve().parents[2]
PEERS = ["libmodbus", "pyModbusTCP", "modbus_tk", "umodbus", "pymodbus"]


def compiled(folder: Path) -> list[str]:
    """libmodbus' server, compiled. Skips where compiler or library are missing."""
    program = folder / "peer"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False
    ) if shutil.which("pkg-config") and shutil.which("gcc") else None  # fmt: skip
    if flags is None or flags.returncode:
        pytest.skip("gcc, pkg-config or libmodbus' headers are not here")
    source = Path(__file__).with_name("peer.c")
    subprocess.run(["gcc", "-O1", "-o", program, source, *flags.stdout.split()], check=True)
    return [str(program)]


@pytest.fixture(scope="module", params=PEERS)
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a peer that runs."""
    name = request.param
    if name == "libmodbus":
        words = compiled(tmp_path_factory.mktemp("peer"))
    else:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
        words = [sys.executable, "-m", "tests.modbus.peers", name]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_every_table_is_read(peer):
    async def go() -> None:
        line = await open_tcp("127.0.0.1", peer, 60)
        assert (await line.read(1, 3, 10, 125, timeout=60)).registers == tuple(7 * n for n in range(10, 135))
        assert (await line.read(1, 4, 3, 4, timeout=60)).registers == (15, 20, 25, 30)
        assert (await line.read(1, 1, 1, 11, timeout=60)).registers == tuple(n & 1 for n in range(1, 12))
        assert (await line.read(1, 2, 0, 3, timeout=60)).registers == (0, 1, 0)
        with pytest.raises(ExceptionAnswer):
            await line.read(1, 3, 498, 10, timeout=60)
        line.close()

    asyncio.run(go())


def test_what_is_written_is_read_back(peer):
    async def go() -> None:
        line = await open_tcp("127.0.0.1", peer, 60)
        await write_register(line, 1, 300, 4711)
        await write_registers(line, 1, 301, [1, 2, 65535])
        assert (await line.read(1, 3, 300, 4, timeout=60)).registers == (4711, 1, 2, 65535)
        await write_coil(line, 1, 100, True)
        await write_coils(line, 1, 101, [False, True, True])
        assert (await line.read(1, 1, 100, 4, timeout=60)).registers == (1, 0, 1, 1)
        line.close()

    asyncio.run(go())


def test_a_whole_poll(peer):
    points = {f"p{n}": DevicePoint(f"p{n}", n, "uint16", 1, 3) for n in (0, 1, 2, 30, 31)}
    connector = DeviceConnector("c", "v", "m", "controller", points)
    (answer,) = ask_all([Target("d", "127.0.0.1", peer, 1, connector, tuple(points))])
    assert {name: value.value for name, value in answer.values.items()} == {
        f"p{n}": 7.0 * n for n in (0, 1, 2, 30, 31)
    }


@pytest.fixture
def served(serve) -> int:
    """Our own simulator's server, for clients of other hands."""
    points = {
        **{f"h{n}": DevicePoint(f"h{n}", n, "uint16", 1, 3) for n in range(20)},
        "level": DevicePoint("level", 100, "float32", 2, 4),
        **{f"c{n}": DevicePoint(f"c{n}", n, "bool", 1, 1) for n in range(4)},
    }
    live = {f"h{n}": 7.0 * n for n in range(20)} | {"level": 2.5} | {f"c{n}": float(n & 1) for n in range(4)}
    connector = DeviceConnector("c", "v", "m", "controller", points)
    port: int = serve({1: Bank.from_connector(connector, live.__getitem__)})
    return port


def mbpoll(*words: str) -> list[str]:
    """The values that mbpoll prints."""
    program = shutil.which("mbpoll")
    if program is None:
        pytest.skip("mbpoll is not here")
    done = subprocess.run(
        [program, "-1", "-q", *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return re.findall(r"^\[\d+\]:\s+(\S+)", done.stdout, re.M)


def test_mbpoll_reads_the_simulator_and_agrees(served):
    tcp = ("-m", "tcp", "-p", str(served), "-a", "1", "-0")
    assert mbpoll(*tcp, "-r", "3", "-c", "5", "127.0.0.1") == ["21", "28", "35", "42", "49"]
    assert mbpoll(*tcp, "-t", "0", "-r", "0", "-c", "4", "127.0.0.1") == ["0", "1", "0", "1"]
    assert mbpoll(*tcp, "-t", "3:float", "-B", "-r", "100", "-c", "1", "127.0.0.1") == ["2.5"]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_mbpoll_reads_the_simulator_on_a_serial_bus():
    points = {f"h{n}": DevicePoint(f"h{n}", n, "uint16", 1, 3) for n in range(5)}
    connector = DeviceConnector("c", "v", "m", "controller", points)

    async def go() -> list[str]:
        bank = Bank.from_connector(connector, lambda name: 7.0 * int(name[1:]))
        async with Server({9: bank}, kind="pty") as server:
            words = (
                "-m",
                "rtu",
                "-b",
                "19200",
                "-P",
                "none",
                "-a",
                "9",
                "-0",
                "-r",
                "1",
                "-c",
                "3",
                server.host,
            )
            return await asyncio.to_thread(mbpoll, *words)

    assert asyncio.run(go()) == ["7", "14", "21"]


def test_pymodbus_reads_the_simulator(served):
    from pymodbus.client import ModbusTcpClient

    client = ModbusTcpClient("127.0.0.1", port=served)
    assert client.connect()
    assert client.read_holding_registers(3, count=3, device_id=1).registers == [21, 28, 35]
    assert client.read_holding_registers(300, count=1, device_id=1).exception_code == 2
    echoed = client.diag_query_data(b"\x12\x34", device_id=1)
    assert echoed.message == b"\x12\x34"
    told = client.read_device_information(read_code=1, device_id=1)
    assert told.information[0] == b"v"
    client.close()
