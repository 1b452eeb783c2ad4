"""How far a degree-day model is off on stretches of its baseline that it was not fitted to. Arrays in, figures out.

What a building does beside the weather lasts for weeks: holidays, exhibitions, a boiler out of order. The
autocorrelation from one day to the next does not tell it. So each stretch is left out in turn, the coefficients are
fitted to the rest at the same balance points, and what they expect of it is held against its use. Three things are
told of that:

- How far sums of days scatter. A day that uses more scatters more, by a power of its use that the baseline tells; so
  a winter is not told by the mean of the year.
- By how much what is expected of the later days is off because the baseline was another year than most: its error is
  the same on all of them and grows with their number, not with its root.
- The same by refitting with every fourth stretch of ten days left out, balance points and terms anew.

Sources: cross-validation by blocks, as compared with ASHRAE Guideline 14's formula by Touzani, Granderson, Jump &
Rebello (2019), "Evaluation of methods to assess the uncertainty in estimated energy savings", Energy and Buildings 193;
variance as a power of the mean: Carroll & Ruppert (1988), "Transformation and Weighting in Regression", 2.2 and 3.2,
its power by the regression of Harvey (1976), Econometrica 44, 461-465; the variance of what is predicted under it:
White (1980), Econometrica 48, 817-838; the jackknife: Efron & Tibshirani (1993), "An Introduction to the Bootstrap",
chapter 11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.models.parts import Part, best_of
from cityctl.analysis.energy.models.uncertainty import Drift

STEPS = 4  # stretches that begin within the length of one
LEAST = 0.8  # share of a stretch's days that must be valid
REFIT_DAYS, GROUPS = 10, 4  # of the stretches of the jackknife; it leaves out every fourth
_LEAST_SCALE = 0.05  # of the mean use: a day that is expected to use less scatters as one of it
_LEAST_SQUARE = math.exp(-6)  # of the mean square: what is nearer to the model's line tells no power
_RANK = 1e-8  # of a system's largest eigenvalue: what lies below it the other days do not tell


@dataclass(frozen=True)
class Days:
    """Days of a baseline, or later ones: `columns` are days x coefficients, `caused` [unit a day] is what causes add.

    `length` [d] is that of each day: 23/24 and 25/24 where the clocks change.
    """

    columns: Any
    caused: Any
    length: Any


def left_out(before: Days, use: Any, day: Any, later: Days, length: int) -> Drift | None:
    """What stretches of `length` days that are left out in turn tell of the later days; None where none can be.

    `use` [unit a day] is that of the baseline's days without what causes add, `day` their rising number.
    """
    import numpy as np

    begins = np.arange(day[0], day[-1] - length + 2, max(length // STEPS, 1))
    low, high = np.searchsorted(day, begins), np.searchsorted(day, begins + length)
    enough = high - low >= max(LEAST * length, 1)
    low, high = low[enough], high[enough]
    if len(low) < 2 or not len(later.length):
        return None
    columns = before.columns
    inverse = np.linalg.pinv(columns.T @ columns, rcond=_RANK, hermitian=True)
    fitted = inverse @ (columns.T @ use)
    scatter, of_later = _relative(columns @ fitted + before.caused, use - columns @ fitted,
                                  later.columns @ fitted + later.caused)  # fmt: skip
    squares, products, sums, totals, scatters = (
        np.concatenate([np.zeros((1, *rows.shape[1:])), np.cumsum(rows, axis=0)])
        for rows in (columns[:, :, None] * columns[:, None, :], columns * use[:, None], columns, use, scatter)
    )
    rest = squares[-1] - (squares[high] - squares[low])
    right = products[-1] - (products[high] - products[low])
    without = np.linalg.pinv(rest, rcond=_RANK, hermitian=True) @ right[..., None]
    held = sums[high] - sums[low]
    error = totals[high] - totals[low] - (held * without[..., 0]).sum(axis=1)
    shaken = inverse @ (columns.T @ (scatter[:, None] * columns)) @ inverse  # of coefficients, at scatter 1
    of_held = np.einsum("bi,ij,bj->b", held, shaken, held)
    variance = float(np.mean(error * error / (scatters[high] - scatters[low] + of_held)))
    asked = later.length @ later.columns
    own = variance * float(asked @ shaken @ asked)
    a_day = variance * float(of_later @ later.length) / len(later.length)
    return Drift(a_day, len(day) / length, own=math.sqrt(max(own, 0.0)))


def _relative(expected: Any, residual: Any, later: Any) -> tuple[Any, Any]:
    """Variance of each day of the baseline, and of each later day, over that of a day of mean use."""
    import numpy as np

    mean = float(expected.mean())
    if mean <= 0:
        return np.ones(len(expected)), np.ones(len(later))
    scale, of_later = (np.maximum(one / mean, _LEAST_SCALE) for one in (expected, later))
    square = residual * residual
    floor = _LEAST_SQUARE * float(square.mean())
    known = expected > _LEAST_SCALE * mean
    across = np.log(scale[known])
    across -= across.mean()
    spread = float((across * across).sum())
    if floor <= 0 or spread <= 1e-6 * len(across):
        return np.ones(len(expected)), np.ones(len(later))
    power = float((across * np.log(np.maximum(square[known], floor))).sum()) / spread
    power = min(
        max(power, 0.0), 2.0
    )  # from scatter that is the same on all days to one that is a share of the use
    return scale**power, of_later**power


def refitted(
    parts: Sequence[Part],
    temperature: Any,
    use: Any,
    cells: Any,
    day: Any,
    later: tuple[Any, Any, Any],
    *,
    cooling: bool,
) -> float:
    """Standard error [unit] of what parts expect of later days in sum: each is fitted anew, its terms chosen anew.

    `later` are temperature [degF], cell and length [d] of those days; the rest is as of split.fit().
    """
    import numpy as np

    degrees, kinds, length = later
    group = day // REFIT_DAYS % GROUPS
    told = []
    for out in range(GROUPS):
        seen = group != out
        best = best_of(
            [part.cells for part in parts], temperature[seen], use[seen], cells[seen], cooling=cooling
        )
        total = 0.0
        for part in parts:
            here = np.isin(kinds, list(part.cells))
            model = best[part.cells][1] if part.cells in best else part
            total += float(length[here] @ model.expects(degrees[here]))
        told.append(total)
    return math.sqrt((GROUPS - 1) / GROUPS * float(np.square(np.array(told) - np.mean(told)).sum()))
