"""Baselines from bills: CalTRACK 2.0 for monthly and bi-monthly reads.

A bill is a period with an amount. Its use a day is fitted to its mean heating and cooling degree days a day,
each period weighing as many days as it has. Arrays in, a model out; knows no SQL, no meter and no clock.

Source: CalTRACK Methods 2.0, sections 2.2 and 3.4 to 3.7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from cityctl.analysis.energy.models.causes import Worth
from cityctl.analysis.energy.models.degree_days import COLDEST, LEAST_DEGREE_DAYS, WARMEST, DegreeDays
from cityctl.analysis.energy.models.others import Others
from cityctl.analysis.energy.models.uncertainty import Drift

SHORTEST, MONTHLY, BIMONTHLY = 25, 35, 70  # days of a period; CalTRACK 2.0, 2.2.3.4
WEATHER_SHARE = 0.9  # of a period's days that need a temperature; CalTRACK 2.0, 2.2.3.3
LEAST_PERIODS = 5  # five two-month bills
A_CAUSE = 3  # bills that each cause beside the weather needs in addition
_GRID = tuple(float(at) for at in range(COLDEST, WARMEST + 1))  # thresholds [degF]


@dataclass(frozen=True)
class Bills:
    """Periods of one meter.

    `amount` [unit] and `days` are arrays of one entry a period; `temperature` [degF] and `period` (the index of
    its period) have one entry a day with weather; `causes` are periods x causes beside the weather, of a day's mean.
    """

    amount: Any
    days: Any
    temperature: Any
    period: Any
    causes: Any = None

    def means(self) -> Any:
        """Mean temperature of each period [degF]."""
        import numpy as np

        periods = len(self.days)
        seen = np.maximum(np.bincount(self.period, minlength=periods), 1)
        return np.bincount(self.period, self.temperature, periods) / seen

    def beyond(self, others: Bills) -> Any:
        """Whether each period of the others is colder or warmer than any of these, or has less or more of a cause."""
        known, asked = self.means(), others.means()
        outside = (asked < known.min()) | (asked > known.max())
        if self.causes is None or others.causes is None:
            return outside
        low, high = self.causes.min(axis=0), self.causes.max(axis=0)
        return outside | ((others.causes < low) | (others.causes > high)).any(axis=1)


@dataclass(frozen=True)
class Model(DegreeDays, Worth):
    """use a day = intercept + beta_heating x HDD + beta_cooling x CDD; slopes [unit/degF/day], thresholds [degF].

    Where causes beside the weather count, that is a day with their means, and each unit more of one adds its beta.
    """

    heating: float | None
    cooling: float | None
    beta_heating: float
    beta_cooling: float
    intercept: float
    r2_adj: float
    candidates: int
    betas: tuple[float, ...] = ()
    means: tuple[float, ...] = ()

    @property
    def terms(self) -> int:
        """Its terms beside the base."""
        return super().terms + len(self.betas)

    def expected(self, bills: Bills) -> Any:
        """Expected amount of each period."""
        hdd, cdd = degree_days(bills, [self.heating or 0.0], [self.cooling or 0.0])
        a_day = self.intercept + self.beta_heating * hdd[:, 0] + self.beta_cooling * cdd[:, 0]
        if self.betas:
            a_day = a_day + self.of_causes(bills.causes)
        return a_day * bills.days


def longest(days: Any) -> int:
    """The longest period that is kept: of monthly reads 35 days, of bi-monthly ones 70."""
    import numpy as np

    return MONTHLY if len(days) == 0 or float(np.median(days)) <= MONTHLY else BIMONTHLY


def fit(bills: Bills, *, cooling: bool = True) -> Model | None:
    """The candidate with the highest adjusted R².

    None where there are fewer than LEAST_PERIODS periods, and A_CAUSE for each cause beside the weather, or where
    causes cannot be told apart. They are taken out of use and degree days first (Frisch, Waugh and Lovell).
    """
    causes = 0 if bills.causes is None else bills.causes.shape[1]
    if len(bills.days) < LEAST_PERIODS + A_CAUSE * causes:
        return None
    return _best(_Sheet.of(bills), cooling=cooling)


def beside(bills: Bills, later: Bills, model: Model, *, cooling: bool = True) -> Drift:
    """How far what a model expects of later bills may be off: by their own scatter, and by what few bills leave open.

    Each bill is left out in turn and the model chosen anew, balance points and terms too: by as much as what it
    expects of the later bills changes, it may be off (the jackknife; Efron & Tibshirani 1993, 11.5). ASHRAE's formula
    knows nothing of that, and least squares' variance not that another model may be chosen.
    """
    import numpy as np

    sheet, count = _Sheet.of(bills), len(bills.days)
    terms = 1 + model.terms + sum(at is not None for at in (model.heating, model.cooling))
    others = [_best(sheet.without(place), cooling=cooling) for place in range(count)]
    told = np.array([float(other.expected(later).sum()) for other in others if other is not None])
    if count - model.terms < 2 or len(told) < 2 or not len(later.days):
        return Drift(math.nan, 0)
    free = max(count - terms, 1)
    error = bills.amount - model.expected(bills)
    scatter = float((error * error / bills.days).sum()) / free
    own = (len(told) - 1) / len(told) * float(((told - told.mean()) ** 2).sum())
    return Drift(scatter + own / float(later.days.sum()), free + 1)


def _best(sheet: _Sheet, *, cooling: bool) -> Model | None:
    """The candidate with the highest adjusted R²; None where causes cannot be told apart."""
    import numpy as np

    weight, use, causes = sheet.weight, sheet.use, sheet.causes
    periods, count = len(use), causes.shape[1]
    mean = float((weight * use).sum() / weight.sum())
    means = weight @ causes / weight.sum()
    others = Others.of(causes - means, weight)
    if others is None:
        return None
    use_in = others.left(use - mean)
    total = float((weight * (use - mean) ** 2).sum())
    explained = total - float((weight * use_in**2).sum())
    if total <= 0:
        return Model(None, None, 0.0, 0.0, mean, 0.0, 1)
    best = Model(None, None, 0.0, 0.0, mean, _adjusted(explained / total, periods, count), 1)
    heat, cool = (_Side.of(values, sheet, use_in, others) for values in (sheet.hdd, sheet.cdd))
    if not cooling:
        cool.able[:] = False
    options: list[Model] = [best]
    tried = 1
    for side, is_heat in ((heat, True), (cool, False)):
        slope = side.product / np.where(side.able, side.squares, 1.0)
        base = mean - slope * side.mean
        fits = side.able & (slope > 0) & (base >= -1e-9 * abs(mean))
        tried += int(fits.sum())
        if fits.any():
            at = int(np.where(fits, slope * side.product, -1.0).argmax())
            r2 = _adjusted((explained + float(slope[at] * side.product[at])) / total, periods, 1 + count)
            threshold = float(_GRID[at])
            options.append(
                Model(threshold, None, float(slope[at]), 0.0, float(base[at]), r2, 0)
                if is_heat
                else Model(None, threshold, 0.0, float(slope[at]), float(base[at]), r2, 0)
            )
    found = _pair(heat, cool, weight, mean)
    if found is not None:
        low, high, warm, cold, gain, fitted = found
        tried += fitted
        base_both = mean - warm * float(heat.mean[low]) - cold * float(cool.mean[high])
        r2 = _adjusted((explained + gain) / total, periods, 2 + count)
        options.append(Model(float(_GRID[low]), float(_GRID[high]), warm, cold, base_both, r2, 0))
    chosen = max(options, key=lambda option: (option.r2_adj, -option.terms))
    betas = others.worth(use - sheet.a_day(chosen)) if count else ()
    return replace(chosen, candidates=tried, betas=betas, means=tuple(means.tolist()) if count else ())


def _adjusted(r2: float, periods: int, terms: int) -> float:
    return 1 - (1 - r2) * (periods - 1) / (periods - terms - 1)


def degree_days(bills: Bills, heating: Any, cooling: Any) -> tuple[Any, Any]:
    """Mean heating and cooling degree days a day: arrays of periods x thresholds."""
    import numpy as np

    periods = len(bills.days)
    seen = np.maximum(np.bincount(bills.period, minlength=periods), 1)[:, None]
    of_period = np.zeros((periods, len(bills.temperature)))
    of_period[bills.period, np.arange(len(bills.temperature))] = 1.0
    below = np.maximum(np.asarray(heating) - bills.temperature[:, None], 0)
    above = np.maximum(bills.temperature[:, None] - np.asarray(cooling), 0)
    return of_period @ below / seen, of_period @ above / seen


@dataclass(frozen=True)
class _Sheet:
    """Bills as candidates are fitted to them: a row each, degree days a day at each threshold of the grid.

    `seen` are the days of each whose temperature is known.
    """

    use: Any
    weight: Any
    seen: Any
    hdd: Any
    cdd: Any
    causes: Any

    @classmethod
    def of(cls, bills: Bills) -> _Sheet:
        import numpy as np

        periods = len(bills.days)
        weight, grid = bills.days.astype(float), np.array(_GRID)
        seen = np.bincount(bills.period, minlength=periods)
        causes = np.zeros((periods, 0)) if bills.causes is None else bills.causes
        return cls(bills.amount / weight, weight, seen, *degree_days(bills, grid, grid), causes)

    def without(self, place: int) -> _Sheet:
        """All but one of its rows."""
        import numpy as np

        return _Sheet(*(np.delete(getattr(self, one.name), place, axis=0) for one in fields(self)))

    def a_day(self, model: Model) -> Any:
        """What a model's base and degree days expect of a day of each."""
        told = model.intercept
        for at, beta, columns in (
            (model.heating, model.beta_heating, self.hdd),
            (model.cooling, model.beta_cooling, self.cdd),
        ):
            if at is not None:
                told = told + beta * columns[:, _GRID.index(at)]
        return told


