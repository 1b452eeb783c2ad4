"""Credentials: read again, exchanged for tokens, proven by certificates; real servers on loopback."""

from __future__ import annotations

import base64
import json
import os
import ssl
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from cityctl.city.services import Service as CityService
from cityctl.errors import ConfigInvalid, CredentialsRefused, Unreachable
from cityctl.exports import auth
from cityctl.exports.http import Client, Credentials, Patience
from cityctl.exports.language import Connector
from tests.http_service import Service, send

PATIENCE = Patience(connect=2, read=2, total=5, tries=2)


def connector(words: dict[str, Any]) -> Connector:
    told = {"title": "T", "request": {"path": "/x"}, "answer": {"format": "csv"}, "auth": words}
    return Connector.model_validate(told)


def made(words: dict[str, Any], folder: Path, url: str = "http://127.0.0.1:9", **service: Any) -> Credentials:
    told = CityService.model_validate({"connector": "c", "url": url, **service})
    return auth.credentials(
        connector(words), told, "s", folder, state=folder / "state", patience=PATIENCE, sleep=lambda _: None
    )


def test_a_key_as_user_goes_without_password(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk_live_0001\n")
    proof = made({"kind": "basic", "sent_as": "user"}, tmp_path, secret={"file": "key"}).proof()
    sent = proof.headers["Authorization"].reveal().removeprefix("Basic ")
    assert base64.b64decode(sent) == b"sk_live_0001:"


def test_a_key_in_the_query(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk_live_0001\n")
    proof = made({"kind": "api_key", "query": "apikey"}, tmp_path, secret={"file": "key"}).proof()
    assert {name: secret.reveal() for name, secret in proof.query.items()} == {"apikey": "sk_live_0001"}
    assert not proof.headers


def test_a_token_command_is_run_again_where_its_token_is_refused(tmp_path: Path) -> None:
    """Each run of the command gives another token, as `gcloud auth print-access-token` and its like do."""
    script = tmp_path / "token.py"
    script.write_text(
        "import pathlib\np = pathlib.Path(__file__).with_name('n')\n"
        "n = int(p.read_text()) + 1 if p.exists() else 1\np.write_text(str(n))\nprint(f'token-of-run-{n}')\n"
    )
    command = {"command": [sys.executable, str(script)]}
    credentials = made({"kind": "bearer"}, tmp_path, secret=command)
    assert credentials.proof().headers["Authorization"].reveal() == "Bearer token-of-run-1"
    assert credentials.renew()
    assert credentials.proof().headers["Authorization"].reveal() == "Bearer token-of-run-2"


def test_a_secret_that_stays_the_same_is_no_renewal(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("same-secret\n")
    assert not made({"kind": "bearer"}, tmp_path, secret={"file": "key"}).renew()


class Giver:
    """Gives tokens for one refresh token at a time, as Enedis and Green Button custodians do."""

    def __init__(self, first: str) -> None:
        self.right = first
        self.given = 0
        self.forms: list[str] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.given += 1
        self.right = f"rotated-refresh-token-{self.given}"
        told = {"access_token": f"access-token-{self.given}", "refresh_token": self.right, "expires_in": 100}
        send(handler, json.dumps(told).encode())


def test_a_rotated_refresh_token_is_kept_for_this_user_alone(http: Service, tmp_path: Path) -> None:
    http.answer = Giver("first-refresh-token")
    (tmp_path / "refresh").write_text("first-refresh-token\n")
    (tmp_path / "secret").write_text("client-secret-1\n")
    words = {"kind": "oauth2_refresh", "token": "/token", "client": "body"}
    service = {"user": "me", "secret": {"file": "secret"}, "refresh_token": {"file": "refresh"}}
    assert (
        made(words, tmp_path, http.url, **service).proof().headers["Authorization"].reveal()
        == "Bearer access-token-1"
    )
    made(words, tmp_path, http.url, **service).proof()
    assert "refresh_token=first-refresh-token" in http.bodies[0]
    assert "refresh_token=rotated-refresh-token-1" in http.bodies[1]
    assert "client_id=me" in http.bodies[0]
    assert "client_secret=client-secret-1" in http.bodies[0]
    kept = tmp_path / "state" / "tokens" / "s.json"
    if os.name != "nt":
        assert kept.stat().st_mode & 0o077 == 0
    assert "first-refresh-token" not in kept.read_text()
    (tmp_path / "refresh").write_text("another-first-token\n")  # authorised anew: the kept one is forgotten
    made(words, tmp_path, http.url, **service).proof()
    assert "refresh_token=another-first-token" in http.bodies[2]


def test_client_id_and_secret_are_encoded_before_they_become_a_header(http: Service, tmp_path: Path) -> None:
    """RFC 6749, section 2.3.1."""
    http.answer = lambda handler: send(handler, b'{"access_token": "access-token-9"}')
    (tmp_path / "secret").write_text("a:b c\n")
    words = {"kind": "oauth2_client", "token": "/token", "scope": "read"}
    made(words, tmp_path, http.url, user="m:e", secret={"file": "secret"}).proof()
    sent = http.requests[0][1]["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"m%3Ae:a%3Ab%20c"
    assert http.bodies == ["grant_type=client_credentials&scope=read"]


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (400, b'{"error": "invalid_grant"}', "invalid_grant"),
        (401, b"", "refused"),
        (200, b"<html>log in</html>", "holds none"),
        (200, b'{"token": 1}', "holds none"),
    ],
)
def test_a_token_that_is_not_given_is_a_matter_of_credentials(
    http: Service, tmp_path: Path, status: int, body: bytes, why: str
) -> None:
    http.answer = lambda handler: send(handler, body, status, Content_Type="application/json")
    (tmp_path / "secret").write_text("client-secret-2\n")
    words = {"kind": "oauth2_client", "token": "/token", "client": "body"}
    with pytest.raises(CredentialsRefused, match=why) as refused:
        made(words, tmp_path, http.url, user="me", secret={"file": "secret"}).proof()
    assert refused.value.exit_code == 13
    assert "client-secret-2" not in str(refused.value) + str(refused.value.tried)


def test_tokens_are_not_asked_for_at_another_origin_by_a_redirect(
    http: Service, another_http: Service, tmp_path: Path
) -> None:
    http.answer = lambda handler: send(handler, b"", 307, Location=another_http.url + "/token")
    (tmp_path / "secret").write_text("client-secret-3\n")
    words = {"kind": "oauth2_client", "token": "/token"}
    with pytest.raises(Unreachable, match="another origin"):
        made(words, tmp_path, http.url, user="me", secret={"file": "secret"}).proof()
    assert another_http.requests == []


def test_a_service_with_tls_gives_its_tokens_with_tls(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("client-secret-4\n")
    words = {"kind": "oauth2_client", "token": "http://a.example/token"}
    with pytest.raises(ConfigInvalid, match="without TLS"):
        made(words, tmp_path, "https://a.example", user="me", secret={"file": "secret"})


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server with a certificate of a private authority, that asks its clients for one of the same."""
    trustme = pytest.importorskip("trustme", reason="makes certificates for this test")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = authority.issue_cert("client@city.example")
    client.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    service = Service()
    service.server.socket = context.wrap_socket(service.server.socket, server_side=True)
    service.answer = lambda handler: send(handler, b"proven")
    yield service.url.replace("http:", "https:"), tmp_path
    service.close()


class Bytes:
    def __init__(self) -> None:
        self.data = b""

    def restart(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


def fetched(url: str, folder: Path, told: dict[str, str] | None) -> bytes:
    service = CityService.model_validate({"connector": "c", "url": url, "tls": told})
    sink = Bytes()
    tls = auth.tls(service, "s", folder)
    with Client(url, "s", tls=tls, patience=PATIENCE, sleep=lambda _: None) as client:
        client.fetch(url + "/x", sink)
    return sink.data


def test_mutual_tls_with_a_private_authority(certified: tuple[str, Path]) -> None:
    url, folder = certified
    assert (
        fetched(url, folder, {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"}) == b"proven"
    )
    with pytest.raises(Unreachable, match="does not prove who it is") as unknown:
        fetched(url, folder, {"certificate": "client.pem", "key": "client.key"})
    assert "tls: {ca: FILE}" in (unknown.value.hint or "")
    with pytest.raises(Unreachable) as bare:
        fetched(url, folder, {"ca": "ca.pem"})
    assert bare.value.exit_code == 12
    with pytest.raises(ConfigInvalid, match=r"absent\.pem"):
        fetched(url, folder, {"ca": "absent.pem"})
    with pytest.raises(ConfigInvalid, match="no certificate and the key"):
        fetched(url, folder, {"ca": "ca.pem", "certificate": "client.pem", "key": "ca.pem"})
