"""The language of a device connector's YAML file, as pydantic models.

Says what may be written; `connector` turns it into what the rest of the room works with. Editors get the
same rules from connectors/device.schema.json.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from cityctl.errors import UsageProblem, near
from cityctl.modbus.types import TYPES, WordOrder

DeviceClass = Literal[
    "water_meter",
    "heat_meter",
    "energy_meter",
    "power_analyser",
    "pump",
    "drive",
    "pressure_level",
    "water_quality",
    "inverter",
    "controller",
]
FunctionCode = Literal[1, 2, 3, 4]
InvalidName = Literal["all_ones", "max_positive", "min", "zero", "none"]
Confidence = Literal[1, 2]


def _known_type(text: object) -> object:
    if isinstance(text, str) and text not in TYPES:
        match = near(text, TYPES)
        hint = f"did you mean `{match}`?" if match else "known: " + ", ".join(TYPES)
        raise ValueError(f"no type is named `{text}` hint: {hint}")
    return text


def _code(key: object) -> object:
    if isinstance(key, str):
        try:
            return int(key, 0)
        except ValueError:
            raise ValueError(f"`{key}` is no number; a state is written `code: name`") from None
    return key


TypeName = Annotated[str, BeforeValidator(_known_type), Field(json_schema_extra={"enum": list(TYPES)})]
Code = Annotated[int, BeforeValidator(_code)]
# YAML reads a bare on, off or number as something else than text; a state's name is always text.
StateName = Annotated[
    str,
    BeforeValidator(lambda name: {True: "on", False: "off"}[name] if isinstance(name, bool) else str(name)),
]


class Entry(BaseModel):
    """One point: where it stands, how it is coded, what it means."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[int, Field(ge=0, le=65536, description="counted from address_base")]
    type: TypeName
    length: Annotated[int | None, Field(ge=1, le=250, description="characters of a string")] = None
    unit: Annotated[str | None, Field(description="unit of the value after scale and offset")] = None
    scale: Annotated[float, Field(description="value = raw * scale + offset")] = 1.0
    offset: float = 0.0
    scale_factor: Annotated[
        int | None, Field(ge=0, description="address of the register with the power of ten (SunSpec)")
    ] = None
    function_code: FunctionCode | None = None
    word_order: WordOrder | None = None
    enum: Annotated[dict[Code, StateName], Field(description="code: name of each state")] = {}
    bits: Annotated[dict[Code, StateName], Field(description="bit number (0 is the lowest): name")] = {}
    invalid: Annotated[
        InvalidName | list[int] | None, Field(description="codes by which the device says: no value")
    ] = None
    kind: Literal["gauge", "counter", "state"] | None = None
    access: Literal["r", "rw"] = "r"
    polled: Annotated[
        bool, Field(description="false: a setting or a name, read only when somebody asks for it")
    ] = True
    min: Annotated[float | None, Field(description="plausible limit, in the unit")] = None
    max: Annotated[float | None, Field(description="plausible limit, in the unit")] = None
    confidence: Annotated[
        Confidence | None, Field(description="2: two independent sources agree; 1: one source")
    ] = None
    source: Annotated[str | None, Field(description="where this point is from, if not from all sources")] = (
        None
    )
    note: str | None = None

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, text: str | None) -> str | None:
        from cityctl.units import unit

        if text is None:
            return None
        try:
            return unit(text).symbol
        except UsageProblem as problem:
            raise ValueError(f"{problem.message} hint: {problem.hint or 'leave it out'}") from None

    @field_validator("scale")
    @classmethod
    def _not_zero(cls, scale: float) -> float:
        if scale == 0:
            raise ValueError("a scale of 0 makes every value 0")
        return scale


class Invalid(BaseModel):
    """How the device says `no value`, by family of types; a float that is no number is always none."""

    model_config = ConfigDict(extra="forbid")

    unsigned: InvalidName = "none"
    signed: InvalidName = "none"


class Identify(BaseModel):
    """A point whose value tells that the device is what the connector takes it for."""

    model_config = ConfigDict(extra="forbid")

    point: str
    equals: int | str
    required: Annotated[
        bool, Field(description="read it with every poll and refuse the readings where it differs")
    ] = False


class ConnectorFile(BaseModel):
    """A device model: how it is asked, and its points."""

    model_config = ConfigDict(extra="forbid", title="cityctl device connector")

    connector: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="the file's name")]
    vendor: str
    model: str
    device_class: Annotated[DeviceClass, Field(alias="class")]
    function_code: FunctionCode = 3
    word_order: WordOrder = "ABCD"
    address_base: Annotated[
        Literal[0, 1], Field(description="the number that the map gives to the first register")
    ] = 0
    base: Annotated[
        int, Field(ge=0, le=65535, description="added to every address: where a model block begins")
    ] = 0
    max_registers: Annotated[
        int, Field(ge=1, le=125, description="most registers that one request may ask for")
    ] = 125
    gap: Annotated[int, Field(ge=0, le=100, description="unused registers that one request may bridge")] = 0
    whole_values: Annotated[
        bool, Field(description="the device refuses a request that begins or ends inside a value")
    ] = False
    pause: Annotated[
        float, Field(ge=0, le=60, description="seconds between an answer and the next request")
    ] = 0.0
    timeout: Annotated[
        float | None, Field(gt=0, le=120, description="seconds; the city's own setting goes first")
    ] = None
    wake: Annotated[int, Field(ge=0, le=5, description="requests that a sleeping device may lose")] = 0
    invalid: Invalid = Invalid()
    confidence: Confidence = 1
    identify: Identify | None = None
    points: Annotated[dict[str, Entry], Field(min_length=1)]
    sources: Annotated[list[str], Field(min_length=1)]
    notes: list[str] = []

    @field_validator("points")
    @classmethod
    def _named(cls, points: dict[str, Entry]) -> dict[str, Entry]:
        for name in points:
            if not name.replace("_", "").isalnum() or not name[0].isalpha() or name != name.lower():
                raise ValueError(f"a point is named in small letters, digits and _ (found `{name}`)")
        return points


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a connector file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ConnectorFile.model_json_schema(by_alias=True),
    }
