"""Services in city.yaml: HTTP exports that readings are pulled from, and where their secrets are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from cityctl.city.fields import Name, Strict


class Secret(Strict):
    """Where a secret is kept; the secret itself never stands in city.yaml."""

    env: str | None = Field(None, description="environment variable that holds it")
    file: str | None = Field(None, description="file that holds it, from city.yaml's folder")
    command: list[str] | None = Field(None, description="program and its words; it prints the secret")

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if sum(place is not None for place in (self.env, self.file, self.command)) != 1:
            raise ValueError("expected exactly one of `env`, `file` and `command`")
        return self


class Tls(Strict):
    """Whom to believe, and the certificate that proves who asks; files are found from the project's folder."""

    ca: str | None = Field(None, description="PEM file of a private authority; the system's where left out")
    certificate: str | None = Field(None, description="PEM file that proves who asks (mutual TLS)")
    key: str | None = Field(None, description="PEM file of its key, where that stands apart")
    password: Secret | None = Field(None, description="of the key")

    @model_validator(mode="after")
    def _key_with_certificate(self) -> Tls:
        if self.certificate is None and (self.key or self.password):
            raise ValueError("`key` and `password` go with `certificate`")
        return self


class Service(Strict):
    """An HTTP export that readings are pulled from."""

    connector: Name = Field(description="how it is spoken to (`cityctl connectors list`)")
    url: str = Field(pattern=r"^https?://", description="where it is")
    zone: Name | None = Field(None, description="the zone of its series that name none")
    user: str | None = Field(None, description="of basic authentication; the client id of OAuth 2")
    secret: Secret | None = Field(None, description="password, key or token that it asks for")
    refresh_token: Secret | None = Field(
        None, description="of OAuth 2; a new one that the service gives is kept"
    )
    tls: Tls | None = Field(None, description="whom to believe, and a certificate of one's own")
    origins: list[Annotated[str, Field(pattern=r"^https?://[^/]+$")]] = Field(
        [],
        description="others that its answers may lead to, such as a download server; they get no credentials",
    )
    parameters: dict[str, str] = Field(
        {}, description="what its connector asks for (`cityctl connectors show NAME`)"
    )
