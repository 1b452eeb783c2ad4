"""What nights showed, as arrays of zones: all that the watch over leaks is given. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array

Rows = npt.NDArray[np.int64]

ROUND = 28  # nights: four weeks


class Fallen(Protocol):
    """What pressure sensors say of zones."""

    def __call__(self, zone: int, night: int, known: Sequence[tuple[int, int]] = ()) -> float:
        """Standard errors by which the heads of a zone's sensors have fallen up to a night, beside what is known.

        `known`: of each leak the night in which it began, and the one in which it was told.
        """

    def basis(self, zone: int, nights: int) -> bytes:
        """All that this rests on in the first `nights`."""

    def of(self, zones: npt.NDArray[np.int64]) -> Fallen:
        """The same of some zones alone, in this order."""


@dataclass(frozen=True)
class Moved:
    """Why nights take another flow without a leak, in the night in which that is known (zones x nights).

    `since`: the night from which on they do, else -1; `ratio`: of heads since to those before, where a valve was set
    anew, and nan where a logger does not follow the city's clocks, or does so again.
    """

    since: Rows
    ratio: Array

    def of(self, rows: npt.NDArray[np.int64]) -> Moved:
        """The same of some zones alone."""
        return Moved(self.since[rows], self.ratio[rows])

    def until(self, nights: int) -> Moved:
        """The same of the first nights alone."""
        return Moved(self.since[:, :nights], self.ratio[:, :nights])

    def pressed(self, zone: int, taken: Sequence[int]) -> list[tuple[int, float]]:
        """(night, ratio of heads) of a zone's valves that were set anew in one of the nights that are `taken`."""
        known = np.flatnonzero(np.isfinite(self.ratio[zone]))
        told = [(int(self.since[zone, night]), float(self.ratio[zone, night])) for night in known]
        return [one for one in told if one[0] in taken]

    def beside(self, other: Moved) -> Moved:
        """Both, this one first."""
        here = self.since >= 0
        return Moved(np.where(here, self.since, other.since), np.where(here, self.ratio, other.ratio))


@dataclass(frozen=True)
class Seen:
    """What the nights of all zones showed [m³/h]: `flow`, `use`, `kinds` and `inflow` as expected.Expected takes them,

    `by_day` the mean flow of the day before each night, `parts` (zones x nights x parts) the means of the parts of
    the 24 hours that end with it; `fallen` the standard errors by which a pressure sensor's head is
    lower than the inflow explains, where there are sensors; `shut` nights in which next to nothing flows into a zone,
    of which no flow is known; `phase` where in a ROUND of the calendar the first night lies: what is told anew once a
    week is told on the same day, whichever night is the first; `moved` what has moved nights without a leak.
    """

    flow: Array
    use: Array
    kinds: npt.NDArray[np.int64]
    inflow: Array
    by_day: Array
    parts: Array
    fallen: Fallen | None = None
    shut: npt.NDArray[np.bool_] | None = None
    phase: int = 0
    moved: Moved | None = None

    def without(self, shut: npt.NDArray[np.bool_]) -> Seen:
        """The same, with nothing told of the nights in which a zone is shut."""
        return replace(
            self,
            flow=np.where(shut, np.nan, self.flow),
            by_day=np.where(shut, np.nan, self.by_day),
            parts=np.where(shut[..., None], np.nan, self.parts),
            shut=shut,
        )

    def until(self, nights: int) -> Seen:
        """The same of the first nights alone."""
        return replace(
            self,
            flow=self.flow[:, :nights],
            use=self.use[:, :nights],
            kinds=self.kinds[:nights],
            inflow=self.inflow[:, :nights],
            by_day=self.by_day[:, :nights],
            parts=self.parts[:, :nights],
            shut=None if self.shut is None else self.shut[:, :nights],
            moved=None if self.moved is None else self.moved.until(nights),
        )

    def of(self, rows: npt.NDArray[np.int64]) -> Seen:
        """The same of some zones alone."""
        return Seen(
            self.flow[rows],
            self.use[rows],
            self.kinds,
            self.inflow[rows],
            self.by_day[rows],
            self.parts[rows],
            None if self.fallen is None else self.fallen.of(rows),
            None if self.shut is None else self.shut[rows],
            self.phase,
            None if self.moved is None else self.moved.of(rows),
        )
