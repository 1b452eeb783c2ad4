"""Every degree-day model of CalTRACK 2.0 beside the one that was taken, each fitted by itself with least squares.

Plain and slow (some 0.2 s a meter), so that it stands beside savings.sql and models/billing.py as a second calculation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.models.billing import Bills, degree_days
from cityctl.analysis.energy.models.degree_days import (
    COLDEST,
    LEAST_DEGREE_DAYS,
    LEAST_NONZERO,
    WARMEST,
    DegreeDays,
)
from cityctl.analysis.energy.saving.columns import BY_KEY, EVIDENCE
from cityctl.analysis.energy.saving.row import Row
from cityctl.result import Table
from cityctl.wording import counted

MOST_SHOWN = 25  # of the models that were tried, the best
_STATUS = next(one for one in EVIDENCE if one.key == "status")
_SHOWN = ("model", "heating_balance_point", "cooling_balance_point", "r2_adj")


@dataclass(frozen=True)
class Candidate(DegreeDays):
    """One degree-day model, and whether it may be taken."""

    heating: float | None
    cooling: float | None
    r2_adj: float
    status: str


def of_days(temperature: Any, use: Any, *, cooling: bool) -> list[Candidate]:
    """Of days: their mean temperature [degF] and their use. 2 014 models with cooling."""
    import numpy as np

    below = {at: np.maximum(at - temperature, 0) for at in range(COLDEST, WARMEST + 1)}
    above = {at: np.maximum(temperature - at, 0) for at in range(COLDEST, WARMEST + 1)}

    def enough(days: Any) -> bool:
        return bool((days > 0).sum() >= LEAST_NONZERO and days.sum() >= LEAST_DEGREE_DAYS)

    able = [{at for at, days in side.items() if enough(days)} for side in (below, above)]
    return _fitted(below, above, able, use, np.ones(len(use)), cooling=cooling)


def of_bills(bills: Bills, *, cooling: bool) -> list[Candidate]:
    """Of bills: their use a day, each weighing as many days as it has, against its mean degree days."""
    import numpy as np

    grid = np.arange(COLDEST, WARMEST + 1)
    hdd, cdd = degree_days(bills, grid, grid)
    below, above = ({int(at): days[:, place] for place, at in enumerate(grid)} for days in (hdd, cdd))
    able = [
        {int(at) for at in grid if np.maximum(sign * (bills.temperature - at), 0).sum() >= LEAST_DEGREE_DAYS}
        for sign in (-1, 1)
    ]
    return _fitted(below, above, able, bills.amount / bills.days, bills.days.astype(float), cooling=cooling)


def _fitted(
    below: Mapping[int, Any],
    above: Mapping[int, Any],
    able: list[set[int]],
    use: Any,
    weight: Any,
    *,
    cooling: bool,
) -> list[Candidate]:
    """Least squares of use on degree days below and above each threshold that is able to tell."""
    import numpy as np

    pairs: list[tuple[int | None, int | None]] = [(None, None), *((low, None) for low in below)]
    if cooling:
        pairs += [(None, high) for high in above]
        pairs += [(low, high) for low in below for high in above if low <= high]
    root = np.sqrt(weight)
    mean = float((weight * use).sum() / weight.sum())
    total = float((weight * (use - mean) ** 2).sum())
    found = []
    for low, high in pairs:
        if (low is not None and low not in able[0]) or (high is not None and high not in able[1]):
            found.append(Candidate(low, high, float("nan"), "too few degree days"))
            continue
        columns = [*([] if low is None else [below[low]]), *([] if high is None else [above[high]])]
        x = np.column_stack([np.ones(len(use)), *columns])
        fitted, _, rank, _ = np.linalg.lstsq(x * root[:, None], use * root, rcond=None)
        terms = len(columns)
        if rank <= terms or len(use) <= terms + 1:
            found.append(Candidate(low, high, float("nan"), "its terms cannot be told apart"))
            continue
        sse = float((weight * (use - x @ fitted) ** 2).sum())
        r2 = 1 - sse / total * (len(use) - 1) / (len(use) - terms - 1) if total > 0 and terms else 0.0
        status = "qualified"
        if (fitted[1:] <= 0).any():
            status = "a slope is not above 0"
        elif fitted[0] < -1e-9 * abs(mean):
            status = "the base is below 0"
        found.append(Candidate(low, high, r2, status))
    return found


def table(row: Row, tried: list[Candidate]) -> Table:
    """The models that may be taken, the best first, and how many were refused and why."""
    qualified = sorted(
        (one for one in tried if one.status == "qualified"), key=lambda one: (-one.r2_adj, one.terms)
    )
    taken = tuple(row.figures.get(key) for key in ("heating_balance_point", "cooling_balance_point"))
    if row.figures:  # thresholds beyond every temperature fit alike: the model is one of several
        qualified.sort(key=lambda one: (one.heating, one.cooling) != taken)
    rows: list[tuple[object, ...]] = [
        (one.model, one.heating, one.cooling, one.r2_adj, "taken" if place == 0 else "qualified")
        for place, one in enumerate(qualified[:MOST_SHOWN])
    ]
    refused = Counter(one.status for one in tried if one.status != "qualified")
    note = f"{counted(len(tried), 'model')} tried, {len(qualified)} qualified" + "".join(
        f"; {count} refused: {status}" for status, count in refused.most_common()
    )
    columns = [*(BY_KEY[key] for key in _SHOWN), _STATUS]
    return Table(f"candidates_{row.meter}", f"{row.label}: models tried, the best first", columns, rows, note)
