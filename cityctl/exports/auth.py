"""Credentials of a service: sent as they are, read again, or exchanged for a token that is renewed once a refusal.

A secret and each token is known to `secret.hide` from the moment that it is read, and goes to its own origin alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from cityctl.city.services import Service
from cityctl.disk import write_atomic
from cityctl.errors import CityctlError, ConfigInvalid, CredentialsRefused, InputRefused, Unreachable
from cityctl.exports.asking import exchange
from cityctl.exports.http import Away, Client, Credentials, Patience, Proof, Standing, Tls, origin
from cityctl.exports.language import Auth, Connector
from cityctl.exports.secret import Secret, hide, read_secret

_EARLY = 30.0  # seconds before a token's end from which on it is not used


def credentials(
    connector: Connector,
    service: Service,
    name: str,
    folder: Path,
    *,
    said: Mapping[str, str] | None = None,
    state: Path | None = None,
    patience: Patience | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Credentials:
    """What proves who asks. `folder`: the project's; `state`: where a renewed refresh token is kept.

    Raises CredentialsRefused where a secret is missing, and ConfigInvalid.
    """
    auth = connector.auth
    if auth.kind == "none":
        return Standing()
    if service.secret is None and auth.kind != "oauth2_refresh":
        if auth.optional:
            return Standing()
        raise CredentialsRefused(
            f"service {name}: its connector needs a secret, and city.yaml names none",
            hint=f"add `secret: {{env: NAME}}` to services.{name}",
        )
    if auth.kind.startswith("oauth2"):
        return _token(auth, service, name, folder, said or {}, state, patience or Patience(), sleep)
    assert service.secret is not None
    place = service.secret
    if auth.kind == "basic" and auth.sent_as == "password" and not service.user:
        raise ConfigInvalid(f"services.{name}: basic authentication needs `user:`")
    sent = Kept(
        lambda: read_secret(place, service=name, folder=folder), lambda found: _proof(auth, service, found)
    )
    sent.proof()  # a secret that is missing is said before anything is sent
    return sent


def tls(service: Service, name: str, folder: Path) -> Tls | None:
    """The authority and certificate of a service. Raises CredentialsRefused where the key's password is missing."""
    told = service.tls
    if told is None:
        return None
    password = read_secret(told.password, service=name, folder=folder) if told.password is not None else None

    def path(text: str | None) -> Path | None:
        return folder / text if text is not None else None

    return Tls(path(told.ca), path(told.certificate), path(told.key), password)


def _proof(auth: Auth, service: Service, secret: Secret) -> Proof:
    if auth.kind == "basic":
        as_user = auth.sent_as == "user"
        user, password = (secret.reveal(), Secret("")) if as_user else (service.user or "", secret)
        return Proof({"Authorization": Secret(f"Basic {password.basic(user).reveal()}")})
    if auth.kind == "bearer":
        return Proof({"Authorization": Secret(f"Bearer {secret.reveal()}")})
    if auth.query is not None:
        return Proof(query={auth.query: secret})
    assert auth.header is not None
    return Proof({auth.header: secret})


@dataclass
class Kept:
    """A secret that is kept somewhere, and read there again where the service refuses it."""

    read: Callable[[], Secret]
    sent: Callable[[Secret], Proof]
    _secret: Secret | None = None

    def proof(self) -> Proof:
        """The proof with the secret as it was read."""
        if self._secret is None:
            self._secret = self.read()
        return self.sent(self._secret)

    def renew(self) -> bool:
        """Read it again: a command gives a fresh token, a file may have been written. False where it is the same."""
        before, self._secret = self._secret, self.read()
        return before is None or before.reveal() != self._secret.reveal()


@dataclass
class Token:
    """An OAuth 2 token (RFC 6749), asked for when it is needed and again where it is refused or too old."""

    url: str
    service: str
    form: Mapping[str, str]
    secrets: Mapping[str, Callable[[], Secret]]
    proof_of_client: Callable[[], Proof]
    patience: Patience
    tls: Tls | None
    sleep: Callable[[float], None]
    keep: Callable[[Secret], None] | None = None
    _access: Secret | None = None
    _until: float = field(default=float("inf"))

    def proof(self) -> Proof:
        """The token as a header. Raises CredentialsRefused and Unreachable."""
        if self._access is None or time.monotonic() >= self._until:
            self._ask()
        assert self._access is not None
        return Proof({"Authorization": Secret(f"Bearer {self._access.reveal()}")})

    def renew(self) -> bool:
        """Ask for another token."""
        self._ask()
        return True

    def _ask(self) -> None:
        form = {**self.form, **{name: read().reveal() for name, read in self.secrets.items()}}
        body = urlencode({name: value for name, value in form.items() if value}).encode()
        Secret(body.decode())
        sink = _Held()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        named = f"{self.service}: its token"
        try:
            with Client(
                self.url, self.service, patience=self.patience, tls=self.tls, sleep=self.sleep,
                credentials=Standing(self.proof_of_client()),
            ) as client:  # fmt: skip
                client.fetch(self.url, sink, headers=headers, method="POST", body=body)
        except (InputRefused, CredentialsRefused) as refused:
            raise CredentialsRefused(
                f"{named} was refused: {refused.message.removeprefix(f'{self.service}: ')}",
                tried=[f"POST {hide(self.url)}"],
                hint=f"check `user`, `secret` and `refresh_token` of services.{self.service} in city.yaml",
            ) from None
        except Unreachable as problem:
            raise Away(
                f"{named} cannot be had: {problem.message}", tried=problem.tried, hint=problem.hint
            ) from None
        self._take(sink.data, named)

    def _take(self, data: bytes, named: str) -> None:
        try:
            told: dict[str, Any] = json.loads(data)
            access = told["access_token"]
            lasts = float(told.get("expires_in") or "inf")
        except (ValueError, KeyError, TypeError, RecursionError):
            raise CredentialsRefused(
                f"{named} was asked for, and the answer holds none", tried=[f"POST {hide(self.url)}"]
            ) from None
        if not isinstance(access, str) or not access:
            raise CredentialsRefused(f"{named} is empty", tried=[f"POST {hide(self.url)}"])
        self._access = Secret(access)
        self._until = time.monotonic() + lasts - min(_EARLY, lasts / 2)
        following = told.get("refresh_token")
        if self.keep is not None and isinstance(following, str) and following:
            self.keep(Secret(following))


