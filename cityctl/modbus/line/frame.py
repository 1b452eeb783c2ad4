"""An answer to a read as it came, and when: what is handed on of a line. Pure data."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

_WORDS = [struct.Struct(f">{count}H") for count in range(127)]


class Frame:
    """An answer that passed every check, and when it came."""

    __slots__ = ("count", "is_bits", "moment", "payload")

    def __init__(self, payload: bytes, count: int, is_bits: bool, moment: float) -> None:
        self.payload = payload
        self.count = count
        self.is_bits = is_bits
        self.moment = moment

    @property
    def registers(self) -> tuple[int, ...]:
        """Registers, or bits as 0 and 1."""
        if self.is_bits:
            return tuple(self.payload[at // 8] >> at % 8 & 1 for at in range(self.count))
        return _WORDS[self.count].unpack(self.payload)

    @property
    def received(self) -> datetime:
        """When it came (UTC, whole ms)."""
        return datetime.fromtimestamp(int(self.moment * 1000) / 1000, UTC)
