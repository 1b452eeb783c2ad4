"""How far a model is off because its baseline held those days and no others: a jackknife. Arrays in, figures out.

Every fourth stretch of ten days is left out in turn, and balance points and terms are chosen anew.

Source: Efron & Tibshirani (1993), "An Introduction to the Bootstrap", chapter 11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cityctl.analysis.energy.models.parts import Part, best_of

REFIT_DAYS, GROUPS = 10, 4  # of the stretches of the jackknife; it leaves out every fourth


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
