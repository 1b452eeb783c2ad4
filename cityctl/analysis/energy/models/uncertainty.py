"""How sure a saving is: CV(RMSE), NMBE, fractional savings uncertainty. Pure arithmetic, no readings.

Sources: ASHRAE Guideline 14-2014, annex B; Sun & Baltazar (2013), "Analysis and improvement of the estimation
of building energy savings uncertainty"; Hill (1970), CACM algorithm 396, for the t-quantile's expansion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

MOST_FSU = 0.5  # ASHRAE Guideline 14: a saving whose uncertainty is above half of it is not proven


def t_quantile(probability: float, freedom: float) -> float:
    """Student's t for a cumulated probability: an expansion in 1/freedom.

    Too small by at most 1e-6 of it from 20 on; at 3, where left-out stretches are few, by 0.05 % for a two-sided
    confidence up to 0.9, 0.13 % for 0.95 and 0.8 % for 0.99; at 2, the least here, by 0.3, 0.8 and 4.2 %.
    """
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))


@dataclass(frozen=True)
class Fit:
    """How a baseline's model fits its own days.

    `sse` [unit²] and `bias` [unit] are the sums of squared and of plain residuals (observed - expected) over
    `days`; `mean` [unit a day]; `terms` counts the degree-day terms; `rho` is the residuals' autocorrelation
    from one day to the next, 0 where it cannot be told. With `billed` a row is a bill, and all in place of days.
    """

    days: int
    terms: int
    mean: float
    sse: float
    bias: float
    rho: float
    billed: bool = False

    @property
    def freedom(self) -> int:
        """n - p, p counting the degree-day terms without the intercept, as eemeter does."""
        return self.days - self.terms

    @property
    def cvrmse(self) -> float:
        """sqrt(SSE / (n - p)) / mean."""
        return math.sqrt(self.sse / self.freedom) / self.mean if self.freedom > 0 and self.mean else math.nan

    @property
    def nmbe(self) -> float:
        """Sum(observed - expected) / ((n - p) mean): above 0 the model expects too little."""
        return self.bias / (self.freedom * self.mean) if self.freedom > 0 and self.mean else math.nan

    @property
    def independent_days(self) -> float:
        """n' = n (1 - rho) / (1 + rho): how many independent days the baseline is worth."""
        rho = min(max(self.rho, -0.99), 0.99)
        return self.days * (1 - rho) / (1 + rho)

    def band(self, counterfactual: float, rows: int, days: int, confidence: float) -> float:
        """Half-width of the interval of the avoided use [unit] over m `rows` that hold `days` days of reporting.

        a t CV sqrt[(n/n') (1 + 2/n') / m] times the counterfactual, with Sun & Baltazar's a for daily or billing
        models of M months; `confidence` is two-sided.
        """
        worth = self.independent_days
        freedom = worth - self.terms
        if rows < 1 or freedom < 2 or not math.isfinite(self.cvrmse):
            return math.nan
        months = days * 12 / 365
        square, slope, base = (-0.00022, 0.03306, 0.94054) if self.billed else (-0.00024, 0.03535, 1.00286)
        shape = square * months**2 + slope * months + base
        t = t_quantile(0.5 + confidence / 2, freedom)
        spread = math.sqrt(self.days / worth * (1 + 2 / worth) / rows)
        return shape * t * self.cvrmse * spread * abs(counterfactual)


@dataclass(frozen=True)
class Drift:
    """How far what a model expects of later days may be off, beside what its formula says.

    `variance` [unit² a day] is that of the sum of all compared days over their number; `stretches` how many the
    baseline has of which that is told. `refitted` is the model's own error of that sum [unit], as a jackknife of
    `groups` tells it, its terms chosen anew: another measure, which is blind to what lasts; the larger counts.
    """

    variance: float
    stretches: float
    refitted: float = 0.0
    groups: int = 4

    def band(self, days: int, confidence: float) -> float:
        """Half-width of the interval of the avoided use [unit] over `days`; `confidence` is two-sided."""
        t = t_quantile(0.5 + confidence / 2, max(self.stretches - 1, 3.0))
        few = t_quantile(0.5 + confidence / 2, self.groups - 1)
        return max(t * math.sqrt(self.variance * days), few * self.refitted)


def fractional(band: float, avoided: float) -> float:
    """Fractional savings uncertainty: the half-width of the avoided use's interval over the avoided use."""
    return band / abs(avoided) if avoided else math.inf


def wider(*bands: float) -> float:
    """The widest of the bands that could be told; not a number where none could."""
    return max((band for band in bands if math.isfinite(band)), default=math.nan)
