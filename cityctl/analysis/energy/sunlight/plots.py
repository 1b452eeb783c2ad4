"""What a PV plant made day by day, beside what its sun lets expect."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cityctl.result import Line, Plot


def day_plot(asset: str, called: str, times: list[datetime], made: Any, expected: Any | None) -> Plot:
    """Arrays [kWh] by day; a day that is not known leaves a gap. `expected` is None where nobody measures the sun."""
    lines = [Line("made", times, _known(made))]
    if expected is not None:
        lines.append(Line("expected in this sun", times, _known(expected)))
    return Plot(f"days:{asset}", f"{called}: energy by day", "kWh/d", lines)


def _known(values: Any) -> list[float | None]:
    return [value if value == value else None for value in values.tolist()]  # nan is not itself
