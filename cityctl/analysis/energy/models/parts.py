"""Degree-day models of some kinds of day: all that a split may be made of, for all groups of kinds of day at once.

Fitted with sharp balance points; bends.py lets those that are taken bend. Arrays in, models out; knows no SQL and no
clock.

Source: grid and least degree days of CalTRACK Methods 2.0, 3.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cityctl.analysis.energy.models.degree_days import (
    COLDEST,
    LEAST_DEGREE_DAYS,
    LEAST_NONZERO,
    WARMEST,
    said,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SEASONS = ("summer", "shoulder", "winter")
CELLS = 6  # 0..2 weekdays of summer, shoulder, winter; 3..5 weekends
LEAST_DAYS = 12  # of a part: below it a model of its own would only follow the noise
LEAST_BASE = 1  # days beyond a threshold: a part of one season must not tell a base that it has never seen

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
