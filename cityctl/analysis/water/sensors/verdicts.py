"""A verdict on each sensor before any verdict on leaks: frozen, another unit, negative, clock, drift, gaps, spikes.

Judged in parts of six hours (see night_flow.sql), each from what was known when its night's window closed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import median
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cityctl.analysis.water.basis.rows import Array, quantile
from cityctl.analysis.water.sensors import clocks, drifts, oddities, units

PARTS = 4  # parts of a night's 24 hours
FROZEN = 3  # parts of one value that make a sensor suspect: 18 hours
VARIED = 28  # parts with movement, a week's worth, before stillness says anything
FLUTTER = 0.005  # share of what such parts vary by that the last digit of a sensor that stands still may
TURNED = 2  # nights from a change of the city's clocks within which a jump is one that did not follow it
ALIKE = 3  # sensors at least whose clocks jump alike where it is no sensor's fault
SETTLED = 28  # nights from the end of a drift within which the course is held against days that drifted

Turns = Mapping[int, float]
Trouble = Literal["frozen", "unit", "negative", "clock", "drift", "gaps", "spikes", "full", "coarse"]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a sensor from a part on, until a part (None: still).

    `known` is the part from which it could be told; `value` what a frozen sensor shows, the factor of another
    unit, the share of negative readings, the hours by which a clock is ahead, the minutes that one gains a day, the
    hours without readings, the parts that spike or reach the end of the scale, the steps. One that does not blind
    leaves nights that can be judged, as do all from the part `freed` on; `why` tells what speaks for that.
    """

    sensor: str
    trouble: Trouble
    begin: int
    end: int | None
    known: int
    value: float
    blinds: bool = True
    freed: int | None = None
    why: str = ""

    def covers(self, night: int) -> bool:
        """Whether the fault was known when a night's window closed, had not ended before it, and blinds its zones."""
        return self.blinds and self.known <= night * PARTS + PARTS - 1 < self.over

    @property
    def over(self) -> float:
        """The part from which on it blinds no more; infinity: still."""
        return min(inf if part is None else part for part in (self.end, self.freed))


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
    names: Sequence[str],
    shown: Shown,
    flows: npt.NDArray[np.bool_],
    *,
    jumps: Mapping[str, Sequence[clocks.Jump]] | None = None,
    drifted: Mapping[str, Sequence[drifts.Drift]] | None = None,
    turns: Turns | None = None,
) -> dict[str, list[Fault]]:
    """sensor -> all its faults; `flows`: which of them measure a flow in a pipe, which has a sign and a scale.

    `jumps` of their clocks as clocks.py tells them, and their drifts as drifts.py does; `turns`: night -> hours by
    which the city's clocks were put forward before it.
    """
    found: dict[str, list[Fault]] = {name: [] for name in names}
    for fault in (
        *_frozen(names, shown),
        *_another_unit(names, shown, flows),
        *_negative(names, shown, flows),
        *_clock(names, shown, jumps or {}, drifted or {}, turns or {}),
    ):
        found[fault.sensor].append(fault)
    return found


def seen_through(
    names: Sequence[str], shown: Shown, found: Mapping[str, Sequence[Fault]], flows: npt.NDArray[np.bool_]
) -> list[Fault]:
    """Gaps, and of flows spikes, full scales and coarse steps beside the faults that were found.

    Their nights are judged by what else is there.
    """
    sound = shown.readings.copy()
    for row, name in enumerate(names):
        for fault in found.get(name, ()):
            sound[row, fault.begin : fault.end] = 0
    spiking = np.flatnonzero(flows)
    own = shown
    if len(spiking) < len(names):
        own, sound = shown.of(spiking), sound[spiking]
    odd: dict[Trouble, list[list[oddities.Run]]] = {
        "spikes": oddities.spikes(sound, own.mean, own.least, own.most),
        "full": oddities.topped(sound, own.mean, own.least, own.most),
        "coarse": oddities.coarse(sound, own.least, own.most),
    }
    told: list[tuple[Trouble, int, oddities.Run]] = []
    told += [("gaps", row, run) for row, runs in enumerate(oddities.gaps(shown.readings)) for run in runs]
    for trouble, of_each in odd.items():
        told += [
            (trouble, row, run) for row, runs in zip(spiking.tolist(), of_each, strict=True) for run in runs
        ]
    return [Fault(names[row], one, begin, end, begin, size, False) for one, row, (begin, end, size) in told]


