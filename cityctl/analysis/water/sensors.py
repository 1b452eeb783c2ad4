"""A verdict on each sensor before any verdict on leaks: frozen, another unit, negative, clock, gaps, spikes.

Judged in parts of six hours (see night_flow.sql), each from what was known when its night's window closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water import clocks, oddities
from cityctl.analysis.water.expected import Array

PARTS = 4  # parts of a night's 24 hours
FROZEN = 3  # parts of one value that make a sensor suspect: 18 hours
VARIED = 28  # parts with movement, a week's worth, before stillness says anything
UNIT_FACTORS = (3.6, 1000.0, 60.0, 24.0)  # L/s read as m³/h, L as m³, minutes and days as hours
NEAR = 0.12
CLEAR = 28  # days of history from which a jump of units is told by its mean ...
CLOSE = 0.25  # ... and within which its lowest reading and its range follow before [logarithm]

TURNED = 2  # nights from a change of the city's clocks within which a jump is one that did not follow it

Turns = Mapping[int, float]
Trouble = Literal["frozen", "unit", "negative", "clock", "gaps", "spikes"]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a sensor from a part on, until a part (None: still).

    `known` is the part from which it could be told; `value` what a frozen sensor shows, the factor of another
    unit, the share of negative readings, the hours by which a clock is ahead, the hours without readings, the
    parts that spike. One that does not blind leaves nights that can be judged.
    """

    sensor: str
    trouble: Trouble
    begin: int
    end: int | None
    known: int
    value: float
    blinds: bool = True

    def covers(self, night: int) -> bool:
        """Whether the fault was known when a night's window closed, had not ended before it, and blinds its zones."""
        last = night * PARTS + PARTS - 1
        return self.blinds and self.known <= last and (self.end is None or self.end > last)


@dataclass(frozen=True)
class Shown:
    """What a sensor showed, by part, or many did (sensors x parts).

    How many readings, their mean, range and how many were below zero.
    """

    readings: Array
    mean: Array
    least: Array
    most: Array
    negatives: Array

    def of(self, rows: Any) -> Shown:
        """The same of some sensors, or of one, where it is of many."""
        return Shown(*(one[rows] for one in vars(self).values()))


def faults(
    sensor: str, shown: Shown, *, flow: bool, jumps: Sequence[clocks.Jump] = (), turns: Turns | None = None
) -> list[Fault]:
    """All faults of one sensor; `flow`: it measures a flow in a pipe, which has a sign and a scale.

    `jumps` of its clock as clocks.py tells them; `turns`: night -> hours by which the city's clocks were put forward
    before it.
    """
    found = _frozen(sensor, shown)
    if flow:
        found += _another_unit(sensor, shown) + _negative(sensor, shown)
        found += _clock(sensor, shown, jumps, turns or {})
    return found


def seen_through(
    names: Sequence[str], shown: Shown, found: Mapping[str, Sequence[Fault]], flows: npt.NDArray[np.bool_]
) -> list[Fault]:
    """Gaps, and of flows spikes beside the faults that were found: their nights are judged by what else is there."""
    sound = shown.readings.copy()
    for row, name in enumerate(names):
        for fault in found.get(name, ()):
            sound[row, fault.begin : fault.end] = 0
    spiking = np.flatnonzero(flows)
    own = shown.of(spiking)
    spikes = oddities.spikes(sound[spiking], own.mean, own.least, own.most)
    told: list[tuple[Trouble, int, oddities.Run]] = []
    told += [("gaps", row, run) for row, runs in enumerate(oddities.gaps(shown.readings)) for run in runs]
    told += [("spikes", row, run) for row, runs in zip(spiking.tolist(), spikes, strict=True) for run in runs]
    return [Fault(names[row], one, begin, end, begin, size, False) for one, row, (begin, end, size) in told]


def _clock(sensor: str, shown: Shown, jumps: Sequence[clocks.Jump], turns: Turns) -> list[Fault]:
    """Days whose course comes full hours early or late; a pump that rests keeps hours of its own.

    One that did not follow the city's clocks, or a flow that keeps to the sun's, is named only: it would blind its
    zones for half of each year, and by one hour a night is still a night.
    """
    own = shown.of(np.newaxis)
    if not jumps or oddities.resting(own.readings > 0, own.mean, own.least).any():
        return []
    found = []
    for begin, end, known, hours in jumps:
        stayed = any(
            abs(begin - night) <= TURNED and abs(hours) == abs(turn) for night, turn in turns.items()
        )
        parts = begin * PARTS, None if end is None else end * PARTS, known * PARTS + PARTS - 1
        found.append(Fault(sensor, "clock", *parts, float(hours), not stayed))
    return found


def _frozen(sensor: str, shown: Shown) -> list[Fault]:
    """Runs of one value; a sensor that has rested at that value before, as a pump does, is allowed twice as long."""
    still = (shown.readings >= 3) & (shown.least == shown.most)
    parts = np.flatnonzero(still)
    if len(parts) < FROZEN:
        return []
    empty = shown.readings == 0
    moving = np.cumsum((shown.readings >= 3) & ~still)
    found: list[Fault] = []
    rested: dict[float, int] = {}  # value -> parts of the longest run
    begin: int | None = None
    for part in range(len(still) + 1):
        goes_on = (
            part < len(still)
            and begin is not None
            and (empty[part] or shown.least[part] == shown.most[part] == shown.least[begin])
        )
        if goes_on:
            continue
        if begin is not None:
            last = part - 1
            while empty[last]:
                last -= 1
            length = last - begin + 1
            value = float(shown.least[begin])
            longest = rested.get(value, 0)
            if length >= FROZEN and length > 2 * longest and moving[begin] >= VARIED:
                end = None if part == len(still) else part
                known = begin + max(FROZEN, 2 * longest + 1) - 1
                found.append(Fault(sensor, "frozen", begin, end, known, value))
            if part < len(still):
                rested[value] = max(longest, length)
            begin = None
        if part < len(still) and still[part]:
            begin = part
    return found


