"""The language of a runbook's YAML file, as pydantic models: what may be written. `lint` says what makes sense."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from cityctl.city.fields import Duration, UnitText, said_as_value_error
from cityctl.runbook.grammar import Expression, parse

WORD = r"^[a-z][a-z0-9_]*$"


def _expression(text: object) -> object:
    if isinstance(text, Expression):
        return text
    if isinstance(text, bool):  # YAML reads a bare on or off so
        text = "on" if text else "off"
    if isinstance(text, int | float):
        text = str(text)
    if not isinstance(text, str) or not text.strip():
        raise ValueError("expected a condition such as `level > 2.0 m and not pump_2.fault`")
    return parse(text)


def _condition(text: object) -> object:
    """As `_expression`; a time alone is what `pause` takes."""
    if isinstance(text, str) and re.fullmatch(r"\s*\d+(\.\d+)?\s*(s|m|min|h|d)\s*", text):
        raise ValueError(f"`{text.strip()}` is no condition hint: `pause: {text.strip()}` waits so long")
    return _expression(text)


def _to_undo(value: object) -> object:
    """As `_expression`; steps are no value to write back."""
    if isinstance(value, dict | list):
        raise ValueError(
            "expected the value that is written to undo the step, or `none` hint: leave it out, and what was there "
            "before is written back; steps that are done in any case stand in `always:`"
        )
    return _expression(value)


def _listed(given: object) -> object:
    return given if isinstance(given, list) else [given]


Says = Annotated[
    Expression,
    BeforeValidator(said_as_value_error(_expression)),
    WithJsonSchema({"type": ["string", "number", "boolean"], "description": "a condition or an amount"}),
]
SayList = Annotated[
    list[Says],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Word = Annotated[str, Field(pattern=WORD)]


def _not_taken(name: str) -> str:
    if name in ("and", "or", "not", "between", "abs", "min", "max", "now", "on", "off"):
        raise ValueError(f"`{name}` is a word of the conditions")
    return name


Named = Annotated[Word, AfterValidator(_not_taken)]


class Base(BaseModel):
    """A mapping of which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Need(Base):
    """A point that a device input must have."""

    unit: UnitText | None = Field(None, description="its quantity must be that of this unit")
    states: list[str] | None = Field(None, description="states that it must know")
    writable: bool = False


def _type_of_input(word: object) -> object:
    meant = {"number": "amount", "float": "amount", "int": "amount", "integer": "amount", "string": "text"}
    if isinstance(word, str) and word in meant:
        raise ValueError(f"expected a type of input (found `{word}`) hint: write `{meant[word]}`")
    return word


class Input(Base):
    """Something that is given with the command, or for the runbook in city.yaml."""

    other_words: ClassVar[dict[str, str]] = {"description": "meaning", "options": "choices"}
    type: Annotated[
        Literal["amount", "device", "devices", "point", "choice", "text"], BeforeValidator(_type_of_input)
    ]
    meaning: str = Field(min_length=1)
    unit: UnitText | None = Field(None, description="of an amount; of a point's quantity")
    min: float | None = Field(None, description="lowest amount, in the unit", allow_inf_nan=False)
    max: float | None = Field(None, description="highest amount, in the unit", allow_inf_nan=False)
    choices: list[str] | None = None
    points: dict[Named, Need] = Field({}, description="points that a device must have")
    writable: bool = Field(False, description="of a point: it must be one that may be written")
    states: list[str] | None = None
    default: bool | int | float | str | list[str] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Input:
        if self.type == "amount" and (self.unit is None or self.min is None or self.max is None):
            raise ValueError("an amount needs its `unit`, `min` and `max`")
        if self.type == "choice" and not self.choices:
            raise ValueError("a choice needs its `choices`")
        if self.type not in ("device", "devices") and self.points:
            raise ValueError("only a device has `points`")
        return self


