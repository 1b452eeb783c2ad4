"""A service connector: the YAML file that says how an HTTP export is asked and how its answers are read.

Placeholders such as `{series}` are exchanged by name; there is no template language. Knows no network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from cityctl import document
from cityctl.city.fields import Duration, QuantityText, Strict, ZoneName, said_as_value_error
from cityctl.errors import ConfigInvalid, near
from cityctl.exports import formats
from cityctl.library import Library

PLACEHOLDER = re.compile(r"\{(\w+)\}")
BUILT_IN = ("series", "since", "until", "user")

FormatName = Annotated[str, AfterValidator(said_as_value_error(lambda name: _known_format(name)))]


def _known_format(name: str) -> str:
    formats.find(name)
    return name


class Parameter(Strict):
    """A word that city.yaml may set for a service, under `parameters:`."""

    meaning: str
    default: str | None = None
    required: bool = False


class Request(Strict):
    """What is asked, below the service's url."""

    path: Annotated[
        str, Field(pattern=r"^/", description="below the service's url; {series} and the like stand in it")
    ]
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    time: str = Field(
        "iso", description="how {since} and {until} are written: iso, epoch, epoch_ms or a strftime pattern"
    )
    time_zone: ZoneName = Field("UTC", description="in which {since} and {until} are written")
    until: Literal["excluded", "included"] = Field(
        "excluded", description="whether the service takes {until} as part of the window"
    )


class Auth(Strict):
    """How the service's secret is sent."""

    kind: Literal["none", "basic", "bearer", "api_key"] = "none"
    header: str | None = Field(None, description="of an api_key, such as X-API-Key")
    optional: bool = Field(False, description="only sent where city.yaml names a secret")

    @model_validator(mode="after")
    def _header(self) -> Auth:
        if (self.kind == "api_key") != (self.header is not None):
            raise ValueError("`header` belongs to kind `api_key`, and is needed there")
        return self


class Window(Strict):
    """How the time is cut into requests, and what is asked again."""

    largest: Duration = Field(timedelta(days=31), description="of one request")
    first: Duration = Field(timedelta(days=30), description="how far back the first pull reaches")
    settle: Duration = Field(
        timedelta(days=7), description="this much before the watermark is pulled again for late data"
    )


class Table(Strict):
    """How a table in an answer is written; see cityctl/exports/shape.py."""

    layout: Literal["auto", "long", "wide"] = "auto"
    time: str | None = None
    point: str | None = None
    value: str | None = None
    quality: str | None = None
    qualities: dict[str, Literal["good", "estimated", "suspect", "bad", "missing"]] = {}
    unit: str | None = None
    units: dict[str, str] = {}
    time_zone: str | None = None
    time_format: str | None = None
    stamp: str = Field("start", description="start or end: what a time says of its interval")
    every: str | None = None
    kind: str | None = None
    decimal: str | None = None
    delimiter: str | None = None
    missing: list[float] = []


class Content(Strict):
    """What comes back."""

    format: FormatName
    no_data: list[Annotated[int, Field(ge=200, le=599)]] = Field(
        [204], description='statuses that say "nothing in this window"'
    )
    unknown_series: list[Annotated[int, Field(ge=400, le=499)]] = Field(
        [404], description="statuses that say that there is no such series"
    )
    proof: Literal["length", "format"] = Field(
        "length", description="what proves an answer's end: its length or coding, or the format itself"
    )
    table: Table = Table()


class Connector(Strict):
    """A service connector."""

    title: str
    summary: str = ""
    sources: list[str] = Field([], description="where the interface is described")
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z]\w*$")], Parameter] = {}
    request: Request
    auth: Auth = Auth()
    window: Window = Window()
    answer: Content
    quantity: QuantityText | None = Field(None, description="of every series, where there is but one")

    @property
    def asks_by_series(self) -> bool:
        """Whether each series has its own request, or one request brings all."""
        return any("{series}" in text for text in self._texts())

    def _texts(self) -> list[str]:
        return [self.request.path, *self.request.query.values(), *self.request.headers.values()]


def load(library: Library, name: str) -> Connector:
    """The connector of that name. Raises ConfigInvalid with file:line:column."""
    return read(library.find("connectors/services", name))


def read(path: Path) -> Connector:
    """The connector in a file, its placeholders checked. Raises ConfigInvalid with file:line:column."""
    written = document.read(path)
    connector = document.validate(Connector, written)
    known = {*BUILT_IN, *connector.parameters}
    for keys, text in _placed(written.data):
        for word in PLACEHOLDER.findall(text):
            if word not in known:
                match = near(word, known)
                hint = f"did you mean `{{{match}}}`?" if match else "declare it under `parameters:`"
                raise ConfigInvalid(f"{written.place(*keys)}: `{{{word}}}` is not known", hint=hint)
    return connector


def _placed(data: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """(place, text) of the texts in which placeholders stand."""
    for key in ("request", "answer") if not keys else data:
        value = data.get(key)
        if isinstance(value, dict):
            yield from _placed(value, (*keys, key))
        elif isinstance(value, str):
            yield (*keys, key), value


def json_schema() -> str:
    """The JSON Schema of a service connector, for editors: connectors/service.schema.json."""
    schema: dict[str, Any] = Connector.model_json_schema()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "cityctl service connector",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
