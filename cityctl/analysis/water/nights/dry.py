"""Zones through whose inflow nothing flows by night, or not at all: no leak shows there. Numbers only.

Water that is shut off by night (intermittent supply), or a tank that is filled by day, leave nothing to be judged; nor
could they be told from people who sleep without a leak, but that where many live somebody always draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, held, tell_medians, trailing

USUAL = 56  # nights of which the mean inflow is told
LOOKED = 28  # nights
FEWEST = 7  # of them that have to be known
LAST = 3  # of them that are all dry
MOSTLY = 0.8  # share of the nights
NOTHING = 0.005  # share of the mean inflow: what people draw by night is ten times as much
PAUSES = 1 / 3  # share of the nights, and of the last seven, from which on supply pauses
MANY = 2.0  # mean inflow [m³/h], as of some four hundred people: a school may well sleep
STILL, STILL_PARTS = (
    0.01,
    3,
)  # share of the night flow that is none, and parts of three hours without any by day
WHY = "no flow by night: where supply pauses, or a tank is filled by day, no leak shows"
FILLED = "flow by night alone: a tank is filled then, and no leak shows"


def dry_by_night(flows: Array, days: Array) -> bool:
    """Whether next to nothing flows on most nights, the last ones too, or on many of them, of a zone that draws by day.

    `flows` by night and `days`, the mean flow of the day before each [m³/h]; nan where it is not known.
    """
    known = np.flatnonzero(np.isfinite(flows) & np.isfinite(days))[-LOOKED:]
    if len(known) < FEWEST:
        return False
    usual = float(days[known].mean())
    dry = np.abs(flows[known]) <= NOTHING * usual
    if usual < MANY or not dry.any():
        return False
    if dry.mean() >= MOSTLY:
        return bool(dry[-LAST:].all())
    return bool(min(dry.mean(), dry[-FEWEST:].mean()) >= PAUSES)


def by_night_alone(flows: Array, courses: Array) -> bool:
    """Whether water flows by night, and by day stands still for hours: people always draw, a tank is filled.

    `flows` by night, and `courses` (nights x parts), the means of the parts of the 24 hours that end with each [m³/h].
    """
    day = courses[:, :-2]
    known = np.flatnonzero(np.isfinite(flows) & np.isfinite(day).all(axis=1))[-LOOKED:]
    if len(known) < FEWEST or float(courses[known].mean()) < MANY:
        return False
    stands = (np.abs(day[known]) <= STILL * flows[known, None]).sum(axis=1) >= STILL_PARTS
    return bool(stands.mean() >= MOSTLY and stands[-LAST:].all())


def untold(flows: Array, days: Array, courses: Array) -> str:
    """Why the nights of a zone tell nothing of leaks; empty where they do. See dry_by_night and by_night_alone."""
    if dry_by_night(flows, days):
        return WHY
    return FILLED if by_night_alone(flows, courses) else ""


def _last(values: Array) -> Array:
    """The last known value of each row, 0 where there is none (rows x 1)."""
    known = np.isfinite(values)
    at = values.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    told: Array = np.where(known.any(axis=1), values[np.arange(len(values)), at], 0.0)[:, None]
    return told


class Usual:
    """The median inflow of the nights before each one, of USUAL and of FEWEST, night after night (zones x nights).

    `inflows`: the mean of the 24 hours that end with each night [m³/h], nan where it is not known.
    """

    def __init__(self, inflows: Array) -> None:
        self.inflows = inflows
        self.long, self.short = np.full(inflows.shape, np.nan), np.full(inflows.shape, np.nan)

    def run(self, first: int = 0, end: int | None = None) -> None:
        """See standing.Judge."""
        tell_medians(self.inflows, USUAL, FEWEST, self.long, first, end)
        tell_medians(self.inflows, FEWEST, FEWEST // 2 + 1, self.short, first, end)

    def standing(self, nights: int) -> dict[str, npt.NDArray[Any]]:
        """See standing.Judge."""
        return {"long": self.long[:, :nights], "short": self.short[:, :nights]}

    def noted(self) -> list[Any]:
        """See standing.Judge: nothing."""
        return [None] * len(self.inflows)

    def note(self, noted: Sequence[Any]) -> None:
        """See standing.Judge."""


def usual_inflow(inflows: Array, told: Usual | None = None) -> tuple[Array, npt.NDArray[np.bool_]]:
    """(mean inflow as it is known before each night [m³/h], nights in which the zone is shut), zones x nights.

    `inflows`: the mean of the 24 hours that end with each night, nan where it is not known; `told` of them, where it
    has run. Next to nothing flows into a zone before it opens, or after its season: such nights tell nothing of what it
    takes. They are held against what it took in most nights of some week, or in the last night: one that opens is
    known by its first.
    """
    if told is None:
        told = Usual(inflows)
        told.run()
    usual, weekly = held(told.long), np.nan_to_num(held(told.short))
    most = np.maximum(weekly.max(axis=1, keepdims=True, initial=0.0), _last(inflows))
    with np.errstate(invalid="ignore"):
        shut: npt.NDArray[np.bool_] = (np.abs(inflows) <= NOTHING * most) & (most > 0)
    rows = shut.any(axis=1)
    usual[rows] = trailing(np.where(shut[rows], np.nan, inflows[rows]), USUAL, FEWEST)
    return usual, shut


def nothing_flowed(inflows: Array, usual: Array) -> npt.NDArray[np.bool_]:
    """Nights in whose 24 hours next to nothing flowed in, by what a meter showed that may be dead (zones x nights).

    `inflows` of all nights, and `usual` as usual_inflow tells it [m³/h].
    """
    with np.errstate(invalid="ignore"):
        nothing: npt.NDArray[np.bool_] = (np.abs(inflows) <= NOTHING * usual) & (usual > 0)
    return nothing
