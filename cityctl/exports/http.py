"""The only module that talks HTTP: it fetches one answer, whole and proven, or says why not.

Knows no format and no store. Timeouts are named by phase, a deadline covers all tries together, retries wait
with full jitter and honour Retry-After, decoding is bounded, and credentials go to their own origin alone.
"""

from __future__ import annotations

import ipaddress
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import httpx

from cityctl import __version__
from cityctl.errors import ConfigInvalid, CredentialsRefused, InputRefused, Unreachable
from cityctl.exports.gunzip import Bounds, Damaged, Gunzip, Sink
from cityctl.exports.secret import Redaction, Secret, hide

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_redaction = Redaction()
for _name in ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_redaction)


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for each phase, for all tries together, and before another try."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 300.0
    tries: int = 5
    first_wait: float = 0.5
    longest_wait: float = 60.0


@dataclass(frozen=True)
class Answer:
    """What came: its status, its headers in lower case, and whether its end is proven."""

    url: str
    status: int
    headers: Mapping[str, str]
    size: int
    proven: bool
    tries: int


class _Again(Exception):
    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


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


@dataclass
class Client:
    """Fetches from one origin. `secrets` are headers that only this origin may see."""

    url: str
    service: str
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    bounds: Bounds = field(default_factory=Bounds)
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    jitter: Callable[[float, float], float] = random.uniform

    def __post_init__(self) -> None:
        self._origin = origin(self.url)
        wait = self.patience
        self._client = httpx.Client(
            headers={"User-Agent": f"cityctl/{__version__}", "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(connect=wait.connect, read=wait.read, write=wait.read, pool=wait.connect),
            follow_redirects=False,
            trust_env=not _is_loopback(self.url),
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def fetch(
        self,
        url: str,
        sink: Sink,
        *,
        headers: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> Answer:
        """Fetch one URL of this origin into `sink`; statuses in `accept` are answers without content.

        Raises Unreachable (no answer, cut answers, 5xx, another origin), CredentialsRefused (401, 403) and
        InputRefused (another 4xx, more than the bounds allow).
        """
        deadline = time.monotonic() + self.patience.total
        tries: list[str] = []
        while True:
            sink.restart()
            try:
                return self._follow(url, sink, headers or {}, accept, deadline, len(tries) + 1)
            except _Again as again:
                tries.append(f"try {len(tries) + 1}: {hide(again.reason)}")
                self._wait(again, tries, deadline)

    def _wait(self, again: _Again, tries: list[str], deadline: float) -> None:
        wait = self.patience
        left = deadline - time.monotonic()
        if len(tries) >= wait.tries:
            said = f"{self.service}: {hide(again.reason)}"
            raise Unreachable(said, tried=tries, hint=self._hint())
        longest = min(wait.longest_wait, wait.first_wait * 2 ** (len(tries) - 1))
        pause = self.jitter(0.0, longest) if again.wait is None else again.wait
        if pause > left:
            said = f"{self.service}: {hide(again.reason)}"
            asked = f"; it asks to come back in {again.wait:.0f} s" if again.wait is not None else ""
            raise Unreachable(
                f"{said}{asked}, and {max(left, 0):.0f} s are left", tried=tries, hint="run it again later"
            )
        self.sleep(pause)

    def _hint(self) -> str:
        return f"`cityctl pull {self.service} --dry-run` shows the requests; check the url in city.yaml"

    def _follow(
        self,
        url: str,
        sink: Sink,
        headers: Mapping[str, str],
        accept: frozenset[int],
        deadline: float,
        number: int,
    ) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            if origin(url) != self._origin:
                raise Unreachable(
                    f"{self.service}: it leads to another origin, {hide(origin(url))}: not followed, and no "
                    "credentials were sent there",
                    hint="if that is right, write the new address as the service's url in city.yaml",
                )
            answer = self._once(url, sink, headers, accept, deadline, number)
            if isinstance(answer, Answer):
                return answer
            url = urljoin(url, answer)
        raise Unreachable(f"{self.service}: redirected more than {_MOST_REDIRECTS} times", hint=self._hint())

    def _once(
        self,
        url: str,
        sink: Sink,
        headers: Mapping[str, str],
        accept: frozenset[int],
        deadline: float,
        number: int,
    ) -> Answer | str:
        """One request: an answer, or the URL that it redirects to."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise _Again(f"no answer within {self.patience.total:.0f} s")
        sent = {**headers, **{name: secret.reveal() for name, secret in self.secrets.items()}}
        wait = self.patience
        timeout = httpx.Timeout(
            connect=min(wait.connect, left), read=min(wait.read, left), write=wait.read, pool=wait.connect
        )
        try:
            with self._client.stream("GET", url, headers=sent, timeout=timeout) as response:
                status = response.status_code
                if status in _REDIRECTS and "location" in response.headers:
                    return response.headers["location"]
                told = {name.lower(): value for name, value in response.headers.items()}
                shown = hide(url)
                if status in accept or status == 204:
                    return Answer(shown, status, told, 0, True, number)
                if status != 200:
                    self._refuse(shown, status, told)
                size, proven = self._read(response, sink, deadline)
                return Answer(shown, status, told, size, proven, number)
        except httpx.ConnectTimeout:
            raise _Again(f"no connection to {self._origin} within {wait.connect:g} s") from None
        except httpx.ReadTimeout:
            raise _Again(f"{self._origin} sent nothing for {min(wait.read, left):.3g} s") from None
        except httpx.ConnectError as problem:
            raise self._not_connected(problem) from None
        except httpx.RemoteProtocolError as problem:
            raise _Again(f"the answer was cut short or is no HTTP: {_first(problem)}") from None
        except httpx.InvalidURL as problem:
            raise ConfigInvalid(f"`{hide(url)}` is no URL: {problem}") from None
        except httpx.HTTPError as problem:
            raise _Again(f"{type(problem).__name__}: {_first(problem)}") from None

    def _not_connected(self, problem: httpx.ConnectError) -> Exception:
        said = _first(problem)
        if "CERTIFICATE" in said.upper() or "SSL" in said.upper():
            return Unreachable(
                f"{self.service}: {self._origin} does not prove who it is: {said}",
                hint="set SSL_CERT_FILE to the authority that signed its certificate",
            )
        return _Again(f"no connection to {self._origin}: {said}")

    def _refuse(self, shown: str, status: int, headers: Mapping[str, str]) -> None:
        if status in (401, 403, 407):
            missing = "" if self.secrets else "; no credentials are configured"
            raise CredentialsRefused(
                f"{self.service}: credentials refused ({status}){missing}",
                tried=[f"GET {shown}"],
                hint=f"check `secret:` of services.{self.service} in city.yaml, and what it points to",
            )
        if status in _RETRIED:
            raise _Again(f"it answered {status}", self._retry_after(headers))
        if status >= 500:
            raise Unreachable(
                f"{self.service}: it answered {status}", tried=[f"GET {shown}"], hint=self._hint()
            )
        raise InputRefused(f"{self.service}: it answered {status} to GET {shown}", hint=self._hint())

    def _retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Seconds to wait, from a number of seconds or from a date; None where nothing is said."""
        text = headers.get("retry-after", "").strip()
        if not text:
            return None
        if text.isascii() and text.isdigit():
            return float(text)
        try:
            moment = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self.now()).total_seconds())

    def _read(self, response: httpx.Response, sink: Sink, deadline: float) -> tuple[int, bool]:
        """(decoded bytes, whether the end is proven). httpx itself checks Content-Length and chunks."""
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("identity", "", "gzip", "x-gzip"):
            raise InputRefused(f"{self.service}: its answer is coded as `{coding}`, which was not asked for")
        unpack = Gunzip(self.bounds, self.service) if coding in ("gzip", "x-gzip") else None
        wire = decoded = 0
        for piece in response.iter_raw():
            wire += len(piece)
            if wire > self.bounds.wire:
                raise InputRefused(f"{self.service}: its answer is larger than {self.bounds.wire >> 20} MB")
            if time.monotonic() > deadline:
                raise _Again(
                    f"the answer was not complete within {self.patience.total:.0f} s ({wire} bytes came)"
                )
            if unpack is None:
                decoded += len(piece)
                sink.write(piece)
            else:
                try:
                    decoded += unpack.feed(piece, sink)
                except Damaged as problem:
                    raise _Again(f"its gzip stream is damaged: {problem}") from None
        if unpack is not None and not unpack.ended:
            raise _Again(f"the answer was cut short: its gzip stream does not end ({wire} bytes came)")
        chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
        return decoded, "content-length" in response.headers or chunked or unpack is not None


def _first(problem: Exception) -> str:
    return hide(str(problem).split("\n", 1)[0]) or type(problem).__name__


def _is_loopback(url: str) -> bool:
    """Whether a URL names this machine: then no proxy of the environment stands between."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
