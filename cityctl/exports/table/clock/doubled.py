"""The hour that comes twice when the clocks go back: which of both passes a reading belongs to.

Told by the order of the rows: within the doubled hour, a series' wall times run through it once and begin
again. Where they do not begin again, or more than once, the readings are rejected as ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl import arrow
from cityctl.exports.parsed import Rejections, readings_table
from cityctl.exports.table.clock.zone import WallClock

_HALF_DAY = 43_200_000_000


@dataclass
class _Kept:
    series: str
    local: int
    value: float
    quality: int
    line: int


@dataclass
class DoubledHours:
    """Keeps the readings of doubled hours until the order of all of them is known."""

    rejections: Rejections
    _lanes: dict[str, list[_Kept]] = field(default_factory=dict)
    _first: int | None = None
    _last: int = 0

    def watch(self, local: npt.NDArray[np.int64]) -> None:
        """Wall times go by: whether the table runs forward or backward is judged from its ends."""
        if len(local):
            self._first = int(local[0]) if self._first is None else self._first
            self._last = int(local[-1])

    def keep(
        self,
        series: Sequence[str],
        lane: str | None,
        local: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        qualities: npt.NDArray[np.uint8],
        lines: npt.NDArray[np.int64],
    ) -> None:
        """Readings in a doubled hour. Those of one `lane` follow one order of rows (None: each series)."""
        for name, wall, value, quality, line in zip(
            series, local.tolist(), values.tolist(), qualities.tolist(), lines.tolist(), strict=True
        ):
            kept = _Kept(name, wall, value, quality, line)
            self._lanes.setdefault(name if lane is None else lane, []).append(kept)

    def resolve(self, clock: WallClock | None, shift: Callable[[], int]) -> Any:
        """The readings whose pass is known, as a table; None where there are none."""
        taken: list[tuple[_Kept, bool]] = []
        for lane in self._lanes.values():
            for group in _changes(lane):
                taken += self._passes(group)
        self._lanes = {}
        if not taken or clock is None:
            return None
        local = np.array([kept.local for kept, _ in taken], np.int64)
        first, _ = clock.to_utc(local)
        utc = np.where([second for _, second in taken], clock.second_pass(local), first) - shift()
        return readings_table(
            arrow.texts([kept.series for kept, _ in taken]),
            utc,
            np.array([kept.value for kept, _ in taken], np.float64),
            np.array([kept.quality for kept, _ in taken], np.uint8),
            np.array([kept.line for kept, _ in taken], np.int64),
        )

    def _passes(self, group: Sequence[_Kept]) -> list[tuple[_Kept, bool]]:
        """(reading, whether in the second pass) of one doubled hour of one lane."""
        walls = dict(sorted((kept.line, kept.local) for kept in group))
        lines, times = list(walls), np.array(list(walls.values()), np.int64)
        backward = self._first is not None and self._last < self._first
        steps = -np.diff(times) if backward else np.diff(times)
        restarts = np.flatnonzero(steps <= 0)
        if len(restarts) != 1:
            why = (
                "comes only once in the file"
                if not len(restarts)
                else f"comes {len(restarts) + 1} times in the file"
            )
            if len(lines) == 2 * len(set(walls.values())):
                why = "comes twice in an order that does not tell the passes apart"
            for kept in group:
                self.rejections.add(
                    kept.line,
                    kept.series,
                    f"lies in the hour that comes twice when the clocks go back, and {why}: ambiguous",
                    f"`{_wall(kept.local)}`",
                )
            return []
        early = set(lines[: int(restarts[0]) + 1])
        return [(kept, (kept.line in early) == backward) for kept in group]


def _changes(lane: Sequence[_Kept]) -> list[list[_Kept]]:
    """The readings of one lane, by the change of clocks that they belong to."""
    groups: list[list[_Kept]] = []
    for kept in sorted(lane, key=lambda kept: kept.local):
        if groups and kept.local - groups[-1][-1].local < _HALF_DAY:
            groups[-1].append(kept)
        else:
            groups.append([kept])
    return groups


def _wall(micros: int) -> str:
    return str(np.datetime64(micros, "us").astype("datetime64[s]")).replace("T", " ")
