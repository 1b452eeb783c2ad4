"""At which steps points are stored, day by day: asked once, where many series are held against a store one by one.

Whether a point is read there as it comes here needs no look at its readings then. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
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


# Where the days of each point stand; these days, and the least and mean step of each [µs].
_Stored = tuple[dict[str, tuple[int, int]], Ints, Ints, Ints]


class Steps:
    """How points are read in some stores from `first` up to `last` [µs]."""

    def __init__(
        self, stores: Sequence[Store], points: Iterable[str], first: int, last: int, engine: Engine
    ) -> None:
        self.points = frozenset(points)
        self._span = (first, last)
        self._stored: list[_Stored] = []
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
        if not table.num_rows:
            return
        points = table["point"].combine_chunks().dictionary_encode()
        starts = np.flatnonzero(np.diff(arrow.array_of(points.indices), prepend=-1)).tolist()
        spans = zip(starts, [*starts[1:], table.num_rows], strict=True)
        rows: dict[Any, tuple[int, int]] = dict(zip(points.dictionary.to_pylist(), spans, strict=True))
        day, least, mean = (
            arrow.numbers_of(table[name], "int64", missing=0) for name in ("day", "least", "mean")
        )
        self._stored.append((rows, day, least, mean))

    def know(self, points: Iterable[str], first: int, last: int) -> bool:
        """Whether these points were asked for, over this span [µs]."""
        return self._span[0] <= first and last <= self._span[1] and self.points.issuperset(points)

    def unlike(self, point: str, first: int, last: int, own: int) -> bool:
        """Whether a point is stored at another step than its `own` [µs] on any day of a span [µs]."""
        for rows, day, *steps in self._stored:
            start, end = rows.get(point, (0, 0))
            low, high = start + np.searchsorted(day[start:end], [first // _DAY, last // _DAY + 1])
            for step in steps:
                some = step[low:high]
                if ((some > ALIKE * own) | (own > ALIKE * some)).any():
                    return True
        return False
