"""A device of ten words, none beside another, each with a number of its own: 1000 and its address."""

from __future__ import annotations

import sys

import pytest

from cityctl.modbus.ask import Target
from cityctl.modbus.line import Link
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended.bank import Bank

POINTS = {f"p{at}": DevicePoint(f"p{at}", at, "uint16", 1, 3) for at in range(0, 40, 4)}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)
posix = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")


def bank() -> Bank:
    return Bank.from_connector(CONNECTOR, lambda name: float(name[1:]) + 1000)


def behind(link: Link, unit: int, **fields: object) -> Target:
    """The device at the other end of a line, with all its points."""
    where = {"transport": link.kind, "serial": link.serial, **fields}
    return Target("d", link.host, link.port, unit, CONNECTOR, tuple(POINTS), **where)  # type: ignore[arg-type]
