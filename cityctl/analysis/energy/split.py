"""The split model: a baseline whose weekdays, weekends and seasons may each have a degree-day model of its own.

Which days share a model is itself chosen: of the 48 ways to put the six kinds of day (weekday or weekend, in
summer, shoulder or winter) together, the one with the smallest information criterion is taken. Arrays in, parts
of a model out; knows no SQL, no meter and no clock.

Source: the daily model of OpenDSM 1.2 (components, seasons and the criterion
N (ln 2 pi + ln(SSE / N) + 1) + 0.24 K (ln N)^2.061), fitted over CalTRACK's grid of whole degrees with one-sided
slopes in place of its smoothed curve and its robust loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUMMER, SHOULDER, WINTER = 0, 1, 2
SEASONS = ("summer", "shoulder", "winter")
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
CELLS = 6  # 0..2 weekdays of summer, shoulder, winter; 3..5 weekends
COLDEST, WARMEST = 30, 90  # thresholds that are tried [degF], by 1 degF
LEAST_DAYS = 12  # of a part: below it a model of its own would only follow the noise
LEAST_NONZERO, LEAST_DEGREE_DAYS = 10, 20.0  # CalTRACK 2.0, 3.2.2
LEAST_BASE = 6  # days beyond a threshold: a part of one season must not tell a base that it has never seen
PENALTY, POWER = 0.24, 2.061  # of the criterion that chooses among the ways to split

Cells = frozenset[int]


def cell_of(day: date) -> int:
    """Which of the six kinds of day a local day is."""
    return _OF_MONTH[day.month - 1] + (3 if day.isoweekday() >= 6 else 0)


@dataclass(frozen=True)
class Part:
    """A degree-day model of some kinds of day: use [unit a day], thresholds [degF], slopes [unit/degF/day]."""

    cells: Cells
    heating: float | None
    cooling: float | None
    beta_heating: float
    beta_cooling: float
    intercept: float

    @property
    def slopes(self) -> int:
        """How many degree-day terms it has."""
        return (self.heating is not None) + (self.cooling is not None)

    @property
    def days(self) -> str:
        """`weekdays in winter`, `every day`."""
        weekdays, weekends = ({cell % 3 for cell in self.cells if cell // 3 == half} for half in (0, 1))
        kind = "days" if weekdays and weekends else "weekdays" if weekdays else "weekends"
        seasons = weekdays or weekends
        if len(seasons) == 3:
            return "every day" if kind == "days" else kind
        return f"{kind} in {' and '.join(SEASONS[season] for season in sorted(seasons))}"

    @property
    def terms(self) -> str:
        """`heating and cooling`, `heating`, `cooling` or `intercept only`."""
        named = [
            word for word, at in (("heating", self.heating), ("cooling", self.cooling)) if at is not None
        ]
        return " and ".join(named) or "intercept only"


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
    """Every way whose parts have enough days; arguments as of `fit`."""
    best = _best_by_segment(temperature, use, cells, cooling)
    found = []
    for way in ways():
        if all(group in best for group in way):
            sse = sum(best[group][0] for group in way)
            parts = tuple(best[group][1] for group in way)
            cost = criterion(len(use), sse, sum(1 + 2 * part.slopes for part in parts))
            found.append(Way(parts, sse, cost))
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
    best = min(options, key=lambda way: way.cost)  # every day together is always among them
    total = float(((use - np.mean(use)) ** 2).sum())
    free = days - sum(part.slopes + 1 for part in best.parts)
    r2_adj = 1 - (best.sse / free) / (total / (days - 1)) if total > 0 and free > 0 else 0.0
    return Model(best, r2_adj, len(options))


def criterion(days: int, sse: float, terms: int) -> float:
    """What a way to split costs: misfit of `days` days plus a price for each of its `terms`."""
    spread = max(sse / days, 1e-300)
    price = PENALTY * terms * math.pow(math.log(days), POWER)
    return days * (math.log(2 * math.pi) + math.log(spread) + 1) + price


def _best_by_segment(
    temperature: Any, use: Any, cells: Any, cooling: bool
) -> dict[Cells, tuple[float, Part]]:
    """segment -> (sum of squared errors, its model of the smallest BIC), for those with enough days.

    Each threshold needs only the sums of its degree days by kind of day, and a segment's sums are those of its
    kinds of day; T_H <= T_C makes HDD x CDD = 0, so that each pair of thresholds is a 2 x 2 system.
    """
    import numpy as np

    member = np.array([[cell in segment for cell in range(CELLS)] for segment in _segments()], float)
    of_cell = (np.arange(CELLS)[:, None] == cells).astype(float)  # 6 x days
    grid = np.arange(COLDEST, WARMEST + 1.0)

    def sums(values: Any) -> Any:
        return member @ (of_cell @ values)

    n, sum_y, sum_yy = (sums(column) for column in (np.ones(len(use)), use, use * use))
    enough = n >= LEAST_DAYS
    count = np.maximum(n, 1)
    mean = sum_y / count
    total = np.maximum(sum_yy - sum_y * mean, 0)
    heat, cool = (
        _single(excess, use, sums, count, mean, of_cell, member)
        for excess in (np.maximum(grid - temperature[:, None], 0), np.maximum(temperature[:, None] - grid, 0))
    )
    if not cooling:
        cool.able[:] = False
    least = -1e-9 * np.abs(mean)[:, None]  # a base of nothing may come out a rounding error below 0
    one = [np.where(side.able & (side.slope > 0) & (mean[:, None] - side.slope * side.mean >= least),
                    side.gain, -1.0) for side in (heat, cool)]  # fmt: skip
    low, high = np.triu_indices(len(grid))
    both, slopes = _pairs(heat, cool, low, high, count, mean, least)
    found: dict[Cells, tuple[float, Part]] = {}
    for at in np.flatnonzero(enough):
        options: list[tuple[float, Part]] = [
            (total[at], Part(_segments()[at], None, None, 0.0, 0.0, float(mean[at])))
        ]
        for side, gains, is_heat in ((heat, one[0], True), (cool, one[1], False)):
            k = int(gains[at].argmax())
            if gains[at, k] > 0:
                slope, base = float(side.slope[at, k]), float(mean[at] - side.slope[at, k] * side.mean[at, k])
                threshold = float(grid[k])
                part = (
                    Part(_segments()[at], threshold, None, slope, 0.0, base)
                    if is_heat
                    else Part(_segments()[at], None, threshold, 0.0, slope, base)
                )
                options.append((max(total[at] - gains[at, k], 0.0), part))
        k = int(both[at].argmax())
        if both[at, k] > 0:
            warm, cold = float(slopes[0][at, k]), float(slopes[1][at, k])
            base = float(mean[at] - warm * heat.mean[at, low[k]] - cold * cool.mean[at, high[k]])
            thresholds = float(grid[low[k]]), float(grid[high[k]])
            options.append(
                (max(total[at] - both[at, k], 0.0), Part(_segments()[at], *thresholds, warm, cold, base))
            )
        size = float(n[at])
        found[_segments()[at]] = min(
            options,
            key=lambda option: (
                size * math.log(max(option[0] / size, 1e-300)) + (1 + 2 * option[1].slopes) * math.log(size)
            ),
        )
    return found


@dataclass
class _Side:
    """Heating or cooling degree days at each threshold: arrays of segments x thresholds."""

    able: Any
    mean: Any
    squares: Any  # centred
    product: Any  # centred, with the use
    slope: Any
    gain: Any


def _single(excess: Any, use: Any, sums: Any, count: Any, mean: Any, of_cell: Any, member: Any) -> _Side:
    import numpy as np

    first = sums(excess)
    average = first / count[:, None]
    squares = sums(excess * excess) - first * average
    product = sums(excess * use[:, None]) - first * mean[:, None]
    nonzero = member @ (of_cell @ (excess > 0))
    able = (
        (nonzero >= LEAST_NONZERO)
        & (count[:, None] - nonzero >= LEAST_BASE)
        & (first >= LEAST_DEGREE_DAYS)
        & (squares > 1e-9)
    )
    safe = np.where(able, squares, 1.0)
    return _Side(able, average, squares, product, product / safe, product * product / safe)


def _pairs(
    heat: _Side, cool: _Side, low: Any, high: Any, count: Any, mean: Any, least: Any
) -> tuple[Any, tuple[Any, Any]]:
    """What each pair of thresholds explains (-1 where it may not be), and its two slopes."""
    import numpy as np

    hh, cc = heat.squares[:, low], cool.squares[:, high]
    hy, cy = heat.product[:, low], cool.product[:, high]
    hc = -count[:, None] * heat.mean[:, low] * cool.mean[:, high]
    determinant = hh * cc - hc * hc
    able = heat.able[:, low] & cool.able[:, high] & (determinant > 1e-9 * hh * cc)
    safe = np.where(able, determinant, 1.0)
    warm, cold = (hy * cc - cy * hc) / safe, (cy * hh - hy * hc) / safe
    base = mean[:, None] - warm * heat.mean[:, low] - cold * cool.mean[:, high]
    able &= (warm > 0) & (cold > 0) & (base >= least)
    return np.where(able, warm * hy + cold * cy, -1.0), (warm, cold)
