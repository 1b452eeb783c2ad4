"""What a bill is made of. Knows no tariff."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from cityctl.tariff.terms import LineKind

Kind = LineKind | str  # of a line, or `tax`


@dataclass(frozen=True)
class Line:
    """One line of a bill: what is billed, at which price."""

    kind: Kind
    name: str
    billed: float
    unit: str
    price: float
    cost: float


@dataclass
class Bill:
    """A month of one meter: its lines, and what to know about them."""

    month: date
    lines: list[Line] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """What it comes to."""
        return cost_of(self.lines)


def cost_of(lines: Iterable[Line]) -> float:
    """What lines come to."""
    return math.fsum(line.cost for line in lines)