class _Held:
    """A small answer in memory."""

    def __init__(self) -> None:
        self.data = b""

    def restart(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        if len(self.data) + len(data) > 1 << 20:
            raise InputRefused("it is larger than any token")
        self.data += data


def _token(
    auth: Auth,
    service: Service,
    name: str,
    folder: Path,
    said: Mapping[str, str],
    state: Path | None,
    patience: Patience,
    sleep: Callable[[float], None],
) -> Token:
    url = exchange(auth.token or "", said)
    if url.startswith("/"):
        url = service.url.rstrip("/") + url
    if service.url.startswith("https:") and not url.startswith("https:"):
        raise ConfigInvalid(
            f"services.{name}: its tokens would be asked for without TLS, at {hide(origin(url))}",
            hint="`token` of the connector must begin with https://",
        )
    if not service.user:
        raise ConfigInvalid(f"services.{name}: OAuth 2 needs the client id", hint="add `user: CLIENT_ID`")
    place, refresh = service.secret, service.refresh_token
    client = (lambda: read_secret(place, service=name, folder=folder)) if place is not None else None
    secrets: dict[str, Callable[[], Secret]] = {}
    keep: Callable[[Secret], None] | None = None
    form = {key: exchange(text, said) for key, text in auth.extra.items()}
    form |= {"grant_type": "client_credentials", "scope": auth.scope}
    if auth.kind == "oauth2_refresh":
        if refresh is None:
            raise CredentialsRefused(
                f"service {name}: its connector needs a refresh token, and city.yaml names none",
                hint=f"add `refresh_token: {{file: NAME}}` to services.{name}",
            )
        rotated = Rotated((state or folder) / "tokens" / f"{name}.json")
        first = read_secret(refresh, service=name, folder=folder)
        form["grant_type"] = "refresh_token"
        secrets["refresh_token"] = lambda: rotated.current(first)
        keep = lambda following: rotated.keep(first, following)  # noqa: E731  a closure over two secrets
    if auth.client == "body" or client is None:
        form["client_id"] = service.user
        if client is not None:
            secrets["client_secret"] = client

    def proof_of_client() -> Proof:
        if auth.client != "basic" or client is None:
            return Proof()
        # RFC 6749, 2.3.1: id and secret are form-encoded before they become a user and a password.
        encoded = Secret(quote(client().reveal(), safe=""))
        user = quote(service.user or "", safe="")
        return Proof({"Authorization": Secret(f"Basic {encoded.basic(user).reveal()}")})

    if client is not None:
        client()
    return Token(url, name, form, secrets, proof_of_client, patience, tls(service, name, folder), sleep, keep)


@dataclass(frozen=True)
class Rotated:
    """A refresh token that the service exchanged for another: the one of city.yaml is then worth nothing.

    The file is for this user alone, and forgotten where city.yaml names another token.
    """

    path: Path

    def current(self, first: Secret) -> Secret:
        """The latest one."""
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
            if told["instead_of"] == _mark(first):
                return Secret(told["refresh_token"])
        except FileNotFoundError:
            pass
        except PermissionError:
            raise ConfigInvalid(
                f"{self.path}: no permission: the service exchanged the refresh token for another user's run",
                hint="let that user pull; or delete it, and put a fresh refresh token where city.yaml says",
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise ConfigInvalid(
                f"{self.path}: damaged: {type(problem).__name__}",
                hint="delete it, and put a fresh refresh token where city.yaml says",
            ) from None
        return first

    def keep(self, first: Secret, following: Secret) -> None:
        """Another one was given."""
        if following.reveal() == self.current(first).reveal():
            return
        told = {"instead_of": _mark(first), "refresh_token": following.reveal()}
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            before = os.umask(0o077)
            try:
                write_atomic(self.path, json.dumps(told).encode())
            finally:
                os.umask(before)
        except OSError as problem:
            raise CityctlError(
                f"{self.path}: the new refresh token cannot be kept: {problem.strerror}"
            ) from None


def _mark(secret: Secret) -> str:
    return hashlib.sha256(secret.reveal().encode()).hexdigest()[:16]
