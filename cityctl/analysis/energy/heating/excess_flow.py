"""Excess flow of heat substations. Figures in, figures out; knows no meter.

Sources: heat = volume x 1.16 kWh/(m³ K) x temperature difference (water at 20 °C; 1.14 at 70 °C); volume-weighted
difference from the registers of a heat meter: (rise of m³ x T_in - rise of m³ x T_out) / rise of m³ (E8, E9);
excess flow V - Q / (1.16 dT*): Mansson et al., Energy 180 (2019) 163-174; least difference of a heat meter: EN 1434-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CAPACITY = 1.16  # kWh/(m³ K)
DISAGREE = 0.10  # of the heat: beyond it volume, temperatures and heat do not fit together
LEAST_DIFFERENCE = 3.0  # K: below it a heat meter need not count


@dataclass(frozen=True)
class Flow:
    """Volume [m³], heat [kWh], volume-weighted difference [K] and return [°C], excess [m³], and its share.

    `told` is the difference that the heat tells by itself [K]; `apart` how far the metered difference is off it, where
    heat was counted. `uncounted`: water flowed, none was, and the metered difference says that there was some.
    """

    volume: float
    heat: float
    difference: float
    told: float
    back: float | None
    excess: float
    apart: float | None
    uncounted: bool = False

    @property
    def share(self) -> float:
        """Excess over the whole volume; below 0 the substation cools better than asked."""
        return self.excess / self.volume


def excess_flow(
    volume: Any, heat: Any, warm: Any, cold: Any, wanted: float, registers: float | None = None
) -> Flow | None:
    """The figures of steps with volume [m³] and heat [kWh], at temperatures [°C] (nan: not known).

    `wanted` is dT* [K], `registers` the difference from the meter's m³ x °C registers [K]: it prevails. Without either
    the difference is what the heat tells. None where nothing flowed.
    """
    import numpy as np

    known = np.isfinite(volume) & np.isfinite(heat)
    total, used = float(volume[known].sum()), float(heat[known].sum())
    if total <= 0:
        return None
    told = used / (CAPACITY * total)
    paired = known & np.isfinite(warm) & np.isfinite(cold) & (volume > 0)
    metered = registers
    if metered is None and paired.any():
        metered = float((volume[paired] * (warm[paired] - cold[paired])).sum() / volume[paired].sum())
    apart, uncounted = None, False
    if metered is not None:
        same = known if registers is not None else paired
        through = CAPACITY * float(volume[same].sum()) * metered
        own = float(heat[same].sum())
        apart = through / own - 1 if own > 0 else None
        uncounted = own <= 0 and abs(metered) >= LEAST_DIFFERENCE
    chilled = known & np.isfinite(cold) & (volume > 0)
    back = float((volume[chilled] * cold[chilled]).sum() / volume[chilled].sum()) if chilled.any() else None
    return Flow(
        volume=total,
        heat=used,
        difference=told if metered is None else metered,
        told=told,
        back=back,
        excess=total - used / (CAPACITY * wanted),
        apart=apart,
        uncounted=uncounted,
    )


def register_difference(volume: Any, warm: Any, cold: Any) -> float | None:
    """Volume-weighted difference [K] from counters of m³ and m³ x °C of the same instants.

    Steps in which one of them falls (a new meter) are left out; None where nothing flowed.
    """
    import numpy as np

    rises = np.diff(np.array([volume, warm, cold]), axis=1)
    forward = (rises >= 0).all(axis=0)
    through, hot, cool = (float(one[forward].sum()) for one in rises)
    return (hot - cool) / through if through > 0 else None
