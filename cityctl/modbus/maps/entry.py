"""The language of one point in a device connector's YAML file, as pydantic models.

Part of `language`, which has the file as a whole; `lint` holds the parts against each other.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from cityctl.errors import UsageProblem, near
from cityctl.modbus.maps.types import TYPES, WORD_ORDERS, WordOrder
from cityctl.modbus.maps.wordings import (
    KINDS,
    MAKERS_ACCESS,
    MAKERS_TYPES,
    ORDERS,
    TABLES,
    hexadecimal,
    meant,
    number,
    plainly,
)

FunctionCode = Annotated[
    Literal[1, 2, 3, 4],
    BeforeValidator(meant(TABLES, "the function code that reads it: 1, 2, 3 or 4", (1, 2, 3, 4))),
]
Order = Annotated[WordOrder, BeforeValidator(meant(ORDERS, "'ABCD', 'CDAB', 'BADC' or 'DCBA'", WORD_ORDERS))]
InvalidName = Literal["all_ones", "max_positive", "min", "zero", "none"]
Confidence = Annotated[
    Literal[0, 1, 2],
    Field(
        description="2: two independent sources agree; 1: one source; "
        "0: unconfirmed, never polled unless city.yaml names the point, and warned of at every use"
    ),
]


def _known_type(text: object) -> object:
    if isinstance(text, str) and text not in TYPES:
        match = MAKERS_TYPES.get(plainly(text)) or near(text, TYPES)
        hint = f"did you mean `{match}`?" if match else "known: " + ", ".join(TYPES)
        raise ValueError(f"no type is named `{text}` hint: {hint}")
    return text


def _code(key: object) -> object:
    if isinstance(key, bool):
        said = "on" if key else "off"
        raise ValueError(
            f"`{said}` is no number; a state is written `code: name`, such as `{int(key)}: {said}`"
        )
    if isinstance(key, str):
        try:
            return int(key, 0)
        except ValueError:
            raise ValueError(f"`{key}` is no number; a state is written `code: name`") from None
    return key


def known_unit(text: str | None) -> str | None:
    """A unit's own symbol. Raises ValueError with the near match."""
    from cityctl.units import unit

    if text is None:
        return None
    try:
        return unit(text).symbol
    except UsageProblem as problem:
        raise ValueError(f"{problem.message} hint: {problem.hint or 'leave it out'}") from None


def seconds(value: object) -> object:
    """A number, or a duration such as 50ms, as seconds. Raises ValueError."""
    from cityctl import clock

    if isinstance(value, str):
        try:
            return clock.duration(value).total_seconds()
        except UsageProblem as problem:
            raise ValueError(f"{problem.message} hint: {problem.hint}") from None
    return value


_FIELD = re.compile(r"(\d+)(?:\s*(?:-|\.\.)\s*(\d+))?")


