"""Non-routine events: times in which a building was run in another way, for which no measure may take the credit.

Works on one meter's days in order of time: use, and what the baseline's model expects. Knows no SQL and no clock.

Basis: IPMVP core concepts 2022, non-routine adjustments; ASHRAE Guideline 14-2014, 4.2.11. The limits are
cityctl's own: a shutdown has to be long, deep and unlike anything that the baseline went through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

SHUT = 0.5  # a day below this share of what was usual is a day of shutdown
NEARLY_OFF = 0.2  # below this share it needs no comparison with the scatter
LEAST_RUN = 5  # days
DEEP = 3.0  # times the baseline's scatter that such a day must lie below the usual
LEAST_LEVEL = 28  # days on either side of a step
JUMP_DAYS, JUMP_POWER = 14, 2.0  # of a change of unit: days on either side, power of ten
STEP = 8.0  # t-value of a step between two levels, with the days' autocorrelation taken into account
LARGE = 0.1  # of the expected use: smaller steps change no verdict


@dataclass(frozen=True)
class Event:
    """What happened in [first, last].

    `kwh` is what was used less (shutdown), what it changed a day (step), or the factor (unit).
    """

    kind: Literal["shutdown", "step", "unit"]
    first: date
    last: date
    kwh: float

    def __str__(self) -> str:
        if self.kind == "unit":
            return f"use jumps by a factor of {self.kwh:g} on {self.first}: did the unit change?"
        if self.kind == "shutdown":
            days = (self.last - self.first).days + 1
            return f"shutdown {self.first} to {self.last} ({days} days) set apart"
        way = "rose" if self.kwh > 0 else "fell"
        return (
            f"use {way} by {abs(self.kwh):,.0f} kWh a day on {self.first} and stayed: what changed?".replace(
                ",", " "
            )
        )


def shutdowns(
    days: Sequence[date], use: Any, expected: Any, spread: float, longest_before: int
) -> list[Event]:
    """Runs of days with less than half of what was usual since the measure, but more than nothing.

    Days that read 0 may be a dead meter as well: another rule refuses those. `spread` [kWh a day] is the
    baseline's RMSE; a run counts if it is longer than the longest one of the baseline (`longest_before`, days).
    """
    return [
        Event("shutdown", days[begin], days[end - 1], float((expected[begin:end] - use[begin:end]).sum()))
        for begin, end in _runs(use, expected, spread)
        if end - begin >= LEAST_RUN and end - begin > longest_before
    ]


def longest_run(use: Any, expected: Any, spread: float) -> int:
    """The longest run of such days, in the baseline: a school that shuts each summer shuts again."""
    return max((end - begin for begin, end in _runs(use, expected, spread)), default=0)


def _runs(use: Any, expected: Any, spread: float) -> list[tuple[int, int]]:
    import numpy as np

    if len(use) < 2 * LEAST_RUN:
        return []
    ratio = np.where(expected > 0, use / np.where(expected > 0, expected, 1), 1.0)
    usual = float(np.median(ratio)) * expected
    shut = (use > 0) & (use < SHUT * usual) & ((usual - use > DEEP * spread) | (use < NEARLY_OFF * usual))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shut.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def unit_jump(days: Sequence[date], use: Any) -> Event | None:
    """The day from which on a meter tells hundreds of times more, or less: Wh in place of kWh, or its pulses.

    Medians of two weeks on either side are held against each other; a power of ten of 100 and more is a jump.
    """
    import numpy as np

    size = len(use)
    if size < 2 * JUMP_DAYS:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(use, JUMP_DAYS)
    medians = np.median(windows, axis=1)
    before, after = medians[: size - 2 * JUMP_DAYS + 1], medians[JUMP_DAYS:]
    both = (before > 0) & (after > 0)
    power = np.where(both, np.log10(np.where(both, after / np.where(both, before, 1), 1)), 0.0)
    at = int(np.abs(power).argmax())
    if abs(power[at]) < JUMP_POWER:
        return None
    # Several days share the same medians: the step itself is where two neighbours lie furthest apart.
    near = slice(max(at, 0), min(at + 2 * JUMP_DAYS, size))
    logs = np.log10(np.maximum(use[near], 1e-12))
    first = near.start + int(np.abs(np.diff(logs)).argmax()) + 1
    return Event("unit", days[first], days[-1], float(10 ** round(float(power[at]))))


def step(days: Sequence[date], use: Any, expected: Any) -> Event | None:
    """The one day in the reporting period from which on use lies on another level; None where there is none."""
    import numpy as np

    size = len(use)
    if size < 2 * LEAST_LEVEL:
        return None
    residual = use - expected
    total = np.cumsum(residual)
    split = np.arange(LEAST_LEVEL, size - LEAST_LEVEL + 1)
    before = total[split - 1] / split
    after = (total[-1] - total[split - 1]) / (size - split)
    at = int(np.argmax(np.abs(after - before) * np.sqrt(split * (size - split) / size)))
    change = float(after[at] - before[at])
    level = np.where(np.arange(size) < split[at], before[at], after[at])
    noise = residual - level
    rho = min(max(float(np.corrcoef(noise[1:], noise[:-1])[0, 1]) if noise.std() > 0 else 0.0, 0.0), 0.95)
    worth = size * (1 - rho) / (1 + rho)
    share = split[at] / size
    error = float(noise.std()) / np.sqrt(max(worth * share * (1 - share), 1e-9))
    if abs(change) < LARGE * float(np.mean(expected)) or abs(change) < STEP * error:
        return None
    return Event("step", days[int(split[at])], days[-1], change)
