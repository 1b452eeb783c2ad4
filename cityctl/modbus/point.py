"""One quantity of a device: where it stands, how it is coded, what it means. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cityctl.modbus.types import TYPES, WordOrder


@dataclass(frozen=True)
class DevicePoint:
    """One quantity of a device. `scale_factor` is the address of its power of ten."""

    name: str
    address: int
    type: str
    registers: int
    function_code: int
    word_order: WordOrder = "ABCD"
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    scale_factor: int | None = None
    enum: Mapping[int, str] = field(default_factory=dict)
    bits: Mapping[int, str] = field(default_factory=dict)
    invalid: frozenset[int] = frozenset()
    kind: Literal["gauge", "counter", "state"] = "gauge"
    access: Literal["r", "rw"] = "r"
    polled: bool = True
    minimum: float | None = None
    maximum: float | None = None
    confidence: int = 1
    source: str | None = None
    note: str | None = None

    @property
    def plain(self) -> bool:
        """Whether the registers hold the value itself."""
        return self.scale == 1.0 and self.offset == 0.0

    @property
    def is_text(self) -> bool:
        """Whether its value is text, which is shown but never stored."""
        return TYPES[self.type].family == "text"

    @property
    def end(self) -> int:
        """The address after its last register."""
        return self.address + self.registers

    def state_name(self, value: float | str | None) -> str | None:
        """The name of a state's code, or of the bits that are set; None where the connector names none."""
        if value is None or isinstance(value, str):
            return value
        code = int(value)
        if self.enum:
            return self.enum.get(code)
        if self.bits:
            return ", ".join(name for bit, name in sorted(self.bits.items()) if code >> bit & 1) or "none"
        return None
