"""Baselines from bills: CalTRACK 2.0 for monthly and bi-monthly reads.

A bill is a period with an amount. Its use a day is fitted to its mean heating and cooling degree days a day,
each period weighing as many days as it has. Arrays in, a model out; knows no SQL, no meter and no clock.

Source: CalTRACK Methods 2.0, sections 2.2 and 3.4 to 3.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.degree_days import COLDEST, LEAST_DEGREE_DAYS, WARMEST, DegreeDays

SHORTEST, MONTHLY, BIMONTHLY = 25, 35, 70  # days of a period; CalTRACK 2.0, 2.2.3.4
WEATHER_SHARE = 0.9  # of a period's days that need a temperature; CalTRACK 2.0, 2.2.3.3
LEAST_PERIODS = 5  # five two-month bills


@dataclass(frozen=True)
class Bills:
    """Periods of one meter.

    `amount` [unit] and `days` are arrays of one entry a period; `temperature` [degF] and `period` (the index of
    its period) have one entry a day with weather.
    """

    amount: Any
    days: Any
    temperature: Any
    period: Any

    def means(self) -> Any:
        """Mean temperature of each period [degF]."""
        import numpy as np

        periods = len(self.days)
        seen = np.maximum(np.bincount(self.period, minlength=periods), 1)
        return np.bincount(self.period, self.temperature, periods) / seen

    def beyond(self, others: Bills) -> Any:
        """Whether each period of the others is colder or warmer than any of these."""
        known, asked = self.means(), others.means()
        return (asked < known.min()) | (asked > known.max())


@dataclass(frozen=True)
class Model(DegreeDays):
    """use a day = intercept + beta_heating x HDD + beta_cooling x CDD; slopes [unit/degF/day], thresholds [degF]."""

    heating: float | None
    cooling: float | None
    beta_heating: float
    beta_cooling: float
    intercept: float
    r2_adj: float
    candidates: int

    def expected(self, bills: Bills) -> Any:
        """Expected amount of each period."""
        hdd, cdd = degree_days(bills, [self.heating or 0.0], [self.cooling or 0.0])
        a_day = self.intercept + self.beta_heating * hdd[:, 0] + self.beta_cooling * cdd[:, 0]
        return a_day * bills.days


def longest(days: Any) -> int:
    """The longest period that is kept: of monthly reads 35 days, of bi-monthly ones 70."""
    import numpy as np

    return MONTHLY if len(days) == 0 or float(np.median(days)) <= MONTHLY else BIMONTHLY


def fit(bills: Bills, *, cooling: bool = True) -> Model | None:
    """The candidate with the highest adjusted R²; None where there are fewer than LEAST_PERIODS periods."""
    import numpy as np

    periods = len(bills.days)
    if periods < LEAST_PERIODS:
        return None
    grid = np.arange(COLDEST, WARMEST + 1.0)
    weight = bills.days.astype(float)
    use = bills.amount / weight
    mean = float((weight * use).sum() / weight.sum())
    hdd, cdd = degree_days(bills, grid, grid)
    use_in = use - mean
    total = float((weight * use_in**2).sum())
    best = Model(None, None, 0.0, 0.0, mean, 0.0, 1)
    if total <= 0:
        return best
    heat, cool = (
        _Side.of(values, weight, use_in, _qualified(bills, grid, warm=warm))
        for values, warm in ((hdd, False), (cdd, True))
    )
    if not cooling:
        cool.able[:] = False
    options: list[Model] = [best]
    count = 1
    for side, is_heat in ((heat, True), (cool, False)):
        slope = side.product / np.where(side.able, side.squares, 1.0)
        base = mean - slope * side.mean
        fits = side.able & (slope > 0) & (base >= -1e-9 * abs(mean))
        count += int(fits.sum())
        if fits.any():
            at = int(np.where(fits, slope * side.product, -1.0).argmax())
            r2 = _adjusted(float(slope[at] * side.product[at]) / total, periods, 1)
            threshold = float(grid[at])
            options.append(
                Model(threshold, None, float(slope[at]), 0.0, float(base[at]), r2, 0)
                if is_heat
                else Model(None, threshold, 0.0, float(slope[at]), float(base[at]), r2, 0)
            )
    found = _pair(heat, cool, hdd, cdd, weight, mean)
    if found is not None:
        low, high, warm, cold, gain, fitted = found
        count += fitted
        base_both = mean - warm * float(heat.mean[low]) - cold * float(cool.mean[high])
        r2 = _adjusted(gain / total, periods, 2)
        options.append(Model(float(grid[low]), float(grid[high]), warm, cold, base_both, r2, 0))
    chosen = max(options, key=lambda option: (option.r2_adj, -option.terms))
    return Model(
        chosen.heating, chosen.cooling, chosen.beta_heating, chosen.beta_cooling, chosen.intercept,
        chosen.r2_adj, count,
    )  # fmt: skip


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


def _qualified(bills: Bills, grid: Any, *, warm: bool) -> Any:
    """Thresholds with enough degree days; how many days have any does not count, as in eemeter's billing model."""
    import numpy as np

    apart = (bills.temperature[:, None] - grid) * (1 if warm else -1)
    excess = np.maximum(apart, 0)
    return excess.sum(axis=0) >= LEAST_DEGREE_DAYS


@dataclass
class _Side:
    """Heating or cooling at each threshold: weighted and centred sums."""

    able: Any
    mean: Any
    squares: Any
    product: Any

    @classmethod
    def of(cls, values: Any, weight: Any, use_in: Any, qualified: Any) -> _Side:
        mean = weight @ values / weight.sum()
        centred = values - mean
        squares = weight @ (centred * centred)
        return cls(qualified & (squares > 1e-9), mean, squares, (weight * use_in) @ centred)


def _pair(
    heat: _Side, cool: _Side, hdd: Any, cdd: Any, weight: Any, mean: float
) -> tuple[int, int, float, float, float, int] | None:
    """(heating, cooling, their slopes, what they explain, how many qualify) of the best pair of thresholds."""
    import numpy as np

    cross = (hdd - heat.mean).T @ ((cdd - cool.mean) * weight[:, None])
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
