"""Where a line leads, and by which transport. Pure data: nothing is opened here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["tcp", "tls", "udp", "rtu-tcp", "rtu"]


@dataclass(frozen=True)
class SerialSettings:
    """How a serial line speaks. The defaults are those of MODBUS over Serial Line V1.02, section 2.5.1."""

    baud: int = 19200
    parity: Literal["none", "even", "odd"] = "even"
    stop_bits: float = 1
    data_bits: int = 8

    @property
    def character_bits(self) -> float:
        """Bits on the wire for one byte: start, data, parity and stop."""
        return 1 + self.data_bits + (self.parity != "none") + self.stop_bits

    def seconds(self, characters: float) -> float:
        """How long so many bytes take."""
        return characters * self.character_bits / self.baud

    @property
    def silence(self) -> float:
        """Seconds between two frames: 3.5 characters, 1.75 ms above 19200 baud (the same, section 2.5.1.1)."""
        return 0.00175 if self.baud > 19200 else self.seconds(3.5)

    def __str__(self) -> str:
        return f"{self.baud} {self.data_bits}{self.parity[0].upper()}{self.stop_bits:g}"


@dataclass(frozen=True)
class TlsSettings:
    """Whom a TLS line trusts, and who it says it is; the system's authorities where `ca` is None."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    host_name: str | None = None


@dataclass(frozen=True)
class Link:
    """Where a line leads. Devices with equal links share a line and are asked one after another.

    `host` is the name of the serial port for `rtu`. `serial` is how fast the wire is: for `rtu` it is set
    up so, behind a gateway it only helps to predict how long a poll takes.
    """

    host: str
    port: int = 502
    kind: Kind = "tcp"
    serial: SerialSettings | None = None
    tls: TlsSettings | None = None

    @property
    def has_transactions(self) -> bool:
        """Whether an answer says which request it belongs to."""
        return self.kind in ("tcp", "tls", "udp")

    @property
    def is_serial(self) -> bool:
        """Whether this computer itself drives the serial bus."""
        return self.kind == "rtu"

    def is_to_all(self, unit: int) -> bool:
        """Whether a request to a unit is for every device on a bus (MODBUS over Serial Line V1.02, section 2.1)."""
        return unit == 0 and not self.has_transactions

    @property
    def overhead(self) -> int:
        """Bytes of a frame around its PDU: header of 7, or unit and CRC."""
        return 7 if self.has_transactions else 3

    @property
    def connected(self) -> str:
        """What is said to have worked once the line is open."""
        said = {"tcp": "TCP connect ok", "tls": "TLS connect ok", "rtu-tcp": "TCP connect ok"}
        return said.get(self.kind, "UDP port open" if self.kind == "udp" else f"{self.host} open")

    def __str__(self) -> str:
        if self.is_serial:
            return f"{self.host} {self.serial or SerialSettings()}"
        where = f"{self.host}:{self.port}"
        return where if self.kind == "tcp" else f"{where} ({self.kind})"
