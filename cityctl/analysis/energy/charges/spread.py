"""Readings within which a price or a window of demand begins: spread evenly over the windows that they hold.

Knows no price and no bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from cityctl import arrow
from cityctl.analysis.energy.basis.windowed import HOUR, is_cut
from cityctl.analysis.question import Question


def spread(
    question: Question,
    edges: Mapping[str, frozenset[int]],
    demands: Mapping[str, frozenset[int]],
    steps: Mapping[str, float],
    width: int,
) -> set[str]:
    """Spread the readings of those meters of which one holds an edge; the meters that were spread.

    `edges`: meter -> minutes of the local day at which prices change; `demands`: meter -> minutes of its windows of
    demand; `steps`: meter -> seconds between its readings; `width`: minutes of the windows, after `sum_up` and before
    `place`.
    """
    pieces = {
        meter: round(steps[meter] / 60 / width)
        for meter, begins in _begins(question).items()
        if meter in edges
        and 60 * width < steps[meter] <= HOUR
        and steps[meter] % (60 * width) == 0
        and (
            any((edge - begin) % (steps[meter] / 60) for edge in edges[meter] for begin in begins)
            or any(60 * window > steps[meter] and is_cut(steps[meter], window) for window in demands[meter])
        )
    }
    if pieces:
        handed = arrow.table(meter=arrow.texts(list(pieces)), pieces=arrow.integers(list(pieces.values())))
        question.engine.register("spread_meters", handed)
        question.engine.execute(question.sql("spread"), {"window": width})
    return set(pieces)


def _begins(question: Question) -> dict[str, set[int]]:
    """Meter -> minutes of local hours at which its readings begin."""
    interval = question.interval
    offsets = {
        (at.astimezone(interval.zone).utcoffset() or timedelta()) // timedelta(minutes=1)
        for at in (interval.start, interval.end)
    }
    found: dict[str, set[int]] = {}
    for meter, minute in question.engine.rows(question.sql("begins")):
        found.setdefault(meter, set()).update((minute + offset) % 60 for offset in offsets)
    return found
