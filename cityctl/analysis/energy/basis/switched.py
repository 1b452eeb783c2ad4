"""When a pump or a lighting circuit is on, by its power alone. Arrays in, truths out."""

from __future__ import annotations

from typing import Any

ON_SHARE = 0.1  # of its usual power: above it, it is on
SELDOM = 0.005  # of the time: what is on in less of it cannot be told from what it takes while it is off


def is_on(power: Any) -> Any:
    """Whether it is on in each window: above a tenth of the power that it usually takes when it is on.

    That is what it stays below in 95 % of the windows that lie above a tenth of nearly its highest power: what it
    takes while it stands by is none, however seldom it runs. nan counts as off.
    """
    import numpy as np

    known = power[np.isfinite(power)]
    high = float(np.quantile(known, 1 - SELDOM)) if len(known) else 0.0
    if high <= 0:
        return np.zeros(len(power), bool)
    usual = float(np.quantile(known[known > ON_SHARE * high], 0.95))
    return np.nan_to_num(power) > ON_SHARE * usual
