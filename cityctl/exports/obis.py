"""OBIS codes (IEC 62056-61): what a register measures, which way it flows and how it accumulates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cityctl.exports.parsed import Direction
from cityctl.reading import Kind

_CODE = re.compile(r"(?:(\d+)-(\d+):)?(\d+)\.(\d+)(?:\.(\d+))?(?:[*&](\d+))?")
_FORWARD, _REVERSE = (
    (1, 3, 9, 21, 23, 29, 41, 43, 49, 61, 63, 69),
    (2, 4, 10, 22, 24, 30, 42, 44, 50, 62, 64, 70),
)


@dataclass(frozen=True)
class Obis:
    """A code A-B:C.D.E: medium, channel, quantity, processing, tariff."""

    medium: int
    channel: int
    quantity: int
    processing: int
    tariff: int

    @property
    def direction(self) -> Direction:
        """Plus (from the network) is forward, minus reverse; electricity alone says it."""
        if self.medium != 1:
            return ""
        return "forward" if self.quantity in _FORWARD else "reverse" if self.quantity in _REVERSE else ""

    @property
    def kind(self) -> Kind:
        """Time integral 1 (D 8) is a register; 2 and 5 (D 9, 29), and 10, are amounts of a period; others gauge."""
        if self.processing == 8 or (self.medium == 7 and self.processing <= 3):
            return "counter"
        return "interval" if self.processing in (9, 10, 29, 33) else "gauge"

    @property
    def unit(self) -> str | None:
        """The unit that exchanges agree on where a message leaves it out: kWh, kvarh, kW, kvar, m3."""
        if self.medium == 1:
            group = self.quantity % 20 if 20 < self.quantity < 80 else self.quantity
            amount = self.kind != "gauge"
            if group in (1, 2):
                return "kWh" if amount else "kW"
            if 3 <= group <= 8:
                return "kvarh" if amount else "kvar"
            return None
        return None


@lru_cache(maxsize=1024)
def read(text: str) -> Obis | None:
    """A code such as `1-1:1.29.0*255`; None where the text is none."""
    found = _CODE.fullmatch(text.strip())
    if found is None:
        return None
    medium, channel, quantity, processing, tariff, _ = (int(part) if part else 0 for part in found.groups())
    return Obis(medium if found[1] else 1, channel, quantity, processing, tariff)
