"""One quantity of a device: where it stands, how it is coded, what it means, how it may be written.

Pure data; `codec` turns registers into values and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cityctl.modbus.maps.types import TYPES, Layout, WordOrder

Access = Literal["read", "write", "readwrite"]
WriteFunction = Literal[5, 6, 15, 16, 22]
Group = Literal["fast", "slow"]
UNCONFIRMED = 0
"""The confidence of a point that no source states in full: its readings carry a warning."""


@dataclass(frozen=True)
class Condition:
    """Another point of the same device that must be readable before a write, and what it must say.

    `equals` None: any good value will do. A number is compared with the value in the point's unit, a text
    with the name of its state.
    """

    point: str
    equals: float | str | None = None


@dataclass(frozen=True)
class WriteRule:
    """How a point may be written. Limits, step and tolerance are in the POINT's unit, seconds in s.

    For whoever writes: ask `violation` first, encode with `codec.encode` (exact or refused), send by
    `function`, wait `settle` seconds, read back, and hold what came against what was sent with `agrees`.
    `max_step` is the largest change from the present value in one write. `momentary`: the device clears it by itself,
    so that it is not there any more at the end of a run.
    """

    function: WriteFunction
    minimum: float | None = None
    maximum: float | None = None
    max_step: float | None = None
    settle: float = 0.0
    tolerance: float = 0.0
    momentary: bool = False
    depends_on: tuple[Condition, ...] = ()

    def violation(self, value: float, present: float | None = None, unit: str = "") -> str | None:
        """Why a value may not be written, in words; None where it may.

        `present` is the value read just before; without it a rule with `max_step` allows no write.
        """
        said = f" {unit}" if unit else ""
        if value != value:
            return "no number may be written"
        if self.minimum is not None and value < self.minimum:
            return f"{value:g}{said} is below the lowest that may be written, {self.minimum:g}{said}"
        if self.maximum is not None and value > self.maximum:
            return f"{value:g}{said} is above the highest that may be written, {self.maximum:g}{said}"
        if self.max_step is not None:
            if present is None or present != present:
                return "the present value is not known, and the step from it is limited"
            # Both came through float64: a step of exactly max_step must pass.
            slack = 1e-9 * max(abs(value), abs(present), self.max_step)
            if abs(value - present) > self.max_step + slack:
                step = f"{abs(value - present):g}{said} from {present:g}{said}"
                return f"a step of {step} to {value:g}{said} is larger than {self.max_step:g}{said}"
        return None

    def agrees(self, written: float, read_back: float | None) -> bool:
        """Whether a value read back is the one written, within the tolerance."""
        if read_back is None:
            return False
        slack = 1e-9 * max(abs(written), abs(read_back))
        return abs(written - read_back) <= self.tolerance + slack


@dataclass(frozen=True)
class DevicePoint:
    """One quantity of a device. `scale_factor` is the address of its power of ten, `factor` the point there, if named.

    `bit` is (lowest bit, how many) for a point that is only a field of its registers. `invalid` codes are
    those of the whole registers; `doubtful` is one that is hardly ever measured, and kept as suspect. `write` is
    None where the connector gives no rule for writing it. `times` and `over` name points that its value is multiplied
    by and divided by, `plus` those that are added then (see `ratios`).
    """

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
    factor: str | None = None
    times: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    bit: tuple[int, int] | None = None
    enum: Mapping[int, str] = field(default_factory=dict, hash=False)
    bits: Mapping[int, str] = field(default_factory=dict, hash=False)
    invalid: frozenset[int | float] = frozenset()
    doubtful: int | None = None
    kind: Literal["gauge", "counter", "state"] = "gauge"
    access: Access = "read"
    write: WriteRule | None = None
    polled: bool = True
    group: Group = "fast"
    minimum: float | None = None
    maximum: float | None = None
    confidence: int = 1
    source: str | None = None
    note: str | None = None

    @property
    def layout(self) -> Layout:
        """How its registers are coded; one bit of a register lies in a uint16."""
        return TYPES["uint16" if self.type == "bool" and self.bit is not None else self.type]

    @property
    def plain(self) -> bool:
        """Whether the registers hold the value itself."""
        return self.scale == 1.0 and self.offset == 0.0

    @property
    def has_ratio(self) -> bool:
        """Whether values of other points make its own out of what its registers hold."""
        return bool(self.times or self.over or self.plus)

    @property
    def of_others(self) -> tuple[str, ...]:
        """The points whose values its own is made with."""
        return (*self.times, *self.over, *self.plus)

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The plausible limits of what its registers hold: none where other points multiply it."""
        return (None, None) if self.has_ratio else (self.minimum, self.maximum)

    @property
    def is_text(self) -> bool:
        """Whether its value is text, which is shown but never stored."""
        return TYPES[self.type].family == "text"

    @property
    def is_part(self) -> bool:
        """Whether other bits of its registers belong to something else: one byte, or a field of bits."""
        return self.bit is not None or TYPES[self.type].mask is not None

    @property
    def can_be_read(self) -> bool:
        """Whether the device answers a request for it."""
        return self.access != "write"

    @property
    def can_be_written(self) -> bool:
        """Whether the device takes a write of it."""
        return self.access != "read"

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
