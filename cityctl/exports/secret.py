"""Secrets: read from where city.yaml says, shown nowhere.

A secret's text is known to this module's objects alone; every message and log record that may hold it goes
through `hide`.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import quote, quote_plus

from cityctl.city.services import Secret as SecretPlace
from cityctl.errors import CredentialsRefused

HIDDEN = "***"
LONG = 12  # characters of a secret that is also looked for in the bytes of answers
_known: set[str] = set()


class Secret:
    """A secret that prints as ***."""

    def __init__(self, text: str) -> None:
        self._text = text
        _known.update(form for form in _forms(text) if len(form) >= 4)

    def reveal(self) -> str:
        """The text, for the one place that sends it."""
        return self._text

    def basic(self, user: str) -> Secret:
        """The credentials of HTTP basic authentication, for the header."""
        return Secret(base64.b64encode(f"{user}:{self._text}".encode()).decode())

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__


def _forms(text: str) -> set[str]:
    """How a secret may stand in a message: plain, in a URL, in JSON."""
    quoted = {quote(text, safe=""), quote(text), quote_plus(text)}
    lower = {re.sub("%..", lambda sign: sign[0].lower(), one) for one in quoted}
    return {text, *quoted, *lower, json.dumps(text)[1:-1]}


def known_bytes() -> list[bytes]:
    """The secrets that are looked for in answers, longest first.

    Only long ones that are no mere number: what might be a reading is never taken for a secret.
    """
    long = (form for form in _known if len(form) >= LONG and not form.isdigit())
    return [form.encode() for form in sorted(long, key=len, reverse=True)]


def hide(text: str) -> str:
    """A text without any secret that was read in this run."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


class Redaction(logging.Filter):
    """Takes secrets out of log records, whoever wrote them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, without secrets."""
        message = record.getMessage()
        plain = hide(message)
        if plain != message:
            record.msg, record.args = plain, ()
        return True


def read_secret(place: SecretPlace, *, service: str, folder: Path) -> Secret:
    """The secret of a service. Raises CredentialsRefused where it is not there.

    A file is found from the project's folder; a command is run without a shell, for 30 s at most.
    """
    if place.env is not None:
        text = os.environ.get(place.env, "")
        where = f"environment variable {place.env}"
        hint = f"export {place.env}=... before the run"
    elif place.file is not None:
        path = folder / place.file
        where = f"file {path}"
        hint = f"write the secret into {path}, readable for this user alone"
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as problem:
            raise CredentialsRefused(
                f"service {service}: its secret cannot be read: {where}: {problem.strerror}", hint=hint
            ) from None
    else:
        command = place.command or []
        where = f"command `{command[0] if command else ''}`"
        hint = "run the command by hand and look what it says"
        text = _run(command, service, where, hint)
    text = text.strip("\r\n")
    if not text:
        raise CredentialsRefused(f"service {service}: its secret is empty: {where}", hint=hint)
    return Secret(text)


def _run(command: list[str], service: str, where: str, hint: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  the city's own configuration names the command; no shell reads it
            command, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired, IndexError) as problem:
        said = "took longer than 30 s" if isinstance(problem, subprocess.TimeoutExpired) else "cannot be run"
        raise CredentialsRefused(f"service {service}: the {where} for its secret {said}", hint=hint) from None
    if done.returncode:
        raise CredentialsRefused(
            f"service {service}: the {where} for its secret ended with {done.returncode}", hint=hint
        )
    return done.stdout
