"""A SunSpec device for the tests: `SunS`, model blocks one after the other, the end of the chain."""

from __future__ import annotations

from collections.abc import Sequence

from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.pretended.bank import Bank


class SunSpecDevice:
    """As a `Bank` to a server. `models` are (connector, its source of values, length of its block)."""

    def __init__(
        self, models: Sequence[tuple[DeviceConnector, dict[str, float | str], int]], start: int = 40_000
    ) -> None:
        self.registers: dict[int, int] = {start: 0x5375, start + 1: 0x6E53}
        self.connector = models[0][0]
        at = start + 2
        for connector, live, length in models:
            placed = connector.placed_at(at, length)
            bank = Bank.from_connector(placed, {**live, "length": length}.__getitem__)
            self.registers |= dict.fromkeys(range(at, at + 2 + length), 0)
            for point in placed.points.values():
                self.registers |= dict(
                    zip(range(point.address, point.end), bank.registers(point), strict=True)
                )
            at += 2 + length
        self.registers |= {at: 0xFFFF, at + 1: 0}

    def read(self, function_code: int, address: int, count: int) -> list[int] | int:
        """Registers, or the number of an exception."""
        if function_code != 3:
            return 1
        found = [self.registers.get(at) for at in range(address, address + count)]
        return 2 if None in found else [register for register in found if register is not None]
