"""How far a degree-day model is off on later days because use wanders for weeks and months. Arrays in, figures out.

What a building does beside the weather lasts: holidays, tenants, a boiler out of order. The autocorrelation from one
day to the next does not tell it, and neither does how far a model is off on stretches of a baseline of one year that
are left out: what wanders for longer than they last is hidden in the coefficients. So what the model leaves of the
baseline's days is taken, in blocks of ten days, for scatter by the block and a part that wanders, whose correlation
falls as exp(-apart / length). How large that part is and how long it lasts is not known: each of a grid of both is
weighted by how likely it makes the baseline, the coefficients and the scale being integrated out, and so is what it
says of the sum of the later days: their own scatter, and by how much the baseline's coefficients are off.

A day that uses more scatters more, by a power of its use that the baseline tells; so a winter is not told by the mean
of the year.

Sources: Patterson & Thompson (1971), "Recovery of inter-block information when block sizes are unequal", Biometrika
58, 545-554 (residual likelihood, which is the integrated one: Harville (1974), Biometrika 61, 383-385); Hoeting,
Madigan, Raftery & Volinsky (1999), "Bayesian model averaging", Statistical Science 14, 382-417; variance as a power of
the mean: Carroll & Ruppert (1988), "Transformation and Weighting in Regression", 2.2 and 3.2, its power by the
regression of Harvey (1976), Econometrica 44, 461-465. That savings need more than ASHRAE Guideline 14's formula:
Touzani, Granderson, Jump & Rebello (2019), Energy and Buildings 193.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.models.uncertainty import Drift

BLOCK = 10  # days
LENGTHS = (15.0, 30.0, 60.0, 120.0)  # days in which what wanders forgets 63 % of itself
SHARES = (0.15, 0.35, 0.55, 0.75, 0.9)  # of a block's variance that wanders; none does is one case more
QUIET = 2.0  # how much likelier it is beforehand that nothing wanders than that something does
LEAST_FREE = 4  # blocks beyond the coefficients
ALIKE = 2.0  # blocks that count as one: the wander itself is told by few
_LEAST_SCALE = 0.05  # of the mean use: a day that is expected to use less scatters as one of it
_LEAST_SQUARE = math.exp(-6)  # of the mean square: what is nearer to the model's line tells no power
_NOTHING = 1e-300  # of a misfit: below it its logarithm is not told
_RANK = 1e-8  # of a system's largest eigenvalue: what lies below it the other days do not tell


@dataclass(frozen=True)
class Days:
    """Days of a baseline, or later ones: `columns` are days x coefficients, `caused` [unit a day] is what causes add.

    `at` is their rising number, `length` [d] that of each: 23/24 and 25/24 where the clocks change.
    """

    at: Any
    columns: Any
    caused: Any
    length: Any


def wandering(before: Days, use: Any, later: Days) -> Drift | None:
    """How far what is expected of all later days may be off; None where the baseline has too few blocks to tell.

    `use` [unit a day] is that of the baseline's days without what causes add.
    """
    import numpy as np

    if not len(later.length):
        return None
    columns = before.columns
    inverse = np.linalg.pinv(columns.T @ columns, rcond=_RANK, hermitian=True)
    fitted = inverse @ (columns.T @ use)
    scatter, of_later = _relative(columns @ fitted + before.caused, use - columns @ fitted,
                                  later.columns @ fitted + later.caused)  # fmt: skip
    scale = np.sqrt(scatter)
    blocks, then = _Blocks.of(before.at), _Blocks.of(later.at)
    explained, rank = _space(blocks.mean(columns / scale[:, None]))
    free = len(blocks.middle) - rank
    if free < LEAST_FREE:
        return None
    left = explained[:, rank:].T  # combinations of blocks in which the coefficients have no part
    told = left @ blocks.mean(use / scale)
    # What is expected of the later days less what they use, as weights of the scatter of all blocks.
    of_coefficients = -(columns @ inverse @ (later.length @ later.columns)) * scale
    weight = np.concatenate([blocks.mean(of_coefficients), then.mean(np.sqrt(of_later) * later.length)])
    likely, variance = _cases(left, told, weight, blocks, then)
    share = np.exp(likely - likely.max())
    share[0] *= QUIET * (len(share) - 1)
    total = float(share @ variance / share.sum())
    return Drift(total / len(later.length), free / ALIKE + 1)


@dataclass(frozen=True)
class _Blocks:
    """Blocks of days: the middle of each, how many days it holds, and which block each day belongs to."""

    middle: Any
    days: Any
    place: Any

    @staticmethod
    def of(day: Any) -> _Blocks:
        import numpy as np

        number, place = np.unique(day // BLOCK, return_inverse=True)
        return _Blocks((number + 0.5) * BLOCK, np.bincount(place), place)

    def mean(self, values: Any) -> Any:
        """Values of days summed up by block, over the root of its days: scatter by the day keeps its variance."""
        import numpy as np

        starts = np.flatnonzero(np.diff(self.place, prepend=-1))
        sums = np.add.reduceat(values, starts, axis=0)
        root = np.sqrt(self.days)
        return sums / (root if values.ndim == 1 else root[:, None])


def _space(columns: Any) -> tuple[Any, int]:
    """Directions of the blocks, those that the columns reach first, and how many these are."""
    import numpy as np

    directions, size, _ = np.linalg.svd(columns, full_matrices=True)
    return directions, int((size > math.sqrt(_RANK) * max(float(size.max(initial=0.0)), 1e-300)).sum())


def _cases(left: Any, told: Any, weight: Any, blocks: _Blocks, then: _Blocks) -> tuple[Any, Any]:
    """Of each case, first that nothing wanders, then of each length and share: its log likelihood, and its variance.

    Blocks have a variance of 1 where they are whole. `told` is what the combinations `left` of the baseline's blocks
    are; the variance is that of the `weight` of all blocks.
    """
    import numpy as np

    free, size = len(told), len(blocks.middle)
    middle = np.concatenate([blocks.middle, then.middle])
    held = np.sqrt(np.concatenate([blocks.days, then.days]) / BLOCK)
    apart = np.abs(middle[:, None] - middle)
    alone = float(weight @ weight)
    square = max(float(told @ told), _NOTHING)
    likely, variance = [-free / 2 * math.log(square)], [alone * square / (free - 2)]
    for length in LENGTHS:
        alike = np.exp(-apart / length) * held[:, None] * held
        seen, together = left @ alike[:size, :size] @ left.T, float(weight @ alike @ weight)
        for share in SHARES:
            root = np.linalg.cholesky(share * seen + (1 - share) * np.eye(free))
            square = max(float(np.square(np.linalg.solve(root, told)).sum()), _NOTHING)
            likely.append(-float(np.log(np.diag(root)).sum()) - free / 2 * math.log(square))
            variance.append((share * together + (1 - share) * alone) * square / (free - 2))
    return np.array(likely), np.array(variance)


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
    # From scatter that is the same on all days to one that is a share of the use.
    power = min(max(power, 0.0), 2.0)
    return scale**power, of_later**power
