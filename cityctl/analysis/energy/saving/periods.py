"""Periods of bills: which reads make one, which of them count, and which are the baseline. Knows no SQL and no weather.

Source: CalTRACK Methods 2.0, section 2.2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cityctl.analysis.energy.models import billing
from cityctl.wording import counted

Read = tuple[date, date | None, float | None, bool]
"""(first day, the day after the last one, amount, whether it is estimated); None: not known."""

ESTIMATED = "estimated, and no true read follows"
ENDLESS = "no later read or end says how long it lasts"
GAPPED = "readings on less than 90 % of its days"


@dataclass(frozen=True)
class Period:
    """A bill: local days [day, until), amount [unit]."""

    day: date
    until: date
    amount: float
    estimated: bool = False  # whether estimates are a part of it

    @property
    def days(self) -> int:
        """How many days it covers."""
        return (self.until - self.day).days


@dataclass(frozen=True)
class LeftOut:
    """A bill that is not in the account, and why; `until` None where nothing says when it ends."""

    day: date
    until: date | None
    amount: float
    why: str


def merged(rows: Sequence[Read], out: list[LeftOut] | None = None) -> list[Period]:
    """Estimated reads are put together with what follows, up to the next true read (CalTRACK 2.0, 2.2.3.2).

    `out` takes what cannot be a period: an amount without an end, estimates that no true read follows.
    """
    periods: list[Period] = []
    lost = [] if out is None else out
    begun: tuple[date, float] | None = None
    last = date.min
    for day, until, amount, estimated in rows:
        if amount is None:
            lost.append(LeftOut(day, until, 0.0, GAPPED))
            continue
        if begun is not None and last != day:  # a gap after an estimate: no read follows that makes it true
            lost.append(LeftOut(begun[0], last, begun[1], ESTIMATED))
            begun = None
        start, so_far = begun if begun is not None else (day, 0.0)
        begun = None
        if until is None:
            lost.append(LeftOut(start, None, so_far + amount, ENDLESS))
        elif estimated:
            begun = start, so_far + amount
            last = until
        else:
            periods.append(Period(start, until, so_far + amount, estimated=start != day))
    if begun is not None:
        lost.append(LeftOut(begun[0], last, begun[1], ESTIMATED))
    return periods


def kept(periods: list[Period], out: list[LeftOut] | None = None) -> list[Period]:
    """Without periods that are too short or too long to be one bill (CalTRACK 2.0, 2.2.3.4); `out` takes those.

    Estimates with the true read after them may reach 70 days (2.2.3.2): what lies between two true reads is known.
    """
    usual = billing.longest([one.days for one in periods if not one.estimated])
    lost = [] if out is None else out
    sound = []
    for one in periods:
        longest = billing.BIMONTHLY if one.estimated else usual
        if billing.SHORTEST <= one.days <= longest:
            sound.append(one)
        else:
            bound = f"above {longest}" if one.days > longest else f"below {billing.SHORTEST}"
            lost.append(LeftOut(one.day, one.until, one.amount, f"{counted(one.days, 'day')} long, {bound}"))
    return sound


def baseline(periods: list[Period], intervention: date, days: int, share: float = 0.9) -> list[Period]:
    """The periods of the `days` before the measure; bills seldom start on that very day: the nearest start counts.

    A bill in which the measure lies is no part of them. Where without it less than a `share` of the days are left, as
    with two-month bills, they are counted back from the end of the bill before it.
    """
    before = [one for one in periods if one.until <= intervention]
    if not before:
        return []

    def back_from(end: date) -> list[Period]:
        first = min(
            (one.day for one in before), key=lambda day: abs((day - (end - timedelta(days=days))).days)
        )
        return [one for one in before if one.day >= first]

    chosen = back_from(intervention)
    last = before[-1].until
    if days_of(chosen) >= share * days or (intervention - last).days > billing.BIMONTHLY:
        return chosen
    return back_from(last)


def days_of(periods: list[Period]) -> int:
    """How many days they cover."""
    return sum(one.days for one in periods)
