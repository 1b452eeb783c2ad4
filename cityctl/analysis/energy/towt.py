"""Time of week and temperature: a baseline by the hour, fitted month by month.

Each month has a model of its own, fitted to its hours and, at half weight, to those of the months beside it: one
level for each of the 168 hours of the week and a piecewise-linear use of temperature, apart for the hours in which
the building is occupied. Arrays in, expected use out; knows no SQL, no meter and no clock.

Source: CalTRACK Methods 2.0, section 3.9 (hourly); Mathieu et al. (2011), "Quantifying changes in building
electricity use", IEEE Transactions on Smart Grid 2, for occupancy and the time-of-week and temperature model.
"""

from __future__ import annotations

from typing import Any

HOURS = 168
BENDS = (30.0, 45.0, 55.0, 65.0, 75.0, 90.0)  # degF
LEAST_HOURS = 20  # of a temperature bin: below it, it is merged with its neighbour
OCCUPIED = 0.65  # share of an hour of the week's residuals above 0 that makes it occupied
NEIGHBOUR = 0.5  # weight of the months before and after


def expected(
    temperature: Any, use: Any, hour: Any, month: Any, temperature_then: Any, hour_then: Any, month_then: Any
) -> tuple[Any, Any, int]:
    """(expected use of the baseline's hours, of the other hours, count of fitted terms of a month).

    `temperature` [degF], `use` [unit an hour], `hour` of the local week (0..167), `month` (1..12): arrays of the
    baseline's valid hours; the `_then` ones of the hours to be told. NaN where the month, or that hour of the
    week in it, was never seen.
    """
    import numpy as np

    within = np.full(len(use), np.nan)
    then = np.full(len(hour_then), np.nan)
    terms = 0
    for number in range(1, 13):
        apart = (month - number) % 12
        weight = np.where(apart == 0, 1.0, np.where((apart == 1) | (apart == 11), NEIGHBOUR, 0.0))
        seen = weight > 0
        if not seen.any():
            continue
        here, there = month == number, month_then == number
        if not here.any() and not there.any():
            continue
        model = _Month(temperature[seen], use[seen], hour[seen], weight[seen])
        within[here] = model.at(temperature[here], hour[here])
        then[there] = model.at(temperature_then[there], hour_then[there])
        terms = max(terms, model.terms)
    return within, then, terms


class _Month:
    """The model of one month."""

    def __init__(self, temperature: Any, use: Any, hour: Any, weight: Any) -> None:
        import numpy as np

        seen = np.bincount(hour, weight, HOURS)
        self.occupied = _occupied(temperature, use, hour, weight, seen)
        at_work = self.occupied[hour]
        self.bends = [_bends(temperature[at_work]), _bends(temperature[~at_work])]
        self.used = [bool(at_work.any()), bool((~at_work).any())]
        x = self._columns(temperature, hour)
        level, centre = _means(use, hour, weight, seen), _means(x, hour, weight, seen)
        x_in, y_in = x - centre[hour], use - level[hour]
        weighed = x_in * weight[:, None]
        self.slopes = np.linalg.lstsq(weighed.T @ x_in, weighed.T @ y_in, rcond=1e-10)[0]
        self.levels = np.where(seen > 0, level - centre @ self.slopes, np.nan)
        self.terms = int((seen > 0).sum()) + x.shape[1]

    def _columns(self, temperature: Any, hour: Any) -> Any:
        import numpy as np

        at_work = self.occupied[hour]
        return np.hstack(
            [
                _pieces(temperature, bends) * there[:, None]
                for bends, there, used in zip(self.bends, (at_work, ~at_work), self.used, strict=True)
                if used
            ]
        )

    def at(self, temperature: Any, hour: Any) -> Any:
        """Expected use at temperatures [degF] in hours of the week."""
        return self.levels[hour] + self._columns(temperature, hour) @ self.slopes


def _occupied(temperature: Any, use: Any, hour: Any, weight: Any, seen: Any) -> Any:
    """Which hours of the week are occupied: most of their use lies above what the weather alone explains."""
    import numpy as np

    x = np.stack(
        [np.ones(len(use)), np.maximum(50 - temperature, 0), np.maximum(temperature - 65, 0)], axis=1
    )
    root = np.sqrt(weight)
    slopes = np.linalg.lstsq(x * root[:, None], use * root, rcond=None)[0]
    above = np.bincount(hour, weight * (use - x @ slopes > 0), HOURS)
    return above > OCCUPIED * np.where(seen > 0, seen, np.inf)


def _bends(temperature: Any) -> list[float]:
    """The bends of the temperature term, without those that would leave a bin of too few hours."""
    import numpy as np

    bends = list(BENDS)
    while bends:
        counts = np.histogram(temperature, [-np.inf, *bends, np.inf])[0]
        if counts.min() >= LEAST_HOURS:
            break
        bends.pop(min(int(counts.argmin()), len(bends) - 1))
    return bends


def _pieces(temperature: Any, bends: list[float]) -> Any:
    """Temperature cut at the bends: hours x (bends + 1), each column rising within its bin alone."""
    import numpy as np

    if not bends:
        return temperature[:, None]
    ends = [*bends[1:], np.inf]
    return np.stack(
        [
            np.minimum(temperature, bends[0]),
            *(np.clip(temperature - low, 0, high - low) for low, high in zip(bends, ends, strict=True)),
        ],
        axis=1,
    )


def _means(values: Any, hour: Any, weight: Any, seen: Any) -> Any:
    """Weighted mean of each hour of the week, 0 where there is none."""
    import numpy as np

    total = np.where(seen > 0, seen, 1.0)
    if values.ndim == 1:
        return np.bincount(hour, weight * values, HOURS) / total
    return np.stack([np.bincount(hour, weight * column, HOURS) / total for column in values.T], axis=1)
