"""Whose address a URL is: credentials belong to an origin, and links may lead elsewhere."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from cityctl.errors import ConfigInvalid, Unreachable
from cityctl.exports.secret import Secret, hide


def origin(url: str) -> str:
    """scheme://host:port of a URL. Raises ConfigInvalid."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError as problem:
        raise ConfigInvalid(f"`{hide(url)}` is no URL: {problem}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigInvalid(f"`{hide(url)}` is no URL", hint="write https://host/path")
    return f"{parts.scheme}://{parts.hostname.lower()}:{port}"


def host(url: str) -> str:
    """The host of a URL, for a budget."""
    return (urlsplit(url).hostname or "").lower()


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine: then no proxy of the environment stands between."""
    name = host(url)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def joined(base: str, link: str) -> str:
    """The address that a link in an answer means. Raises Unreachable where it is none."""
    try:
        return urljoin(base, link.strip())
    except ValueError:
        raise Unreachable(f"its answer leads to `{hide(link)[:200]}`, which is no URL") from None


def check_led(service: str, own: str, url: str, others: frozenset[str]) -> bool:
    """Whether `url` is of the service's own origin and may see its credentials; False where it may be asked without.

    Raises Unreachable where it must not be asked at all.
    """
    try:
        there = origin(url)
    except ConfigInvalid:
        raise Unreachable(
            f"{service}: it leads to `{hide(url)[:200]}`, which is no address of the web: not followed",
            hint="ask the service's operator",
        ) from None
    if there == own:
        return True
    if own.startswith("https:") and there.startswith("http:"):
        raise Unreachable(
            f"{service}: it leads from https to {hide(there)}, where anybody could read along: not followed, and no "
            "credentials were sent there",
            hint="ask the service's operator; an answer without TLS is not taken",
        )
    if there in others:
        return False
    raise Unreachable(
        f"{service}: it leads to another origin, {hide(there)}: not followed, and no credentials were sent there",
        hint="if that is right, add it to `origins:` of the service in city.yaml (it gets no credentials), or write "
        "the new address as the service's url",
    )


def with_query(url: str, query: Mapping[str, Secret]) -> str:
    """A URL with secrets in its query, each once, whatever stood there under that name."""
    parts = urlsplit(url)
    kept = [
        piece
        for piece in parts.query.split("&")
        if piece and not any(re.match(rf"{re.escape(quote(name))}(=|$)", piece) for name in query)
    ]
    kept += [f"{quote(name)}={quote(secret.reveal(), safe='')}" for name, secret in query.items()]
    return urlunsplit(parts._replace(query="&".join(kept)))
