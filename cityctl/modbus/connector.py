"""A device model as the room works with it: its points with every default filled in.

Addresses are those of the protocol (0-based) here, whatever the file counts from. Knows files, no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from cityctl.errors import ConfigInvalid, UsageProblem, near
from cityctl.modbus.point import DevicePoint
from cityctl.modbus.types import TYPES, WordOrder, invalid_codes

if TYPE_CHECKING:
    from cityctl.document import Document
    from cityctl.modbus.language import ConnectorFile, Entry


@dataclass(frozen=True)
class DeviceConnector:
    """How a device model is asked, and its points by name."""

    connector: str
    vendor: str
    model: str
    device_class: str
    points: Mapping[str, DevicePoint]
    word_order: WordOrder = "ABCD"
    function_code: int = 3
    max_registers: int = 125
    gap: int = 0
    whole_values: bool = False
    pause: float = 0.0
    timeout: float | None = None
    wake: int = 0
    identify: tuple[str, int | str, bool] | None = None
    confidence: int = 1
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    path: Path | None = None

    def point(self, name: str) -> DevicePoint:
        """The point of that name. Raises UsageProblem with the near match."""
        if name in self.points:
            return self.points[name]
        match = near(name, self.points)
        raise UsageProblem(
            f"{self.connector} has no point named `{name}`",
            hint=f"did you mean `{match}`?"
            if match
            else f"`cityctl connectors show {self.connector}` lists them",
        )

    def readable(self) -> list[str]:
        """Every point but the SunSpec scale factors, which are part of other points' values."""
        factors = {
            (point.function_code, point.scale_factor)
            for point in self.points.values()
            if point.scale_factor is not None
        }
        return [name for name, p in self.points.items() if (p.function_code, p.address) not in factors]

    def polled(self) -> list[str]:
        """The points that a poll asks for where the city names none: no settings and no texts."""
        return [name for name in self.readable() if self.points[name].polled]

    def exponent_of(self, point: DevicePoint) -> DevicePoint | None:
        """The point that holds another point's SunSpec scale factor."""
        if point.scale_factor is None:
            return None
        for other in self.points.values():
            if other.address == point.scale_factor and other.function_code == point.function_code:
                return other
        return None


def load_connector(path: Path) -> DeviceConnector:
    """Read a connector file. Raises ConfigInvalid with file:line:column and the near match."""
    from cityctl.document import read, validate
    from cityctl.modbus.language import ConnectorFile

    document = read(Path(path))
    written = validate(ConnectorFile, document)
    problems = list(_contradictions(written, document))
    if problems:
        raise ConfigInvalid(
            problems[0], tried=problems[1:6], hint=f"`cityctl connectors show {written.connector}`"
        )
    return _built(written, document.path)


def _built(written: ConnectorFile, path: Path) -> DeviceConnector:
    shift = written.base - written.address_base
    points = {name: _point(name, entry, written, shift) for name, entry in written.points.items()}
    identify = written.identify
    return DeviceConnector(
        connector=written.connector,
        vendor=written.vendor,
        model=written.model,
        device_class=written.device_class,
        points=points,
        word_order=written.word_order,
        function_code=written.function_code,
        max_registers=written.max_registers,
        gap=written.gap,
        whole_values=written.whole_values,
        pause=written.pause,
        timeout=written.timeout,
        wake=written.wake,
        identify=(identify.point, identify.equals, identify.required) if identify else None,
        confidence=written.confidence,
        sources=tuple(written.sources),
        notes=tuple(written.notes),
        path=path,
    )


def _point(name: str, entry: Entry, written: ConnectorFile, shift: int) -> DevicePoint:
    layout = TYPES[entry.type]
    family = {"unsigned": written.invalid.unsigned, "signed": written.invalid.signed}.get(
        layout.family, "none"
    )
    if isinstance(entry.invalid, list):
        invalid = frozenset(entry.invalid)
    else:
        invalid = invalid_codes(entry.type, entry.invalid or family)
    return DevicePoint(
        name=name,
        address=entry.address + shift,
        type=entry.type,
        registers=layout.registers or ((entry.length or 2) + 1) // 2,
        function_code=entry.function_code or written.function_code,
        word_order=entry.word_order or written.word_order,
        unit=entry.unit,
        scale=entry.scale,
        offset=entry.offset,
        scale_factor=None if entry.scale_factor is None else entry.scale_factor + shift,
        enum=entry.enum,
        bits=entry.bits,
        invalid=invalid,
        kind=entry.kind
        or ("state" if entry.enum or entry.bits or layout.family in ("text", "bit") else "gauge"),
        access=entry.access,
        polled=entry.polled and layout.family != "text",
        minimum=entry.min,
        maximum=entry.max,
        confidence=entry.confidence or written.confidence,
        source=entry.source,
        note=entry.note,
    )


def _contradictions(written: ConnectorFile, document: Document) -> Iterable[str]:
    """What each entry allows on its own and the file as a whole does not, each with its place."""
    if written.connector != document.path.stem:
        place, name = document.place("connector"), document.path.name
        yield f"{place}: `{written.connector}` stands in a file named {name}"
    shift = written.base - written.address_base
    points = {name: _point(name, entry, written, shift) for name, entry in written.points.items()}
    by_place = sorted(points.values(), key=lambda p: (p.function_code, p.address, p.end))
    for name, entry in written.points.items():
        point, layout = points[name], TYPES[entry.type]
        if (layout.family == "text") != (entry.length is not None):
            word = "needs its `length` in characters" if layout.family == "text" else "has no `length`"
            yield f"{document.place('points', name, 'length')}: `{name}`: a {entry.type} {word}"
        if not 0 <= point.address <= point.end <= 65536:
            yield f"{document.place('points', name, 'address')}: `{name}` is outside the addresses 0 to 65535"
        if (layout.family == "bit") != (point.function_code in (1, 2)):
            yield (
                f"{document.place('points', name, 'type')}: `{name}`: function codes 1 and 2 read a bool, "
                "3 and 4 everything else"
            )
        if point.registers > written.max_registers:
            yield f"{document.place('points', name, 'type')}: `{name}` needs more than max_registers"
        if entry.min is not None and entry.max is not None and entry.min >= entry.max:
            yield f"{document.place('points', name, 'min')}: `{name}`: min is not below max"
        if point.scale_factor is not None:
            holders = [p for p in points.values() if p.address == point.scale_factor]
            if not holders or holders[0].type != "int16":
                yield (
                    f"{document.place('points', name, 'scale_factor')}: `{name}`: no int16 point stands at "
                    f"{entry.scale_factor}, where its scale factor should be"
                )
    for first, second in pairwise(by_place):
        if first.function_code == second.function_code and second.address < first.end:
            place = document.place("points", second.name, "address")
            yield f"{place}: `{second.name}` overlaps `{first.name}`"
    if written.identify and written.identify.point not in points:
        match = near(written.identify.point, points)
        said = f", did you mean `{match}`?" if match else ""
        yield f"{document.place('identify', 'point')}: no point is named `{written.identify.point}`{said}"
