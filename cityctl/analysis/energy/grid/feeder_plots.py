"""A feeder's highest and lowest power of each day, beside what its transformers are rated for."""

from __future__ import annotations

from typing import Any

from cityctl.clock import Interval, local_days
from cityctl.result import Line, Plot


def peak_plot(
    zone: str, called: str, interval: Interval, width: int, net: Any, without: Any | None, rated: float | None
) -> Plot | None:
    """None where no power is known.

    `net` [kW] holds the windows of `width` minutes of the interval, nan where one was not metered, and so does
    `without`, the same less EV charging. `rated` [kVA] is the sum of its transformers. The lowest is shown where power
    flowed back.
    """
    import numpy as np

    days = [(start, end) for _, start, end in local_days(interval)]
    size = width * 60
    first = interval.start.timestamp() // size * size
    begins = np.array([start.timestamp() for start, _ in days])
    place = np.searchsorted(begins, first + size * np.arange(len(net)), side="right") - 1
    noons = [start + (end - start) / 2 for start, end in days]

    def daily(values: Any, best: Any) -> list[float | None]:
        own = [values[(place == at) & np.isfinite(values)] for at in range(len(days))]
        return [float(best(one)) if len(one) else None for one in own]

    highest, lowest = daily(net, np.max), daily(net, np.min)
    if not any(value is not None for value in highest):
        return None
    lines = [Line("highest of the day", noons, highest)]
    if without is not None:
        lines.append(Line("highest without EV charging", noons, daily(without, np.max)))
    if min(value for value in lowest if value is not None) < 0:
        lines.append(Line("lowest of the day", noons, lowest))
    if rated is not None:
        lines.append(Line("transformers, rated kVA", noons, [rated] * len(noons)))
    return Plot(f"peaks:{zone}", f"{called}: power of each day", "kW", lines)
