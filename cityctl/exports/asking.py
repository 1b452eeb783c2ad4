"""From a connector and a service of city.yaml to requests: their URL, their credentials, the shape of the answers.

Placeholders are exchanged by name. Reads secrets, sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from cityctl import clock
from cityctl.city.model import Service
from cityctl.errors import CityctlError, ConfigInvalid, CredentialsRefused, near
from cityctl.exports.secret import Secret, read_secret
from cityctl.exports.service import PLACEHOLDER, Connector, Request
from cityctl.exports.shape import Shape
from cityctl.units import unit


@dataclass(frozen=True)
class Ask:
    """One request, without secrets."""

    url: str
    headers: Mapping[str, str]


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
    """The request for one window, half-open; `series` is empty where one request brings all."""
    values = {
        **said,
        "series": series,
        "since": _written(since, connector.request),
        "until": _written(_last(until, connector.request), connector.request),
    }
    path = _exchange(connector.request.path, {key: quote(value, safe="") for key, value in values.items()})
    query = {key: _exchange(text, values) for key, text in connector.request.query.items()}
    url = service.url.rstrip("/") + path
    if query:
        kept = {key: value for key, value in query.items() if value}
        url += ("&" if urlsplit(url).query else "?") + urlencode(kept)
    headers = {key: _exchange(text, values) for key, text in connector.request.headers.items()}
    return Ask(url, headers)


def credentials(connector: Connector, service: Service, name: str, folder: Path) -> dict[str, Secret]:
    """The headers that prove who asks. Raises CredentialsRefused where a secret is missing, ConfigInvalid."""
    auth = connector.auth
    if auth.kind == "none":
        return {}
    if service.secret is None:
        if auth.optional:
            return {}
        raise CredentialsRefused(
            f"service {name}: its connector needs a secret, and city.yaml names none",
            hint=f"add `secret: {{env: NAME}}` to services.{name}",
        )
    secret = read_secret(service.secret, service=name, folder=folder)
    if auth.kind == "basic":
        if not service.user:
            raise ConfigInvalid(f"services.{name}: basic authentication needs `user:`")
        return {"Authorization": Secret(f"Basic {secret.basic(service.user).reveal()}")}
    if auth.kind == "bearer":
        return {"Authorization": Secret(f"Bearer {secret.reveal()}")}
    assert auth.header is not None
    return {auth.header: secret}


def shape(
    connector: Connector, said: Mapping[str, str], name: str, series: str | None, default_zone: str
) -> Shape:
    """How the answers' tables are written, with a service's parameters. Raises ConfigInvalid."""
    table = connector.answer.table

    def text(value: str | None) -> str | None:
        return _exchange(value, said) or None if value is not None else None

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
            missing=tuple(table.missing),
            qualities=table.qualities,
            series=series,
        )
    except ConfigInvalid:
        raise
    except CityctlError as problem:
        raise ConfigInvalid(f"service {name}: {problem.message}", hint=problem.hint) from None


def _exchange(text: str, values: Mapping[str, str]) -> str:
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
