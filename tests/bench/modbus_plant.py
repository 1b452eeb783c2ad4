"""A plant to measure against: libmodbus' C server on many ports, and the targets that read it.

The server's source is among the reference data (peers/mbsrv.c): it holds 31 unit + 7 n in holding register n.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint

ROOT = Path(__file__).resolve().parents[2]
BLOCKS, PER_BLOCK = 3, 20
POINTS = {
    f"p{block}_{n}": DevicePoint(f"p{block}_{n}", 100 * block + 2 * n, "float32", 2, 3)
    for block in range(BLOCKS)
    for n in range(PER_BLOCK)
}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)


class NotHere(Exception):
    """A part of the measurement that this machine lacks."""


@cache
def built(source: Path) -> Path:
    """A C program linked with libmodbus. Raises NotHere."""
    if not source.is_file():
        raise NotHere(f"{source.name} is not beside the project")
    if not shutil.which("gcc") or not shutil.which("pkg-config"):
        raise NotHere("gcc or pkg-config is not here")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False
    )
    if flags.returncode:
        raise NotHere("libmodbus' headers are not here")
    program = Path(tempfile.mkdtemp()) / source.stem
    words = ["gcc", "-O2", "-o", str(program), str(source), *flags.stdout.split(), "-lpthread"]
    subprocess.run(words, check=True)
    return program


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses."""
    for base in range(21000, 60000, count + 7):
        try:
            for port in range(base, base + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return base
    raise NotHere(f"no {count} ports in a row are free")


@contextmanager
def plant(ports: int, delay_ms: int, *, gateway: bool = False) -> Iterator[int]:
    """The C server on so many ports, each answering after a delay; behind a gateway one after another."""
    shared = Path(os.environ.get("CITYCTL_SHARED") or ROOT.parent / "shared")
    program = built(shared / "peers" / "mbsrv.c")
    base = free_ports(ports)
    words = [str(program), str(base), str(ports), str(delay_ms), "1" if gateway else "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        for port in range(base, base + ports):  # its threads listen a moment later
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                    break
                except ConnectionRefusedError:
                    continue
        yield base
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def targets(base: int, hosts: int, units: int = 1, **fields: object) -> list[Target]:
    """Every unit of every host, with 60 floats in 3 blocks."""
    return [
        Target(f"{host}/{unit}", "127.0.0.1", base + host, unit, CONNECTOR, tuple(POINTS), **fields)  # type: ignore[arg-type]
        for host in range(hosts)
        for unit in range(1, units + 1)
    ]


def check(answers: Sequence[Answer]) -> None:
    """Every value of every answer is what the server holds."""
    for answer in answers:
        unit = answer.target.unit
        assert not answer.failures, answer.reason
        for name, value in answer.values.items():
            at = POINTS[name].address
            words = [(31 * unit + 7 * n) & 0xFFFF for n in (at, at + 1)]
            (held,) = struct.unpack(">f", struct.pack(">HH", *words))
            assert value.value == held or held != held, (name, value.value, held)