class Step(Base):
    """One step: exactly one of its verbs, and what goes with it."""

    other_words: ClassVar[dict[str, str]] = {
        "set": "write", "value": "to", "sleep": "pause", "delay": "pause", "timeout": "within", "for": "holds_for",
        "until": "wait", "assert": "check", "if": "when", "undo": "rollback", "on_failure": "rollback",
        "ask": "confirm", "log": "report", "message": "report", "url": "http",
    }  # fmt: skip
    read: Says | None = Field(None, description="a value to look at; `save` keeps it under a name")
    write: str | None = Field(None, description="a point to write: `to` this value")
    wait: Annotated[Says, BeforeValidator(said_as_value_error(_condition))] | None = Field(
        None, description="wait until this holds, `within` so long"
    )
    check: Says | None = Field(None, description="go on only where this holds; undo otherwise")
    confirm: str | None = Field(None, description="a question that a person must answer with yes")
    manual: str | None = Field(None, description="something that a person must do; `enter` takes a figure")
    report: str | None = Field(None, description="a sentence for the log, with `values`")
    http: Annotated[str | None, Field(pattern=r"^https?://")] = Field(
        None, description="a URL that is fetched"
    )
    pause: Duration | None = Field(None, description="how long nothing is done")
    steps: list[Step] | None = Field(
        None, description="steps that belong together, for `when` and `for_each`"
    )

    name: Word | None = Field(None, description="for the log, and for --answer")
    when: Says | None = Field(None, description="skip the step unless this holds")
    for_each: dict[Named, str] = Field({}, description="name: a `devices` input; the step for each of them")
    save: Named | None = Field(None, description="keep what was read, entered, or there before a write")
    to: Says | None = Field(None, description="the value to write")
    expect: Says | None = Field(None, description="the value that must be there before")
    verify: Says | None = Field(None, description="what must hold after the write, `within` so long")
    within: Duration = timedelta(seconds=60)
    holds_for: Duration | None = Field(None, description="a wait must hold so long without a break")
    watch: SayList = Field([], description="must hold all through a wait or pause; undo otherwise")
    rollback: Annotated[Says, BeforeValidator(said_as_value_error(_to_undo))] | None = Field(
        None, description="what to write to undo, or `none`; the value before where left out"
    )
    otherwise: str = Field("", description="what to say where the check fails")
    values: SayList = Field([], description="of a report")
    enter: UnitText | None = Field(None, description="unit of the figure that a person enters")
    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)

    @property
    def verb(self) -> str:
        """read, write, wait, check, confirm, manual, report, http, pause or steps."""
        return next(verb for verb in VERBS if getattr(self, verb) is not None)

    @property
    def expressions(self) -> list[Expression]:
        """Every expression of the step itself; its inner steps have their own."""
        own = (self.read, self.wait, self.check, self.when, self.to, self.expect, self.verify, self.rollback)
        return [each for each in (*own, *self.watch, *self.values) if each is not None]

    @model_validator(mode="after")
    def _one_verb(self) -> Step:
        verbs = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(verbs) != 1:
            raise ValueError(
                f"expected exactly one of {', '.join(VERBS)}; found {', '.join(verbs) or 'none'}"
            )
        for key, owners in _BELONGS.items():
            if key in self.model_fields_set and verbs[0] not in owners:
                raise ValueError(f"`{key}` belongs to {' and '.join(owners)}, not to {verbs[0]}")
        if self.write is not None and self.to is None:
            raise ValueError("`write` needs `to`")
        if self.enter is not None and (self.save is None or self.min is None or self.max is None):
            raise ValueError("`enter` needs `save`, `min` and `max`")
        return self


VERBS = ("read", "write", "wait", "check", "confirm", "manual", "report", "http", "pause", "steps")
_BELONGS: dict[str, tuple[str, ...]] = {
    "save": ("read", "write", "manual"), "to": ("write",), "expect": ("write",), "verify": ("write",),
    "within": ("wait", "write", "http"), "holds_for": ("wait",), "watch": ("wait", "pause"), "rollback": ("write",),
    "otherwise": ("check",), "values": ("report",), "enter": ("manual",), "min": ("manual",), "max": ("manual",),
}  # fmt: skip


class Reaction(Base):
    """What the pretended plant does by itself: while `when` holds, after so long, points become this."""

    when: Says
    after: Duration = timedelta(seconds=1)
    becomes: dict[str, Says] = Field(min_length=1)


class PretendedDevice(Base):
    """A device of the pretended plant: points in the language of device connectors."""

    points: dict[str, Any] = Field(min_length=1)


class Simulation(Base):
    """A small plant that reacts, for --simulate and the tests."""

    devices: dict[str, PretendedDevice] = Field({}, description="the devices that it has")
    inputs: dict[str, bool | int | float | str | list[str]] = Field(
        {}, description="inputs where none is given"
    )
    start: dict[str, Says] = Field({}, description="`device/point` or input.point: value at the beginning")
    reacts: list[Reaction] = []
    answers: dict[str, bool | int | float | str] = Field({}, description="what the pretended person answers")


class Runbook(Base):
    """recipes/runbooks/NAME.yaml."""

    other_words: ClassVar[dict[str, str]] = {
        "name": "runbook", "description": "purpose", "parameters": "inputs", "vars": "inputs", "tasks": "steps",
        "preconditions": "require", "requires": "require", "finally": "always",
    }  # fmt: skip
    runbook: str = Field(description="the name of its file", pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = Field(min_length=1)
    purpose: str = Field(min_length=1, description="what it does, in one or two sentences")
    risks: list[str] = Field([], description="what can go wrong, for whoever approves it")
    inputs: dict[Named, Input] = {}
    require: SayList = Field([], description="must hold before anything is written; refused otherwise")
    interlocks: SayList = Field([], description="must hold before each write, on fresh and good values")
    steps: list[Step] = Field(min_length=1)
    verify: SayList = Field([], description="must hold at the end; undone otherwise")
    within: Duration = Field(timedelta(seconds=60), description="how long `verify` may take")
    always: list[Step] = Field([], description="done at the end, whatever happened")
    timeout: Duration = Field(timedelta(hours=1), description="the whole run; undone where it takes longer")
    once_in: Duration | None = Field(
        None, description="finished with the same inputs so recently, it is not done again without --again"
    )
    simulate: Simulation | None = None


def schema_text() -> str:
    """The JSON Schema of a runbook, as recipes/runbook.schema.json holds it."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Runbook.model_json_schema(),
        "title": "cityctl runbook",
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
