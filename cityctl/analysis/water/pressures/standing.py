"""Pressure sensors that stand still: since when, and whether that is longer than they are known to.

No pressure is even, but a sensor that shows tenths of a bar behind a steady valve may show one for days. What it did
before, and went on from, tells how long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cityctl.analysis.question import Question

STILL = timedelta(hours=48)  # at one value: no fine sensor shows that
TIMES = 2.0  # as long as a coarse one stood before
USUAL = 3  # so many stands as long make it usual: a sensor that froze once is no coarse one


@dataclass(frozen=True)
class Stand:
    """How a sensor stands at the end: on one value since `since`, None where it never showed another."""

    since: datetime | None
    frozen: bool


def stands(question: Question) -> dict[str, Stand]:
    """Sensor -> how it stands, by the history too; `pressure_points` is there."""
    until = question.interval.end.astimezone(UTC).replace(tzinfo=None)
    found = {}
    for point, moved, stood, usual in question.engine.rows(
        question.sql("pressure_stands"), {"until": until, "usual": USUAL}
    ):
        limit = max(STILL, TIMES * timedelta(seconds=usual or 0.0))
        since = None if moved is None else moved.replace(tzinfo=UTC)
        found[point] = Stand(since, since is None or timedelta(seconds=stood) >= limit)
    return found
