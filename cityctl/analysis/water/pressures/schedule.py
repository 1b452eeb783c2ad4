"""The changes of pressure that come at the same time on most days: a valve's schedule, or use by the clock.

Learnt from each sensor's own days. What comes beside them, and what they leave out, is worth a look. Plain values.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from cityctl.analysis.water.pressures.heads import Told

MOST_DAYS, ALL_DAYS = 0.6, 0.8  # share of the days of a kind, or of all, on which a planned change comes ...
FEWEST = 3  # ... and on how many at least
NEAR = 30  # minutes by which it may come earlier or later
LARGER = 1.5  # times its usual size, beyond which it is another change
REGULAR, CLEAR = 0.8, 1.5  # share of days, and size by the limit, from which a day without it is told
KINDS: dict[str, tuple[bool, ...]] = {
    "": (False, True),
    "workdays": (False,),
    "weekends": (True,),
}  # is it free?


@dataclass(frozen=True)
class Change:
    """Steps of a local day within half an hour, in one direction.

    `minute` of the local day of the first; `inside`: how many lie in the interval; `size` [m] of the largest, below
    zero where pressure fell.
    """

    day: date
    minute: int
    inside: int
    size: float


@dataclass(frozen=True)
class Planned:
    """A change that comes on most days of a kind, about `minute` of the local day; `size` [m] its median."""

    minute: int
    size: float
    kind: str
    days: frozenset[date]

    def fits(self, change: Change, free: Collection[date]) -> bool:
        """Whether a change is this one."""
        return (
            (change.day in free) in KINDS[self.kind]
            and apart(change.minute, self.minute) <= NEAR
            and change.size * self.size > 0
            and abs(change.size) <= LARGER * abs(self.size)
        )

    def said(self, told: Told) -> str:
        """`workdays 22:05 -12.0 m`."""
        when = f"{self.minute // 60:02d}:{self.minute % 60:02d}"
        return f"{self.kind + ' ' if self.kind else ''}{when} {told.figure(self.size, '+.1f')}"


@dataclass(frozen=True)
class Departed:
    """What departs from the plan in the interval: steps, the largest of them [m], and days by change left out."""

    steps: int
    largest: float
    left_out: dict[Planned, list[date]]


NOTHING = Departed(0, 0.0, {})


def apart(one: int, other: int) -> int:
    """Minutes between two times of the day, across midnight too."""
    off = abs(one - other) % 1440
    return min(off, 1440 - off)


def plan(changes: Sequence[Change], days: Collection[date], free: Collection[date]) -> list[Planned]:
    """The changes that are planned, in order of time.

    `days`: those of which the readings are whole; `free`: weekends and holidays.
    """
    left = [one for one in changes if one.day in days]
    found: list[Planned] = []
    while left:
        counts: dict[tuple[int, bool], set[date]] = {}
        for one in left:
            counts.setdefault((one.minute // NEAR, one.size > 0), set()).add(one.day)
        slot, up = max(counts, key=lambda key: (len(counts[key]), key))
        if len(counts[slot, up]) < FEWEST:
            break
        same = [one for one in left if (one.size > 0) == up]
        middle = int(median(one.minute for one in same if one.minute // NEAR == slot))
        near = [one for one in same if apart(one.minute, middle) <= NEAR]
        for kind, of in KINDS.items():
            due = {day for day in days if (day in free) in of}
            own = [one for one in near if one.day in due]
            had = {one.day for one in own}
            if len(had) >= max(FEWEST, (MOST_DAYS if kind else ALL_DAYS) * len(due)):
                found.append(Planned(middle, median(one.size for one in own), kind, frozenset(had)))
                if not kind:
                    break
        left = [one for one in left if one not in near]
    return sorted(found, key=lambda one: (one.minute, one.kind))


def departed(
    planned: Sequence[Planned],
    changes: Sequence[Change],
    days: Collection[date],
    least: float,
    free: Collection[date],
) -> Departed:
    """What the changes of the interval have beside the plan, and on which of its whole `days` it was left out.

    `least` [m]: the step that counts as one; `free`: weekends and holidays.
    """
    inside = [one for one in changes if one.inside]
    beside = [one for one in inside if not any(own.fits(one, free) for own in planned)]
    left_out = {}
    for own in planned:
        due = [day for day in days if (day in free) in KINDS[own.kind]]
        missed = sorted(set(due) - own.days)
        if (
            missed
            and abs(own.size) >= CLEAR * least
            and len(own.days) >= REGULAR * (len(own.days) + len(missed))
        ):
            left_out[own] = missed
    return Departed(
        sum(one.inside for one in beside), max((abs(one.size) for one in beside), default=0.0), left_out
    )
