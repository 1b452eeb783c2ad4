"""At which steps points are stored, day by day: asked once, where many series are held against a store one by one.

Whether a point is read there as it comes here needs no look at its readings then. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from cityctl import arrow
from cityctl.clock import Interval
from cityctl.collect.order import moment

if TYPE_CHECKING:
    from cityctl.engine.duck import Engine
    from cityctl.store import Store

Ints = npt.NDArray[np.int64]

_DAY = 86_400_000_000
ALIKE = 1.5  # times as long, at most


class Steps:
    """How points are read in some stores from `first` up to `last` [µs]."""

    def __init__(
        self, stores: Sequence[Store], points: Iterable[str], first: int, last: int, engine: Engine
    ) -> None:
        self.points = frozenset(points)
        self._span = (first, last)
        self._days: dict[str, list[tuple[Ints, ...]]] = {}
        for store in stores:
            if known := [*store.list.series(list(self.points))]:
                self._look(store, known, engine)

    def _look(self, store: Store, known: Sequence[str], engine: Engine) -> None:
        span = Interval(moment(self._span[0]), moment(self._span[1]), ZoneInfo("UTC"))
        store.attach(engine, None, points=known, interval=span, name="daily")
        table = engine.arrow(
            f"""
            WITH stepped AS (
                SELECT point, epoch_us(time) // {_DAY} AS day,
                       epoch_us(time) - lag(epoch_us(time)) OVER (PARTITION BY point, day ORDER BY time) AS step
                FROM daily WHERE value IS NOT NULL
            )
            SELECT point, day, coalesce(min(step), {_DAY}) AS least, coalesce(avg(step), {_DAY})::BIGINT AS mean
            FROM stepped GROUP BY ALL ORDER BY point, day
            """
        )
        names = np.array(table["point"].to_pylist(), dtype=object)
        columns = [arrow.numbers_of(table[name], "int64", missing=0) for name in ("day", "least", "mean")]
        edges = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)] if len(names) else []
        for start, end in pairwise(edges):
            self._days.setdefault(str(names[start]), []).append(
                tuple(column[start:end] for column in columns)
            )

    def know(self, points: Iterable[str], first: int, last: int) -> bool:
        """Whether these points were asked for, over this span [µs]."""
        return self._span[0] <= first and last <= self._span[1] and self.points.issuperset(points)

    def unlike(self, point: str, first: int, last: int, own: int) -> bool:
        """Whether a point is stored at another step than its `own` [µs] on any day of a span [µs]."""
        for day, *steps in self._days.get(point, ()):
            low, high = np.searchsorted(day, [first // _DAY, last // _DAY + 1])
            for step in steps:
                some = step[low:high]
                if ((some > ALIKE * own) | (own > ALIKE * some)).any():
                    return True
        return False
