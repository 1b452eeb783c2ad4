"""Modbus: many hosts, gateways and silent devices, against libmodbus, pymodbus, mbpoll and modpoll on one server.

Bounds: 200 hosts in 1.5 x (blocks x delay) + 0.05 s; behind gateways 1.05 x the wire's own time; 60 us of CPU
for a request of 125 registers; 10 silent devices cost one timeout and delay no other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cityctl.modbus.alone import LOCKS, Alone
from cityctl.modbus.ask import Target
from cityctl.modbus.line import SerialSettings, open_tcp
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.memory import Memory
from cityctl.modbus.pace import Asked, expected, in_turn, opening
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Request, Server
from cityctl.modbus.run import ask_all, asking_all, run_loop
from tests.bench.modbus_plant import BLOCKS, PER_BLOCK, NotHere, built, check, plant, targets

DELAY = 0.03
Spent = tuple[float, float]


def spent(work: Callable[[], object], *, children: bool = False) -> Spent:
    """(wall seconds, CPU seconds of this process, or of its children)."""
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    before, begun = resource.getrusage(who), time.perf_counter()
    work()
    wall, after = time.perf_counter() - begun, resource.getrusage(who)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median(runs: list[Spent]) -> Spent:
    """The run with the median wall time."""
    return sorted(runs)[len(runs) // 2]


def figure(measured: Spent, ours: Spent | None = None, bound: float | None = None) -> str:
    """Wall, CPU, the bound, and how many times ours it is."""
    said = f"{measured[0]:.3f} s, {measured[1]:.3f} CPU s"
    if bound is not None:
        said += f", bound {bound:.3f} s: {'held' if measured[0] <= bound else 'NOT HELD'}"
    return said + (f", {measured[0] / ours[0]:.1f} x ours" if ours else "")


def bench() -> Iterator[tuple[str, str]]:
    """(what, figure)"""
    logging.disable(logging.CRITICAL)
    for part in (many_hosts, few_hosts, gateways, silent, cpu, whole_poll, foretold):
        try:
            yield from part()
        except NotHere as why:
            yield part.__name__, f"not measured: {why}"


def many_hosts() -> Iterator[tuple[str, str]]:
    with plant(200, 30) as base:
        asked = targets(base, 200)
        check(ask_all(asked))
        ours = median([spent(lambda: ask_all(asked)) for _ in range(7)])
        bound = 1.5 * BLOCKS * DELAY + 0.05
        yield "200 hosts x 60 floats in 3 blocks, 30 ms: ours", figure(ours, bound=bound)
        client = built(Path(__file__).with_name("modbus_client.c"))
        words = [str(client), str(base), "200"]
        runs = [
            spent(lambda: subprocess.run(words, check=True, capture_output=True), children=True)
            for _ in range(3)
        ]
        yield "  libmodbus in C, 200 threads", figure(median(runs), ours)
        yield (
            "  pymodbus, gather",
            figure(median([spent(lambda: asyncio.run(pymodbus_all(base, 200))) for _ in range(3)]), ours),
        )
        if shutil.which("mbpoll"):
            yield (
                "  mbpoll, 200 processes, 1 block each",
                figure(spent(lambda: mbpolls(base, 200), children=True), ours),
            )


def few_hosts() -> Iterator[tuple[str, str]]:
    """The slow ones on 4 hosts, since they ask one after another."""
    with plant(4, 30) as base:
        asked = targets(base, 4)
        ours = median([spent(lambda: ask_all(asked)) for _ in range(3)])
        yield "4 hosts: ours", figure(ours)
        program = os.environ.get("MODPOLL") or shutil.which("modpoll")
        if program is None:
            yield "  modpoll", "not here (MODPOLL names its program)"
        else:
            yield (
                "  modpoll, 4 processes, once",
                figure(spent(lambda: modpoll(program, base, 4), children=True), ours),
            )
        if shutil.which("mbpoll"):
            yield (
                "  mbpoll, 4 processes, 1 block each",
                figure(spent(lambda: mbpolls(base, 4), children=True), ours),
            )


def gateways() -> Iterator[tuple[str, str]]:
    yield from _behind_gateways(10, 20, 3)
    yield from _behind_gateways(1, 200, 1)


def _behind_gateways(hosts: int, units: int, runs: int) -> Iterator[tuple[str, str]]:
    with plant(hosts, 30, gateway=True) as base:
        asked = targets(base, hosts, units)
        ours = median([spent(lambda: ask_all(asked)) for _ in range(runs)])
        limit = units * BLOCKS * DELAY
        yield (
            f"{hosts} gateways x {units} units: ours",
            figure(ours, bound=1.05 * limit) + f" (wire {limit:.2f} s)",
        )
        if hosts > 1:
            peer = spent(lambda: asyncio.run(pymodbus_all(base, hosts, units)))
            yield "  pymodbus, gather", figure(peer, ours)


def silent() -> Iterator[tuple[str, str]]:
    """10 devices that take the connection and never say a word, among 200."""
    deaf = [socket.create_server(("127.0.0.1", 0)) for _ in range(10)]
    try:
        with plant(190, 30) as base:
            asked = targets(base, 190, timeout=1.0)
            asked += [t for listening in deaf for t in targets(listening.getsockname()[1], 1, timeout=1.0)]
            done: list[float] = []
            begun = 0.0

            def run() -> None:
                nonlocal begun
                done.clear()
                begun = time.perf_counter()
                ask_all(
                    asked,
                    on_answer=lambda answer: (
                        None if answer.is_dead else done.append(time.perf_counter() - begun)
                    ),
                )

            wall, used = median([spent(run) for _ in range(3)])
            held = wall <= 1.0 + 0.185
            yield (
                "10 silent devices (timeout 1 s) among 200: ours",
                f"{wall:.3f} s, {used:.3f} CPU s: {'held' if held else 'NOT HELD'}; "
                f"the last of the 190 others after {max(done):.3f} s",
            )
    finally:
        for listening in deaf:
            listening.close()


def cpu(requests: int = 5000) -> Iterator[tuple[str, str]]:
    async def ours(port: int) -> None:
        line = await open_tcp("127.0.0.1", port, 5)
        for _ in range(requests):
            frame = await line.read(1, 3, 0, 125, timeout=3, tries=2)
            assert frame.registers[124] == 31 + 7 * 124
        line.close()

    async def theirs(port: int) -> None:
        from pymodbus.client import AsyncModbusTcpClient

        client = AsyncModbusTcpClient("127.0.0.1", port=port)
        await client.connect()
        for _ in range(requests):
            answer = await client.read_holding_registers(0, count=125, device_id=1)
            assert answer.registers[124] == 31 + 7 * 124
        client.close()

    def blocking(port: int) -> None:
        from pymodbus.client import ModbusTcpClient

        client = ModbusTcpClient("127.0.0.1", port=port)
        client.connect()
        for _ in range(requests):
            assert client.read_holding_registers(0, count=125, device_id=1).registers[124] == 31 + 7 * 124
        client.close()

    with plant(1, 0) as base:
        first = 0.0
        for label, work in {
            "a request of 125 registers: ours": lambda: run_loop(ours(base)),
            "  ours without uvloop": lambda: asyncio.run(ours(base)),
            "  pymodbus, blocking": lambda: blocking(base),
            "  pymodbus, async": lambda: asyncio.run(theirs(base)),
        }.items():
            runs = [spent(work)[1] / requests * 1e6 for _ in range(3)]
            used = statistics.median(runs)
            first = first or used
            bound = ", bound 60 µs" if label.endswith("ours") else f", {used / first:.1f} x ours"
            yield label, f"{used:.1f} µs of CPU{bound}"


def whole_poll() -> Iterator[tuple[str, str]]:
    """A city: 200 hosts, each locked, connected, asked 3 blocks, and every value decoded with quality and time."""
    kinds = {
        "62 floats": (2, "float32", {}),
        "62 floats, CDAB, scaled": (2, "float32", {"word_order": "CDAB", "scale": 0.001}),
        "125 tenths with limits": (
            1,
            "int16",
            {"scale": 0.1, "invalid": frozenset({-0x8000}), "maximum": 1e9},
        ),
        "125 bits": (1, "bool", {"bit": (3, 1), "kind": "state"}),
    }
    with plant(200, 0) as base, tempfile.TemporaryDirectory() as folder:
        alone = Alone(Path(folder) / LOCKS, "bench")
        first = 0.0
        for what, (size, kind, said) in kinds.items():
            most = 125 // size * size
            points = {
                f"p{at}": DevicePoint(f"p{at}", at, kind, size, 3, **said)  # type: ignore[arg-type]
                for at in range(0, 3 * most, size)
            }
            connector = DeviceConnector("c", "v", "m", "controller", points, max_registers=most)
            asked = [
                Target(f"d{at}", "127.0.0.1", base + at, 1, connector, tuple(points)) for at in range(200)
            ]
            runs = [spent(lambda asked=asked: ask_all(asked, alone=alone))[1] for _ in range(7)]
            used = statistics.median(runs) / 600
            first = first or used
            yield f"a request within a poll of 200 hosts x 3: {what}", f"{used * 1e6:.1f} µs of CPU"
        used = statistics.median(
            spent(lambda: asyncio.run(pymodbus_all(base, 200, registers=124)))[1] for _ in range(3)
        )
        used /= 600
        yield "  pymodbus, gather: 62 floats", f"{used * 1e6:.1f} µs of CPU, {used / first:.1f} x ours"


def foretold() -> Iterator[tuple[str, str]]:
    """What `poll --explain` says of a second poll, of other sizes where the line is serial, against what it takes."""
    with plant(20, 30) as base:
        memory, asked = Memory(), targets(base, 20)
        ask_all(asked, memory=memory)
        said, took = seconds_foretold(asked, memory), spent(lambda: ask_all(asked, memory=memory))[0]
        yield "20 hosts, 30 ms: foretold", f"{said:.3f} s, took {took:.3f} s: {said / took:.2f}"
    points = {f"p{at}": DevicePoint(f"p{at}", at, "uint16", 1, 3) for at in (*range(10), *range(100, 220))}
    connector = DeviceConnector("c", "v", "m", "controller", points)
    for baud in (9600, 19200, 115200):
        said, took = run_loop(_foretold_of_a_bus(connector, SerialSettings(baud, "none", 1, 8)))
        yield f"a bus of {baud} baud: foretold", f"{said:.3f} s, took {took:.3f} s: {said / took:.2f}"


async def _foretold_of_a_bus(connector: DeviceConnector, serial: SerialSettings) -> Spent:
    """Ten registers are measured; then all 130 are foretold and read. The device keeps to the line's time."""

    async def paced(request: Request) -> None:
        await asyncio.sleep(serial.seconds(8 + 5 + 2 * request.count) + serial.silence + 0.02)

    bank, memory = Bank.from_connector(connector, lambda name: float(name[1:])), Memory()
    async with Server({1: bank}, kind="pty", serial=serial, hook=paced) as server:
        wanted = [tuple(connector.points)[:10], tuple(connector.points)]
        few, every = (
            Target("d", server.host, 0, 1, connector, names, transport="rtu", serial=serial)
            for names in wanted
        )
        await asking_all([few], memory=memory)
        said, begun = seconds_foretold([every], memory), time.perf_counter()
        await asking_all([every], memory=memory)
        return said, time.perf_counter() - begun


