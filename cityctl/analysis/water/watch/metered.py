"""The balance of zones whose customers are metered: inflow less metered use is leakage and little else.

Where the meters see most of a zone, the residual of whole days is watched in place of night flow: it has no season,
no weekday and hardly any noise, so that a hundredth of the flow is enough to tell a leak. What is used without a meter,
or beside what a worn one counts, rises and falls with what is metered: its share is learnt, for a leak does neither.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cityctl.analysis.question import Question
from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.basis.zones import customers
from cityctl.analysis.water.nights.judged import Nights
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.resume import Watched, resumed

COVERED = 0.5  # share of the inflow that meters must see
PRESENT = 0.9  # share of a zone's meters that must tell in a part of a day
CERTAINTY = 0.7  # what is metered has no season: fewer standard errors are enough
LEARNING = 7  # days before the first that can be judged
LEAST = 0.005  # smallest leak as a share of the mean inflow
JUMP = 5.0  # times what a leak grows in a day: a rise that is not its own
NEVER = 1_000_000  # nights
BALANCE = Assumptions(
    noise=0.003, noise_nights=5, drift=0.0005, least_drift=0.0001, share=0.05, share_sd=0.1, weekday_sd=0.002
)


def closed(question: Question, nights: Nights, watched: Watched) -> None:
    """Put what the balance tells in place of what night flow tells, zone by zone where meters see enough."""
    metered = _metered(question, nights)
    if not len(metered):
        return
    balance = nights.parts - metered
    whole = _whole(balance)
    usual = _first(nights.inflow)
    with np.errstate(invalid="ignore", divide="ignore"):
        covered = _first(metered.mean(axis=2)) / usual
    rows = np.flatnonzero(np.nan_to_num(covered) >= COVERED)
    if not len(rows):
        return
    flow, used = whole[rows], _whole(metered[rows])
    # Centred on days before the first that can be judged, which nothing later may move.
    use = np.nan_to_num(used - _first(used, LEARNING - 1)[:, None])
    seen = Seen(
        flow, use, nights.kinds, nights.inflow[rows], flow + use, balance[rows], phase=nights.seen.phase
    )
    given = watched.given
    # A day is told as a whole: the one in which a leak begins or ends shows a part of it, and proves nothing alone.
    least = min(LEAST, given.least_leak)
    own = replace(
        given,
        certainty=CERTAINTY * given.certainty,
        leaking=1.0,
        unknown=0.0,
        pause=given.growing,  # with so little noise every step of a growth shows
        jump=JUMP,
        again=NEVER,  # a leak is told so small that it doubles time and again
        least_leak=least,
        learning=LEARNING,
        whole_days=True,
    )
    names = [nights.zones[row].zone for row in rows.tolist()]
    told = resumed(question.memory, "balance", BALANCE, own, seen, names, nights.dates)
    for at, row in enumerate(rows.tolist()):
        watched.events[row] = told.events[at]
        # What is beyond the balance is beyond what night flow lets expect.
        watched.baseline[row] = nights.flow[row] - (flow[at] - told.baseline[at])
        watched.doubt[row] = told.doubt[at]
        watched.beyond[row] = 0.0  # what a night has more may be metered use
        nights.closed.add(row)


def _metered(question: Question, nights: Nights) -> Array:
    """(zones x nights x parts) [m³/h] what meters saw; nan where too few of them told. Empty without meters."""
    if not customers(question.city, nights.zones):
        return np.empty(0)
    told = nights.digest.grid("metered", [zone.zone for zone in nights.zones], nights.dates)
    flow, count = told.of("flow"), told.of("meters", 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = count / count.max(axis=(1, 2), keepdims=True)
        # Meters that are silent use as much as the others do.
        return np.where(share >= PRESENT, flow / share, np.nan)


def _whole(parts: Array) -> Array:
    """Mean over a day whose begin and end fade over twelve hours; nan where a part is missing.

    A tank's level and a pump's flow are not read at the same second: what one day has too much, the next one lacks.
    Edges that fade leave little of it, and cost a quarter of a day.
    """
    zones, nights, count = parts.shape
    line = parts.reshape(zones, nights * count)
    fade = count // 2
    weights = np.concatenate(
        [np.arange(1, fade + 1), np.full(count - fade - 1, fade + 0.0), np.arange(fade, 0, -1)]
    )
    weights = weights / weights.sum()
    told = np.full_like(line, np.nan)
    width = len(weights)
    if line.shape[1] < width:
        return told.reshape(zones, nights, count)[:, :, -1]
    told[:, width - 1 :] = np.lib.stride_tricks.sliding_window_view(line, width, axis=1) @ weights[::-1]
    last: Array = told.reshape(zones, nights, count)[:, :, -1]
    return last


def _first(values: Array, count: int = 28) -> npt.NDArray[np.float64]:
    """Median of each row's first known values; nan where there is none."""
    found = np.full(len(values), np.nan)
    for row, line in enumerate(values):
        known = line[np.isfinite(line)][:count]
        if len(known):
            found[row] = np.median(known)
    return found
