"""The fuels of a building told together: what a boiler no longer burns may be what a heat pump takes.

Meters of a zone of `kind: building` with networks of two kinds and one measure are one building. Where one of them
fell by more than a measure explains, or stands still, while another one rose with proof, its use has moved: both are
booked. Else what rose is set apart with what fell, so that no total holds one half of a change. Runs no SQL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.models.uncertainty import MOST_FSU, fractional
from cityctl.analysis.energy.saving.row import Row, said_uncertainty
from cityctl.city.model import City

SUMMED = ("counterfactual_kwh", "observed_kwh", "avoided_kwh")
WHERE_KNOWN = ("saved_money", "saved_co2")  # sums that are not told where one of the meters lacks its part


@dataclass(frozen=True)
class Building:
    """One building: its meters' rows, and the figures of them all by column key."""

    rows: Sequence[Row]
    figures: Mapping[str, Any]

    @property
    def moved(self) -> bool:
        """Whether use moved from one fuel to another."""
        return any(row.moved for row in self.rows)


def together(city: City, rows: Sequence[Row], most_change: float) -> list[Building]:
    """Each building with several fuels; rows whose use has moved, or may have, get another verdict."""
    by_building: dict[tuple[str, object], list[Row]] = {}
    for row in rows:
        if (zone := _building(city, row.zone)) is not None:
            by_building.setdefault((zone, row.intervention), []).append(row)
    found = []
    for (zone, _), own in sorted(by_building.items(), key=lambda one: one[0][0]):
        if len({row.network for row in own}) > 1:
            _judge(own)
            found.append(Building(own, _in_all(zone, own, most_change)))
    return found


def summed(rows: Sequence[Row]) -> dict[str, Any]:
    """Sums of rows with figures, and the root of the sum of squares of their uncertainties."""
    sums: dict[str, Any] = {key: math.fsum(row.figures[key] for row in rows) for key in SUMMED}
    for key in WHERE_KNOWN:
        known = [row.figures[key] for row in rows]
        sums[key] = None if None in known else math.fsum(known)
    avoided, expected = sums["avoided_kwh"], sums["counterfactual_kwh"]
    band, formula = (
        math.sqrt(math.fsum(one**2 for one in those))
        for those in ([row.band for row in rows], [row.formula for row in rows])
    )
    return {
        **sums,
        "saving_pct": 100 * avoided / expected if expected else None,
        "uncertainty": fractional(band, avoided),
        "fsu": fractional(formula, avoided),
        "avoided_low": avoided - band,
        "avoided_high": avoided + band,
    }


def said_proof(figures: Mapping[str, Any]) -> str:
    """`proven`, `USE ROSE proven` or `not proven`, by what `summed` tells."""
    if figures["uncertainty"] > MOST_FSU:
        return "not proven"
    return "proven" if figures["avoided_kwh"] > 0 else "USE ROSE proven"


def _building(city: City, zone: str | None) -> str | None:
    """The building that a zone is, or lies in."""
    while zone is not None and city.zones[zone].kind != "building":
        zone = city.zones[zone].parent
    return zone


def _judge(rows: Sequence[Row]) -> None:
    """Give rows whose use moved to another fuel, or may have, their verdict."""
    judged = [row for row in rows if row.figures and not row.doubts]
    fell = [row for row in rows if _fell(row)]
    rose = [row for row in judged if row.avoided < 0]
    fuels = {row.network for row in fell}
    to = [row for row in rose if row.proven and row.network not in fuels]
    if fell and to and all(row in fell or row in judged for row in rows):
        for row in fell:
            row.figures = row.figures or row.still or {}
            row.failures = []
            row.verdict = f"moved to {_named(to)}: use fell{_by(row)}"
        for row in to:
            row.verdict = f"moved from {_named(fell)}: use rose{_by(row)}"
        for row in (*fell, *to):
            row.apart, row.moved = False, True
        return
    for gone in (*fell, *(row for row in rows if row.seen == "before")):
        for row in rose:
            _doubt(row, gone, "rose", "fell" if gone.seen == "both" else "ended")
    for new in (row for row in rows if row.seen == "since"):
        for row in judged:
            if row.avoided > 0:
                _doubt(row, new, "fell", "began")


def _fell(row: Row) -> bool:
    """Whether a meter lost more use than a measure explains, or all of it, and nothing else is doubtful."""
    if row.figures:
        return row.apart and not row.doubts and row.avoided > 0
    return row.still is not None


def _doubt(row: Row, other: Row, way: str, of_other: str) -> None:
    """Set a meter apart whose change may be the other half of what another fuel's meter shows."""
    if not row.apart and row.network != other.network:
        row.apart = True
        row.verdict = f"SET APART use {way}{_by(row)} where {other.meter} {of_other}: has use moved?"


def _named(rows: Sequence[Row]) -> str:
    return " and ".join(sorted({str(row.network) for row in rows}))


def _by(row: Row) -> str:
    per_cent = float(row.figures["saving_pct"])
    return f" by {abs(per_cent):.0f} %" if math.isfinite(per_cent) else ""


def _in_all(zone: str, rows: Sequence[Row], most_change: float) -> dict[str, Any]:
    """The building's row under FUELS: sums of all its meters, where each of them is known."""
    told: dict[str, Any] = {
        "zone": zone,
        "fuels": ", ".join(sorted({str(row.network) for row in rows})),
        "meters": len(rows),
    }
    lacking = next((row for row in rows if not row.figures), None)
    if lacking is not None:
        return {**told, "verdict": f"NOT ASSESSABLE {lacking.meter}: {lacking.failures[0]}"}
    told |= summed(rows)
    told["verdict"] = said_proof(told)
    doubted = next((row for row in rows if row.doubts), None)
    per_cent = told["saving_pct"]
    if doubted is not None:
        told["verdict"] = f"SET APART {doubted.meter}: {doubted.doubts[0]}"
    elif any(row.moved for row in rows):
        way = " and ".join(
            sorted({row.verdict.partition(":")[0] for row in rows if row.moved and row.avoided > 0})
        )
        told["verdict"] += f", {way}"
    elif per_cent is not None and abs(per_cent) > 100 * most_change:
        told["verdict"] = f"SET APART use {'fell' if per_cent > 0 else 'rose'} by {abs(per_cent):.0f} %"
    elif told["verdict"] == "not proven":
        told["verdict"] += f", {said_uncertainty(told['uncertainty'])}"
    return told
