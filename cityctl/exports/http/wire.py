"""The only module that speaks to httpx: it sends one request and hands its answer on as it comes."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cityctl import __version__
from cityctl.errors import ConfigInvalid
from cityctl.exports.http.origin import is_loopback, origin
from cityctl.exports.http.patience import Again, Away, Patience
from cityctl.exports.secret import Redaction, Secret, hide

_redaction = Redaction()
for _name in ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_redaction)


@dataclass(frozen=True)
class Tls:
    """Who is believed (`ca`, a PEM file), and the certificate and key that prove who asks."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    password: Secret | None = None


class Reply:
    """An answer of which the headers came; `pieces` gives its body as it stood on the wire."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): text for name, text in response.headers.items()}

    def pieces(self) -> Iterator[bytes]:
        """The body, coded as it came. httpx checks Content-Length and chunks."""
        yield from self._response.iter_raw()


class Wire:
    """Connections to one service."""

    def __init__(self, url: str, service: str, patience: Patience, tls: Tls | None = None) -> None:
        self._service = service
        self._patience = patience
        self._client = httpx.Client(
            headers={"User-Agent": f"cityctl/{__version__}", "Accept-Encoding": "gzip, deflate"},
            timeout=httpx.Timeout(
                connect=patience.connect, read=patience.read, write=patience.read, pool=patience.connect
            ),
            verify=_context(tls, service) if tls is not None else True,
            follow_redirects=False,
            trust_env=not is_loopback(url),
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    @contextmanager
    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, left: float
    ) -> Iterator[Reply]:
        """One request, `left` s before its deadline. Raises Again, Away (TLS) and ConfigInvalid (no URL)."""
        wait, there = self._patience, origin(url)
        read = min(wait.read, left)
        timeout = httpx.Timeout(
            connect=min(wait.connect, left), read=read, write=wait.read, pool=wait.connect
        )
        try:
            with self._client.stream(
                method, url, headers=dict(headers), content=body, timeout=timeout
            ) as response:
                yield Reply(response)
        except httpx.ConnectTimeout:
            raise Again(f"no connection to {there} within {wait.connect:g} s", away=True) from None
        except httpx.ReadTimeout:
            raise Again(f"{there} sent nothing for {read:.3g} s") from None
        except httpx.ConnectError as problem:
            raise self._not_connected(problem, there) from None
        except httpx.RemoteProtocolError as problem:
            raise Again(f"the answer was cut short or is no HTTP: {_first(problem)}") from None
        except httpx.InvalidURL as problem:
            raise ConfigInvalid(f"`{hide(url)}` is no URL: {hide(str(problem))}") from None
        except httpx.HTTPError as problem:
            if (
                "ALERT" in _first(problem).upper()
            ):  # TLS 1.3: a client's certificate is refused while it reads
                raise self._not_connected(problem, there) from None
            raise Again(f"the connection to {there} broke off: {_first(problem)}") from None

    def _not_connected(self, problem: httpx.HTTPError, there: str) -> Exception:
        said = _first(problem)
        if "ALERT" in said.upper():
            return Away(
                f"{self._service}: {there} refused the TLS connection: {said}",
                hint=f"it may ask for a certificate: `tls: {{certificate: .., key: ..}}` of services.{self._service}",
            )
        if "CERTIFICATE" in said.upper() or "SSL" in said.upper():
            return Away(
                f"{self._service}: {there} does not prove who it is: {said}",
                hint=f"name the authority that signed its certificate: `tls: {{ca: FILE}}` of services.{self._service}",
            )
        return Again(f"no connection to {there}: {said}", away=True)


def _context(tls: Tls, service: str) -> ssl.SSLContext:
    """Raises ConfigInvalid where a file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=str(tls.ca) if tls.ca else None)
    except (OSError, ssl.SSLError) as problem:
        why = "no PEM certificate" if isinstance(problem, ssl.SSLError) else problem.strerror
        raise ConfigInvalid(f"services.{service}.tls.ca: {tls.ca}: {why}") from None
    if tls.certificate is None:
        return context
    try:
        password = tls.password.reveal() if tls.password is not None else ""
        context.load_cert_chain(tls.certificate, tls.key, password)
    except (OSError, ssl.SSLError) as problem:
        files = f"{tls.certificate}, {tls.key}" if tls.key else f"{tls.certificate}"
        words = "no certificate and the key that belongs to it, or a wrong password"
        why = words if isinstance(problem, ssl.SSLError) else problem.strerror
        raise ConfigInvalid(
            f"services.{service}.tls: {files}: {why}",
            hint="PEM files: a certificate (chain), and the key that belongs to it",
        ) from None
    return context


def _first(problem: Exception) -> str:
    return hide(str(problem).split("\n", 1)[0]) or type(problem).__name__
