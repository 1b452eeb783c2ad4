"""The language of a device connector's YAML file, as pydantic models.

Says what may be written; `places` turns its ways to say an address into one, `lint` finds what contradicts
itself, `connector` makes of it what the rest of the room works with. Editors get the same rules from
connectors/device.schema.json.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from cityctl.errors import near
from cityctl.modbus.maps.entry import Confidence, Entry, FunctionCode, InvalidName, Order, named, seconds
from cityctl.modbus.maps.wordings import BASES, CLASSES, meant

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
    "generator",
    "ups",
    "charger",
    "heat_pump",
    "boiler",
    "chiller",
    "controller",
]
_DURATION = WithJsonSchema({"type": ["number", "string", "null"]})
Points = Annotated[dict[str, Entry], AfterValidator(named)]


class Invalid(BaseModel):
    """How the device says `no value`, by family of types; a float that is no number is always none."""

    model_config = ConfigDict(extra="forbid")

    unsigned: InvalidName = "none"
    signed: InvalidName = "none"


def _by_types(value: object) -> object:
    """A code of no value alone is refused: unsigned and signed numbers have others."""
    if value == "none":
        raise ValueError("expected codes by types (found `none`) hint: write {unsigned: none, signed: none}")
    if isinstance(value, str | int | list):
        given = "[..]" if isinstance(value, list) else value
        raise ValueError(
            f"expected codes by types (found `{value}`) hint: write `invalid: {{unsigned: all_ones, signed: min}}` "
            f"here, or `invalid: {given}` at each point that has it"
        )
    return value


class Identify(BaseModel):
    """A point whose value tells that the device is what the connector takes it for."""

    model_config = ConfigDict(extra="forbid")

    point: str
    equals: int | str
    required: Annotated[
        bool, Field(description="read it with every poll and refuse the readings where it differs")
    ] = False


class DeviceId(BaseModel):
    """What the device says of itself when it is asked: patterns with * and ?, small and large alike."""

    model_config = ConfigDict(extra="forbid")

    vendor: Annotated[str | None, Field(description="function 43, object 0: vendor name")] = None
    product: Annotated[str | None, Field(description="function 43, objects 1, 4 and 5: product")] = None
    server_id: Annotated[str | None, Field(description="function 17: report server id")] = None
    points: Annotated[
        dict[str, str],
        Field(
            description="a point and what it says: a text, the name of a state, or a number; no poll asks it"
        ),
    ] = {}


class Linear(BaseModel):
    """address = group x parameter group + index x parameter index + plus, counted from 0."""

    model_config = ConfigDict(extra="forbid")

    group: Annotated[int, Field(ge=0, le=10_000)]
    index: Annotated[int, Field(ge=0, le=10_000)]
    plus: Annotated[int, Field(ge=-65_536, le=65_536)] = 0
    wide: Annotated[Linear | None, Field(description="another rule for values of more than one register")] = (
        None
    )


RULES: dict[str, Linear] = {
    # Danfoss VLT design guides: register = parameter number x 10, counted from 1 (16-13 is 16129)
    "danfoss": Linear(group=1000, index=10, plus=-1),
    # ABB drives, embedded fieldbus: 400000 + 100 x group + index; 32 bit: 420000 + 200 x group + 2 x index
    "abb": Linear(group=100, index=1, plus=-1, wide=Linear(group=200, index=2, plus=20_000 - 1)),
}


def _rule(value: object) -> object:
    if isinstance(value, str):
        if value not in RULES:
            match = near(value, RULES)
            hint = (
                f"did you mean `{match}`?"
                if match
                else f"known: {', '.join(RULES)}, or {{group, index, plus}}"
            )
            raise ValueError(f"no address rule is named `{value}` hint: {hint}")
        return RULES[value]
    return value


class Repeat(BaseModel):
    """The same points again and again: `ai{n}` with `value` gives ai1_value, ai2_value, ..

    Addresses are those of the first and move on by `stride`; a `scale_factor`, and what `times` and `over` name, stands
    once for all of them, but where it is one of these points itself.
    """

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1, le=200, description="how often")]
    stride: Annotated[int, Field(ge=1, le=1000, description="registers from one to the next")]
    first: Annotated[int, Field(ge=0, le=1, description="the number of the first")] = 1
    points: Annotated[Points, Field(min_length=1, description="addresses are those of the first")]


def _numbered(repeats: dict[str, Repeat]) -> dict[str, Repeat]:
    for name in repeats:
        named({name.replace("{n}", "1"): None})
        if name.count("{n}") != 1:
            raise ValueError(
                f"a repeat's name says where its number stands, such as ai{{n}} (found `{name}`)"
            )
    return repeats


class ConnectorFile(BaseModel):
    """A device model: how it is asked, and its points."""

    model_config = ConfigDict(extra="forbid", title="cityctl device connector")

    connector: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="the file's name")]
    vendor: str
    model: str
    device_class: Annotated[
        DeviceClass,
        BeforeValidator(meant(CLASSES, "a class of devices", get_args(DeviceClass))),
        Field(alias="class"),
    ]
    function_code: FunctionCode = 3
    word_order: Order = "ABCD"
    address_base: Annotated[
        Literal[0, 1, "4xxxx"],
        BeforeValidator(meant(BASES, "0, 1 or '4xxxx'", (0, 1, "4xxxx"))),
        Field(
            description="the number that the map gives to the first register; 4xxxx: references such as "
            "40001 or 400001, whose first digit says the function code"
        ),
    ] = 0
    base: Annotated[
        int, Field(ge=0, le=65535, description="added to every address: where a model block begins")
    ] = 0
    parameters: Annotated[
        Linear | None,
        BeforeValidator(_rule),
        WithJsonSchema(
            {"anyOf": [{"enum": list(RULES)}, {"type": "object", "required": ["group", "index"]}]}
        ),
        Field(description="how a point's `parameter` gives its address: danfoss, abb, or a rule"),
    ] = None
    sunspec: Annotated[
        int | None,
        Field(ge=1, le=65534, description="SunSpec model whose block this is; addresses are offsets in it"),
    ] = None
    max_registers: Annotated[
        int, Field(ge=1, le=125, description="most registers that one request may ask for")
    ] = 125
    max_bits: Annotated[
        int, Field(ge=1, le=2000, description="most coils or inputs that one request may ask for")
    ] = 2000
    gap: Annotated[int, Field(ge=0, le=100, description="unused registers that one request may bridge")] = 0
    whole_values: Annotated[
        bool, Field(description="the device refuses a request that begins or ends inside a value")
    ] = False
    connections: Annotated[
        int | None, Field(ge=1, le=64, description="connections that the device allows at the same time")
    ] = None
    pause: Annotated[
        float,
        BeforeValidator(seconds),
        _DURATION,
        Field(ge=0, le=60, description="seconds between an answer and the next request"),
    ] = 0.0
    after_connect: Annotated[
        float,
        BeforeValidator(seconds),
        _DURATION,
        Field(ge=0, le=60, description="seconds between connecting and the first request"),
    ] = 0.0
    timeout: Annotated[
        float | None,
        BeforeValidator(seconds),
        _DURATION,
        Field(gt=0, le=120, description="seconds; the city's own setting goes first"),
    ] = None
    answer_time: Annotated[
        float | None,
        BeforeValidator(seconds),
        _DURATION,
        Field(
            gt=0,
            le=60,
            description="seconds that an answer may take: for predictions, and before asking again",
        ),
    ] = None
    wake: Annotated[int, Field(ge=0, le=5, description="requests that a sleeping device may lose")] = 0
    invalid: Annotated[Invalid, BeforeValidator(_by_types)] = Invalid()
    confidence: Confidence = 1
    identify: Identify | None = None
    device_id: DeviceId | None = None
    points: Points = {}
    repeats: Annotated[dict[str, Repeat], AfterValidator(_numbered)] = {}
    sources: Annotated[list[str], Field(min_length=1)]
    notes: list[str] = []


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a connector file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ConnectorFile.model_json_schema(by_alias=True),
    }
