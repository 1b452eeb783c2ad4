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

from cityctl.wording import counted, grouped, percent

SHUT = 0.5  # a day below this share of what was usual is a day of shutdown
NEARLY_OFF = 0.2  # below this share it needs no comparison with the scatter
LEAST_RUN = 5  # days
LONGER = 2.0  # times the longest run of the baseline: Christmas may take a day more than last year
LEAST_SHARE = 0.01  # of the expected use since the measure: less in all is named, and stays in the account
DEEP = 3.0  # times the baseline's scatter that such a day must lie below the usual
LOW = 0.1  # of the usual: a day that lies as far below it, and DEEP, belongs to a shutdown beside it
NEAR = 7  # such days on either side: what runs low all the time is no shutdown
LOW_BILL, LOW_SPREADS = 0.05, 4.0  # of the usual, and of the scatter: below it use may have stood still
LEAST_BILLS = 6  # that a usual bill is told from
MOST_LOW = 0.34  # of the bills: more of them are another use, not a shutdown
LEAST_LEVEL = 28  # days on either side of a step
JUMP_DAYS, JUMP_POWER = 14, 2.0  # of a change of unit: days on either side, power of ten
OFF_POWER = 0.3  # how far from a whole power of ten such a jump may lie
LEAST_ALIKE = 5  # days of the same weather on either side, by which a jump is told from a season
DEAD_DAYS = 42  # of a run of zeros on which use was expected: longer than a school is shut in summer
IDLE, IDLE_SPREADS = 0.25, 2.0  # of the mean, and of the baseline's scatter: where a day that reads 0 is idle
HUGE = 30.0  # times what 95 % of the days stay below: no use
STEP = 8.0  # t-value of a step between two levels, with the days' autocorrelation taken into account
LARGE = 0.1  # of the expected use: smaller steps change no verdict


@dataclass(frozen=True)
class Event:
    """What happened in [first, last].

    `kwh` is what was used less (shutdown, or pause if it is small), what it changed a day, beside the saving up to it
    (step), the factor (unit), how many days of zeros (dead), or of more than can have been used (huge), bills of
    doubtful use (low), or the share by which too little is expected since (closed). A shutdown of days takes
    the `bills` in which it lies with it.
    """

    kind: Literal["shutdown", "pause", "step", "unit", "dead", "huge", "low", "closed"]
    first: date
    last: date
    kwh: float
    bills: int = 0

    def __str__(self) -> str:
        if self.kind == "unit":
            return f"use jumps by a factor of {self.kwh:g} on {self.first}: did the unit change?"
        if self.kind == "dead":
            return f"0 on {counted(int(self.kwh), 'day')} since {self.first}: is it shut down, or the meter dead?"
        if self.kind == "huge":
            return (
                f"{counted(int(self.kwh), 'day')} with more than {HUGE:g} times what 95 % of the days stay below, "
                f"the first on {self.first}: wrong readings?"
            )
        if self.kind == "shutdown":
            days = (self.last - self.first).days + 1
            taken = f", with {counted(self.bills, 'bill')} in which it lies" if self.bills else ""
            return f"shutdown {self.first} to {self.last} ({counted(days, 'day')}) set apart{taken}"
        if self.kind == "pause":
            days = (self.last - self.first).days + 1
            return (
                f"shutdown {self.first} to {self.last} ({counted(days, 'day')}), small: left in the account"
            )
        if self.kind == "closed":
            return (
                f"shut from {self.first} to {self.last}, before the measure, and not so since: {percent(self.kwh)} too "
                "little is expected since; state it under `non_routine` in city.yaml"
            )
        if self.kind == "low":
            return (
                f"{counted(int(self.kwh), 'bill')} far below the others, the first from {self.first} on: "
                "was it shut down for a part of it?"
            )
        way = "rose" if self.kwh > 0 else "fell"
        return f"use {way} by {grouped(abs(self.kwh))} kWh a day on {self.first} and stayed: what changed?"


