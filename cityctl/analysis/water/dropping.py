"""By how much a level fell between two stretches of nights, with its 95 % interval. Plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

FEWEST = 3  # values on either side


@dataclass(frozen=True)
class Drop:
    """How far the mean fell, and half its 95 % interval; `before` and `after` are the means."""

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
