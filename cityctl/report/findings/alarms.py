"""Figures of an alarm system after ANSI/ISA-18.2-2016, clause 16 (monitoring and assessment). Pure.

An alarm is announced when a finding is opened, or opened again. Limits that the standard calls manageable or
acceptable are for one operator's console; a city's findings should stay far below.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

FLOOD_BEGINS = 10
"""A flood begins where more than so many alarms come within 10 minutes (ISA-18.2, 16.5.3)."""
FLOOD_ENDS = 5
"""It ends with the first 10 minutes in which fewer than so many come."""
TEN_MINUTES = timedelta(minutes=10)
CHATTER = 3
"""An alarm chatters where it comes so often within a minute (ISA-18.2, 16.5.5)."""
MINUTE = timedelta(minutes=1)
STALE_AFTER = timedelta(hours=24)
"""An alarm is stale that stays so long without an end (ISA-18.2, 16.5.6)."""


@dataclass(frozen=True)
class Flood:
    """Half-open; `alarms` are those announced in it."""

    start: datetime
    end: datetime
    alarms: int


@dataclass(frozen=True)
class Figures:
    """`per_day` and `per_ten_minutes` are means, `most_in_ten_minutes` the worst 10 minutes wherever they begin."""

    alarms: int
    per_day: float
    per_ten_minutes: float
    most_in_ten_minutes: int
    floods: tuple[Flood, ...]
    flood_share: float
    chattering: tuple[str, ...]
    stale: tuple[str, ...]
    frequent: tuple[tuple[str, int], ...]


def figures(
    announced: Iterable[tuple[datetime, str]],
    standing: Iterable[tuple[datetime, str]],
    *,
    start: datetime,
    end: datetime,
) -> Figures:
    """The figures of [start, end): `announced` are (instant, alarm), `standing` (open since, alarm) as of `end`.

    Raises ValueError for an empty interval.
    """
    if end <= start:
        raise ValueError("an interval without length")
    within = sorted((at, name) for at, name in announced if start <= at < end)
    times = [at for at, _ in within]
    days = (end - start) / timedelta(days=1)
    flooding = tuple(floods(times, end))
    flooded = sum((flood.end - flood.start for flood in flooding), timedelta())
    counts = Counter(name for _, name in within)
    return Figures(
        len(times),
        len(times) / days,
        len(times) / (days * 144),
        max(most_within(times, TEN_MINUTES), default=0),
        flooding,
        flooded / (end - start),
        tuple(sorted(name for name in counts if _chatters([at for at, one in within if one == name]))),
        tuple(sorted(name for since, name in standing if end - since > STALE_AFTER)),
        tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:10]),
    )


def most_within(times: Sequence[datetime], span: timedelta) -> list[int]:
    """For each sorted instant, how many lie in [it, it + span)."""
    return [bisect_left(times, at + span) - place for place, at in enumerate(times)]


def floods(times: Sequence[datetime], end: datetime) -> list[Flood]:
    """Floods over sorted instants: from the first alarm of the 10 minutes that hold more than FLOOD_BEGINS.

    It lasts until the 10 minutes that follow hold fewer than FLOOD_ENDS; one that goes on ends with `end`.
    """
    found: list[Flood] = []
    place = 0
    while place < len(times):
        start = times[place]
        if bisect_left(times, start + TEN_MINUTES) - place <= FLOOD_BEGINS:
            place += 1
            continue
        at = start + TEN_MINUTES
        while at < end and bisect_left(times, at + TEN_MINUTES) - bisect_left(times, at) >= FLOOD_ENDS:
            at += TEN_MINUTES
        at = min(at, end)
        after = bisect_left(times, at)
        found.append(Flood(start, at, after - place))
        place = after
    return found


def _chatters(times: Sequence[datetime]) -> bool:
    """Whether CHATTER of the instants lie within one minute, both ends included."""
    return any(bisect_right(times, at + MINUTE) - place >= CHATTER for place, at in enumerate(times))
