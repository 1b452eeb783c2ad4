"""Fetches one answer: tried again with patience, redirected within bounds, its credentials renewed once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType

from cityctl.errors import CredentialsRefused, InputRefused, Unreachable
from cityctl.exports.http.body import Body
from cityctl.exports.http.budget import Budgets
from cityctl.exports.http.origin import check_led, host, joined, origin, with_query
from cityctl.exports.http.patience import Again, Patience, Tries, retry_after
from cityctl.exports.http.proof import Credentials, Proof, Standing
from cityctl.exports.http.unpack import Bounds, Sink
from cityctl.exports.http.wire import Reply, Tls, Wire
from cityctl.exports.secret import Secret, hide

_RETRIED = frozenset({202, 408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5


class Forbidden(CredentialsRefused):
    """The service knows who asks, and does not give this one (403)."""


@dataclass(frozen=True)
class Answer:
    """What came: its status, its headers in lower case, and whether its end is proven.

    `url` shows no secret; `address` is where the answer came from, for the links in it.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    size: int
    proven: bool
    tries: int
    address: str = ""


@dataclass(frozen=True)
class _Request:
    method: str
    headers: Mapping[str, str]
    body: bytes | None
    accept: frozenset[int]


@dataclass
class Client:
    """Asks one service. Its credentials go to the origin of `url` alone; `origins` may be asked without them."""

    url: str
    service: str
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    bounds: Bounds = field(default_factory=Bounds)
    credentials: Credentials | None = None
    origins: frozenset[str] = frozenset()
    tls: Tls | None = None
    budgets: Budgets = field(default_factory=Budgets)
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    jitter: Callable[[float, float], float] = random.uniform

    def __post_init__(self) -> None:
        self._origin = origin(self.url)
        self._credentials = self.credentials or Standing(Proof(self.secrets))
        self._wire = Wire(self.url, self.service, self.patience, self.tls)
        # A certificate proves who asks just as a key does: other origins are asked without it.
        self._bare: Wire | None = None
        self.requests = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()
        if self._bare is not None:
            self._bare.close()

    def fetch(
        self,
        url: str,
        sink: Sink,
        *,
        headers: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
        method: str = "GET",
        body: bytes | None = None,
    ) -> Answer:
        """Fetch one URL of this service into `sink`; statuses in `accept` are answers without content.

        Raises Unreachable (cut answers, 5xx, another origin), Away (nobody there, 429), CredentialsRefused (401),
        Forbidden (403) and InputRefused (another 4xx, more than the bounds allow).
        """
        tries = Tries(self.service, self.patience, self.sleep, self.jitter, self._hint())
        asked = _Request(method, headers or {}, body, accept)
        came = Body(self.service, self.bounds, sink)
        renewed = False
        while True:
            proof = self._credentials.proof()
            try:
                return self._follow(url, asked, came, tries, proof)
            except Again as again:
                tries.failure(again)
            except CredentialsRefused as refused:
                if renewed or "(401)" not in refused.message or not self._credentials.renew():
                    raise
                renewed = True

    def _hint(self) -> str:
        return f"`cityctl pull {self.service} --dry-run` shows the requests; check the url in city.yaml"

    def _follow(self, url: str, asked: _Request, came: Body, tries: Tries, proof: Proof) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            own = check_led(self.service, self._origin, url, self.origins)
            answer = self._once(url, asked, came, tries, proof if own else Proof(), own)
            if isinstance(answer, Answer):
                return answer
            url = joined(url, answer)
        raise Unreachable(f"{self.service}: redirected more than {_MOST_REDIRECTS} times", hint=self._hint())

    def _once(
        self, url: str, asked: _Request, came: Body, tries: Tries, proof: Proof, own: bool
    ) -> Answer | str:
        """One request: an answer, or the URL that it redirects to."""
        self.budgets.take(host(url), self.sleep)
        left = tries.left
        if left <= 0:
            raise Again(f"no answer within {self.patience.total:.0f} s")
        part = came.before_try()
        sent = {**asked.headers, **part, **{name: secret.reveal() for name, secret in proof.headers.items()}}
        address = with_query(url, proof.query) if proof.query else url
        self.requests += 1
        with self._wire_to(own).send(asked.method, address, sent, asked.body, left) as reply:
            status, told, shown = reply.status, reply.headers, hide(url)
            if status in _REDIRECTS and "location" in told:
                if asked.body is not None and status not in (307, 308):
                    raise InputRefused(
                        f"{self.service}: it answered {asked.method} {shown} with a redirect ({status})"
                    )
                return told["location"]
            if status in asked.accept or status in (204, 304):
                return Answer(shown, status, told, 0, True, tries.number, url)
            if status == 416 and part:
                came.restart()
                raise Again(
                    "the export changed while it was fetched: it is fetched again from the start", 0.0
                )
            if status != 200 and not (status == 206 and part):
                self._refuse(reply, asked.method, shown, bool(proof))
            came.read(reply, tries.deadline, self.patience.total)
            return Answer(shown, status, told, came.decoded, came.proven, tries.number, url)

    def _wire_to(self, own: bool) -> Wire:
        if own or self.tls is None:
            return self._wire
        if self._bare is None:
            self._bare = Wire(self.url, self.service, self.patience)
        return self._bare

    def _refuse(self, reply: Reply, method: str, shown: str, proved: bool) -> None:
        status = reply.status
        if status in (401, 403, 407):
            missing = "" if proved else "; no credentials are configured"
            kind = Forbidden if status == 403 else CredentialsRefused
            raise kind(
                f"{self.service}: credentials refused ({status}){missing}",
                tried=[f"{method} {shown}"],
                hint=f"check `secret:` of services.{self.service} in city.yaml, and what it points to",
            )
        if status in _RETRIED:
            wait = retry_after(reply.headers, self.now())
            raise Again(f"it answered {status}{_said(reply)}", wait, away=status == 429)
        if status >= 500:
            raise Unreachable(
                f"{self.service}: it answered {status}{_said(reply)}",
                tried=[f"{method} {shown}"],
                hint=self._hint(),
            )
        if status == 206:
            raise InputRefused(f"{self.service}: it answered with a part only (206) to {method} {shown}")
        raise InputRefused(
            f"{self.service}: it answered {status} to {method} {shown}{_said(reply)}", hint=self._hint()
        )


def _said(reply: Reply) -> str:
    """`: ` and the first words of a refusal, where they are text."""
    kind = reply.headers.get("content-type", "")
    if reply.headers.get("content-encoding") or not any(
        word in kind for word in ("json", "text/plain", "problem")
    ):
        return ""
    text = next(reply.pieces(), b"")[:2000].decode("utf-8", "replace")
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f": {hide(plain)[:200]}" if plain else ""
