"""Where observations are in a SensorThings document: alone, in lists, in data arrays, below entities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Observed:
    """An observation as it is written. `missing` says that a nested list goes on; `nothing` that a list is empty."""

    series: str = ""
    result: Any = None
    time: str = ""
    units: tuple[str, ...] = ()
    quality: str = ""
    title: str = ""
    thing: str = ""
    missing: str = ""
    nothing: bool = False


@dataclass(frozen=True)
class _Stream:
    """What an entity around observations says of them."""

    name: str = ""
    units: tuple[str, ...] = ()
    title: str = ""
    thing: str = ""


def observed(node: Any, around: _Stream | None = None) -> Iterator[Observed]:
    """All observations in and below a node."""
    around = around or _Stream()
    if isinstance(node, list):
        for one in node:
            yield from observed(one, around)
        return
    if not isinstance(node, dict):
        return
    if isinstance(node.get("dataArray"), list) and isinstance(node.get("components"), list):
        stream = _stream_of(node, around)
        for row in node["dataArray"]:
            if isinstance(row, list):
                yield _one(dict(zip(node["components"], row, strict=False)), stream)
        if not node["dataArray"]:
            yield Observed(nothing=True)
        yield from _goes_on(node, "dataArray", stream)
        return
    if "result" in node and ("phenomenonTime" in node or "resultTime" in node):
        yield _one(node, _stream_of(node, around))
        return
    inner = _entity(node, around)
    if isinstance(node.get("value"), list) and "unitOfMeasurement" not in node:
        if not node["value"]:
            yield Observed(nothing=True)
        yield from observed(node["value"], around)
    for key in ("Observations", "Datastreams", "MultiDatastreams", "Things", "Thing", "Locations"):
        if key in node:
            if node[key] == []:
                yield Observed(nothing=True)
            yield from observed(node[key], inner)
            yield from _goes_on(node, key, inner)


def _goes_on(node: dict[str, Any], key: str, stream: _Stream) -> Iterator[Observed]:
    """A list within an entity that says that it goes on elsewhere is not whole."""
    if isinstance(node.get(f"{key}@iot.nextLink"), str):
        yield Observed(
            missing=f"{key} of `{stream.name or 'the document'}` go on at another address (@iot.nextLink)"
        )


def _entity(node: dict[str, Any], around: _Stream) -> _Stream:
    """An entity's own words about the observations below it."""
    name = str(node.get("name") or node.get("@iot.id") or "")
    if "unitOfMeasurement" in node or "unitOfMeasurements" in node:
        identity = node.get("@iot.id", node.get("@id"))
        said = node.get("unitOfMeasurement"), node.get("unitOfMeasurements")
        units = said[1] if isinstance(said[1], list) else [said[0]]
        series = f"Datastream({identity})" if identity is not None else name
        inside = node.get("Thing")
        thing = str(inside.get("name") or "") if isinstance(inside, dict) else around.thing
        return _Stream(series, tuple(_unit(one) for one in units), name, thing)
    return _Stream(around.name, around.units, around.title, name or around.thing)


def _stream_of(node: dict[str, Any], around: _Stream) -> _Stream:
    """The Datastream of an observation or a data array: within it, as a link, or the entity around it."""
    for key in ("Datastream", "MultiDatastream"):
        inside = node.get(key)
        if isinstance(inside, dict):
            found = _entity({"unitOfMeasurement": None, **inside}, around)
            return _Stream(
                found.name or around.name,
                found.units if any(found.units) else around.units,
                found.title,
                found.thing,
            )
        link = node.get(f"{key}@iot.navigationLink")
        if isinstance(link, str) and not around.name:
            found_id = re.search(rf"{key}s?\(([^)]*)\)", link)
            return _Stream(
                f"Datastream({found_id[1]})" if found_id else "", around.units, around.title, around.thing
            )
    return around


def _unit(said: Any) -> str:
    """The unit of a unitOfMeasurement: its symbol, else its name."""
    if not isinstance(said, dict):
        return ""
    symbol, name = said.get("symbol"), said.get("name")
    return next((one.strip() for one in (symbol, name) if isinstance(one, str) and one.strip()), "")


def _one(cells: dict[str, Any], stream: _Stream) -> Observed:
    quality = cells.get("resultQuality")
    if isinstance(quality, dict):
        quality = quality.get("nameOfMeasure") or quality.get("DQ_Status") or quality.get("code") or ""
    if isinstance(quality, list):
        quality = " ".join(str(one) for one in quality if not isinstance(one, dict | list))
    time = cells.get("phenomenonTime") or cells.get("resultTime") or ""
    return Observed(
        stream.name,
        cells.get("result"),
        str(time),
        stream.units,
        str(quality or ""),
        stream.title,
        stream.thing,
    )
