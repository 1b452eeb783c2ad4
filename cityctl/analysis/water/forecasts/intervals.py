"""How far a forecast may lie off: the quantiles of the same model's past errors. Knows numbers only.

Source: Vovk et al. (2005), for intervals from past errors.
"""

from __future__ import annotations

import numpy as np

from cityctl.analysis.water.basis.rows import Array

FEWEST = 14  # tries that tell an interval, and days that a zone had been known for


def conformal(share: float, tries: Array | int) -> Array:
    """The quantile [0..1] of so many past errors that a new one stays below with that probability.

    One error more than there are: the interval is of a new value, not of the old ones. Source: Vovk et al. (2005).
    """
    count = np.maximum(tries, 1)
    raised: Array = np.clip(0.5 + (share - 0.5) * (count + 1) / count, 0.0, 1.0)
    return raised


def quantiles(errors: Array, certainty: float) -> tuple[Array, Array]:
    """Quantiles of past errors by hour of the day with its neighbours; nan where too few tries tell."""
    tries, *rest = errors.shape
    low, high = np.full(rest, np.nan), np.full(rest, np.nan)
    if tries < FEWEST:
        return low, high
    around = np.concatenate([np.roll(errors, step, axis=3) for step in (-1, 0, 1)], axis=0)
    for ahead in range(rest[1]):
        # Errors of neighbouring hours are alike, and those of forecasts whose days overlap are half alike: an
        # interval knows fewer of them than there are.
        counted = np.isfinite(errors[:, :, ahead]).sum(axis=0)
        apart = counted / np.sqrt(1 + ahead)
        ordered = np.sort(around[:, :, ahead], axis=0)  # nan goes last
        known = np.isfinite(ordered).sum(axis=0)
        for ends, share in ((low, (1 - certainty) / 2), (high, (1 + certainty) / 2)):
            place = conformal(share, apart) * np.maximum(known - 1, 0)
            below = np.floor(place).astype(np.int64)
            above = np.minimum(below + 1, np.maximum(known - 1, 0))
            first, second = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (below, above))
            ends[:, ahead] = np.where(counted >= FEWEST, first + (second - first) * (place - below), np.nan)
    return low, high
