"""How warm a transformer gets, and how fast its paper ages. Arrays in, arrays out; knows no asset.

Source: IEC 60076-7:2018, clause 8.2 (exponential equations; split winding and oil terms by k21 and k22) and 6.2
(ageing rate of normal and of thermally upgraded paper).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ratings:
    """Temperatures [K], losses [W], time constants [min]; `rated` in the unit of the load."""

    rated: float
    no_load_loss: float
    load_loss: float
    oil_rise: float
    gradient: float
    hot_spot: float
    surcharge: float
    oil_minutes: float
    winding_minutes: float
    k11: float
    k21: float
    k22: float
    x: float
    y: float


def temperatures(ratings: Ratings, load: Any, ambient: Any, minutes: Any) -> tuple[Any, Any]:
    """(top oil, hot spot) [degC] at each instant, from a cold start at the first.

    `load` in the unit of the rating, `ambient` [degC], `minutes` since the instant before (the first is not used).
    The surcharge of a transformer in a house grows with its losses, as the oil's rise does.
    """
    import numpy as np

    ratio = load / ratings.rated
    losses = (ratings.no_load_loss + ratings.load_loss * ratio**2) / (
        ratings.no_load_loss + ratings.load_loss
    )
    oil_end = (ratings.oil_rise + ratings.surcharge) * losses**ratings.x + ambient
    spot_end = ratings.hot_spot * ratings.gradient * ratio**ratings.y
    oil_part = 1 - np.exp(-minutes / (ratings.k11 * ratings.oil_minutes))
    winding_kept = np.exp(-minutes / (ratings.k22 * ratings.winding_minutes))
    oil_kept = np.exp(-minutes * ratings.k22 / ratings.oil_minutes)
    oil, spot = np.empty(len(load)), np.empty(len(load))
    at_oil, winding, behind = float(ambient[0]), 0.0, 0.0
    oil[0] = spot[0] = at_oil
    for place in range(1, len(load)):
        at_oil += (oil_end[place] - at_oil) * oil_part[place]
        end = ratings.k21 * spot_end[place]
        winding = end + (winding - end) * winding_kept[place]
        end = (ratings.k21 - 1) * spot_end[place]
        behind = end + (behind - end) * oil_kept[place]
        oil[place] = at_oil
        spot[place] = at_oil + winding - behind
    return oil, spot


def ageing_rate(hot_spot: Any, *, upgraded: bool) -> Any:
    """Days of life used a day at a hot spot [degC]: 1 at 98 degC, or at 110 degC with upgraded paper."""
    import numpy as np

    if upgraded:
        return np.exp(15000 / 383 - 15000 / (hot_spot + 273))
    return 2.0 ** ((hot_spot - 98) / 6)
