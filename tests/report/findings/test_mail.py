"""--mail-to: a real sendmail stub and a real SMTP server on loopback get what somebody shall read."""

from __future__ import annotations

import base64
import email
import email.policy
import os
import socketserver
import threading

import pytest

from tests.report.findings.conftest import CITY

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell script stands for sendmail")
NOW = "2026-11-23T06:30Z"


class Smtp(socketserver.ThreadingTCPServer):
    """A mail server (RFC 5321, AUTH PLAIN of RFC 4616); keeps (sender, recipients, message) of each mail."""

    daemon_threads = True

    def __init__(self, password: str | None = None) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.password = password
        super().__init__(("127.0.0.1", 0), Talk)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class Talk(socketserver.StreamRequestHandler):
    """One conversation."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Smtp)
        sender, to, trusted = "", [], server.password is None
        self.say("220 here")
        for raw in self.rfile:
            word, _, rest = raw.decode().strip().partition(" ")
            if word.upper() == "EHLO":
                self.say("250-here", "250 AUTH PLAIN" if server.password else "250 8BITMIME")
            elif word.upper() == "AUTH":
                said = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
                trusted = said[1:] == ["mara", server.password]
                self.say("235 in" if trusted else "535 no")
            elif word.upper() == "MAIL":
                sender = rest
                self.say("250 ok" if trusted else "530 who are you")
            elif word.upper() == "RCPT":
                to.append(rest)
                self.say("250 ok")
            elif word.upper() == "DATA":
                self.say("354 go on")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                server.mails.append((sender, to, b"".join(lines)))
                self.say("250 taken")
            elif word.upper() == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


def mailed(cityctl, sheet, *words, **env):
    return cityctl(
        *("report", "run", "sheet", "--mail-to", "ops@city.example", "--project", sheet.folder, *words),
        CITYCTL_NOW=NOW,
        **env,
    )


def says(sheet, mail) -> None:
    (sheet.folder / "city.yaml").write_text(f"{CITY}mail: {mail}\n", encoding="utf-8")


def whole(message: bytes) -> None:
    """The mail as a reader's program takes it apart: subject, words, the page."""
    read = email.message_from_bytes(message, policy=email.policy.default)
    assert read["Subject"] == "Testville: What the sheet says: 1 alarm"
    assert (read["From"], read["To"]) == ("scada@city.example", "ops@city.example")
    assert "night flow rose by 12.6 m³/h" in read.get_body(("plain",)).get_content()
    (page,) = read.iter_attachments()
    assert page.get_filename() == "sheet-2026-11-23.html"
    assert "<html" in page.get_content()


def test_sendmail_gets_the_page_where_something_is_found(cityctl, sheet, tmp_path) -> None:
    stub = tmp_path / "sendmail"
    stub.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\ncat > {tmp_path}/mail\n')
    stub.chmod(0o755)
    says(sheet, f"{{from: scada@city.example, sendmail: {stub}}}")
    ended = mailed(cityctl, sheet, "--only-findings")
    assert (ended.returncode, "mailed to ops@city.example" in ended.stderr) == (0, True)
    assert (tmp_path / "words").read_text() == "-i -f scada@city.example -- ops@city.example\n"
    whole((tmp_path / "mail").read_bytes())
    (tmp_path / "mail").unlink()
    sheet.says()
    quiet = mailed(cityctl, sheet, "--only-findings")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    assert not (tmp_path / "mail").exists()


def test_smtp_with_a_password_that_shows_nowhere(cityctl, sheet) -> None:
    with Smtp("canary-7f3a") as server:
        port = server.server_address[1]
        says(
            sheet,
            f'{{from: scada@city.example, smtp: "127.0.0.1:{port}", security: none, user: mara, '
            "secret: {env: MAIL_KEY}}",
        )
        ended = mailed(cityctl, sheet, "--record", "--debug", MAIL_KEY="canary-7f3a")
        assert ended.returncode == 0, ended.stderr
        ((sender, to, message),) = server.mails
        assert sender.startswith("FROM:<scada@city.example>")
        assert to == ["TO:<ops@city.example>"]
        whole(message)
        refused = mailed(cityctl, sheet, "--debug", MAIL_KEY="canary-wrong")
        assert refused.returncode == 13
        assert refused.stdout  # the report was shown all the same
        assert "canary" not in ended.stdout + ended.stderr + refused.stdout + refused.stderr
        missing = mailed(cityctl, sheet)
        assert (missing.returncode, "MAIL_KEY" in missing.stderr) == (13, True)
        server.shutdown()


def test_a_mail_that_went_nowhere_is_no_success(cityctl, sheet, tmp_path) -> None:
    says(sheet, '{from: a@b.example, smtp: "127.0.0.1:9", security: none}')
    assert mailed(cityctl, sheet).returncode == 12
    says(sheet, f"{{sendmail: {tmp_path}/none}}")
    assert mailed(cityctl, sheet).returncode == 10
    stub = tmp_path / "sendmail"
    stub.write_text("#!/bin/sh\necho 'queue is full' >&2\nexit 75\n")
    stub.chmod(0o755)
    says(sheet, f"{{sendmail: {stub}}}")
    failed = mailed(cityctl, sheet)
    assert (failed.returncode, "queue is full" in failed.stderr) == (12, True)


@pytest.mark.parametrize("address", ["ops", "-oQ/tmp@x.example", "a@b.example\nBcc: c@d.example", "a@b,c@d"])
def test_what_is_no_address_is_refused_before_anything_runs(cityctl, sheet, address) -> None:
    ended = cityctl("report", "run", "sheet", "--mail-to", address, "--project", sheet.folder)
    assert (ended.returncode, ended.stdout) == (2, "")


def test_a_password_never_goes_to_another_computer_in_the_clear(cityctl, sheet) -> None:
    says(sheet, "{from: a@b.example, smtp: mail.example, security: none, user: m, secret: {env: X}}")
    ended = mailed(cityctl, sheet)
    assert (ended.returncode, "over TLS alone" in ended.stderr) == (10, True)
