"""Time of week and temperature: a baseline by the hour, fitted month by month, for many meters of one weather.

Each month has a model of its own, fitted to its hours and, at half weight, to those of the months beside it: one
level for each of the 168 hours of the week and a piecewise-linear use of temperature, apart for the hours in which
the building is occupied. Arrays in, expected use out; knows no SQL, no meter and no clock.

Levels that are taken out of both sides leave, for the occupied hours and for the others, a small system in the
temperature alone, and its sums add up over hours of the week and months: one pass over the hours makes those of
all months and meters.

Source: CalTRACK Methods 2.0, section 3.9 (hourly); Mathieu et al. (2011), "Quantifying changes in building
electricity use", IEEE Transactions on Smart Grid 2, for occupancy and the time-of-week and temperature model; Efron &
Tibshirani (1993), "An Introduction to the Bootstrap", chapter 11, for the jackknife.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cityctl.analysis.energy.models.stretches import GROUPS, REFIT_DAYS

HOURS, MONTHS = 168, 12
BENDS = (30.0, 45.0, 55.0, 65.0, 75.0, 90.0)  # degF
PIECES = len(BENDS) + 1
LEAST_HOURS = 20  # of a temperature bin: below it, it is merged with its neighbour
OCCUPIED = 0.65  # share of an hour of the week's residuals above 0 that makes it occupied
COLD, WARM = 50.0, 65.0  # degF, of the plain model whose residuals tell the occupied hours
NEIGHBOUR = 0.5  # weight of the months before and after
_RANK = 1e-10  # of a system's largest eigenvalue: what lies below it is not told by the hours


def expected(temperature: Any, use: Any, week_hour: Any, month: Any) -> tuple[Any, Any]:
    """(expected use of every hour, count of fitted terms of the largest month), of each meter.

    `temperature` [degF], `week_hour` (0..167) and `month` (1..12) of the local calendar are arrays of all hours,
    those of the baseline and those to be told; `use` [unit an hour] is meters x hours, NaN where an hour is none
    of the meter's valid hours of the baseline. NaN is expected where the month, or that hour of the week in it,
    was never seen, and where the temperature is not known.
    """
    import numpy as np

    axis = _Axis(temperature, week_hour, month)
    cell, known = axis.cell, axis.known
    seen = np.isfinite(use) & known
    middle = _middle(use, seen)
    hours = _Hours(axis, seen)
    levels, slopes, terms = _models(hours, hours.of(use - middle))
    told = np.full(use.shape, np.nan)
    told[:, known] = (levels + middle)[:, cell[known]]
    for piece, slope in zip(axis.pieces, slopes, strict=True):
        told[:, known] += slope[:, cell[known]] * piece[known]
    return told, terms


def error(temperature: Any, use: Any, week_hour: Any, month: Any, day: Any, asked: Any) -> Any:
    """Standard error [unit] of what is expected of the `asked` hours (meters x hours) in sum, of each meter.

    By how much it would be another, had the baseline held other days: a jackknife that leaves out every fourth stretch
    of ten days in turn. `day` numbers the days; the rest is as for expected().
    """
    import numpy as np

    axis = _Axis(temperature, week_hour, month)
    seen = np.isfinite(use) & axis.known
    centred = use - _middle(use, seen)
    group = day // REFIT_DAYS % GROUPS
    told_of = _Hours(axis, asked & axis.known)
    count = told_of.alike(np.ones(len(told_of.cell))).reshape(len(use), -1)
    sums = [told_of.alike(piece).reshape(len(use), -1) for piece in told_of.pieces]
    parts = []
    for left_out in range(GROUPS):
        hours = _Hours(axis, seen & (group != left_out))
        levels, slopes, _ = _models(hours, hours.of(centred))
        part = np.where(count > 0, levels * count, 0.0)
        parts.append(part + sum(slope * held for slope, held in zip(slopes, sums, strict=True)))
    told = np.stack(parts)
    there = np.isfinite(told)  # a cell that one of them never saw is told by the others
    mean = np.where(there, told, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    total = np.where(there, told, mean).sum(axis=2)
    return np.sqrt((GROUPS - 1) / GROUPS * ((total - total.mean(axis=0)) ** 2).sum(axis=0))


def _middle(use: Any, seen: Any) -> Any:
    """The mean use of each meter, as a column; what is near it is added up without rounding."""
    import numpy as np

    return np.where(seen, use, 0.0).sum(axis=1, keepdims=True) / np.maximum(
        seen.sum(axis=1, keepdims=True), 1
    )


class _Axis:
    """All hours, those of the baseline and those to be told: their cell, and their temperature cut at the bends."""

    def __init__(self, temperature: Any, week_hour: Any, month: Any) -> None:
        import numpy as np

        self.temperature, self.cell = temperature, (month - 1) * HOURS + week_hour
        self.known = known = np.isfinite(temperature)
        self.pieces = _pieces(np.where(known, temperature, 0.0))
        self.pieces -= self.pieces[:, known].mean(axis=1, keepdims=True) if known.any() else 0.0


class _Hours:
    """Hours that are seen of some meter in order of their cell: month after month, and in it the hours of the week."""

    def __init__(self, axis: _Axis, seen: Any) -> None:
        import numpy as np

        some = np.flatnonzero(seen.any(axis=0))
        self.at = at = some[np.argsort(axis.cell[some], kind="stable")]
        self.temperature, self.pieces, self.cell = axis.temperature[at], axis.pieces[:, at], axis.cell[at]
        self.seen = seen = seen[:, at]
        self.month = self.cell // HOURS
        self.starts = np.flatnonzero(np.diff(self.cell, prepend=-1))
        # Meters that have the same hours share whatever use has no part in.
        found: dict[bytes, int] = {}
        self.kind = np.array([found.setdefault(row.tobytes(), len(found)) for row in seen], int)
        self.kinds = seen[[int(np.argmax(self.kind == number)) for number in range(len(found))]].astype(float)

    def of(self, values: Any) -> Any:
        """Values [rows x all hours] of these hours, 0 where one is not the meter's."""
        import numpy as np

        return np.where(self.seen, values[:, self.at], 0.0)

    def sums(self, values: Any) -> Any:
        """Values [rows x hours] added up by cell: rows x months x hours of the week."""
        import numpy as np

        out = np.zeros((len(values), MONTHS * HOURS))
        if len(self.starts):
            out[:, self.cell[self.starts]] = np.add.reduceat(values, self.starts, axis=1)
        return out.reshape(len(values), MONTHS, HOURS)

    def alike(self, column: Any) -> Any:
        """A column of the hours' own, added up by cell over each meter's hours."""
        return self.sums(self.kinds * column)[self.kind]


