"""Service connectors, found, read and checked: each error with file, line and column. Knows no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cityctl import document
from cityctl.checked import validate
from cityctl.document import Document
from cityctl.errors import ConfigInvalid, near
from cityctl.exports.language import Connector
from cityctl.library import Library

__all__ = ["BUILT_IN", "PLACEHOLDER", "Connector", "json_schema", "load", "read"]

PLACEHOLDER = re.compile(r"\{(\w+(?:\.\d)?)\}")
BUILT_IN = ("series", "since", "until", "user")
_PART = re.compile(r"series\.[1-9]")


def load(library: Library, name: str) -> Connector:
    """The connector of that name. Raises ConfigInvalid with file:line:column."""
    return read(library.find("connectors/services", name))


def read(path: Path) -> Connector:
    """The connector in a file, its placeholders checked. Raises ConfigInvalid with file:line:column.

    The first error is the message, the others stand in `tried`.
    """
    written = document.read(path)
    connector = validate(Connector, written)
    wrong = list(_wrong(connector, written))
    if wrong:
        raise ConfigInvalid(wrong[0][0], tried=[said for said, _ in wrong[1:]], hint=wrong[0][1])
    return connector


def _wrong(connector: Connector, written: Document) -> Iterator[tuple[str, str | None]]:
    """(what is wrong, hint) that no schema can say."""
    known = {*BUILT_IN, *connector.parameters}
    used: set[str] = set()
    for keys, text in _placed(written.data):
        for word in PLACEHOLDER.findall(text):
            used.add(word)
            if word not in known and not _PART.fullmatch(word):
                match = near(word, known)
                hint = f"did you mean `{{{match}}}`?" if match else "declare it under `parameters:`"
                yield f"{written.place(*keys)}: `{{{word}}}` is not known", hint
    for name in connector.parameters:
        if name in BUILT_IN:
            yield f"{written.place('parameters', name)}: `{name}` is a word of its own", "name it otherwise"
        elif name not in used:
            yield (
                f"{written.place('parameters', name)}: nothing in the file uses `{{{name}}}`",
                "remove it, or write it where it belongs",
            )
    paging = connector.pagination
    if paging.parameter is not None and paging.parameter in connector.request.query:
        yield (
            f"{written.place('request', 'query', paging.parameter)}: `{paging.parameter}` is set by the pagination",
            "remove it from the query",
        )
    if connector.auth.query is not None and connector.auth.query in connector.request.query:
        yield (
            f"{written.place('request', 'query', connector.auth.query)}: a secret is sent as `{connector.auth.query}`",
            "remove it from the query",
        )


def _placed(data: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """(place, text) of the texts in which placeholders stand."""
    if isinstance(data, dict):
        for key in ("request", "answer", "auth") if not keys else data:
            if key in data:
                yield from _placed(data[key], (*keys, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _placed(value, (*keys, index))
    elif isinstance(data, str):
        yield keys, data


def json_schema() -> str:
    """The JSON Schema of a service connector, for editors: connectors/service.schema.json."""
    schema: dict[str, Any] = Connector.model_json_schema()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "cityctl service connector",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
