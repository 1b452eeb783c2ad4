"""TLS for Modbus/TCP Security: the peer's certificate and name are checked, TLS is 1.2 or later.

MODBUS/TCP Security Protocol Specification V2.1: port 802, mutual authentication, TLS 1.2 as the least.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

from cityctl.modbus.line.faults import NotConnected
from cityctl.modbus.line.link import Link, TlsSettings


@lru_cache(maxsize=64)
def client_context(settings: TlsSettings | None) -> ssl.SSLContext:
    """The context of a line. Raises NotConnected, naming the file, where one cannot be used."""
    settings = settings or TlsSettings()
    if settings.ca is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(settings.ca)
        except (OSError, ssl.SSLError) as problem:
            raise _unusable("authorities", settings.ca, problem) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    if settings.certificate is not None:
        try:
            context.load_cert_chain(settings.certificate, settings.key)
        except (OSError, ssl.SSLError) as problem:
            raise _unusable("certificate", settings.certificate, problem) from None
    return context


def _unusable(what: str, path: Path, problem: Exception) -> NotConnected:
    why = "no such file" if isinstance(problem, FileNotFoundError) else str(problem)
    return NotConnected(f"TLS: the {what} in {path} cannot be used: {why}")


def said_of_tls(problem: ssl.SSLError, link: Link) -> str:
    """What went wrong in a handshake, in words that say whose repair it is."""
    name = (link.tls.host_name if link.tls else None) or link.host
    if isinstance(problem, ssl.SSLCertVerificationError):
        if "mismatch" in problem.verify_message.lower():
            return f"TLS: the peer's certificate is not for `{name}`: {problem.verify_message}"
        return f"TLS: the peer's certificate is not trusted: {problem.verify_message}"
    reason = (problem.reason or "").upper()
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason or "BAD_CERTIFICATE" in reason:
        return f"TLS: the peer refuses this client ({reason}): it may want a client certificate"
    if "PROTOCOL_VERSION" in reason or "UNSUPPORTED_PROTOCOL" in reason:
        return f"TLS: the peer offers no TLS 1.2 or later ({reason})"
    if "WRONG_VERSION_NUMBER" in reason or "RECORD" in reason:
        return f"TLS: what answers on that port speaks no TLS ({reason})"
    return f"TLS failed: {reason or problem}"
