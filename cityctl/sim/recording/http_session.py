"""Recorded HTTP sessions: a file of one JSON object a line that people can read, edit and give away.

The first line says what was recorded; each other one is a request and its answer. Secrets are blotted out by where
they stand: in headers, in words of a query, in fields of forms and JSON.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cityctl.errors import InputRefused
from cityctl.exports.secret import HIDDEN, Secret, hide

_WORDS = "api[_-]?key|token|secret|password|passwd|assertion|credentials?"  # in the names of JSON fields
_FIELD = rf"(?:[\w-]*[_-])?(?:{_WORDS})|accessToken|refreshToken|idToken|clientSecret|apiKey"
_NAMES = re.compile(rf"{_FIELD}|(?:[\w-]*[_-])?(?:key|signature|sig|code|auth)", re.I)  # of a query's words
_HEADERS = re.compile(
    r"(proxy-)?authorization|(set-)?cookie|.*(token|secret|auth|key|signature|session).*", re.I
)
_JSON = re.compile(rf'("({_FIELD})"\s*:\s*")((?:[^"\\]|\\.)*)(")', re.I)
_PLACES = re.compile(
    r"(next|prev|previous|page|continuation|start|sync)[_-]?token|token[_-]type", re.I
)  # no secrets


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. `path` holds the query; `{url}` in an answer is the service's address."""

    method: str
    path: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: Mapping[str, str] = field(default_factory=dict)


def key(method: str, path: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """What makes two requests the same: the method, the path and the words of the query, but no secret."""
    parts = urlsplit(path)
    words = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not is_secret(name)
    ]
    return method.upper(), unquote(parts.path), tuple(sorted(words))


def is_secret(name: str) -> bool:
    """Whether a word of a query or a field of that name holds a secret."""
    return bool(_NAMES.fullmatch(name)) and not _PLACES.fullmatch(name)


def redacted(exchange: Exchange) -> Exchange:
    """Without secrets. What is found in one place is blotted out everywhere, from then on."""
    for name, value in {**exchange.sent, **exchange.headers}.items():
        if _HEADERS.fullmatch(name) and not name.lower().startswith(("www-", "etag")):
            for word in (value, value.rpartition(" ")[2]):
                if len(word) >= 4:
                    Secret(word)
    for name, value in parse_qsl(urlsplit(exchange.path).query):
        if is_secret(name) and len(value) >= 4:
            Secret(value)
    text = exchange.body.decode("utf-8", "surrogateescape")
    text = _JSON.sub(_blotted, text)
    return Exchange(
        exchange.method,
        hide(exchange.path),
        exchange.status,
        {name: hide(value) for name, value in exchange.headers.items() if name.lower() != "set-cookie"},
        hide(text).encode("utf-8", "surrogateescape"),
        {name: hide(value) for name, value in exchange.sent.items()},
    )


def _blotted(found: re.Match[str]) -> str:
    before, name, value, after = found.groups()
    if not value or _PLACES.fullmatch(name):
        return found[0]
    if len(value) >= 4:
        Secret(value)
    return f"{before}{HIDDEN}{after}"


def line(exchange: Exchange) -> str:
    """An exchange as a line of the file."""
    entry: dict[str, Any] = {
        "request": f"{exchange.method} {exchange.path}",
        "sent": dict(exchange.sent),
        "status": exchange.status,
        "headers": dict(exchange.headers),
    }
    try:
        entry["body"] = exchange.body.decode("utf-8")
    except UnicodeDecodeError:
        entry["base64"] = base64.b64encode(exchange.body).decode()
    return json.dumps(entry, ensure_ascii=False)


def is_http(path: Path) -> bool:
    """Whether a recorded session is one of HTTP."""
    try:
        with path.open(encoding="utf-8") as lines:
            return "http" in json.loads(lines.readline())
    except (OSError, ValueError, TypeError):
        return False


def read(path: Path) -> list[Exchange]:
    """A recorded session. Raises InputRefused with file and line."""
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise InputRefused(f"{path}: {getattr(problem, 'strerror', None) or problem}") from None
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            entry = json.loads(text)
            if "http" in entry:
                continue
            method, _, asked = entry["request"].partition(" ")
            body = base64.b64decode(entry["base64"]) if "base64" in entry else entry.get("body", "").encode()
            found.append(Exchange(method, asked, int(entry["status"]), entry.get("headers", {}), body))
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise InputRefused(
                f"{path}:{number}: no line of a recorded HTTP session: {type(problem).__name__}: {problem}",
                hint="`cityctl sim record https://HOST FILE` writes one",
            ) from None
    if not found:
        raise InputRefused(
            f"{path}: no request is recorded in it", hint="`cityctl sim record https://HOST FILE`"
        )
    return found
