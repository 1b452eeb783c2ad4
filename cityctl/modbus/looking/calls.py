"""Where a unit is asked whether it is there: some devices say nothing to a read of an address that they do not have."""

from __future__ import annotations

from collections.abc import Iterable

from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.plan import plan

Where = tuple[int, int, int]
"""Function, address and count of a read."""
FIRST: Where = (3, 0, 1)
"""Nearly everything says something to this, and be it an exception."""


def first_request(connector: DeviceConnector | None) -> Where:
    """That of a connector's first point: a longer request may be refused for its length."""
    blocks = plan(connector, connector.polled() or connector.readable()) if connector is not None else []
    if not blocks:
        return FIRST
    first = min(blocks[0].wanted, key=lambda each: each.start)
    return blocks[0].function_code, first.start, first.end - first.start


def of_each(connectors: Iterable[DeviceConnector]) -> list[Where]:
    """Few reads, of which each connector's device knows one at least; the one that most of them know first."""
    knows: dict[Where, set[str]] = {}
    for connector in connectors:
        for name in connector.readable():
            point = connector.point(name)
            where = point.function_code, point.address, point.registers
            knows.setdefault(where, set()).add(connector.connector)
    left = set().union(*knows.values())
    found = []
    while left:
        where = min(knows, key=lambda each: (-len(knows[each] & left), each))
        found.append(where)
        left -= knows[where]
    return found
