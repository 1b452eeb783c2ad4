"""Balance points that bend: a building of many rooms begins to heat room by room. Arrays in, models out.

Source: the exponential knee of OpenDSM's daily model, D = u - k (1 - exp(-u / k)) with u degrees beyond the knee, which
for large u is degree days of a balance point that lies k further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cityctl.analysis.energy.models.degree_days import COLDEST, LEAST_DEGREE_DAYS, LEAST_NONZERO, WARMEST
from cityctl.analysis.energy.models.parts import LEAST_BASE, Part, softened

BENDS = (0.0, 2.0, 5.0, 12.0)  # that are tried [degF]
ROUNDS = 2  # of bending heating and cooling in turn


def bent(part: Part, temperature: Any, use: Any, here: Any) -> Part:
    """The part with the balance points and bends that fit its days best; `here`: which of the days are its own.

    One side is moved while the other stays, heating first. As before all slopes are above 0, the base is not below,
    and no day both heats and cools.
    """
    import numpy as np

    days = here.astype(float)
    count, sum_y = days.sum(), (days * use).sum()
    curves = _curves(temperature.tobytes())
    for side in (True, False) * ROUNDS:
        if (part.heating if side else part.cooling) is None:
            continue
        curve = curves[0 if side else 1]
        other = part.cooling if side else part.heating
        fixed = np.zeros(len(use))
        limit = math.inf
        if other is not None and side:
            fixed, limit = softened(temperature - other, part.cooling_bend), other - part.cooling_bend
        elif other is not None:
            fixed, limit = softened(other - temperature, part.heating_bend), -other - part.heating_bend
        mean_y, mean_f = sum_y / count, (days * fixed).sum() / count
        mean = days @ curve.values / count
        xx = days @ curve.squares - count * mean * mean
        xy = (days * use) @ curve.values - count * mean * mean_y
        ff = (days * fixed * fixed).sum() - count * mean_f * mean_f
        xf, fy = -count * mean * mean_f, (days * fixed * use).sum() - count * mean_f * mean_y
        reached = days @ curve.reached
        able = (
            (curve.knee <= limit)
            & (reached >= LEAST_NONZERO)
            & (count - reached >= LEAST_BASE)
            & (mean * count >= LEAST_DEGREE_DAYS)
            & (xx > 1e-9)
        )
        if other is None:
            slope, still = xy / np.where(able, xx, 1.0), np.zeros(len(xx))
        else:
            determinant = xx * ff - xf * xf
            able &= determinant > 1e-9 * xx * ff
            safe = np.where(able, determinant, 1.0)
            slope, still = (xy * ff - fy * xf) / safe, (fy * xx - xy * xf) / safe
            able &= still > 0
        base = mean_y - slope * mean - still * mean_f
        able &= (slope > 0) & (base >= -1e-9 * abs(mean_y))
        gain = np.where(able, slope * xy + still * fy, -1.0)
        at = int(gain.argmax())
        if gain[at] <= 0:
            continue
        balance, bend = float(curve.balance[at]), float(curve.bend[at])
        steep, level, other_slope = float(slope[at]), float(base[at]), float(still[at])
        part = (
            replace(part, heating=balance, heating_bend=bend, beta_heating=steep, beta_cooling=other_slope,
                    intercept=level)
            if side
            else replace(part, cooling=balance, cooling_bend=bend, beta_cooling=steep, beta_heating=other_slope,
                         intercept=level)
        )  # fmt: skip
    return part


@dataclass(frozen=True)
class _Curves:
    """Softened degree days of one side for each pair of balance point and bend: arrays of days x pairs.

    `knee` tells where they set in, counted so that a lower one leaves more room to the other side.
    """

    values: Any
    squares: Any
    reached: Any
    balance: Any
    bend: Any
    knee: Any


@lru_cache(maxsize=4)
def _curves(temperatures: bytes) -> tuple[_Curves, _Curves]:
    """Heating and cooling curves of days; the meters of a city mostly share one outdoor temperature."""
    import numpy as np

    temperature = np.frombuffer(temperatures)[:, None]
    balance = np.repeat(np.arange(COLDEST, WARMEST + 1.0), len(BENDS))
    bend = np.tile(BENDS, WARMEST - COLDEST + 1)
    found = []
    for sign in (1.0, -1.0):
        reached = np.maximum(sign * (balance - temperature) + bend, 0.0)
        soft = np.where(bend > 0, bend, 1.0)
        values = reached + np.where(bend > 0, bend * np.expm1(-reached / soft), 0.0)
        found.append(
            _Curves(
                values, values * values, (reached > 0).astype(float), balance, bend, sign * balance + bend
            )
        )
    return found[0], found[1]