def seconds_foretold(asked: list[Target], memory: Memory) -> float:
    """The longest of the lines."""
    return max(
        opening(target, known) + in_turn([Asked([expected(target, block, known) for block in target.blocks])])
        for target in asked
        for known in [memory.known(target)]
    )


async def pymodbus_all(base: int, hosts: int, units: int = 1, *, registers: int = 2 * PER_BLOCK) -> None:
    """Plain pymodbus: a client a host, all at once, the units of one host in order."""
    from pymodbus.client import AsyncModbusTcpClient

    async def one(port: int) -> None:
        client = AsyncModbusTcpClient("127.0.0.1", port=port)
        await client.connect()
        for unit in range(1, units + 1):
            for block in range(BLOCKS):
                answer = await client.read_holding_registers(100 * block, count=registers, device_id=unit)
                values = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
                assert len(values) == registers // 2  # type: ignore[arg-type]
        client.close()

    await asyncio.gather(*(one(base + host) for host in range(hosts)))


def mbpolls(base: int, hosts: int) -> None:
    """mbpoll reads one block a process: all hosts at once."""
    words = ["mbpoll", "-m", "tcp", "-a", "1", "-0", "-r", "0", "-t", "4:float", "-c", "20", "-1", "-q"]
    running = [
        subprocess.Popen([*words, "-p", str(base + host), "127.0.0.1"], stdout=subprocess.DEVNULL)
        for host in range(hosts)
    ]
    assert not any(process.wait() for process in running)


def modpoll(program: str, base: int, hosts: int) -> None:
    """modpoll asks one host a process: all at once, each once."""
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for host in range(hosts):
            lines = [f"device,d{host},1,BE_BE"]
            for block in range(BLOCKS):
                lines.append(f"poll,holding_register,{100 * block},40,BE_BE")
                lines += [f"ref,p{block}_{n},{100 * block + 2 * n},float32,r" for n in range(20)]
            path = Path(folder) / f"d{host}.csv"
            path.write_text("\n".join(lines) + "\n")
            words = [program, "--once", "--tcp", "127.0.0.1", "--tcp-port", str(base + host), "-f", str(path)]
            running.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        assert not any(process.wait(120) for process in running)


if __name__ == "__main__":
    for what, how in bench():
        sys.stdout.write(f"{what}: {how}\n")
