"""TLS: who is trusted, and what is said of who is not. Authorities and certificates are made for the test."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cityctl.modbus.line import Link, TlsSettings, open_line
from cityctl.modbus.line.faults import Closed, NotConnected
from cityctl.modbus.line.tls import client_context
from cityctl.modbus.pretended.wire import Server
from tests.modbus.ten_words import bank


class Papers:
    def __init__(self, folder: Path) -> None:
        trustme = pytest.importorskip("trustme")
        self.folder = folder
        self.authority, self.other = trustme.CA(), trustme.CA()
        self.server = self.authority.issue_cert("127.0.0.1", "plc.example")
        self.client = self.authority.issue_cert("historian@example")
        self.ca, self.other_ca = folder / "ca.pem", folder / "other.pem"
        self.authority.cert_pem.write_to_path(self.ca)
        self.other.cert_pem.write_to_path(self.other_ca)
        self.certificate = folder / "client.pem"
        self.client.private_key_and_cert_chain_pem.write_to_path(self.certificate)

    def context(self, *, wants_client: bool = True) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.configure_cert(context)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            self.authority.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("tls"))


def over_tls(context: ssl.SSLContext, tls: TlsSettings, host: str = "127.0.0.1") -> tuple[int, ...]:
    async def go() -> tuple[int, ...]:
        async with Server({1: bank()}, kind="tls", context=context) as server:
            line = await open_line(Link(host, server.port, "tls", None, tls), 3)
            try:
                return (await line.read(1, 3, 8, 1, timeout=2)).registers
            finally:
                line.close()

    return asyncio.run(go())


def test_tls_with_a_client_certificate(papers):
    assert over_tls(papers.context(), TlsSettings(papers.ca, papers.certificate)) == (1008,)
    named = TlsSettings(papers.ca, papers.certificate, host_name="plc.example")
    assert over_tls(papers.context(), named) == (1008,)


def test_a_peer_of_another_authority_is_refused(papers):
    with pytest.raises(NotConnected, match="certificate is not trusted"):
        over_tls(papers.context(), TlsSettings(papers.other_ca, papers.certificate))


def test_an_expired_peer_is_refused_with_the_reason(papers):
    old = papers.authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.configure_cert(context)
    with pytest.raises(NotConnected, match="certificate has expired"):
        over_tls(context, TlsSettings(papers.ca))


def test_a_peer_that_only_trusts_itself_is_refused_by_the_systems_authorities(papers):
    with pytest.raises(NotConnected, match="certificate is not trusted"):
        over_tls(papers.context(wants_client=False), TlsSettings())


def test_a_peer_of_another_name_is_refused(papers):
    with pytest.raises(NotConnected, match=r"certificate is not for `pump\.example`"):
        over_tls(papers.context(), TlsSettings(papers.ca, papers.certificate, host_name="pump.example"))


def test_a_missing_client_certificate_is_said(papers):
    # TLS 1.3 tells the client only after the handshake: with its first request
    with pytest.raises((NotConnected, Closed), match="certificate"):
        over_tls(papers.context(), TlsSettings(papers.ca))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_tls_is_refused(papers):
    context = papers.context(wants_client=False)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(NotConnected, match="TLS"):
        over_tls(context, TlsSettings(papers.ca))
    assert client_context(TlsSettings(papers.ca)).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_port_without_tls_is_said(papers):
    async def go() -> None:
        async with Server({1: bank()}) as server:
            with pytest.raises(NotConnected, match="TLS"):
                await open_line(Link("127.0.0.1", server.port, "tls", None, TlsSettings(papers.ca)), 1)

    asyncio.run(go())


def test_a_file_that_is_not_there_is_named(papers, tmp_path):
    missing = tmp_path / "none.pem"
    with pytest.raises(NotConnected, match=r"certificate in .*none\.pem cannot be used: no such file"):
        client_context(TlsSettings(papers.ca, missing))
    with pytest.raises(NotConnected, match=r"authorities in .*none\.pem"):
        client_context(TlsSettings(missing))