def _models(hours: _Hours, use: Any) -> tuple[Any, Any, Any]:
    """Levels [meters x cells], slopes of each piece [pieces x meters x cells], and terms of the largest month."""
    import numpy as np

    first, second = np.triu_indices(PIECES)
    pieces = hours.pieces
    counted = hours.alike(np.ones(len(hours.cell)))
    weight = _around(counted)
    total = np.where(weight > 0, weight, 1.0)
    occupied = _occupied(hours, use, weight)
    mean = [_around(hours.alike(column)) / total for column in pieces]
    level = _around(hours.sums(use)) / total
    squares = [
        _around(hours.alike(pieces[one] * pieces[other])) - total * mean[one] * mean[other]
        for one, other in zip(first, second, strict=True)
    ]
    product = [
        _around(hours.sums(use * column)) - total * average * level
        for column, average in zip(pieces, mean, strict=True)
    ]
    bins = np.searchsorted(BENDS, hours.temperature, side="right")
    there = [_around(hours.alike(bins == number), 1.0) for number in range(PIECES)]
    parts = []
    terms = (weight > 0).sum(axis=2)
    for of in (occupied, ~occupied):
        merged, columns = _merging(np.stack([(count * of).sum(axis=2) for count in there], axis=-1))
        matrix = np.zeros((*merged.shape[:2], PIECES, PIECES))
        for one, other, column in zip(first, second, squares, strict=True):
            matrix[..., one, other] = matrix[..., other, one] = (column * of).sum(axis=2)
        right = np.stack([(column * of).sum(axis=2) for column in product], axis=-1)
        joined = merged.swapaxes(-1, -2)
        inverse = np.linalg.pinv(joined @ matrix @ merged, rcond=_RANK, hermitian=True)
        parts.append((merged @ (inverse @ (joined @ right[..., None])))[..., 0])
        terms = terms + np.where(of.any(axis=2), columns, 0)
    slopes = [
        np.where(occupied, parts[0][:, :, None, piece], parts[1][:, :, None, piece])
        for piece in range(PIECES)
    ]
    for average, slope in zip(mean, slopes, strict=True):
        level = level - average * slope
    flat = (len(use), MONTHS * HOURS)
    levels = np.where(weight > 0, level, np.nan).reshape(flat)
    return levels, [slope.reshape(flat) for slope in slopes], terms.max(axis=1)


