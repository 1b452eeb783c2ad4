"""What NGSI entities hold: every number of every attribute, with its own time and unit where it has them.

An attribute is an object with `value` (normalized), a list of such (a history, or several sources told apart
by `datasetId`), `values` of pairs (simplified history), or the bare value (simplified).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_NO_ATTRIBUTES = frozenset(
    {"id", "@id", "type", "@type", "@context", "entityId", "entityType", "index", "location"}
)
_TIMES = ("dateObserved", "observedAt", "TimeInstant", "timestamp", "dateObservedFrom", "time_index")
_AGGREGATES = ("avg", "sum", "min", "max")


@dataclass(frozen=True)
class Instance:
    """One number: the attribute's name, with `.part` for each part of a value; time and unit as written."""

    name: str
    value: float | None
    time: Any = None
    unit: str = ""


def is_entity(node: Any) -> bool:
    """Whether a node has an identifier as entities have."""
    return isinstance(node, dict) and any(isinstance(node.get(key), str) for key in ("id", "@id", "entityId"))


def entity_time(entity: dict[str, Any]) -> Any:
    """The time that an entity says for all of its attributes."""
    for key in _TIMES:
        if key in entity:
            said = _plain(entity[key])
            if isinstance(said, str | int | float) and said != "":
                return said
    return None


def instances(entity: dict[str, Any]) -> Iterator[Instance]:
    """All numbers of an entity."""
    if isinstance(entity.get("attributes"), list) and isinstance(entity.get("index"), list):
        for attribute in entity["attributes"]:  # a history in columns
            if isinstance(attribute, dict) and isinstance(attribute.get("values"), list):
                for time, value in zip(entity["index"], attribute["values"], strict=False):
                    yield from _numbers(str(attribute.get("attrName")), value, time, "")
        return
    for name, attribute in entity.items():
        if name not in _NO_ATTRIBUTES and name not in _TIMES:
            yield from _of(name, attribute)


def _of(name: str, attribute: Any) -> Iterator[Instance]:
    if isinstance(attribute, list):
        if attribute and all(isinstance(one, dict) and "type" in one for one in attribute):
            for one in attribute:
                dataset = one.get("datasetId")
                yield from _of(f"{name}[{dataset}]" if dataset else name, one)
        return
    if not isinstance(attribute, dict):
        yield from _numbers(name, attribute, None, "")
        return
    kind = attribute.get("type")
    if kind in ("Relationship", "GeoProperty", "geo:json", "LanguageProperty", "Point", "Polygon"):
        return
    unit = _unit(attribute)
    if kind == "Property" and isinstance(attribute.get("values"), list):
        for pair in attribute["values"]:
            if isinstance(pair, list) and len(pair) >= 2:
                yield from _numbers(name, pair[0], pair[1], unit)
        return
    if "value" in attribute and (kind is not None or "metadata" in attribute):
        yield from _numbers(name, attribute["value"], _time(attribute), unit)
        return
    if kind == "Property":
        for method in _AGGREGATES:
            for triple in attribute.get(method) or ():
                if isinstance(triple, list) and len(triple) >= 2:
                    yield from _numbers(f"{name}.{method}", triple[0], triple[1], unit)
        return
    yield from _numbers(name, attribute, None, "")


def _numbers(name: str, value: Any, time: Any, unit: str) -> Iterator[Instance]:
    if isinstance(value, bool | str | list):
        return
    if isinstance(value, dict):
        if "@value" in value:
            yield from _numbers(name, value["@value"], time, unit)
        elif "coordinates" not in value:
            for part, inner in value.items():
                if part != "type":
                    yield from _numbers(f"{name}.{part}", inner, time, unit)
        return
    try:
        yield Instance(name, None if value is None else float(value), time, unit)
    except OverflowError:
        yield Instance(name, float("inf"), time, unit)


def _time(attribute: dict[str, Any]) -> Any:
    metadata = attribute.get("metadata")
    for holder in (attribute, metadata if isinstance(metadata, dict) else {}):
        for key in ("observedAt", "timestamp", "TimeInstant", "dateObserved"):
            if key in holder:
                said = _plain(holder[key])
                if isinstance(said, str | int | float):
                    return said
    return None


def _unit(attribute: dict[str, Any]) -> str:
    metadata = attribute.get("metadata")
    for holder in (attribute, metadata if isinstance(metadata, dict) else {}):
        for key in ("unitCode", "unit", "unitText", "measurementUnit"):
            if key in holder:
                said = _plain(holder[key])
                if isinstance(said, str):
                    return said.strip()
    return ""


def _plain(node: Any) -> Any:
    """The value of a node, whichever way it is wrapped."""
    for _ in range(4):
        if isinstance(node, dict):
            node = node.get("value", node.get("@value"))
        elif isinstance(node, list) and len(node) == 1:
            node = node[0]
        else:
            break
    return node
