"""EN 50160 by week: means over blocks, and what a share of them may do. Arrays in, figures out; knows no meter.

Sources: EN 50160:2010, clause 4 (low voltage): 95 % of a week's 10-minute means, or all of them, within a band;
IEC 61000-4-30: a mean of voltage, unbalance or distortion is the root of the mean square (4.4), a block in which a dip,
swell or interruption happened is flagged and left out; IEC 61000-4-15: P_lt = (sum of P_st cubed / 12)^(1/3) over two
hours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from cityctl.wording import counted

Mean = Literal["square", "cube", "last"]
LOW_VOLTAGE = 1000.0  # V, nominal: above it EN 50160 has other rules, in clauses 5 and 6
INTERRUPTED = 0.05  # of the nominal voltage: below it supply is interrupted (EN 50160, 3)
LEAST_READINGS = 0.8  # of a block's readings


@dataclass(frozen=True)
class Rule:
    """A band [low, high] that `percent` of a week's means over `minutes` have to keep; voltages are per unit."""

    key: str
    name: str
    clause: str
    low: float
    high: float
    percent: int
    minutes: int
    unit: str


RULES: dict[str, tuple[Rule, ...]] = {
    "voltage": (
        Rule("voltage", "voltage within Un ± 10 %", "4.2.2", 0.90, 1.10, 95, 10, "V"),
        Rule("voltage_all", "voltage within Un + 10 / - 15 %", "4.2.2", 0.85, 1.10, 100, 10, "V"),
    ),
    "unbalance": (Rule("unbalance", "unbalance at most 2 %", "4.2.4", 0.0, 2.0, 95, 10, "%"),),
    "plt": (Rule("plt", "flicker P_lt at most 1", "4.2.3", 0.0, 1.0, 95, 120, ""),),
    "thd": (Rule("thd", "THD of the voltage at most 8 %", "4.2.5", 0.0, 8.0, 95, 10, "%"),),
}


def blocks(at: Any, value: Any, start: int, count: int, minutes: int, each: float, mean: Mean) -> Any:
    """The mean of each of `count` blocks from `start` on; nan where less than 80 % of its readings are there.

    `at` and `start` are microseconds, `each` the seconds between two readings, of P_st (`cube`) all are needed.
    """
    import numpy as np

    place = (at - start) // (minutes * 60_000_000)
    inside = (place >= 0) & (place < count)
    place, value = place[inside], value[inside]
    if mean == "last":
        found = np.full(count, np.nan)
        found[place] = value  # in order of time: the last one stays
        return found
    power = {"square": 2, "cube": 3}[mean]
    total, readings = np.bincount(place, value**power, count), np.bincount(place, minlength=count)
    full = minutes * 60 / each
    least = math.ceil(full * (1.0 if mean == "cube" else LEAST_READINGS) - 1e-9)
    enough = readings >= max(1, min(least, math.floor(full + 1e-9)))
    return np.where(enough, (total / np.maximum(readings, 1)) ** (1 / power), np.nan)


@dataclass(frozen=True)
class Week:
    """A rule's week: blocks expected, valid, flagged and outside; `allowed` may lie outside, `left` of it is unused.

    `fails` is None where the week cannot be assessed, for `why`. `worst` is the mean furthest beyond, or nearest to,
    the band's edge; None without a valid block.
    """

    expected: int
    valid: int
    flagged: int
    outside: int
    allowed: int
    worst: float | None
    fails: bool | None
    why: str = ""

    @property
    def coverage(self) -> float:
        """Share of the week's blocks that were recorded, the flagged ones among them."""
        return (self.valid + self.flagged) / self.expected

    @property
    def left(self) -> int:
        """How many more blocks may lie outside; below 0: how many too many did."""
        return self.allowed - self.outside


def judge(rule: Rule, means: Any, flagged: Any, least: float) -> Week:
    """A week's verdict from its blocks' means (nan: not recorded) and which of them are flagged.

    Of N blocks that are not flagged floor(N x 5 %) may lie outside: 50 of 1 008. The week cannot be assessed where most
    of its blocks are flagged, or, unless more lie outside already than a whole week allows, where less than `least` of
    them were recorded or the lost ones could tip it.
    """
    import numpy as np

    known = ~np.isnan(means) & ~flagged
    expected, valid, marked = len(means), int(known.sum()), int(flagged.sum())
    lost = expected - valid - marked
    values = means[known]
    beyond = np.maximum(rule.low - values, values - rule.high)
    outside = int((beyond > 1e-9).sum())
    allowed = (expected - marked) * (100 - rule.percent) // 100
    worst = float(values[beyond.argmax()]) if valid else None
    fails: bool | None = outside > allowed
    why = ""
    if 2 * marked > expected:
        fails, why = None, f"{marked} of {expected} blocks flagged"
    elif not fails and valid + marked < least * expected:
        fails, why = None, f"{valid + marked} of {expected} blocks recorded"
    elif rule.percent < 100 and not fails and outside + lost > allowed:
        fails, why = None, f"{counted(outside, 'block')} outside, {lost} lost: they could tip it"
    return Week(expected, valid, marked, outside, allowed, worst, fails, why)