def _clock(
    names: Sequence[str],
    shown: Shown,
    jumps: Mapping[str, Sequence[clocks.Jump]],
    drifted: Mapping[str, Sequence[drifts.Drift]],
    turns: Turns,
) -> list[Fault]:
    """Days whose course comes full hours early or late, or ever earlier or later; a pump that rests has own hours."""
    rows = [row for row, name in enumerate(names) if jumps.get(name) or drifted.get(name)]
    own = shown.of(rows)
    rests = oddities.resting(own.readings > 0, own.mean, own.least)
    return [
        fault
        for row, rest in zip(rows, rests.tolist(), strict=True)
        if not rest
        for fault in _turned(names[row], jumps.get(names[row], ()), drifted.get(names[row], ()), turns)
    ]


def _turned(
    sensor: str, jumps: Sequence[clocks.Jump], drifted: Sequence[drifts.Drift], turns: Turns
) -> list[Fault]:
    """The faults of one clock.

    One that did not follow the city's clocks, or a flow that keeps to the sun's, is named only: it would blind its
    zones for half of each year, and by one hour a night is still a night.
    """
    found = []
    for begin, end, known, gained in drifted:
        last = inf if end is None else end + SETTLED
        alike = [jump for jump in jumps if begin - drifts.WEEK <= jump[0] < last]  # of one that drifts fast
        known = min([known, *(jump[2] for jump in alike if jump[2] >= begin)])
        jumps = [jump for jump in jumps if jump not in alike]
        found.append(Fault(sensor, "drift", *_parts(begin, end, known), 60 * gained))
    for begin, end, known, hours in jumps:
        stayed = any(
            abs(begin - night) <= TURNED and abs(hours) == abs(turn) for night, turn in turns.items()
        )
        why = "it did not follow the city's clocks" if stayed else ""
        found.append(Fault(sensor, "clock", *_parts(begin, end, known), float(hours), not stayed, why=why))
    return found


