"""How a city's reports are mailed: by this computer's sendmail, or by an SMTP server."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from cityctl.city.fields import Strict
from cityctl.city.services import Secret


class Mail(Strict):
    """The sender, and the way: `smtp` where it is given, otherwise sendmail."""

    sender: str | None = Field(
        None, alias="from", description="address that mails come from; the account's where left out"
    )
    sendmail: str = Field("/usr/sbin/sendmail", description="program that takes a mail on its stdin")
    smtp: str | None = Field(None, description="host, or host:port", pattern=r"^[^\s:/@]+(:\d{1,5})?$")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="tls: from the first byte (port 465); none: only without a password or on loopback",
    )
    ca: str | None = Field(None, description="PEM file of a private authority, from the project's folder")
    user: str | None = Field(None, description="who logs in at the SMTP server")
    secret: Secret | None = Field(None, description="of the user")

    @model_validator(mode="after")
    def _whole(self) -> Mail:
        if (self.user is None) != (self.secret is None):
            raise ValueError("`user` and `secret` go together")
        if self.smtp is None and self.user is not None:
            raise ValueError("`user` and `secret` go with `smtp`")
        if self.smtp is not None and self.sender is None:
            raise ValueError("`smtp` goes with `from`")
        if self.security == "none" and self.user is not None and not self.is_loopback:
            raise ValueError("a password goes to another computer over TLS alone: security: starttls")
        return self

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of the SMTP server; 465 for tls, 587 for starttls, 25 for none."""
        host, _, port = (self.smtp or "").partition(":")
        return host, int(port) if port else {"tls": 465, "starttls": 587, "none": 25}[self.security]

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this computer."""
        return self.place[0] in ("127.0.0.1", "localhost")
