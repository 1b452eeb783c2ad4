"""Whether a pump's efficiency goes down from day to day, held against days of the same duty. Arrays in, figures out.

A pump that lifts more in summer works at another point of its curve: its efficiency moves, and nothing is worn. What
its flow alone makes of the efficiency shows within each week, where nothing wears, by the hours of the day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cityctl.analysis.energy.models.uncertainty import t_quantile
from cityctl.analysis.energy.pumping.figures import HYDRAULIC

SURE = 2.0  # standard errors that a drift must reach
LEAST_DAYS = 14
POWERS = 3  # of the flow, that tell its efficiency
MOVES = 0.05  # of the flow, by which its hours differ within a week: below it meters' noise would be taken for duties
LEAST_CELLS = 48  # hours of the day, in all weeks together


@dataclass(frozen=True)
class Drift:
    """Change of the efficiency in a year, and its standard error."""

    change: float
    error: float

    @property
    def sure(self) -> bool:
        """Whether the change is more than twice its error: about 95 % of what chance makes is less."""
        return abs(self.change) > SURE * self.error


def by_day(at: Any, flow: Any, head: Any, power: Any, chosen: Any) -> tuple[Any, Any, Any]:
    """(days since 1970, efficiency of each, its power summed up) of the windows that are chosen and have all three.

    `at` is the start of each window, `flow` [m³/h], `head` [m], `power` [kW].
    """
    import numpy as np

    good = _known(flow, head, power, chosen)
    days, place = np.unique(at[good].astype("datetime64[D]").astype(int), return_inverse=True)
    used = np.bincount(place, power[good])
    return days, np.bincount(place, flow[good] * head[good]) / HYDRAULIC / used, used


def _known(flow: Any, head: Any, power: Any, chosen: Any) -> Any:
    import numpy as np

    return chosen & np.isfinite(flow) & np.isfinite(head) & np.isfinite(power)


def drift(at: Any, flow: Any, head: Any, power: Any, chosen: Any) -> Drift | None:
    """The straight line through the efficiency of its days at one duty, weighted by energy; None below 14 days.

    Days that follow each other are alike: the error counts n (1 - rho) / (1 + rho) of them. Residuals of a line show
    less of that than there is, by (2 + 4 rho) / n (Marriott and Pope, Biometrika 41 (1954) 390-402): it is added. With
    few days left the error is wider, so that twice of it holds 95 % (Student's t). Arguments as of by_day().
    """
    import numpy as np

    days, each, used = by_day(at, flow, head, power, chosen)
    if len(days) < LEAST_DAYS:
        return None
    each = each - _by_duty(at, flow, head, power, chosen)
    time = (days - days[0]).astype(float) / 365.25
    slope, level = np.polyfit(time, each, 1, w=np.sqrt(used))
    apart = each - level - slope * time
    before, after = apart[:-1] - apart[:-1].mean(), apart[1:] - apart[1:].mean()
    scale = float(np.sqrt((before**2).sum() * (after**2).sum()))
    alike = float((before * after).sum()) / scale if scale > 0 else 0.0
    rho = min(max((alike + 2 / len(days)) / (1 - 4 / len(days)), 0.0), 0.95)
    left = max(len(days) * (1 - rho) / (1 + rho) - 2, 2.0)  # less what the line takes
    middle = np.average(time, weights=used)
    spread = float(np.average((time - middle) ** 2, weights=used))
    scatter = float(np.average(apart**2, weights=used))
    return Drift(float(slope), math.sqrt(scatter / spread / left) * t_quantile(0.975, left) / SURE)


def _by_duty(at: Any, flow: Any, head: Any, power: Any, chosen: Any) -> Any:
    """What the flow of each day adds to its efficiency, beside that of the mean flow; 0 where its flow hardly moves.

    Hours of the day are averaged over a week, which takes the meters' noise out, and held against that week's mean:
    the efficiency that falls with the weeks is the wear, and stays.
    """
    import numpy as np

    good = _known(flow, head, power, chosen)
    hours = at[good].astype("datetime64[h]").astype(int)
    place = np.unique(hours // 24, return_inverse=True)[1]
    nothing = np.zeros(place.max() + 1)
    power, flow = power[good], flow[good]
    lifted = flow * head[good] / HYDRAULIC
    cells, cell = np.unique(hours // 168 * 24 + hours % 24, return_inverse=True)
    used, count = np.bincount(cell, power), np.bincount(cell)
    mean = float(np.average(flow, weights=power))
    if len(cells) < LEAST_CELLS or mean <= 0:
        return nothing
    duty = np.bincount(cell, flow) / count / mean - 1
    week = np.unique(cells // 24, return_inverse=True)[1]
    weight = np.bincount(week, used)

    def within(values: Any) -> Any:
        return values - (np.bincount(week, used * values) / weight)[week]

    if math.sqrt(float(np.average(within(duty) ** 2, weights=used))) < MOVES:
        return nothing
    root = np.sqrt(used)
    columns = np.stack([within(duty**power_of) for power_of in range(1, POWERS + 1)], axis=1)
    told = np.linalg.lstsq(
        columns * root[:, None], within(np.bincount(cell, lifted) / used) * root, rcond=None
    )[0]
    low, high = float(duty.min()), float(duty.max())
    at_duty = np.clip(flow / mean - 1, low, high)[:, None] ** np.arange(1, POWERS + 1) @ told
    return np.bincount(place, power * at_duty) / np.bincount(place, power)
