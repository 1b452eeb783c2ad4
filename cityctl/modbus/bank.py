"""The registers of one pretended device: its connector's points with live values.

For the simulator and the tests. Refuses what the real device refuses: unknown addresses, too many registers,
and edges inside a value where the connector says so. Knows no network.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable

from cityctl.modbus.codec import encode, raw_registers
from cityctl.modbus.connector import DeviceConnector
from cityctl.modbus.point import DevicePoint
from cityctl.modbus.types import TYPES, Unrepresentable

Live = float | str | None
Source = Callable[[str], Live]

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
_COARSEST, _FINEST = 8, -3


class Bank:
    """A device's tables of coils, inputs and registers (function codes 1 to 4), made at each request."""

    def __init__(self, connector: DeviceConnector, source: Source) -> None:
        self.connector = connector
        self.source = source
        self._tables: dict[int, list[DevicePoint]] = {}
        for point in sorted(connector.points.values(), key=lambda p: p.address):
            self._tables.setdefault(point.function_code, []).append(point)
        self._starts = {code: [point.address for point in points] for code, points in self._tables.items()}
        self._longest = max(point.registers for point in connector.points.values())
        self._unused = {code: self._bridges(points) for code, points in self._tables.items()}
        self._scaled_by: dict[int, list[DevicePoint]] = {}
        for point in connector.points.values():
            if point.scale_factor is not None:
                self._scaled_by.setdefault(point.scale_factor, []).append(point)

    @classmethod
    def from_connector(cls, connector: DeviceConnector, source: Source) -> Bank:
        """A bank of all points of a connector.

        `source(point name)` gives the live value at the moment of the request, in the connector's unit; a
        state may be given by its name; None serves the device's `no value` code, or 0 where it has none.
        """
        return cls(connector, source)

    def _bridges(self, points: list[DevicePoint]) -> set[int]:
        """Unused addresses that the device answers all the same: short gaps, and up to a scale factor."""
        unused: set[int] = set()
        end = points[0].end
        for point in points[1:]:
            if 0 < point.address - end <= self.connector.gap:
                unused.update(range(end, point.address))
            end = max(end, point.end)
        for point in points:
            if point.scale_factor is not None:
                first, last = sorted((point.address, point.scale_factor))
                unused.update(range(first, last + 1))
        return unused

    def read(self, function_code: int, address: int, count: int) -> list[int] | int:
        """Registers (bits as 0 and 1) from an address on, or the number of a Modbus exception."""
        points = self._tables.get(function_code)
        if points is None:
            return ILLEGAL_FUNCTION
        if function_code in (3, 4) and count > self.connector.max_registers:
            return ILLEGAL_VALUE
        end = address + count
        answer: list[int | None] = [
            0 if at in self._unused[function_code] else None for at in range(address, end)
        ]
        at = bisect_left(self._starts[function_code], address - self._longest)
        for point in points[at:]:
            if point.address >= end:
                break
            if point.end <= address:
                continue
            if self.connector.whole_values and (point.address < address or point.end > end):
                return ILLEGAL_ADDRESS
            for offset, register in enumerate(self.registers(point)):
                if address <= point.address + offset < end:
                    answer[point.address + offset - address] = register
        registers = [register for register in answer if register is not None]
        return registers if len(registers) == count else ILLEGAL_ADDRESS

    def registers(self, point: DevicePoint) -> list[int]:
        """The registers of one point with its value of this moment."""
        if point.address in self._scaled_by and point.type == "int16":
            return encode(point, self._exponent(point))
        value = self.source(point.name)
        exponent = None
        if point.scale_factor is not None:
            holder = self.connector.exponent_of(point)
            exponent = self._exponent(holder) if holder is not None else 0
        try:
            return encode(point, value, exponent=exponent)
        except Unrepresentable:
            return self._nearest(point, value, exponent)

    def _exponent(self, holder: DevicePoint) -> int:
        """A scale factor: the source's, or the finest with which all its points fit."""
        given = self.source(holder.name)
        if isinstance(given, int | float):
            return int(given)
        for exponent in range(_FINEST, _COARSEST):
            if all(self._fits(point, exponent) for point in self._scaled_by[holder.address]):
                return exponent
        return _COARSEST

    def _fits(self, point: DevicePoint, exponent: int) -> bool:
        value = self.source(point.name)
        if value is None or isinstance(value, str):
            return True
        layout = TYPES[point.type]
        return layout.low < value / 10.0**exponent < layout.high

    def _nearest(self, point: DevicePoint, value: Live, exponent: int | None) -> list[int]:
        """What a device shows for a value that its registers cannot hold: counters roll over, gauges stop."""
        layout = TYPES[point.type]
        if value is None or isinstance(value, str):
            return raw_registers(point, 0)
        if layout.family not in ("unsigned", "signed"):
            return raw_registers(point, math.copysign(math.inf, value))
        raw = (
            round((value - point.offset) / point.scale / 10.0 ** (exponent or 0)) if abs(value) < 1e300 else 0
        )
        if point.kind == "counter":
            raw %= layout.high + 1
        return raw_registers(point, min(max(raw, layout.low), layout.high))
