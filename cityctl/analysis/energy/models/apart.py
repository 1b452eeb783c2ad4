"""Which kinds of day are unlike enough to be modelled apart: weekdays and weekends, and each season.

Two kinds of day are alike where the ellipses of their outdoor temperature and use overlap. Arrays in, truths out.

Source: the daily model of OpenDSM 1.2 for what is compared and its limits; Gilitschenski & Hanebeck (2012), "A robust
computational test for overlap of two arbitrary-dimensional ellipsoids", Fusion 2012, for the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SMOOTHED = 5  # days of neighbouring temperature whose median stands for each
OUTLIER, ROUNDS = 3.6, 3  # standard deviations beyond which a day is left out, and how often
SPREAD = (1.4, 0.89)  # standard deviations of temperature and of use that an ellipse reaches
LEAST_SEASON, LEAST_WEEKENDS = (
    30,
    8,
)  # days of a season that stands alone; weekend days of the seasons of a part
SEASONS = 3
_STEPS = 64  # of the test's parameter between 0 and 1


@dataclass(frozen=True)
class Apart:
    """What may have a model of its own: `seasons` of summer, shoulder, winter; `week`: weekdays and weekends.

    `days` counts those of each of the six kinds: 0..2 weekdays of the seasons, 3..5 weekends.
    """

    seasons: tuple[bool, ...]
    week: bool
    days: tuple[int, ...]

    def allows(self, group: frozenset[int]) -> bool:
        """Whether these kinds of day may share a model which the others do not."""
        within = {cell % SEASONS for cell in group}
        if len({cell // SEASONS for cell in group}) == 1 and not self.week:
            return False
        if sum(self.days[season + SEASONS] for season in within) < LEAST_WEEKENDS:
            return False
        if len(within) > 1:
            return True
        (season,) = within
        return self.seasons[season] and self.days[season] + self.days[season + SEASONS] >= LEAST_SEASON


def unlike(temperature: Any, use: Any, cells: Any) -> Apart:
    """Compare the kinds of day of a baseline: arrays of one entry a day, `cells` 0..5."""
    import numpy as np

    found = [_ellipse(temperature[cells == cell], use[cells == cell]) for cell in range(2 * SEASONS)]
    pairs = [
        (one, other)
        for one, other in ((0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (0, 3), (1, 4), (2, 5))
    ]
    differ = dict.fromkeys(pairs, True)  # where one has no ellipse, nothing says that they are alike
    known = [pair for pair in pairs if found[pair[0]] is not None and found[pair[1]] is not None]
    if known:
        told = _overlap(*(np.array([found[pair[side]] for pair in known]) for side in (0, 1)))
        differ.update(zip(known, (not one for one in told.tolist()), strict=True))

    def seasons(one: int, other: int) -> bool:
        return differ[one, other] or differ[one + SEASONS, other + SEASONS]

    summer, winter, edges = seasons(0, 1), seasons(1, 2), seasons(0, 2)
    return Apart(
        seasons=(summer and edges, summer and winter, winter and edges),
        week=any(differ[season, season + SEASONS] for season in range(SEASONS)),
        days=tuple(np.bincount(cells, minlength=2 * SEASONS).tolist()),
    )


def _ellipse(temperature: Any, use: Any) -> tuple[float, ...] | None:
    """Means of temperature and use, their variances and covariance, outliers left out; None where there is none."""
    import numpy as np

    order = np.argsort(temperature, kind="stable")
    x, y = temperature[order], use[order]
    for rounds in range(ROUNDS + 1):
        if len(x) < 3 or x[0] == x[-1] or (y == y[0]).all():
            return None
        padded = np.concatenate([y[1::-1], y, y[:-3:-1]])
        smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, SMOOTHED), axis=1)
        middle, level = float(x.mean()), float(smooth.mean())
        apart, above = x - middle, smooth - level
        xx, yy, xy = (
            float(values.sum()) / (len(x) - 1) for values in (apart * apart, above * above, apart * above)
        )
        determinant = xx * yy - xy * xy
        if rounds == ROUNDS or determinant <= 1e-12 * xx * yy:
            break
        from_level = y - level
        far = (yy * apart * apart - 2 * xy * apart * from_level + xx * from_level * from_level) / determinant
        inside = far <= OUTLIER**2
        if inside.all() or inside.sum() < 3:
            break
        x, y = x[inside], y[inside]
    return middle, level, xx, yy, xy


def _overlap(first: Any, second: Any) -> Any:
    """Whether ellipses overlap, pair by pair: s (1 - s) d' [(1 - s) B + s A]^-1 d <= 1 for all s of 0..1."""
    import numpy as np

    s = np.linspace(0, 1, _STEPS + 1)[1:-1, None]
    across, up = (first - second)[:, :2].T
    wide, high = SPREAD
    xx, yy, xy = (
        scale * (s * first[:, at] + (1 - s) * second[:, at])
        for at, scale in ((2, wide * wide), (3, high * high), (4, wide * high))
    )
    determinant = np.maximum(xx * yy - xy * xy, 1e-300)
    distance = (yy * across * across - 2 * xy * across * up + xx * up * up) / determinant
    return (s * (1 - s) * distance <= 1).all(axis=0)