def _around(values: Any, neighbour: float = NEIGHBOUR) -> Any:
    """Each month's sums and, weighted, those of the months before and after: meters x months x hours."""
    import numpy as np

    return values + neighbour * (np.roll(values, 1, axis=1) + np.roll(values, -1, axis=1))


def _occupied(hours: _Hours, use: Any, weight: Any) -> Any:
    """Which hours of the week are occupied: most of their use lies above what the weather alone explains."""
    import numpy as np

    columns = [
        np.ones(len(hours.cell)),
        np.maximum(COLD - hours.temperature, 0),
        np.maximum(hours.temperature - WARM, 0),
    ]
    matrix = np.zeros((len(use), MONTHS, 3, 3))
    right = np.zeros((len(use), MONTHS, 3))
    for one in range(3):
        for other in range(one, 3):
            add = _around(hours.alike(columns[one] * columns[other]).sum(axis=2))
            matrix[..., one, other] = matrix[..., other, one] = add
        right[..., one] = _around(hours.sums(use * columns[one]).sum(axis=2))
    plain = (np.linalg.pinv(matrix, rcond=_RANK, hermitian=True) @ right[..., None])[..., 0]
    above = np.zeros(weight.shape)
    for apart, share in ((-1, NEIGHBOUR), (0, 1.0), (1, NEIGHBOUR)):
        of = (hours.month + apart) % MONTHS  # the month whose model these hours are seen by
        explained = sum(plain[:, of, number] * column for number, column in enumerate(columns))
        more = hours.sums((hours.seen & (use > explained)).astype(float))
        above += share * np.roll(more, apart, axis=1)
    return above > OCCUPIED * np.where(weight > 0, weight, np.inf)


def _merging(counts: Any) -> tuple[Any, Any]:
    """Which pieces are one, and how many remain; counts are hours of each bin: ... x bins.

    As matrices of pieces x merged pieces, whose later columns are empty where some were merged.
    """
    import numpy as np

    flat = counts.reshape(-1, PIECES).astype(int)
    merged = np.zeros((len(flat), PIECES, PIECES))
    group = np.array([_groups(tuple(row)) for row in np.minimum(flat, LEAST_HOURS * PIECES).tolist()])
    np.put_along_axis(merged, group[..., None], 1.0, axis=-1)
    shape = counts.shape[:-1]
    return merged.reshape(*shape, PIECES, PIECES), group[:, -1].reshape(shape) + 1


@lru_cache(maxsize=65536)
def _groups(counts: tuple[int, ...]) -> tuple[int, ...]:
    """The merged piece of each piece: bins of too few hours are joined with their neighbour, the emptiest first."""
    bins = [[number] for number in range(PIECES)]
    held = list(counts)
    while len(bins) > 1 and min(held) < LEAST_HOURS:
        at = min(held.index(min(held)), len(bins) - 2)
        bins[at : at + 2] = [bins[at] + bins[at + 1]]
        held[at : at + 2] = [held[at] + held[at + 1]]
    return tuple(number for number, members in enumerate(bins) for _ in members)


def _pieces(temperature: Any) -> Any:
    """Temperature cut at the bends: (bends + 1) x hours, each row rising within its bin alone."""
    import numpy as np

    ends = [*BENDS[1:], np.inf]
    rising = [np.clip(temperature - low, 0, high - low) for low, high in zip(BENDS, ends, strict=True)]
    return np.stack([np.minimum(temperature, BENDS[0]), *rising])
