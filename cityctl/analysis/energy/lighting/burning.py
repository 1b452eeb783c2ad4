"""How long a lighting circuit burns, and which part of that by day or by night. Arrays in, arrays out; knows no sun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LONG = 15 * 60e6  # µs: of a longer reading nobody knows when within it the lamps burnt
FULL = 0.95  # of the usual power: above it they burnt all the time

Part = tuple[slice, Any]  # some readings, and how many µs of each


def shares(power: Any, on: Any) -> Any:
    """Share of each reading that the lamps were on, 0..1, by their mean power.

    At the ends of a run the mean says how much of it they burnt; within one they burn, dimmed or not.
    """
    import numpy as np

    beside = np.concatenate([[True], on, [True]])
    edge = on & ~(beside[:-2] & beside[2:])
    inner = power[on & ~edge]
    usual = float(np.median(inner if len(inner) else power[on])) if on.any() else 1.0
    part = np.clip(power / usual, 0, 1)
    return np.where(edge & (part < FULL), part, on)


def held(start: Any, end: Any, spans: Sequence[tuple[int, int]]) -> list[Part]:
    """Of each span [µs]: the readings [start, end) that touch it, and how much of each lies within."""
    import numpy as np

    found = []
    for low, high in spans:
        touched = slice(int(np.searchsorted(end, low, "right")), int(np.searchsorted(start, high, "left")))
        inside = np.minimum(end[touched], high) - np.maximum(start[touched], low)
        found.append((touched, np.clip(inside, 0, None).astype(float)))
    return found


def surely(share: Any, start: Any, end: Any, parts: Sequence[Part]) -> list[Part]:
    """Of `parts` (`held`) how much must have been of the `share` of its reading, wherever in it that was.

    A long reading that is cut in two, and of which its share is all or nothing, says nothing: a state, or an instant's
    power, may have been another one right after it was read.
    """
    import numpy as np

    step = (end - start).astype(float)
    total = np.zeros(len(step))
    for touched, inside in parts:
        total[touched] += inside
    cut = (total > 0) & (total < step - 1)
    least = np.clip(share * step - (step - total), 0, None)
    unknown = cut & (step > LONG) & ((share <= 0) | (share >= 1))
    sure = np.where(unknown, 0.0, np.where(cut, least, share * step))
    scale = np.where(total > 0, sure / np.maximum(total, 1.0), 0.0)
    return [(touched, inside * scale[touched]) for touched, inside in parts]
