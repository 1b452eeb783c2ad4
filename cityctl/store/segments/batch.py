"""Readings in columns: sorted by month, point and time, and each (point, time) once.

Of two versions of a reading the later received wins; where both were received together the better quality,
then a value over none, then the larger value: a total order, so that the order of rows never matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

NEVER = -(2**63)
_LONGEST_MONTH_US = 31 * 86_400_000_000


@dataclass
class Batch:
    """Readings in columns of equal length, in order: by month (UTC), point and time.

    `codes` count in the sorted `points`.
    Times, `received` and `confirmed` in µs since 1970 UTC; a missing value is NaN, a missing time NEVER.
    `sources` count in `source_names`, where readings come from several.
    """

    points: Any  # Arrow array of text
    codes: npt.NDArray[np.int32]
    times: Ints
    values: npt.NDArray[np.float64]
    qualities: npt.NDArray[np.uint8]
    received: Ints
    confirmed: Ints | None = None
    sources: npt.NDArray[np.int32] | None = None
    source_names: Any = None  # Arrow array of text

    def __len__(self) -> int:
        return len(self.times)

    def take(self, which: Mask | Ints | slice) -> Batch:
        """Some of the readings, in the given order."""
        import numpy as np

        codes, received = self.codes[which], self.received
        # Received together, they share one cell.
        shared = len(received) > 0 and received.strides == (0,)
        return Batch(
            self.points,
            codes,
            self.times[which],
            self.values[which],
            self.qualities[which],
            np.broadcast_to(received[0], len(codes)) if shared else received[which],
            None if self.confirmed is None else self.confirmed[which],
            None if self.sources is None else self.sources[which],
            self.source_names,
        )

    @property
    def last_received(self) -> Ints:
        """When each version was received the last time."""
        import numpy as np

        return self.received if self.confirmed is None else np.maximum(self.received, self.confirmed)

    @property
    def names(self) -> list[str]:
        """The point ids that `codes` count in."""
        return list(self.points.to_pylist())

    def counts(self, which: Mask | None = None) -> list[int]:
        """How many readings each of `points` has."""
        import numpy as np

        codes = self.codes if which is None else self.codes[which]
        return [int(n) for n in np.bincount(codes, minlength=len(self.points))]

    def by_month(self) -> Iterator[tuple[str, Batch]]:
        """(YYYY-MM in UTC, its readings), sorted by point and time, without a copy."""
        import numpy as np

        if not len(self):
            return
        edges, starts = _months(int(self.times[0]), int(self.times[-1]))
        # Months come one after the other, so that bisection finds where each begins.
        places = [0, *(int(np.searchsorted(self.times, start)) for start in starts[1:]), len(self)]
        for name, begin, end in zip(edges, places[:-1], places[1:], strict=True):
            if begin < end:
                yield str(name), self.take(slice(begin, end))


def _months(low: int, high: int) -> tuple[Any, Ints]:
    """(months, the instant each begins) from that of `low` to that of `high`, in µs."""
    import numpy as np

    first, last = np.array([low, high]).view("datetime64[us]").astype("datetime64[M]")
    edges = np.arange(first, last + 1)
    return edges, edges.astype("datetime64[us]").view(np.int64)


def in_order(batch: Batch) -> Batch:
    """The same readings, sorted by month, point and time."""
    import numpy as np

    codes, times = batch.codes, batch.times
    if len(batch) < 2:
        return batch
    _, starts = _months(int(times.min()), int(times.max()))
    month = np.zeros(len(batch), np.int32)
    if len(starts) > 1:
        month = (np.searchsorted(starts, times, side="right") - 1).astype(np.int32)
    count = max(len(batch.points), 1)
    if len(starts) * count * _LONGEST_MONTH_US >= 2**62:
        return batch.take(np.lexsort((times, codes, month)))
    # All three in one number: one sort instead of three.
    rank = month.astype(np.int64) * count + codes
    rank *= _LONGEST_MONTH_US
    rank += times - starts[month]
    if bool(np.all(rank[1:] >= rank[:-1])):
        return batch
    # Stable: exports come in runs, and merging runs is faster than sorting anew.
    return batch.take(np.argsort(rank, kind="stable"))


def once_each(batch: Batch, outdone: list[Batch] | None = None) -> tuple[Batch, list[int] | None]:
    """The winning version of each reading, and how many versions of each point gave way (None: none)."""
    import numpy as np

    again = np.zeros(len(batch), dtype=np.bool_)
    again[1:] = (batch.codes[1:] == batch.codes[:-1]) & (batch.times[1:] == batch.times[:-1])
    if not again.any():
        return batch, None
    contested = again.copy()
    contested[:-1] |= again[1:]
    places = np.flatnonzero(contested)
    some = batch.take(places)
    missing = np.isnan(some.values)
    rank = np.lexsort(
        (
            np.where(missing, 0.0, some.values),
            ~missing,
            -some.qualities.astype(np.int16),
            some.received,
            np.cumsum(~again[places]),  # the readings, in the batch's order
        )
    )
    ordered = places[rank]
    # The last of each group is the winner: the next row is another reading.
    last = np.ones(len(ordered), dtype=np.bool_)
    last[:-1] = ~again[places[1:]]
    keep = ~contested
    keep[ordered[last]] = True
    given_way = batch.counts(~keep)
    came = batch.received[ordered]
    # Of what one delivery says of an instant, only the best was ever taken.
    told = last | np.append(came[1:] != came[:-1], True)
    if outdone is not None:
        outdone.append(batch.take(ordered[told & ~last]))
    if some.received.min() != some.received.max():
        batch = _since_first(batch, ordered, last, told)
    return batch.take(keep), given_way


def _since_first(batch: Batch, ordered: Ints, last: Mask, told: Mask) -> Batch:
    """Received when the winning version first was, and confirmed when it last was.

    `ordered`: rows by reading, the winner of each at the end, which `last` marks; `told`: those that count.
    """
    import numpy as np

    starts = np.flatnonzero(np.concatenate(([True], last[:-1])))
    won = ordered[last]
    winner = np.repeat(won, np.diff(starts, append=len(ordered)))
    mine, its = batch.values[ordered], batch.values[winner]
    same = (mine == its) | (np.isnan(mine) & np.isnan(its))
    same &= told & (batch.qualities[ordered] == batch.qualities[winner])
    first = np.minimum.reduceat(np.where(same, batch.received[ordered], 2**63 - 1), starts)
    received, confirmed = batch.received.copy(), np.full(len(batch), NEVER)
    again = won[first < received[won]]
    confirmed[again] = received[again]
    received[won] = first
    return replace(batch, received=received, confirmed=confirmed)