def _daily(shown: Shown) -> tuple[Array, Array]:
    """(mean, share below zero) of each 24 hours."""
    readings = shown.readings.reshape(-1, PARTS)
    total = np.nansum(np.nan_to_num(shown.mean).reshape(-1, PARTS) * readings, axis=1)
    count = readings.sum(axis=1)
    with np.errstate(all="ignore"):
        return total / count, shown.negatives.reshape(-1, PARTS).sum(axis=1) / count


def _another_unit(sensor: str, shown: Shown) -> list[Fault]:
    """Days that are 3.6, 1000, 60 or 24 times the four weeks before, or that part of them.

    The lowest reading, the highest and the day's range have to follow the mean: spikes leave the first as it was, a
    pump that runs longer the second, a burst the third.
    Of fewer than four weeks they have to follow closely; and what lasts as long as those did is then taken for the
    sensor's unit, and they for the wrong one.
    """
    mean, _ = _daily(shown)
    some = mean[np.isfinite(mean) & (mean > 0)]
    least, most = (1 + NEAR) / min(UNIT_FACTORS), (1 - NEAR) * min(UNIT_FACTORS)
    if len(some) < 2 or some.max() < most * some.min():
        return []
    low = np.where(shown.readings > 0, shown.least, np.inf).reshape(-1, PARTS).min(axis=1)
    high = np.where(shown.readings > 0, shown.most, -np.inf).reshape(-1, PARTS).max(axis=1)
    figures = np.column_stack([mean, low, high, high - low])
    factors = np.array([one for factor in UNIT_FACTORS for one in (factor, 1 / factor)])
    found: list[Fault] = []
    usual: list[Array] = []
    odd: list[Array] = []  # days of the run in another unit
    first, begin, factor = 0, 0, 1.0
    for day in np.flatnonzero(np.isfinite(mean)).tolist():
        first = first if usual else day
        means = [float(one[0]) for one in usual[-CLEAR:]]
        if means and not odd and least * max(means) < mean[day] < most * min(means):
            usual.append(figures[day])  # as most days: in no other unit, whichever of these is the middle
            continue
        ordinary = np.median(usual[-CLEAR:], axis=0) if usual else np.zeros(4)
        off = np.abs(mean[day] / ordinary[0] / factors - 1) if ordinary[0] > 0 else np.ones(len(factors))
        if odd and _follows(float(mean[day]), float(ordinary[0]), factor):
            pass  # a quiet Sunday in the wrong unit is still in the wrong unit
        elif off.min() < NEAR and _follow(
            figures[day], ordinary, nearest := float(factors[off.argmin()]), len(usual)
        ):
            begin, factor = (begin, factor) if odd else (day, nearest)
        else:
            if odd:
                found.append(Fault(sensor, "unit", begin * PARTS, day * PARTS, begin * PARTS, factor))
                odd = []
            usual.append(figures[day])
            continue
        odd.append(figures[day])
        if len(usual) < CLEAR and len(odd) >= len(usual):
            found.append(Fault(sensor, "unit", first * PARTS, begin * PARTS, first * PARTS, 1 / factor))
            usual, odd, first = odd, [], begin
    if odd:
        found.append(Fault(sensor, "unit", begin * PARTS, None, begin * PARTS, factor))
    return found


def _follow(now: Array, before: Array, factor: float, known: int) -> bool:
    """Whether lowest and highest reading and range follow the mean, of so many days known before."""
    pairs = list(zip(now[1:], before[1:], strict=True))
    if known < CLEAR:
        return all(one > 0 and was > 0 and abs(np.log(one / was / factor)) < CLOSE for one, was in pairs)
    return all(_follows(float(one), float(was), factor) for one, was in pairs)


def _follows(now: float, before: float, factor: float) -> bool:
    """Whether a figure lies nearer to `factor` times what it was than to what it was; nothing is said of zeros."""
    if before <= 0:
        return True
    return now > 0 and bool(abs(np.log(now / before / factor)) < abs(np.log(now / before)))


def _negative(sensor: str, shown: Shown) -> list[Fault]:
    """Days with a twentieth of their readings below zero, where the days before had hardly any."""
    if not shown.negatives.any():
        return []
    _, share = _daily(shown)
    found: list[Fault] = []
    begin = None
    before: list[float] = []
    for day, part in enumerate(share):
        if not np.isfinite(part):
            continue
        usual = float(np.mean(before)) if len(before) >= 7 else 1.0
        if part > 0.05 and usual < 0.005:
            begin = day if begin is None else begin
            continue
        if begin is not None:
            found.append(
                Fault(sensor, "negative", begin * PARTS, day * PARTS, begin * PARTS, float(share[begin]))
            )
            begin = None
        before.append(float(part))
    if begin is not None:
        found.append(Fault(sensor, "negative", begin * PARTS, None, begin * PARTS, float(share[begin])))
    return found


def masked(all_faults: Sequence[Fault], nights: int) -> npt.NDArray[np.bool_]:
    """Nights of which a zone's faults leave nothing to be judged."""
    last = np.arange(nights) * PARTS + PARTS - 1
    found = np.zeros(nights, dtype=np.bool_)
    for fault in all_faults:
        if fault.blinds:
            found |= (fault.known <= last) & (fault.end is None or fault.end > last)
    return found
