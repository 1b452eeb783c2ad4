"""How the efficiency of a station's pumps went day by day, which is what their drift is told from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cityctl.analysis.energy.pumping import wear
from cityctl.analysis.energy.pumping.series import PumpSeries
from cityctl.result import Line, Plot

LEAST_DAYS = 2  # one day is a figure in the table


def efficiency_plots(arrays: Mapping[str, PumpSeries], at: Any, called: Mapping[str, str]) -> list[Plot]:
    """One plot a station, a line for each pump whose figures can be right; `at`: each window's start (UTC)."""
    lines: dict[str, list[Line]] = {}
    for name, one in sorted(arrays.items()):
        if not one.sound:
            continue
        days, efficiency, _ = wear.by_day(at, one.flow, one.head, one.power, one.on)
        if len(days) >= LEAST_DAYS:
            noons = [datetime.fromtimestamp((at + 0.5) * 86400, UTC) for at in days.tolist()]
            told: list[float | None] = [100 * value for value in efficiency.tolist()]
            lines.setdefault(one.pump.zone or "", []).append(Line(called[name], noons, told))
    return [
        Plot(
            f"efficiency:{station}" if station else "efficiency",
            f"Efficiency by day, {station or 'pumps'}",
            "%",
            own,
        )
        for station, own in sorted(lines.items())
    ]
