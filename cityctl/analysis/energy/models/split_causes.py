"""Causes of use beside the weather in a split model. Arrays in, a model out; knows no SQL and no meter.

What the causes are worth beside a base for each kind of day begins, so that what weekends use less is not taken for
theirs; what they leave of the use is split, and the split's coefficients and the causes are fitted together, in turn
until they rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.models import causes, split
from cityctl.analysis.energy.models.parts import design

ROUNDS = 4
# Of a cause's own variation: what the split leaves of it below this cannot be told from the split.
_RANK = 1e-9


@dataclass(frozen=True)
class Model(causes.Worth):
    """A split of the use at average causes, what each unit of a cause adds to it, and the mean of each."""

    split: split.Model
    betas: tuple[float, ...]
    means: tuple[float, ...]
    r2_adj: float

    @property
    def terms(self) -> int:
        """Its terms beside the first base."""
        return self.split.terms + len(self.betas)


def fit(temperature: Any, use: Any, cells: Any, values: Any, *, cooling: bool) -> Model | None:
    """The model of one baseline; None where causes cannot be told apart or days are too few.

    `temperature` [degF], `use` [unit a day] and `cells` (0..5) have one entry a day, `values` are days x causes.
    """
    import numpy as np

    count = values.shape[1]
    kinds = np.array([cells == cell for cell in np.unique(cells)[1:]], float).T.reshape(len(use), -1)
    # Where a cause is itself the kind of day, they cannot be told apart.
    begin = causes.fit(temperature, use, np.column_stack([values, kinds]), cooling=cooling) or causes.fit(
        temperature, use, values, cooling=cooling
    )
    if begin is None:
        return None
    means, betas = np.array(begin.means[:count]), np.array(begin.betas[:count])
    away = values - means
    found = split.fit(temperature, use - away @ betas, cells, cooling=cooling)
    for _ in range(ROUNDS):
        if found is None:
            return None
        columns = design(found.parts, temperature, cells)
        left = away - columns @ np.linalg.lstsq(columns, away, rcond=None)[0]
        if ((left * left).sum(axis=0) < _RANK * (away * away).sum(axis=0)).any():
            break
        told = np.linalg.lstsq(np.column_stack([columns, away]), use, rcond=None)[0][columns.shape[1] :]
        rests = np.allclose(told, betas, rtol=1e-9, atol=0)
        betas = told
        found = split.fit(temperature, use - away @ betas, cells, cooling=cooling)
        if rests:
            break
    if found is None:
        return None
    total = float(((use - use.mean()) ** 2).sum())
    free = len(use) - found.terms - 1 - len(betas)
    r2_adj = 1 - (found.sse / free) / (total / (len(use) - 1)) if total > 0 and free > 0 else 0.0
    return Model(found, tuple(betas.tolist()), tuple(means.tolist()), r2_adj)
