"""Formulas of water loss, each with its source. Plain arithmetic: knows no readings and no city."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z95 = 1.96  # standard deviations of a 95 % interval
DENSE = 20.0  # connections a km, from which losses are told by connection
VALID_CONNECTIONS, VALID_PRESSURE = 3000, (25.0, 100.0)
BANDS = ("A", "B", "C", "D")


def unavoidable(mains_km: float, connections: float, private_km: float, pressure_m: float) -> float:
    """Unavoidable annual real losses [m³/day].

    `private_km`: pipes from the property line to the meter, all together; `pressure_m` mean pressure [m of head].
    Source: Lambert et al. (1999), A review of performance indicators for real losses, AQUA 48(6).
    """
    return (18.0 * mains_km + 0.8 * connections + 25.0 * private_km) * pressure_m / 1000


def unavoidable_us(mains_mi: float, connections: float, private_mi: float, pressure_psi: float) -> float:
    """Unavoidable annual real losses [US gallons/day], lengths in miles, pressure in psi. Source: AWWA M36."""
    return (5.41 * mains_mi + 0.15 * connections + 7.5 * private_mi) * pressure_psi


def doubts(mains_km: float, connections: float, pressure_m: float) -> list[str]:
    """Why the unavoidable losses of this network are outside what their formula was made for; none where inside."""
    said = []
    if connections <= VALID_CONNECTIONS:
        said.append(f"{connections:,.0f} connections are not more than 3 000".replace(",", " "))
    if mains_km > 0 and connections / mains_km <= DENSE:
        said.append(f"{connections / mains_km:.5g} connections a km are not more than 20")
    low, high = VALID_PRESSURE
    if not low <= pressure_m <= high:
        said.append(f"{pressure_m:.5g} m of head are not within 25 to 100 m")
    return said


def band(leakage_index: float, *, developing: bool = False) -> str:
    """World Bank Institute's band of the infrastructure leakage index: A below 2, B to 4, C to 8, D beyond.

    The limits are doubled for developing countries. Source: Liemberger (2005), World Bank Institute banding.
    """
    limits = (4.0, 8.0, 16.0) if developing else (2.0, 4.0, 8.0)
    return BANDS[sum(leakage_index >= limit for limit in limits)]


def intervention_months(cost: float, water_cost: float, rise: float) -> float:
    """Months between two searches of the whole network for leaks that cost least.

    `cost` of one search [money], `water_cost` [money/m³], `rise` of unreported leakage [m³/day in a year].
    Source: Lambert and Lalonde (2005), Using practical predictions of economic intervention frequency.
    """
    return math.sqrt(0.789 * cost / (water_cost * rise))


def favad(pressure: float, lower: float, exponent: float) -> float:
    """Leakage at `lower` over leakage at `pressure`, both in the same unit: (P1/P0)^N1.

    Source: May (1994), Pressure dependent leakage; Lambert (2001).
    """
    return float((lower / pressure) ** exponent)


def night_day_factor(hours: Sequence[float], by_night: float, exponent: float) -> float:
    """Hours a day by which leakage at night becomes the day's volume: the sum of (P_h/P_night)^N1.

    `hours`: mean pressure of each of 24 hours; `by_night` that of the night's window.
    """
    return float(sum((hour / by_night) ** exponent for hour in hours))


def background(mains_km: float, connections: float, pressure_m: float) -> float:
    """Unavoidable background leakage [m³/h]: (20 Lm + 1.25 Nc)(P/50)^1.5 L/h.

    Source: UKWIR (1994), Managing Leakage; Lambert (1994), BABE.
    """
    return float((20.0 * mains_km + 1.25 * connections) * (pressure_m / 50) ** 1.5 / 1000)
