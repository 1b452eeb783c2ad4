"""One meter's account of savings: its figures, what is said of them, and whether the change is proven."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from cityctl.analysis.energy.models.uncertainty import MOST_FSU, fractional
from cityctl.analysis.energy.saving.columns import ROW
from cityctl.analysis.energy.saving.events import Event
from cityctl.wording import grouped, percent


@dataclass
class Row:
    """One meter's account; `figures` by column key are empty where it cannot be judged."""

    meter: str
    zone: str | None
    label: str
    network: str | None
    intervention: date | None
    verdict: str
    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    formula: float = (
        math.nan
    )  # half-width of the saving's interval as ASHRAE Guideline 14 alone tells it [kWh]
    apart: bool = False
    moved: bool = (
        False  # its use moved from or to another fuel of its building, with which it is told (fuels.py)
    )
    still: dict[str, Any] | None = (
        None  # figures of a meter that shows 0 since the measure: dead, or not needed
    )
    seen: Literal["both", "before", "since"] = "both"  # where it has valid days: before the measure, since it
    step: Event | None = None  # since the measure, to a level that stays
    confidence: float = 0.68
    method: str = "caltrack2"

    @property
    def avoided(self) -> float:
        """Saved use [kWh]; not a number where it cannot be judged."""
        return float(self.figures.get("avoided_kwh", math.nan))

    @property
    def proven(self) -> bool:
        """Whether the change is at least twice its uncertainty, whichever way it goes."""
        return bool(self.figures) and self.uncertainty <= MOST_FSU

    @property
    def band(self) -> float:
        """Half-width of the saving's interval [kWh]: the formula's, or a wider one where use wanders."""
        return float(self.figures["avoided_high"]) - self.avoided

    @property
    def uncertainty(self) -> float:
        """The interval's half-width over the saving: never below `fsu`, which is the formula's."""
        return fractional(self.band, self.avoided)

    @property
    def saves(self) -> bool:
        """Whether a saving is proven and booked, and no other fuel took it over."""
        return self.proven and not self.apart and not self.moved and self.avoided > 0

    def cells(self) -> tuple[object, ...]:
        """The row under COLUMNS."""
        told = {
            "meter": self.meter,
            "zone": self.zone,
            "network": self.network,
            "verdict": self.verdict,
            "method": self.method,
            "reasons": "; ".join([*self.failures, *self.doubts, *self.remarks]) or None,
            **self.figures,
        }
        return tuple(told.get(key) for key in ROW)


def said_uncertainty(share: float) -> str:
    """`uncertainty 31 % of it`, under the word and with the figure of its column."""
    return f"uncertainty {percent(share)} of it"


def said_change(row: Row) -> str:
    """`saved 12.0 % (34 500 kWh, uncertainty 31 % of it ...)`, `use rose by ...`; kWh alone where none was expected."""
    per_cent = row.figures["saving_pct"]
    way = "saved" if row.avoided >= 0 else "use rose by"
    amount = f"{grouped(abs(row.avoided))} kWh"
    reach = f"{said_uncertainty(row.uncertainty)} at {percent(row.confidence)} confidence"
    if not math.isfinite(per_cent):
        return f"{way} {amount}, {reach}"
    return f"{way} {abs(per_cent):.1f} % ({amount}, {reach})"
