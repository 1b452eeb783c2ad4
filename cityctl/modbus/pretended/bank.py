"""The registers of one pretended device: its connector's points with live values, and what was written to it.

For the simulator and the tests. Refuses what the real device refuses: unknown addresses, too many registers,
edges inside a value where the connector says so, writes to what is only read. A SunSpec block stands in the
chain of a whole device. Knows no network.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from cityctl.modbus import sunspec
from cityctl.modbus.maps.codec import decode, nearest
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.maps.ratios import ratio_of
from cityctl.modbus.maps.raw import own_bits, raw_registers
from cityctl.modbus.maps.types import TYPES, Unrepresentable

Live = float | str | None
Source = Callable[[str], Live]
OnWrite = Callable[[DevicePoint, float | str | None], None]

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
_COARSEST, _FINEST = 8, -3


class Bank:
    """A device's tables of coils, inputs and registers (function codes 1 to 4), made at each request.

    What was written stays, over the live value, in `written`: (function code that reads it, address) -> word.
    `on_write` is told of each point that was written whole, with its value in the connector's unit, so that a
    plant may react; it may take words out of `written` again.
    """

    def __init__(
        self, connector: DeviceConnector, source: Source, *, on_write: OnWrite | None = None
    ) -> None:
        self.connector = connector
        self.source = source
        self.on_write = on_write
        self.written: dict[tuple[int, int], int] = {}
        self._tables: dict[int, list[DevicePoint]] = {}
        for point in sorted(connector.points.values(), key=lambda p: p.address):
            self._tables.setdefault(point.function_code, []).append(point)
        self._starts = {code: [point.address for point in points] for code, points in self._tables.items()}
        self._longest = max(point.registers for point in connector.points.values())
        self._unused = {
            code: dict.fromkeys(self._bridges(points), 0) for code, points in self._tables.items()
        }
        if connector.sunspec is not None:
            self._unused.setdefault(connector.function_code, {}).update(sunspec.surroundings(connector))
        # What the device says of itself, where the source does not.
        self._own: dict[str, Live] = {}
        self._added: dict[str, DevicePoint] = {}
        for name, pattern in connector.device_id.points.items():
            point = connector.points[name]
            if not point.invalid:
                self._own[name] = next((s for s in point.enum.values() if fnmatchcase(s, pattern)), None)
        for point in connector.ratios.values():
            self._own.update(dict.fromkeys((*point.times, *point.over), 1.0))
            self._added.update(dict.fromkeys(point.plus, point))
        if connector.identify is not None:
            self._own[connector.identify[0]] = connector.identify[1]
        if connector.sunspec is not None:
            places = {point.address: point.name for point in connector.points.values()}
            if connector.base + 1 in places:
                self._own[places[connector.base + 1]] = sunspec.block_length(connector)
        self._scaled_by: dict[str, list[DevicePoint]] = {}
        for point in connector.points.values():
            if (holder := connector.exponent_of(point)) is not None:
                self._scaled_by.setdefault(holder.name, []).append(point)

    @classmethod
    def from_connector(
        cls, connector: DeviceConnector, source: Source, *, on_write: OnWrite | None = None
    ) -> Bank:
        """A bank of all points of a connector.

        `source(point name)` gives the live value at the moment of the request, in the connector's unit; a
        state may be given by its name; None serves the device's `no value` code, or 0 where it has none, and
        what tells the device apart where the connector says it.
        """
        return cls(connector, source, on_write=on_write)

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
        answer: list[int | None] = list(map(self._unused[function_code].get, range(address, end)))
        at = bisect_left(self._starts[function_code], address - self._longest)
        for point in points[at:]:
            if point.address >= end:
                break
            if point.end <= address:
                continue
            if self.connector.whole_values and (point.address < address or point.end > end):
                return ILLEGAL_ADDRESS
            shown = self.registers(point)
            owned = own_bits(point) if point.is_part else None
            for offset, register in enumerate(shown):
                slot = point.address + offset - address
                if 0 <= slot < count:
                    # Points that share a register each fill in their own bits of it.
                    kept = 0 if owned is None else (answer[slot] or 0) & ~owned[offset]
                    answer[slot] = kept | register
        if self.written:
            for slot in range(count):
                if answer[slot] is not None:
                    answer[slot] = self.written.get((function_code, address + slot), answer[slot])
        registers = [register for register in answer if register is not None]
        return registers if len(registers) == count else ILLEGAL_ADDRESS

    def write(self, function_code: int, address: int, words: Sequence[int]) -> int | None:
        """Keep words (bits as 0 and 1) from an address on; the number of a Modbus exception where it refuses.

        `function_code` is the one that reads the table: 1 coils, 3 holding registers. Every address must
        belong to a point that may be written; where the device takes whole values only, to whole points.
        """
        points = self._tables.get(function_code)
        if points is None or function_code not in (1, 3):
            return ILLEGAL_FUNCTION
        end = address + len(words)
        hit = [point for point in points if point.address < end and point.end > address]
        writable = {at for point in hit if point.can_be_written for at in range(point.address, point.end)}
        if not writable.issuperset(range(address, end)):
            return ILLEGAL_ADDRESS
        whole = [point for point in hit if address <= point.address and point.end <= end]
        if self.connector.whole_values and len(whole) < len(hit):
            return ILLEGAL_ADDRESS
        for offset, word in enumerate(words):
            self.written[function_code, address + offset] = word
        if self.on_write is not None:
            for point in whole:
                if point.can_be_written:
                    first = point.address - address
                    self.on_write(point, decode(point, words[first : first + point.registers]).value)
        return None

    def registers(self, point: DevicePoint) -> list[int]:
        """The registers of one point with its value of this moment."""
        if point.name in self._scaled_by:
            return nearest(point, self._exponent(point))
        value = self.source(point.name)
        if value is None:
            value = self._own.get(point.name)
        if value is None and point.name in self._added:
            value = self._part(point)
        if point.has_ratio and isinstance(value, int | float):
            ratio = ratio_of(*(map(self._ratio, names) for names in (point.times, point.over)))
            rest = value - sum(self._part(self.connector.points[name]) for name in point.plus)
            value = None if ratio is None else rest / float(ratio)
        exponent = None
        if point.scale_factor is not None:
            holder = self.connector.exponent_of(point)
            exponent = self._exponent(holder) if holder is not None else 0
        try:
            return nearest(point, value, exponent=exponent)
        except Unrepresentable:
            return self._nearest(point, value, exponent)

    def _part(self, point: DevicePoint) -> float:
        """What is added to another point: the source's, or all of that one's value that its own steps hold."""
        given, whole = self.source(point.name), self.source(self._added[point.name].name)
        if isinstance(given, int | float) or not isinstance(whole, int | float):
            return float(given) if isinstance(given, int | float) else 0.0
        return whole // point.scale * point.scale

    def _ratio(self, name: str) -> Live:
        value = self.source(name)
        return self._own.get(name) if value is None else value

    def _exponent(self, holder: DevicePoint) -> int:
        """A scale factor: the source's, or the finest with which all its points fit."""
        given = self.source(holder.name)
        if isinstance(given, int | float):
            return int(given)
        layout = holder.layout
        codes = {each: (each - holder.offset) * holder.scale for each in range(_FINEST, _COARSEST + 1)}
        told = [each for each, code in codes.items() if layout.low <= code <= layout.high]
        for exponent in told:
            if all(self._fits(point, exponent) for point in self._scaled_by[holder.name]):
                return exponent
        return told[-1]

    def _fits(self, point: DevicePoint, exponent: int) -> bool:
        value = self.source(point.name)
        if value is None or isinstance(value, str):
            return True
        layout = TYPES[point.type]
        return layout.low < (value - point.offset) / point.scale / 10.0**exponent < layout.high

    def _nearest(self, point: DevicePoint, value: Live, exponent: int | None) -> list[int]:
        """What a device shows for a value that its registers cannot hold: counters roll over, gauges stop."""
        layout = point.layout
        if value is None or isinstance(value, str):
            return raw_registers(point, 0)
        if layout.family not in ("unsigned", "signed"):
            return raw_registers(point, math.copysign(math.inf, value))
        if point.bit is not None:
            return nearest(point, min(max(round(value), 0), (1 << point.bit[1]) - 1))
        raw = (
            round((value - point.offset) / point.scale / 10.0 ** (exponent or 0)) if abs(value) < 1e300 else 0
        )
        if point.kind == "counter":
            raw %= layout.high + 1
        return raw_registers(point, min(max(raw, layout.low), layout.high))
