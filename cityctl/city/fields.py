"""Kinds of value in city.yaml: amounts with units, durations, names, units, time zones."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema

from cityctl import clock, units
from cityctl.errors import CityctlError, UsageProblem


class Strict(BaseModel):
    """A mapping of which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


def said_as_value_error(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """pydantic listens to ValueError alone; `document` takes the hint apart again."""

    def checked(value: Any) -> Any:
        try:
            return check(value)
        except CityctlError as problem:
            hint = f" hint: {problem.hint}" if problem.hint else ""
            raise ValueError(f"{problem.message}{hint}") from None

    return checked


def _amount(target: str) -> BeforeValidator:
    def read(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(f"expected an amount such as 12.5 {target}")
        amount = units.amount(value, target)
        if not 0 <= amount < float("inf"):
            raise ValueError("expected an amount that is not negative")
        return amount

    return BeforeValidator(said_as_value_error(read))


def _shape(target: str) -> WithJsonSchema:
    said = f"an amount with its unit; a bare number is in {target}"
    return WithJsonSchema({"type": ["number", "string"], "description": said, "examples": [f"12.5 {target}"]})


Kilometres = Annotated[float, _amount("km"), _shape("km")]
Metres = Annotated[float, _amount("m"), _shape("m")]
SquareMetres = Annotated[float, _amount("m2"), _shape("m2")]
CubicMetres = Annotated[float, _amount("m3"), _shape("m3")]
CubicMetresPerHour = Annotated[float, _amount("m3/h"), _shape("m3/h")]
MetresOfHead = Annotated[float, _amount("mH2O"), _shape("m")]
Kilowatts = Annotated[float, _amount("kW"), _shape("kW")]
Volts = Annotated[float, _amount("V"), _shape("V")]


def _carbon(value: Any) -> Any:
    if isinstance(value, str) and not value.lstrip("+-")[:1].isdigit():
        return value
    intensity = units.amount(value, "kg/kWh")
    if not 0 <= intensity < float("inf"):
        raise ValueError("expected an amount that is not negative")
    return intensity


CarbonIntensity = Annotated[
    float | str,
    BeforeValidator(said_as_value_error(_carbon)),
    WithJsonSchema(
        {
            "type": ["number", "string"],
            "description": "kg of CO2 for each kWh: 0.18, `230 g/kWh`, or the point of its intensity by the hour",
        }
    ),
]


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a duration such as 15m, 1h or 1d")
    length = clock.duration(value)
    if length <= timedelta(0):
        raise ValueError("expected a duration longer than nothing")
    return length


Duration = Annotated[
    timedelta,
    BeforeValidator(said_as_value_error(_duration)),
    WithJsonSchema(
        {"type": "string", "description": "a duration such as 15m, 1h or 1d", "examples": ["15m", "1h", "7d"]}
    ),
]
Name = Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*$", max_length=200)]
"""A name of one word: letters, digits, `_`, `-` and `.`; `/` divides device and point."""
UnitText = Annotated[str, AfterValidator(said_as_value_error(lambda text: units.unit(text).symbol))]
QuantityText = Annotated[
    str, AfterValidator(said_as_value_error(lambda text: units.canonical(text).quantity))
]


def encoding_named(text: str) -> str:
    """Python's name of a text's encoding. Raises UsageProblem."""
    try:
        found = codecs.lookup(text)
        "".encode(found.name)  # hex and zip are codecs too, and encode no text
    except (LookupError, ValueError):
        raise UsageProblem(
            f"no encoding `{text}`",
            hint="such as utf-8, cp1250 (Central Europe), cp1251 (Cyrillic), cp1253 (Greek), gb18030 or shift_jis",
        ) from None
    return found.name


EncodingName = Annotated[str, AfterValidator(said_as_value_error(encoding_named))]
ZoneName = Annotated[str, AfterValidator(said_as_value_error(lambda text: clock.zone_named(text).key))]
