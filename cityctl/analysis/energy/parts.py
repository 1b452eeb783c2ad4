"""Degree-day models of some kinds of day: all that a split may be made of, and how softly their heating sets in.

Each is first fitted with sharp balance points, for all groups of kinds of day at once; those that are taken may then
bend: a building of many rooms begins to heat room by room. Arrays in, models out; knows no SQL and no clock.

Source: grid and least degree days of CalTRACK Methods 2.0, 3.2; the bend is the exponential knee of OpenDSM's daily
model, D = u - k (1 - exp(-u / k)) with u degrees beyond the knee, which for large u is degree days of a balance
point that lies k further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cityctl.analysis.energy.degree_days import COLDEST, LEAST_DEGREE_DAYS, LEAST_NONZERO, WARMEST, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SEASONS = ("summer", "shoulder", "winter")
CELLS = 6  # 0..2 weekdays of summer, shoulder, winter; 3..5 weekends
BENDS = (0.0, 2.0, 5.0, 12.0)  # that are tried [degF]
LEAST_DAYS = 12  # of a part: below it a model of its own would only follow the noise
LEAST_BASE = 1  # days beyond a threshold: a part of one season must not tell a base that it has never seen
ROUNDS = 2  # of bending heating and cooling in turn

Cells = frozenset[int]


@dataclass(frozen=True)
class Part:
    """A degree-day model of some kinds of day: use [unit a day], thresholds [degF], slopes [unit/degF/day].

    With a bend [degF], heating sets in softly from `heating + heating_bend` down, cooling from `cooling -
    cooling_bend` up.
    """

    cells: Cells
    heating: float | None
    cooling: float | None
    beta_heating: float
    beta_cooling: float
    intercept: float
    heating_bend: float = 0.0
    cooling_bend: float = 0.0

    @property
    def slopes(self) -> int:
        """How many degree-day terms it has."""
        return (self.heating is not None) + (self.cooling is not None)

    @property
    def days(self) -> str:
        """`weekdays in winter`, `every day`."""
        weekdays, weekends = ({cell % 3 for cell in self.cells if cell // 3 == half} for half in (0, 1))
        kind = "days" if weekdays and weekends else "weekdays" if weekdays else "weekends"
        seasons = weekdays or weekends
        if len(seasons) == 3:
            return "every day" if kind == "days" else kind
        return f"{kind} in {' and '.join(SEASONS[season] for season in sorted(seasons))}"

    @property
    def terms(self) -> str:
        """`heating and cooling`, `heating`, `cooling` or `intercept only`."""
        return said(self.heating, self.cooling)

    def expects(self, temperature: Any) -> Any:
        """Use a day at outdoor temperatures [degF]."""
        use = self.intercept + 0.0 * temperature
        if self.heating is not None:
            use = use + self.beta_heating * softened(self.heating - temperature, self.heating_bend)
        if self.cooling is not None:
            use = use + self.beta_cooling * softened(temperature - self.cooling, self.cooling_bend)
        return use


def softened(beyond: Any, bend: float) -> Any:
    """Degree days of a day that lies so far beyond the balance point, which set in over the bend [degF]."""
    import numpy as np

    reached = np.maximum(beyond + bend, 0.0)
    return reached if bend == 0 else reached + bend * np.expm1(-reached / bend)


def design(parts: Iterable[Part], temperature: Any, cells: Any) -> Any:
    """Days x coefficients of the parts of a model: the base and slopes of each, on its own days."""
    import numpy as np

    columns = []
    for part in parts:
        here = np.isin(cells, list(part.cells)).astype(float)
        columns.append(here)
        if part.heating is not None:
            columns.append(here * softened(part.heating - temperature, part.heating_bend))
        if part.cooling is not None:
            columns.append(here * softened(temperature - part.cooling, part.cooling_bend))
    return np.stack(columns, axis=1)


def best_of(
    segments: Sequence[Cells], temperature: Any, use: Any, cells: Any, *, cooling: bool
) -> dict[Cells, tuple[float, Part]]:
    """segment -> (sum of squared errors, its model of the smallest BIC), for those with enough days.

    Each threshold needs only the sums of its degree days by kind of day, and a segment's sums are those of its
    kinds of day; T_H <= T_C makes HDD x CDD = 0, so that each pair of thresholds is a 2 x 2 system.
    """
    import numpy as np

    member = np.array([[cell in segment for cell in range(CELLS)] for segment in segments], float)
    of_cell = (np.arange(CELLS)[:, None] == cells).astype(float)  # 6 x days
    grid = np.arange(COLDEST, WARMEST + 1.0)

    def sums(values: Any) -> Any:
        return member @ (of_cell @ values)

    n, sum_y, sum_yy = (sums(column) for column in (np.ones(len(use)), use, use * use))
    enough = n >= LEAST_DAYS
    count = np.maximum(n, 1)
    mean = sum_y / count
    total = np.maximum(sum_yy - sum_y * mean, 0)
    heat, cool = (
        _single(excess, use, sums, count, mean, of_cell, member)
        for excess in (np.maximum(grid - temperature[:, None], 0), np.maximum(temperature[:, None] - grid, 0))
    )
    if not cooling:
        cool.able[:] = False
    least = -1e-9 * np.abs(mean)[:, None]  # a base of nothing may come out a rounding error below 0
    one = [np.where(side.able & (side.slope > 0) & (mean[:, None] - side.slope * side.mean >= least),
                    side.gain, -1.0) for side in (heat, cool)]  # fmt: skip
    low, high = np.triu_indices(len(grid))
    both, slopes = _pairs(heat, cool, low, high, count, mean, least)
    found: dict[Cells, tuple[float, Part]] = {}
    for at in np.flatnonzero(enough).tolist():
        options: list[tuple[float, Part]] = [
            (total[at], Part(segments[at], None, None, 0.0, 0.0, float(mean[at])))
        ]
        for side, gains, is_heat in ((heat, one[0], True), (cool, one[1], False)):
            k = int(gains[at].argmax())
            if gains[at, k] > 0:
                slope, base = float(side.slope[at, k]), float(mean[at] - side.slope[at, k] * side.mean[at, k])
                threshold = float(grid[k])
                part = (
                    Part(segments[at], threshold, None, slope, 0.0, base)
                    if is_heat
                    else Part(segments[at], None, threshold, 0.0, slope, base)
                )
                options.append((max(total[at] - gains[at, k], 0.0), part))
        k = int(both[at].argmax())
        if both[at, k] > 0:
            warm, cold = float(slopes[0][at, k]), float(slopes[1][at, k])
            base = float(mean[at] - warm * heat.mean[at, low[k]] - cold * cool.mean[at, high[k]])
            thresholds = float(grid[low[k]]), float(grid[high[k]])
            options.append(
                (max(total[at] - both[at, k], 0.0), Part(segments[at], *thresholds, warm, cold, base))
            )
        size = float(n[at])
        found[segments[at]] = min(
            options,
            key=lambda option: (
                size * math.log(max(option[0] / size, 1e-300)) + (1 + 2 * option[1].slopes) * math.log(size)
            ),
        )
    return found


@dataclass
class _Side:
    """Heating or cooling degree days at each threshold: arrays of segments x thresholds."""

    able: Any
    mean: Any
    squares: Any  # centred
    product: Any  # centred, with the use
    slope: Any
    gain: Any


def _single(excess: Any, use: Any, sums: Any, count: Any, mean: Any, of_cell: Any, member: Any) -> _Side:
    import numpy as np

    first = sums(excess)
    average = first / count[:, None]
    squares = sums(excess * excess) - first * average
    product = sums(excess * use[:, None]) - first * mean[:, None]
    nonzero = member @ (of_cell @ (excess > 0))
    able = (
        (nonzero >= LEAST_NONZERO)
        & (count[:, None] - nonzero >= LEAST_BASE)
        & (first >= LEAST_DEGREE_DAYS)
        & (squares > 1e-9)
    )
    safe = np.where(able, squares, 1.0)
    return _Side(able, average, squares, product, product / safe, product * product / safe)


def _pairs(
    heat: _Side, cool: _Side, low: Any, high: Any, count: Any, mean: Any, least: Any
) -> tuple[Any, tuple[Any, Any]]:
    """What each pair of thresholds explains (-1 where it may not be), and its two slopes."""
    import numpy as np

    hh, cc = heat.squares[:, low], cool.squares[:, high]
    hy, cy = heat.product[:, low], cool.product[:, high]
    hc = -count[:, None] * heat.mean[:, low] * cool.mean[:, high]
    determinant = hh * cc - hc * hc
    able = heat.able[:, low] & cool.able[:, high] & (determinant > 1e-9 * hh * cc)
    safe = np.where(able, determinant, 1.0)
    warm, cold = (hy * cc - cy * hc) / safe, (cy * hh - hy * hc) / safe
    base = mean[:, None] - warm * heat.mean[:, low] - cold * cool.mean[:, high]
    able &= (warm > 0) & (cold > 0) & (base >= least)
    return np.where(able, warm * hy + cold * cy, -1.0), (warm, cold)


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
