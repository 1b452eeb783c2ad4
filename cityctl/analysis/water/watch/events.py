"""What the watch over leaks finds: events. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cityctl.analysis.water.basis.rows import Array


@dataclass
class Event:
    """A leak of one zone; nights are indices, flows [m³/h].

    `base`: the state of the zone without any leak, as it was before this one; `rate` [m³/h a night] and `grown`
    (a night) tell how fast it grew when it last did; `sizes` are (night, flow) as they were told; `told` [m³/h] is
    the change that it was detected by, and `how` says over which nights; `sd` is the standard error of that change,
    `doubt` the one of `flow` as it is told now, never smaller; `unseen`: it ends where its zone was seen no more;
    `all_day` [m³/h]: where the whole day told it and its size, what its zone took by day and by night; `eased`: the
    night from which on it takes less, where a part of it was mended; `weekly` [m³/h]: what each weekday uses, where it
    was no leak but use that comes with the week, see weekly.by_week.
    """

    started: int
    detected: int
    flow: float
    sd: float
    creeping: bool
    base: Array
    base_spread: Array
    rate: float
    grown: int
    at_once: bool
    sizes: list[tuple[int, float]] = field(default_factory=list)
    repaired: int | None = None
    fading: int = 0
    told: float = 0.0
    how: str = ""
    doubt: float = 0.0
    unseen: bool = False
    all_day: float | None = None
    eased: int | None = None
    weekly: list[float] = field(default_factory=list)

    def size_at(self, night: int) -> float:
        """Flow in a night: between the nights at which it was told, in a straight line."""
        return self.sizes_at([night])[0]

    def ease(self, night: int, share: float) -> None:
        """From a night on a `share` of it is left; what was told of it since goes."""
        known = [(at, flow) for at, flow in self.sizes if at < night]
        before = known[-1][1] if known else self.flow
        self.flow, self.eased = share * self.flow, night
        self.sizes = [*(one for one in known if one[0] < night - 1), (night - 1, before), (night, self.flow)]

    def growth(self, night: int) -> float:
        """What it grew by in a night, of the last three before this one that it was told in [m³/h]."""
        since, until = max(self.started, night - 4), max(self.started, night - 1)
        return (self.size_at(until) - self.size_at(since)) / 3 if self.creeping else 0.0

    def sizes_at(self, nights: Sequence[int]) -> list[float]:
        """Flow in each of these nights."""
        at, flows = zip(*self.sizes, strict=True)
        told: list[float] = np.interp(nights, at, flows).tolist()
        return told
