"""Causes of use beside the weather in the model by the hour. Arrays in, their worth out; knows no SQL and no meter.

What time of week and temperature tell of the use, and of each cause, is taken from both; what is left of them, day by
day, tells what each unit of a cause uses. Once that is taken from the use, it is seen better in which hours the
building is occupied: so in turn.

Source: Robinson (1988), "Root-N-consistent semiparametric regression", Econometrica 56: causes in a line beside a part
of any shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.models import towt
from cityctl.analysis.energy.models.causes import Worth

ROUNDS = 3
_RANK = 1e-9  # of a cause's own variation: below it time and weather leave nothing of it to learn from


@dataclass(frozen=True)
class Model(Worth):
    """What each unit of a cause adds to a day's use [unit], and the mean of each."""

    betas: tuple[float, ...]
    means: tuple[float, ...]


def fit(temperature: Any, use: Any, week_hour: Any, month: Any, day: Any, values: Any) -> Model | None:
    """The causes of one meter; None where they cannot be told apart, or hours are too few.

    Arrays of one entry an hour as of `towt.expected`, `day` any number of the hour's local day; `values` are hours x
    causes, each that of its day; `use` is NaN where an hour is none of the baseline or a cause is not known.
    """
    import numpy as np

    there = np.isfinite(use)
    if not there.any():
        return None
    means = values[there].mean(axis=0)
    spread = ((values[there] - means) ** 2).mean(axis=0)
    scale = np.sqrt(np.where(spread > 0, spread, 1.0))
    by_hour = values.T / 24
    of_causes = _left(temperature, np.where(there, by_hour, np.nan), week_hour, month)
    betas = np.zeros(len(by_hour))
    for _ in range(ROUNDS):
        of_use = _left(temperature, (use - betas @ by_hour)[None], week_hour, month)
        left = np.vstack([of_use, of_causes])
        known = np.isfinite(left).all(axis=0)
        _, number = np.unique(day[known], return_inverse=True)
        use_left, *away = (np.bincount(number, row[known]) for row in left)
        columns = np.column_stack(away)
        enough = len(columns) > columns.shape[1]
        if not enough or np.linalg.svd(columns / scale, compute_uv=False).min() ** 2 < _RANK * len(columns):
            return None
        betas = betas + np.linalg.lstsq(columns, use_left, rcond=None)[0]
    return Model(tuple(betas.tolist()), tuple(means.tolist()))


def _left(temperature: Any, rows: Any, week_hour: Any, month: Any) -> Any:
    """What time of week and temperature leave of each row of hours."""
    told, _ = towt.expected(temperature, rows, week_hour, month)
    return rows - told
