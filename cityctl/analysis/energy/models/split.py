"""The split model: a baseline whose weekdays, weekends and seasons may each have a degree-day model of its own.

Which days share a model is itself chosen: of the 48 ways to put the six kinds of day (weekday or weekend, in
summer, shoulder or winter) together, the one with the smallest information criterion is taken. Arrays in, parts
of a model out; knows no SQL, no meter and no clock.

Source: the daily model of OpenDSM 1.2: components, seasons, which of them may be apart, and the criterion
N (ln 2 pi + ln(L / N) + 1) + 0.24 K (ln N)^2.061 with L the RMSE over that of all days together and K parts. Fitted
over CalTRACK's grid of whole degrees, and by least squares in place of its robust loss: that one lets a baseline
forget its days of low use, and what the model expects no longer adds up to what was used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

from cityctl.analysis.energy.models.apart import unlike
from cityctl.analysis.energy.models.bends import bent
from cityctl.analysis.energy.models.parts import LEAST_DAYS, Cells, Part, best_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUMMER, SHOULDER, WINTER = 0, 1, 2
_OF_MONTH = (
    WINTER,
    WINTER,
    SHOULDER,
    SHOULDER,
    SHOULDER,
    SUMMER,
    SUMMER,
    SUMMER,
    SUMMER,
    SHOULDER,
    WINTER,
    WINTER,
)
PENALTY, POWER = 0.24, 2.061  # of the criterion that chooses among the ways to split
_EXACT = 1e-12  # of the sum of squared use: a misfit below it is the rounding's


def cell_of(day: date, *, rest: bool = False, south: bool = False) -> int:
    """Which of the six kinds of day a local day is; `rest`: one of a weekend, or a holiday, which is run like one.

    `south` of the equator seasons lie six months apart from those of the north.
    """
    season = _OF_MONTH[(day.month - 1 + (6 if south else 0)) % 12]
    return season + (3 if rest else 0)


def _partitions(items: Sequence[int]) -> Iterator[list[list[int]]]:
    """Every way to put items together in groups."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for groups in _partitions(rest):
        yield [[first], *groups]
        for at, group in enumerate(groups):
            yield [*groups[:at], [first, *group], *groups[at + 1 :]]


@lru_cache(maxsize=1)
def ways() -> tuple[tuple[Cells, ...], ...]:
    """The 48 ways to split: some seasons keep their week whole, in the others weekdays and weekends part."""
    found = set()
    for count in range(4):
        for apart in combinations(range(3), count):
            whole = [season for season in range(3) if season not in apart]
            for together in _partitions(whole):
                for weekdays in _partitions(apart):
                    for weekends in _partitions(apart):
                        found.add(
                            frozenset(
                                [frozenset(c for s in group for c in (s, s + 3)) for group in together]
                                + [frozenset(group) for group in weekdays]
                                + [frozenset(s + 3 for s in group) for group in weekends]
                            )
                        )
    return tuple(
        sorted(
            (tuple(sorted(way, key=sorted)) for way in found), key=lambda way: (len(way), [*map(sorted, way)])
        )
    )


@lru_cache(maxsize=1)
def _segments() -> tuple[Cells, ...]:
    """The 21 groups of kinds of day that the ways are made of."""
    return tuple(
        sorted({cells for way in ways() for cells in way}, key=lambda cells: (-len(cells), sorted(cells)))
    )


@dataclass(frozen=True)
class Way:
    """One way to put kinds of day together, fitted: its parts, their misfit, and what it costs by the criterion."""

    parts: tuple[Part, ...]
    sse: float
    cost: float

    @property
    def said(self) -> str:
        """`weekdays: heating; weekends: intercept only`."""
        if len(self.parts) == 1:
            return self.parts[0].terms
        return "; ".join(f"{part.days}: {part.terms}" for part in self.parts)


@dataclass(frozen=True)
class Model:
    """The way that was taken, and how well it fits."""

    way: Way
    r2_adj: float
    candidates: int

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its degree-day models."""
        return self.way.parts

    @property
    def sse(self) -> float:
        """Sum of squared errors of the baseline's days."""
        return self.way.sse

    @property
    def terms(self) -> int:
        """Fitted terms without the first intercept, as CalTRACK counts them."""
        return sum(part.slopes + 1 for part in self.parts) - 1


def tried(temperature: Any, use: Any, cells: Any, *, cooling: bool = True) -> list[Way]:
    """Every way whose parts have enough days that are unlike the others; arguments as of `fit`."""
    best = best_of(_segments(), temperature, use, cells, cooling=cooling)
    apart = unlike(temperature, use, cells)
    exact = _EXACT * float((use * use).sum())
    whole = max(best[ways()[0][0]][0], exact)
    found = []
    for way in ways():
        if len(way) == 1 or all(group in best and apart.allows(group) for group in way):
            sse = sum(best[group][0] for group in way)
            parts = tuple(best[group][1] for group in way)
            found.append(Way(parts, sse, criterion(len(use), max(sse, exact), len(parts), whole)))
    return found


def fit(temperature: Any, use: Any, cells: Any, *, cooling: bool = True) -> Model | None:
    """The split model of one baseline; None where it has fewer than LEAST_DAYS days.

    `temperature` [degF], `use` [unit a day] and `cells` (0..5) are arrays of the same length, one entry a valid
    day; `cooling`: whether use may rise with the temperature (not for gas and heat).
    """
    import numpy as np

    days = len(use)
    if days < LEAST_DAYS:
        return None
    options = tried(temperature, use, cells, cooling=cooling)
    best = _bent(
        min(options, key=lambda way: way.cost), temperature, use, cells
    )  # every day together is among them
    total = float(((use - np.mean(use)) ** 2).sum())
    free = days - sum(part.slopes + 1 for part in best.parts)
    r2_adj = 1 - (best.sse / free) / (total / (days - 1)) if total > 0 and free > 0 else 0.0
    return Model(best, r2_adj, len(options))


def _bent(way: Way, temperature: Any, use: Any, cells: Any) -> Way:
    """The way that was taken, with balance points that may bend."""
    import numpy as np

    parts, sse = [], 0.0
    for part in way.parts:
        here = np.isin(cells, list(part.cells))
        moved = bent(part, temperature, use, here)
        told = [float(((use - one.expects(temperature))[here] ** 2).sum()) for one in (part, moved)]
        better = told[1] < told[0]
        parts.append(moved if better else part)
        sse += min(told)
    return Way(tuple(parts), sse, way.cost)


def criterion(days: int, sse: float, parts: int, whole: float) -> float:
    """What a way to split costs: misfit of `days` days plus a price for each part.

    `sse` and `whole` are the sums of squared errors of the way and of one model for all days.
    """
    loss = math.sqrt(max(sse, 1e-300) / whole) if whole > 0 else 1.0
    price = PENALTY * parts * math.pow(math.log(days), POWER)
    return days * (math.log(2 * math.pi) + math.log(loss / days) + 1) + price