def shutdowns(
    days: Sequence[date], use: Any, expected: Any, spread: float, longest_before: int, least: int = LEAST_RUN
) -> list[Event]:
    """Runs of at least `least` days with less than half of what was usual since the measure, but more than nothing.

    Days that read 0 may be a dead meter as well: another rule refuses those. `spread` [kWh a day] is the
    baseline's RMSE; a run counts if it is LONGER than the longest one of the baseline (`longest_before`, days).
    Rows may be bills too: then `least` is 1.
    """
    met = [
        (begin, end)
        for begin, end in runs(use, expected, spread, least)
        if end - begin >= LONGER * longest_before
    ]
    less = [float((expected[begin:end] - use[begin:end]).sum()) for begin, end in met]
    kind: Literal["shutdown", "pause"] = (
        "shutdown" if sum(less) >= LEAST_SHARE * float(expected.sum()) else "pause"
    )
    return [Event(kind, days[begin], days[end - 1], kwh) for (begin, end), kwh in zip(met, less, strict=True)]


def longest_run(use: Any, expected: Any, spread: float, least: int = LEAST_RUN) -> int:
    """The longest run of such days, in the baseline: a school that shuts each summer shuts again."""
    return max((end - begin for begin, end in runs(use, expected, spread, least)), default=0)


def runs(use: Any, expected: Any, spread: float, least: int) -> list[tuple[int, int]]:
    """[begin, end) of runs with `least` rows of shutdown or more, and of low rows on their either side."""
    import numpy as np

    if len(use) < 2 * least:
        return []
    ratio = np.where(expected > 0, use / np.where(expected > 0, expected, 1), 1.0)
    usual = float(np.median(ratio)) * expected
    deep = usual - use > DEEP * spread
    shut = (use > 0) & (use < SHUT * usual) & (deep | (use < NEARLY_OFF * usual))
    low = (use > 0) & deep & (usual - use > LOW * usual)
    reach = shut
    for _ in range(NEAR if least > 1 else 1):
        beside = np.concatenate([reach[1:], [False]]) | np.concatenate([[False], reach[:-1]])
        reach = reach | (beside & low)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], reach.astype(np.int8), [0]])))
    found = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(begin, end) for begin, end in found if int(shut[begin:end].sum()) >= least]


def low_bills(days: Sequence[date], use: Any, expected: Any, spread: float) -> Event | None:
    """Bills so far below what the others tell that a shutdown may hide in them; None where there is none.

    One entry a bill, of use a day; `spread` is the baseline's scatter of that. What is usual is a line through
    observed and expected use that a third of odd bills does not bend (Theil 1950, Sen 1968), for a measure may save
    in winter only.
    """
    import numpy as np

    if len(use) < LEAST_BILLS:
        return None
    one, other = np.triu_indices(len(use), 1)
    apart = expected[other] - expected[one]
    some = np.abs(apart) > 1e-9 * np.abs(expected).max()
    slope = float(np.median((use[other] - use[one])[some] / apart[some])) if some.any() else 0.0
    usual = slope * expected + float(np.median(use - slope * expected))
    low = np.flatnonzero(usual - use > np.maximum(LOW_SPREADS * spread, LOW_BILL * usual))
    if not 0 < len(low) <= MOST_LOW * len(use):
        return None
    return Event("low", days[int(low[0])], days[int(low[-1])], float(len(low)))


