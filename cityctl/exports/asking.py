"""From a connector and a service of city.yaml to requests, without secrets, and to the shape of the answers.

Placeholders are exchanged by name; `{series.1}` is the first part of a series that is written with `/`. Sends
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from cityctl import clock
from cityctl.city.services import Service
from cityctl.errors import CityctlError, ConfigInvalid, near
from cityctl.exports.language import Connector, Request
from cityctl.exports.service import PLACEHOLDER
from cityctl.exports.shape import Shape
from cityctl.units import unit


@dataclass(frozen=True)
class Ask:
    """One request, without secrets."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: bytes | None = None


def words(connector: Connector, service: Service, name: str) -> dict[str, str]:
    """The values of the connector's parameters for a service of city.yaml. Raises ConfigInvalid."""
    for given in service.parameters:
        if given not in connector.parameters:
            match = near(given, connector.parameters)
            there = ", ".join(connector.parameters) or "none"
            hint = f"did you mean `{match}`?" if match else f"there are: {there}"
            raise ConfigInvalid(f"services.{name}.parameters: no parameter `{given}`", hint=hint)
    values: dict[str, str] = {"user": service.user or ""}
    for key, parameter in connector.parameters.items():
        value = service.parameters.get(key, parameter.default)
        if value is None and parameter.required:
            raise ConfigInvalid(
                f"services.{name}.parameters: `{key}` is missing ({parameter.meaning})",
                hint=f"add `parameters: {{{key}: ...}}` to services.{name} in city.yaml",
            )
        values[key] = value or ""
    return values


def ask(
    connector: Connector,
    service: Service,
    said: Mapping[str, str],
    series: str,
    since: datetime,
    until: datetime,
) -> Ask:
    """The request for one window, half-open; `series` is empty where one request brings all.

    Raises ConfigInvalid where the series has fewer parts than the connector asks for.
    """
    request = connector.request
    parts = {f"series.{number}": part for number, part in enumerate(series.split("/"), 1)}
    values = {
        **said,
        "series": series,
        **parts,
        "since": _written(since - (request.overlap or timedelta()), request),
        "until": _written(_last(until, request), request),
    }

    def exchanged(text: str, sign: Callable[[str], str] = str) -> str:
        for word in PLACEHOLDER.findall(text):
            if word not in values:
                raise ConfigInvalid(
                    f"the series `{series}` has no part {word.partition('.')[2]}, and its connector needs it",
                    hint=f"write it as {_form(connector)} in city.yaml",
                )
        return PLACEHOLDER.sub(lambda found: sign(values[found[1]]), text)

    url = service.url.rstrip("/") + exchanged(request.path, lambda value: quote(value, safe=""))
    query = {key: exchanged(text) for key, text in request.query.items()}
    kept = {key: value for key, value in query.items() if value}
    if kept:
        # %20 and not `+` for a space: `+` is a space in forms alone, and some services take it for itself.
        url += ("&" if urlsplit(url).query else "?") + urlencode(kept, quote_via=quote, safe="$,()'/")
    headers = {key: exchanged(text) for key, text in request.headers.items()}
    body = None
    if request.body is not None and request.body.form is not None:
        body = urlencode({key: exchanged(text) for key, text in request.body.form.items()}).encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif request.body is not None:
        body = json.dumps(_in_tree(request.body.json_, exchanged), ensure_ascii=False).encode()
        headers.setdefault("Content-Type", "application/json")
    return Ask(url, {key: value for key, value in headers.items() if value}, request.method, body)


def with_word(asked: Ask, name: str, value: str) -> Ask:
    """The same request with one more word in its query."""
    sign = "&" if urlsplit(asked.url).query else "?"
    url = f"{asked.url}{sign}{quote(name, safe='$')}={quote(value, safe='')}"
    return Ask(url, asked.headers, asked.method, asked.body)


def _form(connector: Connector) -> str:
    most = max((int(word[7:]) for text in [connector.request.path, *connector.request.query.values()]
                for word in PLACEHOLDER.findall(text) if word.startswith("series.")), default=1)  # fmt: skip
    return "/".join(f"PART{number}" for number in range(1, most + 1))


def _in_tree(tree: Any, exchanged: Callable[[str], str]) -> Any:
    if isinstance(tree, dict):
        return {key: _in_tree(value, exchanged) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_in_tree(value, exchanged) for value in tree]
    return exchanged(tree) if isinstance(tree, str) else tree


def shape(
    connector: Connector, said: Mapping[str, str], name: str, series: str | None, default_zone: str
) -> Shape:
    """How the answers' tables are written, with a service's parameters. Raises ConfigInvalid."""
    table = connector.answer.table

    def text(value: str | None) -> str | None:
        return exchange(value, said) or None if value is not None else None

    def chosen(key: str, value: str | None, known: tuple[str, ...]) -> Any:
        if value is not None and value not in known:
            raise ConfigInvalid(f"service {name}: `{key}: {value}` is none of {', '.join(known)}")
        return value

    try:
        every = text(table.every)
        said_unit = text(table.unit)
        zone = text(table.time_zone) or default_zone
        return Shape(
            layout=table.layout,
            time=text(table.time),
            point=text(table.point),
            value=text(table.value),
            quality=text(table.quality),
            unit=unit(said_unit).symbol if said_unit else None,
            units=table.units,
            time_zone=clock.zone_named(zone).key,
            time_format=text(table.time_format),
            stamp=chosen("stamp", text(table.stamp), ("start", "end")) or "start",
            every=clock.duration(every) if every else None,
            kind=chosen("kind", text(table.kind), ("gauge", "counter", "interval", "state")),
            decimal=chosen("decimal", text(table.decimal), (".", ",")),
            delimiter=text(table.delimiter),
            encoding=table.encoding,
            missing=tuple(table.missing),
            qualities=table.qualities,
            series=series,
            rows=text(table.rows),
            unit_from=text(table.unit_from),
            direction=text(table.direction),
        )
    except ConfigInvalid:
        raise
    except CityctlError as problem:
        raise ConfigInvalid(f"service {name}: {problem.message}", hint=problem.hint) from None


def exchange(text: str, values: Mapping[str, str]) -> str:
    """A text with the placeholders exchanged that are known."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _last(until: datetime, request: Request) -> datetime:
    return until - timedelta(seconds=1) if request.until == "included" else until


def _written(moment: datetime, request: Request) -> str:
    if request.time in ("epoch", "epoch_ms"):
        seconds = int(moment.timestamp())
        return str(seconds * 1000 if request.time == "epoch_ms" else seconds)
    local = moment.astimezone(ZoneInfo(request.time_zone))
    if request.time == "iso":
        if request.time_zone == "UTC":
            return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return local.isoformat(timespec="seconds")
    return local.strftime(request.time)
