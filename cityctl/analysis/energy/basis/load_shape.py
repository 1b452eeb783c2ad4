"""Figures of a load: base, peak, duration, the week, unusual days. Arrays in, figures out; knows no meter.

Sources: load factor = kWh / (peak kW x h); base load as the 5th percentile of the power and as the mean of 01:00 to
05:00; the load duration curve gives the power that is exceeded in a share of the hours.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from cityctl.wording import counted, grouped

EXCEEDED = (1, 5, 10, 50, 90)  # per cent of the time
NIGHT = (60, 300)  # minutes of the local day: 01:00 to 05:00
UNLIKE = 4.0  # robust standard deviations that make a day unlike the others
LEAST_LIKE = 8  # days of the same kind that it takes to say so
LEAST_CHANGE = 0.1  # of the usual use of such a day
FAR_ABOVE, LEAST_WINDOWS = 30.0, 100  # times the others, and windows that it takes to say so
WHOLE_WINDOW = 0.8  # of a window that has to be metered for its power to be a peak, or a base
HOURLY, DAILY = 1.0, 24.0  # h: readings that hold more tell no time of day, and no day of the week
WHOLE_DAY = 0.9  # share of a day that has to be metered


@dataclass(frozen=True)
class Shape:
    """A load's figures: energies [kWh], powers [kW], shares 0..1; `peak` is the index of its window.

    None where readings hold too long to tell: of the night and off hours more than an hour, of the days of the week
    more than a day.
    """

    used: float
    peak: int
    peak_power: float
    load_factor: float | None
    base: float
    night: float | None
    exceeded: tuple[float, ...]
    weekday_mean: float | None
    weekend_mean: float | None
    base_share: float | None
    off_hours_share: float | None


def away(use: Any, rest: Collection[int]) -> Any:
    """Which windows lie on a holiday or on one of these weekdays (0 = Monday), those of the weekend."""
    import numpy as np

    return np.isin(use.weekday, sorted(rest)) | use.holiday


def off_hours(use: Any, rest: Collection[int]) -> Any:
    """Which windows lie between 22:00 and 06:00, in the weekend or on a holiday."""
    return away(use, rest) | (use.minute < 360) | (use.minute >= 1320)


def length_of(use: Any) -> float:
    """Hours that a whole window of a load holds."""
    import numpy as np

    return float(np.quantile(use.hours, 0.95))


def shape(use: Any, rest: Collection[int]) -> Shape:
    """The figures of windows that were metered (a `Use`); `rest` are the weekdays of the weekend."""
    import numpy as np

    power = use.power
    used, hours = float(use.energy.sum()), float(use.hours.sum())
    length = length_of(use)
    whole = np.flatnonzero(use.hours >= WHOLE_WINDOW * length)
    place = int(whole[power[whole].argmax()])
    peak = float(power[place])
    weekend = np.isin(use.weekday, sorted(rest))
    at_night = (use.minute >= NIGHT[0]) & (use.minute < NIGHT[1])
    off = off_hours(use, rest)
    base = float(np.quantile(power[whole], 0.05))

    def mean(chosen: Any, longest: float) -> float | None:
        if length > longest or not chosen.any():
            return None
        return float(use.energy[chosen].sum() / use.hours[chosen].sum())

    return Shape(
        used=used,
        peak=place,
        peak_power=peak,
        load_factor=used / (peak * hours) if peak > 0 else None,
        base=base,
        night=mean(at_night, HOURLY),
        exceeded=tuple(float(np.quantile(power[whole], 1 - share / 100)) for share in EXCEEDED),
        weekday_mean=mean(~weekend, DAILY),
        weekend_mean=mean(weekend, DAILY),
        base_share=base * hours / used if used > 0 else None,
        off_hours_share=float(use.energy[off].sum()) / used if used > 0 and length <= HOURLY else None,
    )


def week(use: Any) -> list[list[float | None]]:
    """Mean power of each hour of the local week [kW]: 7 days, Monday first, of 24 hours; None where not metered."""
    import numpy as np

    hour = use.weekday * 24 + use.minute // 60
    total, count = np.bincount(hour, use.energy, 168), np.bincount(hour, use.hours, 168)
    means = np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)
    return [[None if np.isnan(one) else float(one) for one in day] for day in means.reshape(7, 24)]


def longest_at_zero(use: Any) -> float:
    """Hours of the longest run of windows that used nothing, in a load that else uses something."""
    import numpy as np

    idle = use.energy == 0
    if not idle.any() or idle.all():
        return 0.0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], idle.astype(np.int8), [0]]))).reshape(-1, 2)
    return max(float(use.hours[begin:end].sum()) for begin, end in edges.tolist())


def far_above(use: Any) -> tuple[int, float] | None:
    """(how many windows, the highest power [kW]) far above all others: 30 times what 99.9 % of them stay below.

    At most one window in a thousand, or one; None where there is none: what a load reaches more often is its own.
    """
    import numpy as np

    power = np.sort(use.power[use.power > 0])
    few = max(1, len(power) // 1000)
    if len(power) < LEAST_WINDOWS:
        return None
    high = int((power > FAR_ABOVE * power[-1 - few]).sum())
    return (high, float(power[-1])) if high else None


def said_far_above(found: tuple[int, float], unit: str = "kW") -> str:
    """`2 windows far above all others, up to 1 000 000 kW: wrong readings?`."""
    windows, power = found
    few = counted(windows, "window")
    return f"{few} far above all others, up to {grouped(power)} {unit}: wrong readings?"


@dataclass(frozen=True)
class Unlike:
    """A day unlike the others of its kind: its use and the usual one [kWh]."""

    day: date
    used: float
    usual: float
    deviations: float


def unlike_days(use: Any, day: Any, rest: Collection[int]) -> list[Unlike]:
    """Days whose use lies far off that of the same kind of day (working or not) in the same three months.

    `day` is the local day of each window (datetime64[D]), `rest` are the weekdays of the weekend. Far:
    4 robust standard deviations (1.4826 x MAD) and a tenth of the usual; days that are not metered whole are left out.
    """
    import numpy as np

    days, inverse = np.unique(day, return_inverse=True)
    used = np.bincount(inverse, use.energy)
    held = np.bincount(inverse, use.hours)
    free = np.bincount(inverse, away(use, rest)) > 0
    month = np.zeros(len(days), int)
    month[inverse] = use.month
    whole = held >= WHOLE_DAY * 24
    found = []
    for place in np.flatnonzero(whole):
        alike = whole & (free == free[place]) & (np.abs(month - month[place]) <= 1)
        if alike.sum() < LEAST_LIKE:
            continue
        usual = float(np.median(used[alike]))
        spread = 1.4826 * float(np.median(np.abs(used[alike] - usual)))
        apart = float(used[place]) - usual
        if abs(apart) > UNLIKE * spread and abs(apart) > LEAST_CHANGE * usual:
            deviations = apart / spread if spread > 0 else float("inf") if apart > 0 else float("-inf")
            found.append(Unlike(days[place].astype(object), float(used[place]), usual, deviations))
    return sorted(found, key=lambda one: -abs(one.used - one.usual))
