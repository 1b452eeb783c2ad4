"""Causes of use beside the weather, such as production or occupancy, in one least-squares fit with the degree days.

y = base + sum of b_k (x_k - mean of x_k) + CalTRACK's degree-day terms: for each pair of balance points the causes
are taken out of both sides first (Frisch, Waugh and Lovell), so that all pairs are fitted at once. Base and the
limits of CalTRACK 2.0 are those of a day with average causes. Arrays in, a model out; knows no SQL and no meter.

Source: relevant variables of ISO 50006:2023; grid, least degree days and choice of CalTRACK Methods 2.0, 3.2 and 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.models.degree_days import (
    COLDEST,
    LEAST_DEGREE_DAYS,
    LEAST_NONZERO,
    WARMEST,
    DegreeDays,
)

_Best = tuple[float, int | None, int | None]
"""Adjusted R², and the places of the balance points in the grid; None: no such term."""
_RANK = 1e-9  # of a cause's own variation: what the others leave of it below this cannot be told apart


class Worth:
    """What causes add to the use of a day, by what each of their units adds and their means."""

    betas: tuple[float, ...]
    means: tuple[float, ...]

    def of_causes(self, values: Any) -> Any:
        """What causes [days x causes] add to the use of their days; below 0 where they are less than average."""
        import numpy as np

        return (np.asarray(values) - np.array(self.means)) @ np.array(self.betas)


@dataclass(frozen=True)
class Model(DegreeDays, Worth):
    """Use a day at average causes [unit, degF], and what each unit of a cause adds to it; `means` are theirs."""

    heating: float | None
    cooling: float | None
    beta_heating: float
    beta_cooling: float
    intercept: float
    betas: tuple[float, ...]
    means: tuple[float, ...]
    r2_adj: float
    candidates: int

    @property
    def terms(self) -> int:
        """Its terms beside the base."""
        return super().terms + len(self.betas)


def fit(temperature: Any, use: Any, causes: Any, *, cooling: bool) -> Model | None:
    """The model with the highest adjusted R²; None where the causes cannot be told apart, or days are too few.

    `temperature` [degF] and `use` [unit a day] have one entry a day, `causes` are days x causes.
    """
    import numpy as np

    days, count = causes.shape
    means = causes.mean(axis=0)
    away = causes - means
    if days < count + 5 or (np.linalg.svd(away / _scale(away), compute_uv=False) ** 2).min() < _RANK * days:
        return None
    grid = np.arange(COLDEST, WARMEST + 1.0)
    below = np.maximum(grid - temperature[:, None], 0)
    above = np.maximum(temperature[:, None] - grid, 0)
    q, _ = np.linalg.qr(np.column_stack([np.ones(days), away]))

    def left(values: Any) -> Any:
        return values - q @ (q.T @ values)

    y, heat, cool = left(use), left(below), left(above)
    mean, total = float(use.mean()), float(((use - use.mean()) ** 2).sum())
    low, high = np.triu_indices(len(grid))
    able = [((side > 0).sum(axis=0) >= LEAST_NONZERO) & (side.sum(axis=0) >= LEAST_DEGREE_DAYS)
            for side in (below, above)]  # fmt: skip
    able[1] &= cooling
    squares = [(side * side).sum(axis=0) for side in (heat, cool)]
    products = [y @ side for side in (heat, cool)]
    slack = -1e-9 * abs(mean)
    best: _Best = (_adjusted(1 - float(y @ y) / total, days, count) if total > 0 else 0.0, None, None)
    qualified = 1
    for side in (0, 1):
        fits = able[side] & (squares[side] > _RANK)
        slope = products[side] / np.where(fits, squares[side], 1.0)
        fits &= (slope > 0) & (mean - slope * (below, above)[side].mean(axis=0) >= slack)
        qualified += int(fits.sum())
        gain = np.where(fits, slope * products[side], -1.0)
        at = int(gain.argmax())
        if fits.any() and total > 0:
            told = _adjusted(1 - (float(y @ y) - float(gain[at])) / total, days, count + 1)
            found: _Best = (told, at, None) if side == 0 else (told, None, at)
            best = max(best, found, key=lambda one: one[0])
    hh, cc, hc = squares[0][low], squares[1][high], (heat.T @ cool)[low, high]
    hy, cy = products[0][low], products[1][high]
    determinant = hh * cc - hc * hc
    fits = able[0][low] & able[1][high] & (determinant > _RANK * hh * cc)
    safe = np.where(fits, determinant, 1.0)
    warm, cold = (hy * cc - cy * hc) / safe, (cy * hh - hy * hc) / safe
    base = mean - warm * below.mean(axis=0)[low] - cold * above.mean(axis=0)[high]
    fits &= (warm > 0) & (cold > 0) & (base >= slack)
    qualified += int(fits.sum())
    gain = np.where(fits, warm * hy + cold * cy, -1.0)
    at = int(gain.argmax())
    if fits.any() and total > 0:
        told = _adjusted(1 - (float(y @ y) - float(gain[at])) / total, days, count + 2)
        best = max(best, (told, int(low[at]), int(high[at])), key=lambda one: one[0])
    return _fitted(best, grid, (below, above), away, use, means, qualified)


def _fitted(
    best: _Best,
    grid: Any,
    sides: tuple[Any, Any],
    away: Any,
    use: Any,
    means: Any,
    qualified: int,
) -> Model:
    import numpy as np

    r2_adj, *places = best
    terms = [side[:, at] for side, at in zip(sides, places, strict=True) if at is not None]
    told, *_ = np.linalg.lstsq(np.column_stack([np.ones(len(use)), *terms, away]), use, rcond=None)
    slopes = iter(told[1 : 1 + len(terms)].tolist())
    betas = [0.0 if at is None else next(slopes) for at in places]
    points = [None if at is None else float(grid[at]) for at in places]
    return Model(
        points[0], points[1], betas[0], betas[1], float(told[0]), tuple(told[1 + len(terms) :].tolist()),
        tuple(means.tolist()), r2_adj, qualified,
    )  # fmt: skip


def _scale(away: Any) -> Any:
    import numpy as np

    spread = np.sqrt((away * away).mean(axis=0))
    return np.where(spread > 0, spread, 1.0)


def _adjusted(r2: float, days: int, terms: int) -> float:
    return 1 - (1 - r2) * (days - 1) / (days - terms - 1)
