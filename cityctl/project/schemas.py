"""What may be written in each kind of YAML: its JSON Schema for editors, and the keys of city.yaml in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cityctl.city.model import City
from cityctl.errors import UsageProblem, near
from cityctl.glossary import column
from cityctl.result import Result, Table

LANGUAGES: dict[str, str] = {
    "city": "city.yaml",
    "device": "a device model in connectors/devices",
    "service": "a service in connectors/services",
    "report": "a report in recipes/reports",
    "runbook": "a runbook in recipes/runbooks",
    "tariff": "a tariff in recipes/tariffs",
}
"""What is written in YAML -> which files that are."""


def schema(language: str) -> str:
    """The JSON Schema of one of LANGUAGES, as text. Raises UsageProblem for another."""
    from cityctl.collect import connectors
    from cityctl.exports import service
    from cityctl.report import recipe
    from cityctl.runbook import language as runbook
    from cityctl.tariff import model as tariff

    texts = {
        "city": city_schema,
        "device": connectors.schema_text,
        "service": service.json_schema,
        "report": recipe.schema_text,
        "runbook": runbook.schema_text,
        "tariff": tariff.schema_text,
    }
    if language not in texts:
        match = near(language, texts)
        raise UsageProblem(
            f"no kind of file `{language}`",
            hint=f"did you mean `{match}`?" if match else f"one of: {', '.join(LANGUAGES)}",
        )
    return texts[language]()


def city_schema() -> str:
    """The JSON Schema of city.yaml, as text."""
    schema = City.model_json_schema(by_alias=True)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cityctl city.yaml",
        **schema,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def city_keys() -> Result:
    """Every key of city.yaml with what may be written and what it means; NAME and `-` stand for what repeats."""
    schema = City.model_json_schema(by_alias=True)
    rows = list(_described(schema, schema["$defs"], ""))
    columns = [column("key"), column("value", kind="text"), column("meaning")]
    return Result("What city.yaml may say", [Table("keys", "Keys", columns, rows)])


_WORDS = {"string": "text", "integer": "whole number", "boolean": "true, false", "object": "keys of your own"}


def _described(entry: dict[str, Any], named: dict[str, Any], path: str) -> Iterator[tuple[object, ...]]:
    for key, inner in entry.get("properties", {}).items():
        value, below, repeated = _value(inner, named)
        yield f"{path}{key}", value, inner.get("description", "")
        yield from _described(below, named, f"{path}{key}{repeated}.")


def _value(entry: dict[str, Any], named: dict[str, Any]) -> tuple[str, dict[str, Any], str]:
    """What may be written, in words; the mapping below it, and what stands between its key and theirs."""
    if "anyOf" in entry:
        told = [_value(one, named) for one in entry["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(words for words, *_ in told)), *told[0][1:]
    if "$ref" in entry:
        return "keys", named[entry["$ref"].rpartition("/")[2]], ""
    for key in ("enum", "examples"):
        if key in entry:
            words = ", ".join(str(word) for word in entry[key])
            return words if key == "enum" else f"such as {words}", {}, ""
    each = entry.get("patternProperties", {"": entry.get("additionalProperties")})
    for inner in each.values():
        if isinstance(inner, dict) and "$ref" in inner:
            return "names, keys below each", _value(inner, named)[1], ".NAME"
    if entry.get("type") == "array" and isinstance(entry.get("items"), dict):
        words, below, _ = _value(entry["items"], named)
        return f"list of {words}", below, ".-"
    if entry.get("format") == "date":
        return "such as 2026-11-15", {}, ""
    kinds = entry.get("type", "anything")
    return (
        " or ".join(_WORDS.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)),
        {},
        "",
    )
