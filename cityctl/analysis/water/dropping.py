"""By how much a level fell between two stretches of nights, with its 95 % interval. Plain arithmetic.

`fall` is for what a work order did: a level wanders by itself, with the season and the weather, and the less is known
of it the further it wanders. `drop` compares two means, and asks not why they differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

FEWEST = 3  # values on either side
# Variance of a level's way in a night as a share of the noise's: the least that is thought of, the most, how many.
WANDERS = (0.01, 10.0, 10)


@dataclass(frozen=True)
class Drop:
    """How far a level fell, and half its 95 % interval; `before` and `after` are the levels."""

    before: float
    after: float
    half: float

    @property
    def value(self) -> float:
        """Positive where it fell."""
        return self.before - self.after

    @property
    def sure(self) -> bool:
        """Whether it fell beyond its interval."""
        return self.value > self.half


def fall(before: Mapping[date, float], after: Mapping[date, float]) -> Drop | None:
    """The fall of the level between two stretches of nights; None with fewer than three nights on either side.

    A night's flow is a level that wanders from night to night, and noise; the fall is an intervention in it. How far it
    wanders is not known: what each share in WANDERS says, and none, is averaged by its likelihood. Source: Harvey and
    Durbin (1986), The effects of seat belt legislation, J. R. Statist. Soc. A 149(3): local level with intervention.
    """
    import numpy as np
    from scipy.special import stdtrit

    if min(len(before), len(after)) < FEWEST:
        return None
    days = np.array([day.toordinal() for day in (*sorted(before), *sorted(after))])
    flows = np.array([*(before[day] for day in sorted(before)), *(after[day] for day in sorted(after))])
    count, at = len(flows), len(before) - 1
    since = days - days[0]
    shared = np.minimum.outer(since, since)  # nights that the levels of two nights have wandered together
    columns = np.stack([np.ones(count), -1.0 * (np.arange(count) > at)], axis=1)
    wander = np.array([0.0, *np.geomspace(*WANDERS)])[:, None, None]
    spread = np.linalg.inv(np.eye(count) + wander * shared)  # of each share, as all that follows
    precision = columns.T @ spread @ columns
    fit = np.linalg.solve(precision, columns.T @ spread @ flows[:, None])
    left = flows[:, None] - columns @ fit
    noise = np.maximum((left * (spread @ left)).sum(axis=(1, 2)) / (count - 2), 1e-18 * (1 + flows @ flows))
    likely = np.linalg.slogdet(spread)[1] - np.linalg.slogdet(precision)[1] - (count - 2) * np.log(noise)
    last = wander * shared[at] @ spread @ left  # how far it had wandered by the last night before
    levels = fit[:, 0, 0] + last[:, 0, 0]
    falls, variances = fit[:, 1, 0], noise * np.linalg.inv(precision)[:, 1, 1]
    weights = np.exp((likely - likely.max()) / 2)
    weights /= weights.sum()
    level, fell = weights @ levels, weights @ falls
    variance = weights @ (variances + (falls - fell) ** 2)
    return Drop(float(level), float(level - fell), float(stdtrit(count - 3, 0.975) * np.sqrt(variance)))


def drop(before: Sequence[float], after: Sequence[float]) -> Drop | None:
    """The fall of the mean; None with fewer than three values on either side.

    Welch's interval with its degrees of freedom. Neighbouring nights are alike: a series that follows itself has fewer
    independent values, n (1 - r)/(1 + r).
    """
    from scipy.special import stdtrit

    if min(len(before), len(after)) < FEWEST:
        return None
    shared = _following(before, after)
    sides = []
    for values in (before, after):
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
        count = max(2.0, len(values) * (1 - shared) / (1 + shared))
        sides.append((mean, variance / count, count))
    (first, one, n), (second, other, m) = sides
    error = one + other
    freedom = error**2 / (one**2 / (n - 1) + other**2 / (m - 1)) if error > 0 else n + m - 2
    return Drop(first, second, float(stdtrit(freedom, 0.975)) * math.sqrt(error))


def _following(*sides: Sequence[float]) -> float:
    """Correlation of neighbours within both stretches, 0 to 0.8."""
    top = bottom = 0.0
    for values in sides:
        mean = sum(values) / len(values)
        left = [value - mean for value in values]
        top += sum(a * b for a, b in pairwise(left))
        bottom += sum(value * value for value in left)
    return min(max(top / bottom, 0.0), 0.8) if bottom > 0 else 0.0
