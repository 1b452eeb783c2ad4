"""What a reader must know beside a meter's figures: gaps and what was put in their place, idle days, bills left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.saving.periods import LeftOut
from cityctl.analysis.energy.saving.row import Row
from cityctl.analysis.energy.saving.sufficiency import floored
from cityctl.errors import listed
from cityctl.wording import counted, grouped, percent

MOST_IDLE = 0.05  # share of the expected use on days that read 0: above it a shutdown would pass for a saving
SHORT = 28  # compared days: below them a figure says little of a year


def remarks(one: Wanted, totals: Mapping[str, Any], model: Mapping[str, Any], row: Row) -> list[str]:
    """What is to be known of a figure's data: scatter, gaps, extrapolation, days at 0, extremes, another measure."""
    said = []
    if row.figures["cvrmse"] > 0.3:
        said.append(f"weather explains little: CV(RMSE) {percent(row.figures['cvrmse'])}")
    if totals["compared_days"] < 0.9 * totals["reporting_days"]:
        share = totals["compared_days"] / totals["reporting_days"]
        said.append(f"{floored(share)} of the days since the measure are compared")
    if row.figures["days"] < SHORT:
        said.append(
            f"compared days: {row.figures['days']}, less than four weeks: a year may tell another figure"
        )
    said += _gaps(totals, row.method)
    if model["beyond"] and model["beyond"] >= 0.05 * model["days"]:
        known = "colder or warmer than"
        if row.figures["drivers"]:
            known = f"beyond the weather, or the {listed(list(one.drivers))}, that"
        said.append(f"{counted(int(model['beyond']), 'day')} {known} the baseline knew: extrapolated")
    for when, count, share in (
        ("baseline", model["idle_baseline"], model["idle_baseline_share"]),
        ("compared", model["idle"], model["idle_share"]),
    ):
        if count and (share or 0) <= MOST_IDLE:
            said.append(f"0 on {counted(count, f'{when} day')} on which use was expected")
    if model["extreme"]:
        said.append(f"{counted(int(model['extreme']), 'extreme day')} in the baseline (above median + 3 IQR)")
    if one.earlier is not None and (row.figures["baseline_start"] <= one.earlier):
        said.append(f"another measure on {one.earlier} lies in the baseline")
    return said


def _gaps(totals: Mapping[str, Any], method: str) -> list[str]:
    """What was missing, and what was put in its place."""
    filled = "their other hours are compared" if method == "towt" else "filled with their own mean"
    told = {
        "zeros": ("reading", "of 0 taken as missing"),
        "filled": ("day", f"with missing readings: {filled}"),
        "half_empty": ("day", "with too few readings left out"),
        "silent": ("day", "without readings left out"),
        "without_weather": ("day", "without outdoor temperature left out"),
    }
    if (
        totals["every_s"] is not None and totals["every_s"] > 2 * 86400
    ):  # between two bills no day has readings
        told = {"zeros": told["zeros"]}
    return [f"{counted(totals[key], what)} {text}" for key, (what, text) in told.items() if totals.get(key)]


def idle(model: Mapping[str, Any]) -> list[str]:
    """Days that read 0 although use was expected, where they hold too much of it to book the rest."""
    found = []
    if (model["idle_baseline_share"] or 0) > MOST_IDLE:
        found.append(
            f"0 on {counted(model['idle_baseline'], 'baseline day')} on which use was expected: was it shut down?"
        )
    if (model["idle_share"] or 0) > MOST_IDLE:
        found.append(f"0 on {counted(model['idle'], 'day')} since {model['idle_since']}: was it shut down?")
    return found


def undriven(one: Wanted, days: int) -> str:
    """`7 days without output left out`."""
    return f"{counted(days, 'day')} without {listed(list(one.drivers))} left out"


def lost(bills: Sequence[LeftOut]) -> list[str]:
    """Bills that are not in the account, those of one reason together."""
    by_reason: dict[str, list[LeftOut]] = {}
    for one in bills:
        by_reason.setdefault(one.why, []).append(one)
    told = []
    for why, held in by_reason.items():
        days = listed([f"{one.day} to {one.until}" if one.until else f"from {one.day} on" for one in held], 3)
        kwh = sum(one.amount for one in held)
        amount = f"; {grouped(kwh)} kWh" if kwh else ""
        told.append(f"{counted(len(held), 'bill')} left out ({days}{amount}): {why}")
    return told
