"""Tells a watchdog (healthchecks.io and its like) that a run began and how it ended.

`URL/start`, then `URL` or `URL/fail`. A watchdog that does not answer is said once and changes nothing else; the
address is as good as a key, so no message shows more than its host.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from cityctl.errors import CityctlError, UsageProblem
from cityctl.exports.http import Client, Patience

_PATIENCE = Patience(connect=5.0, read=5.0, total=10.0, tries=2, first_wait=0.2, longest_wait=1.0, asked=1.0)


class _Nowhere:
    """What a watchdog answers is of no use."""

    def write(self, data: bytes) -> object:
        return len(data)

    def restart(self) -> None:
        """Nothing was kept."""


class Ping:
    """The watchdog of one run. Raises UsageProblem for what is no http(s) address."""

    def __init__(self, url: str, warn: Callable[[str], None]) -> None:
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            good = False
        if not good:
            raise UsageProblem("--ping takes an http or https address", hint="https://hc-ping.com/UUID")
        self._parts = parts
        self._warn = warn
        self._silent = False

    def start(self) -> None:
        """The run begins."""
        self._send("/start")

    def end(self, *, well: bool) -> None:
        """The run is over."""
        self._send("" if well else "/fail")

    def _send(self, ending: str) -> None:
        path = self._parts.path.rstrip("/") + ending
        url = urlunsplit(self._parts._replace(path=path or "/", fragment=""))
        try:
            with Client(url, "ping", patience=_PATIENCE) as client:
                client.fetch(url, _Nowhere(), accept=frozenset(range(200, 300)))
        except CityctlError as problem:
            if not self._silent:
                said = problem.message.replace(url, str(self._parts.hostname))
                self._warn(f"{self._parts.hostname} could not be told of this run: {said}")
            self._silent = True
