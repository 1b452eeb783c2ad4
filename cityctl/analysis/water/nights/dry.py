"""Zones through whose inflow nothing flows by night, or not at all: no leak shows there. Numbers only.

Water that is shut off by night (intermittent supply), or a tank that is filled by day, leave nothing to be judged; nor
could they be told from people who sleep without a leak, but that where many live somebody always draws.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array

LOOKED = 28  # nights
FEWEST = 7  # of them that have to be known
LAST = 3  # of them that are all dry
MOSTLY = 0.8  # share of the nights
NOTHING = 0.005  # share of the mean inflow: what people draw by night is ten times as much
MANY = 2.0  # mean inflow [m³/h], as of some four hundred people: a school may well sleep
WHY = "no flow by night: where supply pauses, or a tank is filled by day, no leak shows"


def dry_by_night(flows: Array, days: Array) -> bool:
    """Whether next to nothing flows on most nights, the last ones too, of a zone that draws by day.

    `flows` by night and `days`, the mean flow of the day before each [m³/h]; nan where it is not known.
    """
    known = np.flatnonzero(np.isfinite(flows) & np.isfinite(days))[-LOOKED:]
    if len(known) < FEWEST:
        return False
    usual = float(days[known].mean())
    dry = np.abs(flows[known]) <= NOTHING * usual
    return usual >= MANY and bool(dry[-LAST:].all() and dry.mean() >= MOSTLY)


def shut(flows: Array, days: Array, inflows: Array) -> npt.NDArray[np.bool_]:
    """Nights (zones x nights) in which next to nothing flows, nor did by day: a zone is shut after its season.

    `inflows`: the mean inflow as it was known before each night; the largest one so far is the measure [m³/h].
    """
    usual = np.maximum.accumulate(np.nan_to_num(inflows), axis=1)
    with np.errstate(invalid="ignore"):
        told: npt.NDArray[np.bool_] = np.maximum(np.abs(flows), np.abs(days)) <= NOTHING * usual
    return told
