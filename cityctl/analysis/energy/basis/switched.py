"""When a pump or a lighting circuit is on, by its power alone. Arrays in, truths out."""

from __future__ import annotations

from typing import Any

ON_SHARE = 0.1  # of its usual power: above it, it is on
SELDOM = 0.005  # of the time: what is on in less of it cannot be told from what it takes while it is off


def usual_of(values: Any) -> float:
    """What it usually takes while it is on: 95 % of the windows above a tenth of nearly the highest stay below it.

    What it takes while it stands by is none of these, however seldom it runs; 0 without readings.
    """
    import numpy as np

    known = values[np.isfinite(values)]
    high = float(np.quantile(known, 1 - SELDOM)) if len(known) else 0.0
    return float(np.quantile(known[known > ON_SHARE * high], 0.95)) if high > 0 else 0.0


def is_on(power: Any) -> Any:
    """Whether it is on in each window: above a tenth of its usual power. nan counts as off."""
    import numpy as np

    usual = usual_of(power)
    return np.nan_to_num(power) > ON_SHARE * usual if usual > 0 else np.zeros(len(power), bool)