def _bit_field(value: object) -> object:
    """`3`, `4-7` or `4..7` as (lowest bit, how many)."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("expected one bit such as 3, or a field of bits such as 4-7")
    found = _FIELD.fullmatch(str(value).strip())
    if not found:
        raise ValueError("expected one bit such as 3, or a field of bits such as 4-7")
    low = int(found[1])
    high = int(found[2]) if found[2] else low
    if high < low:
        raise ValueError(f"write the lower bit first hint: did you mean `{high}-{low}`?")
    return low, high - low + 1


def _parameter(value: object) -> object:
    """`16-13` as (16, 13). 16.10 would be 16.1 to YAML, so a number is refused."""
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d{1,3})[-./](\d{1,3})\s*", value)
        if found:
            return int(found[1]), int(found[2])
    raise ValueError("expected group-index such as 16-13 (YAML would read 16.10 as 16.1)")


TypeName = Annotated[str, BeforeValidator(_known_type), Field(json_schema_extra={"enum": list(TYPES)})]
Code = Annotated[int, BeforeValidator(_code)]
Seconds = Annotated[
    float,
    BeforeValidator(seconds),
    Field(ge=0, le=3600, allow_inf_nan=False),
    WithJsonSchema({"type": ["number", "string"], "description": "seconds, or a duration such as 2s"}),
]
BitField = Annotated[
    tuple[int, int],
    BeforeValidator(_bit_field),
    WithJsonSchema({"type": ["integer", "string"], "pattern": _FIELD.pattern}),
]
Parameter = Annotated[
    tuple[int, int], BeforeValidator(_parameter), WithJsonSchema({"type": "string", "pattern": r"\d+-\d+"})
]
# YAML reads a bare on, off or number as something else than text; a state's name is always text.
StateName = Annotated[
    str,
    BeforeValidator(lambda name: {True: "on", False: "off"}[name] if isinstance(name, bool) else str(name)),
]
Number = Annotated[float, BeforeValidator(number), Field(allow_inf_nan=False)]
Unit = Annotated[
    str | None, BeforeValidator(lambda text: known_unit(text) if isinstance(text, str) else text)
]


def _factor(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, int) and value < 0):
        raise ValueError("expected the name of the point with the power of ten, or its address")
    return value


Factor = Annotated[
    int | str, BeforeValidator(_factor), WithJsonSchema({"type": ["integer", "string"], "minimum": 0})
]


Names = Annotated[
    list[str],
    BeforeValidator(lambda names: [names] if isinstance(names, str) else names),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
]


def _state(value: object) -> object:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


class Depends(BaseModel):
    """What must hold before a write: another point of the device is readable, and says this."""

    model_config = ConfigDict(extra="forbid")

    point: str
    equals: Annotated[float | str | None, BeforeValidator(_state)] = None


class Write(BaseModel):
    """How the point may be written: by whoever writes, to any device of this model."""

    model_config = ConfigDict(extra="forbid")

    function: Annotated[
        Literal[5, 6, 15, 16, 22] | None,
        Field(description="5, 15 coils; 6, 16 registers; 22 single bits; by the point's type if left out"),
    ] = None
    min: Annotated[Number | None, Field(description="lowest value that may be written")] = None
    max: Annotated[Number | None, Field(description="highest value that may be written")] = None
    max_step: Annotated[Number | None, Field(gt=0, description="largest change in one write")] = None
    unit: Annotated[
        Unit, Field(description="unit of min, max, max_step, tolerance; the point's if left out")
    ] = None
    settle: Annotated[Seconds, Field(description="wait so long before reading back")] = 0.0
    tolerance: Annotated[Number, Field(ge=0, description="how far the value read back may be off")] = 0.0
    momentary: Annotated[
        bool,
        Field(description="a command that the device clears by itself: not looked for at the end of a run"),
    ] = False
    depends_on: Annotated[
        list[str | Depends], Field(description="points that must be readable before, and what they must say")
    ] = []


class Entry(BaseModel):
    """One point: where it stands, how it is coded, what it means."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[
        int | None,
        BeforeValidator(hexadecimal),
        Field(ge=0, le=465536, description="in the notation of address_base"),
    ] = None
    parameter: Annotated[
        Parameter | None, Field(description="group-index instead of an address, by the device's `parameters`")
    ] = None
    type: TypeName
    length: Annotated[int | None, Field(ge=1, le=250, description="characters of a string")] = None
    bit: Annotated[
        BitField | None, Field(description="only this bit, or these bits (4-7); 0 is the lowest")
    ] = None
    unit: Annotated[Unit, Field(description="unit of the value after scale and offset")] = None
    scale: Annotated[Number, Field(description="value = raw * scale + offset")] = 1.0
    offset: Number = 0.0
    scale_factor: Annotated[
        Factor | None, Field(description="the point, or the address of the register, with the power of ten")
    ] = None
    times: Annotated[
        Names, Field(description="points that it is multiplied by, such as ratios of transformers")
    ] = []
    over: Annotated[Names, Field(description="points that it is divided by, such as a secondary rating")] = []
    plus: Annotated[
        Names,
        Field(description="points that are added, such as the high register of a total that lies apart"),
    ] = []
    function_code: FunctionCode | None = None
    word_order: Order | None = None
    enum: Annotated[dict[Code, StateName], Field(description="code: name of each state")] = {}
    bits: Annotated[dict[Code, StateName], Field(description="bit number (0 is the lowest): name")] = {}
    invalid: Annotated[
        InvalidName | list[int | float] | None, Field(description="codes by which the device says: no value")
    ] = None
    kind: Annotated[
        Literal["gauge", "counter", "state"] | None,
        BeforeValidator(meant(KINDS, "'gauge', 'counter' or 'state'", ("gauge", "counter", "state"))),
    ] = None
    access: Annotated[
        Literal["read", "write", "readwrite"],
        BeforeValidator(
            meant(MAKERS_ACCESS, "'read', 'write' or 'readwrite'", ("read", "write", "readwrite"))
        ),
    ] = "read"
    write: Annotated[Write | None, Field(description="how it may be written")] = None
    polled: Annotated[
        bool, Field(description="false: a setting or a name, read only when somebody asks for it")
    ] = True
    group: Annotated[
        Literal["fast", "slow"], Field(description="slow: it changes rarely, and a slow poll asks for it")
    ] = "fast"
    min: Annotated[Number | None, Field(description="plausible limit, in the unit")] = None
    max: Annotated[Number | None, Field(description="plausible limit, in the unit")] = None
    confidence: Confidence | None = None
    source: Annotated[str | None, Field(description="where this point is from, if not from all sources")] = (
        None
    )
    note: str | None = None

    @field_validator("scale")
    @classmethod
    def _not_zero(cls, scale: float) -> float:
        if scale == 0:
            raise ValueError("a scale of 0 makes every value 0")
        return scale


def named(points: dict[str, Any]) -> dict[str, Any]:
    """Points by names that commands and SQL can hold. Raises ValueError."""
    for name in points:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ValueError(f"a point is named in small letters, digits and _ (found `{name}`)")
    return points
