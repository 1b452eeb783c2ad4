"""A report as a mail: its words as text, the whole page attached, by sendmail or SMTP.

A mail that could not be handed over is an error: whoever relies on it must hear of that.
"""

from __future__ import annotations

import re
import smtplib
import ssl
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from cityctl.city.mail import Mail
from cityctl.city.project import Project
from cityctl.errors import ConfigInvalid, CredentialsRefused, Unreachable, UsageProblem
from cityctl.report.render import render
from cityctl.result import Result

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]*@[A-Za-z0-9.-]+")
_PATIENCE = 30.0  # s for each answer of the server


def check_addresses(addresses: Sequence[str]) -> list[str]:
    """The addresses, once each. Raises UsageProblem for what is none."""
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise UsageProblem(f"`--mail-to {address}` is no mail address", hint="write name@host.example")
    return list(dict.fromkeys(addresses))


def mail(name: str, result: Result, project: Project, to: Sequence[str], *, now: datetime) -> bool:
    """Mail a report that found something; whether there was anything to mail.

    Raises UsageProblem (an address), ConfigInvalid (no way to send), Unreachable, CredentialsRefused.
    """
    addresses = check_addresses(to)
    if not result.findings:
        return False
    way = project.city.mail
    message = written(name, result, project, addresses, way.sender, now=now)
    if way.smtp is not None:
        _by_smtp(message, way, project, addresses)
    else:
        _by_sendmail(message, way, addresses)
    return True


def written(
    name: str, result: Result, project: Project, to: Sequence[str], sender: str | None, *, now: datetime
) -> EmailMessage:
    """The mail: subject with the count, plain text, the HTML page as an attachment."""
    zone = project.city.zone_info
    counts = Counter(str(one.severity) for one in result.findings)
    told = ", ".join(f"{counts[word]} {word}{'s' if counts[word] > 1 else ''}" for word in ("alarm", "warning", "note")
                     if counts[word])  # fmt: skip
    message = EmailMessage(policy=SMTP)
    message["Subject"] = " ".join(f"{project.city.name}: {result.title}: {told}".split())
    if sender is not None:
        message["From"] = sender
    message["To"] = ", ".join(to)
    message["Date"] = format_datetime(now.astimezone(zone))
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] if sender else "cityctl.invalid")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers it
    text = render(result, "plain", zone=zone)
    page = render(result, "html", zone=zone)
    assert isinstance(text, str)
    assert isinstance(page, str)
    message.set_content(text)
    day = now.astimezone(zone).date().isoformat()
    message.add_attachment(page.encode(), maintype="text", subtype="html", filename=f"{name}-{day}.html")
    return message


def _by_sendmail(message: EmailMessage, way: Mail, to: Sequence[str]) -> None:
    sender = ["-f", way.sender] if way.sender else []
    try:
        done = subprocess.run(  # noqa: S603  city.yaml names the program; addresses are checked, no shell reads them
            [way.sendmail, "-i", *sender, "--", *to],
            input=message.as_bytes(policy=message.policy.clone(linesep="\n")),
            capture_output=True,
            timeout=120,
            check=False,
        )
    except FileNotFoundError:
        raise ConfigInvalid(
            f"the report could not be mailed: no {way.sendmail} on this computer",
            hint="set `mail: {smtp: HOST, from: ADDRESS}` in city.yaml, or install an MTA such as msmtp-mta",
        ) from None
    except (OSError, subprocess.TimeoutExpired) as problem:
        said = "took longer than 120 s" if isinstance(problem, subprocess.TimeoutExpired) else str(problem)
        raise Unreachable(f"the report could not be mailed: {way.sendmail}: {said}") from None
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
        raise Unreachable(
            f"the report could not be mailed: {way.sendmail} ended with {done.returncode}",
            tried=[said] if said else [],
        )


def _by_smtp(message: EmailMessage, way: Mail, project: Project, to: Sequence[str]) -> None:
    host, port = way.place
    where = f"{host}:{port}"
    ca = str(project.folder / way.ca) if way.ca else None
    password = _password(way, project)
    try:
        trust = ssl.create_default_context(cafile=ca)
        opened: smtplib.SMTP = (
            smtplib.SMTP_SSL(host, port, timeout=_PATIENCE, context=trust)
            if way.security == "tls"
            else smtplib.SMTP(host, port, timeout=_PATIENCE)
        )
        with opened as server:
            if way.security == "starttls":
                server.starttls(context=trust)
            if way.user is not None and password is not None:
                server.login(way.user, password)
            refused = server.send_message(message, from_addr=way.sender, to_addrs=list(to))
    except smtplib.SMTPAuthenticationError as problem:
        raise CredentialsRefused(
            f"the report could not be mailed: {where} refused the credentials ({problem.smtp_code})",
            hint="check `mail:` of city.yaml, and what its `secret:` points to",
        ) from None
    except (OSError, smtplib.SMTPException) as problem:
        raise Unreachable(
            f"the report could not be mailed: {where}: {' '.join(str(problem).split())[:200]}",
            hint="check `mail:` of city.yaml: host, port, security",
        ) from None
    if refused:
        raise Unreachable(f"the report was not taken for {', '.join(refused)} by {where}; the others have it")


def _password(way: Mail, project: Project) -> str | None:
    if way.secret is None:
        return None
    from cityctl.exports.secret import read_secret

    return read_secret(way.secret, service="mail", folder=project.folder).reveal()