def of_all(found: dict[str, list[Fault]], flows: int) -> None:
    """Tell the clocks that jumped alike in most of a city's `flows`: people live by other hours, or one server's clock.

    No sensor is to be mended for that, and nobody would be watched for a month of fasting.
    """
    clock = [fault for own in found.values() for fault in own if fault.trouble == "clock" and fault.blinds]
    least = max(ALIKE, flows // 2 + 1)
    begun, known = (np.array([getattr(one, key) for one in clock]) for key in ("begin", "known"))
    hours = np.array([fault.value for fault in clock])
    for fault in clock:
        alike = np.sort(known[(hours == fault.value) & (np.abs(begun - fault.begin) <= TURNED * PARTS)])
        if len(alike) >= least:
            own = found[fault.sensor]
            freed = max(fault.known, int(alike[least - 1]))
            own[own.index(fault)] = replace(fault, freed=freed, why="as most sensors of the city do")


def _parts(begin: int, end: int | None, known: int) -> tuple[int, int | None, int]:
    """Of nights, the parts at which the first begins, the one of the end does, and the known one is over."""
    return begin * PARTS, None if end is None else end * PARTS, known * PARTS + PARTS - 1


def _frozen(names: Sequence[str], shown: Shown) -> list[Fault]:
    """Runs of one value, of each sensor."""
    wide = np.where(shown.readings >= 3, shown.most - shown.least, np.nan)
    still = wide <= FLUTTER * quantile(wide, 0.9)[:, None]
    rows = np.flatnonzero(still.sum(axis=1) >= FROZEN).tolist()
    return [fault for row in rows for fault in _stopped(names[row], shown.of(row))]


def _stopped(sensor: str, shown: Shown) -> list[Fault]:
    """Runs of one value; a sensor that has rested at that value before, as a pump does, is allowed twice as long.

    The last digit of a sensor may flutter all the same: what parts vary by is held against those that moved.
    """
    empty, full = shown.readings == 0, shown.readings >= 3
    middle, wide = (shown.least + shown.most) / 2, shown.most - shown.least
    moved: deque[float] = deque(maxlen=VARIED)  # ranges of the last parts with movement
    found: list[Fault] = []
    rested: dict[float, int] = {}  # value -> parts of the longest run
    begin: int | None = None
    near = 0.0
    for part in range(len(wide) + 1):
        goes_on = (
            part < len(wide)
            and begin is not None
            and (empty[part] or (wide[part] <= near and abs(middle[part] - middle[begin]) <= near))
        )
        if goes_on:
            continue
        if begin is not None:
            last = part - 1
            while empty[last]:
                last -= 1
            length = last - begin + 1
            value = float(middle[begin])
            longest = max((parts for one, parts in rested.items() if abs(one - value) <= near), default=0)
            if length >= FROZEN and length > 2 * longest and len(moved) == VARIED:
                end = None if part == len(wide) else part
                known = begin + max(FROZEN, 2 * longest + 1) - 1
                found.append(Fault(sensor, "frozen", begin, end, known, value))
            rested[value] = max(rested.get(value, 0), length)
            begin = None
        if part < len(wide) and full[part]:
            near = FLUTTER * median(moved) if len(moved) == VARIED else 0.0
            if wide[part] <= near:
                begin = part
            else:
                moved.append(float(wide[part]))
    return found


def _daily(shown: Shown) -> tuple[Array, Array]:
    """(mean, share below zero) of each 24 hours (sensors x days)."""
    total = np.nansum(_by_day(np.nan_to_num(shown.mean) * shown.readings), axis=2)
    count = _by_day(shown.readings).sum(axis=2)
    with np.errstate(all="ignore"):
        return total / count, _by_day(shown.negatives).sum(axis=2) / count


def _by_day(parts: Array) -> Array:
    """(sensors x parts) as (sensors x days x parts of the day)."""
    return parts.reshape(len(parts), parts.shape[1] // PARTS, PARTS)


def _another_unit(names: Sequence[str], shown: Shown, flows: npt.NDArray[np.bool_]) -> list[Fault]:
    """Days whose mean, lowest and highest reading are so many times those of the days before; see units.py."""
    mean, _ = _daily(shown)
    low = _by_day(np.where(shown.readings > 0, shown.least, np.inf)).min(axis=2)
    high = _by_day(np.where(shown.readings > 0, shown.most, -np.inf)).max(axis=2)
    return [
        Fault(names[row], "unit", begin * PARTS, None if end is None else end * PARTS, begin * PARTS, factor)
        for row in np.flatnonzero(flows & units.far_apart(mean)).tolist()
        for begin, end, factor in units.other_units(mean[row], low[row], high[row])
    ]


def _negative(names: Sequence[str], shown: Shown, flows: npt.NDArray[np.bool_]) -> list[Fault]:
    """Days with a twentieth of their readings below zero, where the days before had hardly any."""
    rows = np.flatnonzero(flows & (shown.negatives > 0).any(axis=1)).tolist()
    _, shares = _daily(shown.of(rows))
    return [fault for row, share in zip(rows, shares, strict=True) for fault in _reversed(names[row], share)]


def _reversed(sensor: str, share: Array) -> list[Fault]:
    """Of one sensor, from the share of each day's readings that lie below zero."""
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
            found |= (fault.known <= last) & (last < fault.over)
    return found


def turned(all_faults: Sequence[Sequence[Fault]], turns: Turns, nights: int) -> npt.NDArray[np.int64]:
    """(zones x nights) as Moved.since has it, of the faults of each zone; `turns` as faults() takes them."""
    found = np.full((len(all_faults), nights), -1)
    for zone, own in enumerate(all_faults):
        for fault in own:
            if fault.trouble != "clock" or fault.blinds:
                continue
            known, begin = fault.known // PARTS, fault.begin // PARTS
            found[zone, known] = next((night for night in turns if abs(night - begin) <= TURNED), begin)
            if fault.end is not None:
                again = fault.end // PARTS
                found[zone, again] = max((night for night in turns if night <= again), default=again)
    return found
