"""A device model as the room works with it: its points with every default filled in.

Addresses are those of the protocol (0-based) here, whatever the file counts from. Knows files, no network.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cityctl.errors import ConfigInvalid, UsageProblem, near
from cityctl.modbus.maps.built import built_point
from cityctl.modbus.maps.point import UNCONFIRMED, DevicePoint, Group
from cityctl.modbus.maps.types import WordOrder

if TYPE_CHECKING:
    from cityctl.modbus.maps.language import ConnectorFile
    from cityctl.modbus.maps.places import Place


@dataclass(frozen=True)
class DeviceId:
    """What a device says of itself: patterns with * and ?, None where nothing is known; `points` by their name."""

    vendor: str | None = None
    product: str | None = None
    server_id: str | None = None
    points: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class DeviceConnector:
    """How a device model is asked, and its points by name.

    `connections`: how many it allows at once, None where no limit is known. `base` is what was added to
    every address; for a SunSpec model (`sunspec` is its id) `placed_at` gives the one of another device.
    """

    connector: str
    vendor: str
    model: str
    device_class: str
    points: Mapping[str, DevicePoint]
    word_order: WordOrder = "ABCD"
    function_code: int = 3
    max_registers: int = 125
    max_bits: int = 2000
    gap: int = 0
    whole_values: bool = False
    connections: int | None = None
    pause: float = 0.0
    after_connect: float = 0.0
    timeout: float | None = None
    answer_time: float | None = None
    wake: int = 0
    identify: tuple[str, int | str, bool] | None = None
    device_id: DeviceId = DeviceId()
    sunspec: int | None = None
    base: int = 0
    confidence: int = 1
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    path: Path | None = None

    def point(self, name: str) -> DevicePoint:
        """The point of that name. Raises UsageProblem with the near match."""
        if name in self.points:
            return self.points[name]
        match = near(name, self.points)
        shown = f"`cityctl connectors show {self.connector}` lists them"
        raise UsageProblem(
            f"{self.connector} has no point named `{name}`",
            hint=f"did you mean `{match}`? {shown}" if match else shown,
        )

    @cached_property
    def _factors(self) -> dict[str, DevicePoint]:
        """The scale factor of each point that has one."""
        at: dict[tuple[int, int], DevicePoint] = {}
        for p in self.points.values():
            at.setdefault((p.function_code, p.address), p)
        found = {}
        for name, p in self.points.items():
            if p.scale_factor is not None:
                here = at.get((p.function_code, p.scale_factor))
                holder = here if p.factor is None else self.points.get(p.factor)
                if holder is not None:
                    found[name] = holder
        return found

    @cached_property
    def _holders(self) -> frozenset[str]:
        return frozenset(holder.name for holder in self._factors.values())

    @cached_property
    def ratios(self) -> dict[str, DevicePoint]:
        """The points that values of other points multiply or divide, or are added to."""
        return {name: p for name, p in self.points.items() if p.has_ratio}

    def is_factor(self, point: DevicePoint) -> bool:
        """Whether the point is a scale factor (SunSpec and others), which is part of other points' values."""
        return point.name in self._holders

    def readable(self) -> list[str]:
        """Every point that can be read, but the SunSpec scale factors."""
        return [name for name, p in self.points.items() if p.can_be_read and not self.is_factor(p)]

    def polled(self, group: Group | None = None) -> list[str]:
        """The points that a poll asks for where the city names none: no settings, no texts, no guesses.

        `group` "fast" or "slow" gives only the points of that group.
        """
        return [
            name
            for name in self.readable()
            if self.points[name].polled and group in (None, self.points[name].group)
        ]

    def writable(self) -> list[str]:
        """Every point that the device lets be written."""
        return [name for name, p in self.points.items() if p.can_be_written]

    def unconfirmed(self, names: Container[str] | None = None) -> list[str]:
        """The points (of those named) that no source states in full."""
        wanted = self.points if names is None else names
        return [n for n, p in self.points.items() if p.confidence == UNCONFIRMED and n in wanted]

    def stranger(self, found: float | str | None) -> str | None:
        """Why it is another device that says this at the point which tells this model apart; None where it is not.

        `found` None: it has no such point, which speaks against it only where the connector requires it.
        """
        if self.identify is None:
            return None
        name, expected, required = self.identify
        if isinstance(found, str) and isinstance(expected, str) and not required:
            found = found[: len(expected)]  # some write more behind it
        if found == expected or (found is None and not required):
            return None
        said = f"{found:g}" if isinstance(found, float) else "not readable" if found is None else found
        return f"{name} is {said}, not {expected}: this is no {self.connector}"

    def added_to(self, point: DevicePoint) -> tuple[DevicePoint, ...]:
        """The points that are added to one: parts of one number, which must come in one answer."""
        return tuple(self.points[name] for name in point.plus if name in self.points)

    def exponent_of(self, point: DevicePoint) -> DevicePoint | None:
        """The point that holds another point's scale factor."""
        return self._factors.get(point.name)

    def placed_at(self, base: int, length: int | None = None) -> DeviceConnector:
        """The same model block where another device has it: found by `sunspec.chain`.

        `length` is the registers of the block without its header of two: points behind its end are left
        out, as an older or smaller device does not have them.
        """
        shift = base - self.base
        points = {
            name: replace(
                p,
                address=p.address + shift,
                scale_factor=None if p.scale_factor is None else p.scale_factor + shift,
            )
            for name, p in self.points.items()
            if length is None or p.end + shift <= base + 2 + length
        }
        return replace(self, points=points, base=base)


def load_connector(path: Path) -> DeviceConnector:
    """Read a connector file. Raises ConfigInvalid with file:line:column and the near match."""
    from cityctl.checked import validate
    from cityctl.document import read
    from cityctl.modbus.maps.language import ConnectorFile
    from cityctl.modbus.maps.lint import contradictions
    from cityctl.modbus.maps.places import places

    document = read(Path(path))
    written = validate(ConnectorFile, document)
    placed = list(places(written))
    problems = list(contradictions(written, placed, document))
    if problems:
        raise ConfigInvalid(
            problems[0],
            tried=problems[1:6],
            hint=f"`cityctl connectors lint {document.path}` checks it again",
        )
    return _built(written, placed, document.path)


def _built(written: ConnectorFile, placed: list[Place], path: Path) -> DeviceConnector:
    identify, said = written.identify, written.device_id
    return DeviceConnector(
        connector=written.connector,
        vendor=written.vendor,
        model=written.model,
        device_class=written.device_class,
        points={place.name: built_point(place, written) for place in placed},
        word_order=written.word_order,
        function_code=written.function_code,
        max_registers=written.max_registers,
        max_bits=written.max_bits,
        gap=written.gap,
        whole_values=written.whole_values,
        connections=written.connections,
        pause=written.pause,
        after_connect=written.after_connect,
        timeout=written.timeout,
        answer_time=written.answer_time,
        wake=written.wake,
        identify=(identify.point, identify.equals, identify.required) if identify else None,
        device_id=DeviceId(said.vendor, said.product, said.server_id, said.points) if said else DeviceId(),
        sunspec=written.sunspec,
        base=written.base,
        confidence=written.confidence,
        sources=tuple(written.sources),
        notes=tuple(written.notes),
        path=path,
    )