def dead(days: Sequence[date], use: Any, expected: Any, mean: float, spread: float) -> Event | None:
    """The run of zeros with the most days on which use was expected, if those are DEAD_DAYS or more.

    Arrays of the days since the measure; `mean` and `spread` [kWh a day] are the baseline's mean and RMSE.
    """
    import numpy as np

    idle = expected > max(IDLE * mean, IDLE_SPREADS * spread)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (use <= 0).astype(np.int8), [0]])))
    zeros = [
        (int(idle[begin:end].sum()), int(begin), int(end))
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    count, begin, end = max(zeros, default=(0, 0, 0))
    return Event("dead", days[begin], days[end - 1], float(count)) if count >= DEAD_DAYS else None


def huge(days: Sequence[date], use: Any) -> Event | None:
    """Days on which a meter tells more than can have been used: a spike, or a week of Wh among kWh."""
    import numpy as np

    usual = float(np.quantile(use, 0.95)) if len(use) else 0.0
    beyond = np.flatnonzero(use > HUGE * usual) if usual > 0 else np.array([], int)
    if not len(beyond):
        return None
    return Event("huge", days[int(beyond[0])], days[int(beyond[-1])], float(len(beyond)))


def unit_jump(days: Sequence[date], use: Any, temperature: Any) -> Event | None:
    """The day from which on a meter tells hundreds of times more, or less: Wh in place of kWh, or its pulses.

    Medians of two weeks on either side are held against each other; a whole power of ten from 100 on, among days
    that all have use, is a jump if it stays in the same weather (`temperature`, one entry a day): a boiler that is
    turned off for the summer falls as deep, and comes back.
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
    if abs(power[at]) < JUMP_POWER or abs(power[at] - round(float(power[at]))) > OFF_POWER:
        return None
    if (use[at : at + 2 * JUMP_DAYS] <= 0).any():
        return None
    # Several days share the same medians: the step itself is where two neighbours lie furthest apart.
    near = slice(max(at, 0), min(at + 2 * JUMP_DAYS, size))
    logs = np.log10(np.maximum(use[near], 1e-12))
    first = near.start + int(np.abs(np.diff(logs)).argmax()) + 1
    if not _stays(use, temperature, first, float(power[at])):
        return None
    return Event("unit", days[first], days[-1], float(10 ** round(float(power[at]))))


def _stays(use: Any, temperature: Any, first: int, power: float) -> bool:
    """Whether use lies most of `power` (of ten) apart before and since `first` on days of the same weather."""
    import numpy as np

    early, late = temperature[:first], temperature[first:]
    low, high = max(early.min(), late.min()), min(early.max(), late.max())
    alike = (temperature >= low) & (temperature <= high)
    before, after = use[:first][alike[:first]], use[first:][alike[first:]]
    if len(before) < LEAST_ALIKE or len(after) < LEAST_ALIKE:
        return False
    levels = [max(float(np.median(one)), 1e-12) for one in (before, after)]
    return float(np.log10(levels[1] / levels[0]) / power) > 0.5


def step(days: Sequence[date], use: Any, expected: Any, weather: Any) -> Event | None:
    """The one day in the reporting period from which on use lies on another level; None where there is none.

    A measure may save in winter alone, or in summer: what it saves is a plane over what is expected and the day's
    temperature, beside which use has to lie on two levels.
    """
    import numpy as np

    size = len(use)
    if size < 2 * LEAST_LEVEL:
        return None
    split = np.arange(LEAST_LEVEL, size - LEAST_LEVEL + 1)
    causes = np.column_stack([np.ones(size), expected, weather])
    saving, sizes, _ = np.linalg.svd(
        causes / np.maximum(np.abs(causes).max(axis=0), 1e-9), full_matrices=False
    )
    saving = saving[:, sizes > 1e-9 * sizes[0]]
    levels = (np.arange(size)[:, None] >= split).astype(float)
    levels -= saving @ (saving.T @ levels)
    residual = use - expected - saving @ (saving.T @ (use - expected))
    squares = np.maximum((levels**2).sum(axis=0), 1e-9)
    changes = levels.T @ residual / squares
    at = int(np.argmax(np.abs(changes) * np.sqrt(squares)))
    change = float(changes[at])
    noise = residual - change * levels[:, at]
    rho = min(max(float(np.corrcoef(noise[1:], noise[:-1])[0, 1]) if noise.std() > 0 else 0.0, 0.0), 0.95)
    error = float(noise.std()) / np.sqrt(squares[at] * (1 - rho) / (1 + rho))
    if not abs(change) > max(LARGE * float(np.mean(expected)), STEP * error):
        return None
    return Event("step", days[int(split[at])], days[-1], change)