@dataclass
class _Side:
    """Heating or cooling at each threshold: weighted sums of what is centred and freed of other causes."""

    able: Any
    centred: Any
    mean: Any
    squares: Any
    product: Any

    @classmethod
    def of(cls, values: Any, sheet: _Sheet, use_in: Any, others: Others) -> _Side:
        """How many days have degree days does not count, as in eemeter's billing model."""
        weight = sheet.weight
        qualified = sheet.seen @ values >= LEAST_DEGREE_DAYS
        mean = weight @ values / weight.sum()
        centred = others.left(values - mean)
        squares = weight @ (centred * centred)
        return cls(qualified & (squares > 1e-9), centred, mean, squares, (weight * use_in) @ centred)


def _pair(
    heat: _Side, cool: _Side, weight: Any, mean: float
) -> tuple[int, int, float, float, float, int] | None:
    """(heating, cooling, their slopes, what they explain, how many qualify) of the best pair of thresholds."""
    import numpy as np

    cross = heat.centred.T @ (cool.centred * weight[:, None])
    hh, cc = heat.squares[:, None], cool.squares[None, :]
    hy, cy = heat.product[:, None], cool.product[None, :]
    determinant = hh * cc - cross**2
    size = len(heat.able)
    able = heat.able[:, None] & cool.able[None, :] & (determinant > 1e-9 * hh * cc)
    able &= np.arange(size)[:, None] <= np.arange(size)[None, :]
    safe = np.where(able, determinant, 1.0)
    warm, cold = (hy * cc - cy * cross) / safe, (cy * hh - hy * cross) / safe
    able &= (
        (warm > 0) & (cold > 0) & (mean - warm * heat.mean[:, None] - cold * cool.mean >= -1e-9 * abs(mean))
    )
    if not able.any():
        return None
    gain = np.where(able, warm * hy + cold * cy, -1.0)
    low, high = np.unravel_index(int(gain.argmax()), gain.shape)
    return (
        int(low), int(high), float(warm[low, high]), float(cold[low, high]), float(gain[low, high]), int(able.sum())
    )  # fmt: skip
