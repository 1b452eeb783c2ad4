"""Devices in city.yaml, and the wires that lead to them: by TCP, TLS, UDP, through a gateway, or on a serial bus.

Says what may be written; nothing here opens a connection.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cityctl.city.fields import Duration, Name, Strict

Transport = Literal["tcp", "tls", "udp", "rtu-tcp", "rtu"]
TLS_PORT = 802  # MODBUS/TCP Security Protocol Specification V2.1


class SerialLine(Strict):
    """How a serial bus speaks; behind a gateway its speed helps to predict how long a poll takes."""

    port: str | None = Field(None, description="/dev/ttyUSB0 or COM3; left out behind a gateway")
    baud: int = Field(19200, ge=300, le=4_000_000, description="speed of the bus, bit/s")
    parity: Literal["none", "even", "odd"] = Field("even", description="as the devices are set")
    stop_bits: float = Field(1, ge=1, le=2, description="as the devices are set")
    data_bits: Literal[7, 8] = Field(8, description="as the devices are set")


class TlsFiles(Strict):
    """Whom a TLS wire trusts and who it says it is; paths start at city.yaml's folder."""

    ca: str | None = Field(None, description="PEM of the authorities; the system's where left out")
    certificate: str | None = Field(None, description="PEM of the client's certificate")
    key: str | None = Field(None, description="PEM of its key, where it is not in the certificate's file")
    host_name: str | None = Field(None, description="name in the peer's certificate, where it is not `host`")


class Wire(Strict):
    """Where a wire leads and which transport it speaks."""

    host: str = Field("", description="address or name of the device or gateway")
    port: int = Field(502, ge=1, le=65535, description="802 where transport is tls and nothing is said")
    transport: Transport = Field(
        "tcp", description="rtu: this computer's own bus; rtu-tcp: RTU frames through a gateway"
    )
    serial: SerialLine | None = Field(None, description="the bus: of this computer, or behind the gateway")
    tls: TlsFiles | None = Field(None, description="of transport tls: whom to trust, and who asks")

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        serial = data.get("serial")
        if isinstance(serial, dict) and serial.get("port") and "transport" not in data:
            data = {**data, "transport": "rtu"}
        if data.get("transport") == "tls" and "port" not in data:
            data = {**data, "port": TLS_PORT}
        return data

    @model_validator(mode="after")
    def _fits(self) -> Wire:
        self._check_wire()
        return self

    def _check_wire(self) -> None:
        if self.transport == "rtu":
            if self.serial is None or self.serial.port is None:
                raise ValueError("transport rtu needs `serial: {port: ...}`")
            if self.host:
                raise ValueError("a serial bus has no `host`: a gateway's transport is rtu-tcp or tcp")
        elif not self.host:
            raise ValueError(f"transport {self.transport} needs a `host`")
        elif self.serial is not None and self.serial.port is not None:
            raise ValueError("`serial: {port: ...}` is this computer's own bus: leave `host` out")
        if self.tls is not None and self.transport != "tls":
            raise ValueError("`tls` needs `transport: tls`")


class Device(Wire):
    """A PLC or meter that answers, at a wire of its own or on a `line` that it shares."""

    connector: Name = Field(description="its model (`cityctl connectors list`)")
    line: Name | None = Field(None, description="one of `lines`, instead of host, serial and the like")
    unit: int = Field(1, ge=0, le=255, description="Modbus unit id")
    zone: Name | None = Field(None, description="the zone of its points that name none")
    asset: Name | None = Field(None, description="the asset of its points that name none")
    poll: list[str] | None = Field(None, description="points to poll; all of the connector where left out")
    every: Duration | None = Field(None, description="how often it is polled")
    timeout: Annotated[float, Field(gt=0, le=60, description="seconds to wait for one answer")] = 3.0

    def _check_wire(self) -> None:
        if self.line is None:
            super()._check_wire()
        elif {"host", "port", "transport", "serial", "tls"} & self.model_fields_set:
            raise ValueError("a device on a `line` has no host, port, transport, serial or tls of its own")

    def on(self, wire: Wire) -> Device:
        """The same device with the wire that its line names."""
        ways = ("host", "port", "transport", "serial", "tls")
        return self.model_copy(update={way: getattr(wire, way) for way in ways})
