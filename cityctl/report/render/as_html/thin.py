"""Fewer points that draw the same picture: first, least, largest and last of each pixel column.

After "M4: a visualization-oriented time series data aggregation" (Jugel et al., VLDB 2014): a line drawn
through these four is the line drawn through all, pixel for pixel. Peaks are never lost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

Segment = list[tuple[int, float]]

# A pause of more than this many usual steps is drawn as a gap: a line over missing readings would be a claim.
GAP = 3.5


class _Pixels:
    """What one pixel column has seen, in order of time."""

    def __init__(self, x: int, value: float) -> None:
        self.x = x
        self.count = 1
        self.first = self.last = value
        self.least = self.largest = (0, value)

    def add(self, value: float) -> None:
        if value < self.least[1]:
            self.least = (self.count, value)
        if value > self.largest[1]:
            self.largest = (self.count, value)
        self.last = value
        self.count += 1

    def points(self) -> Segment:
        chosen = {0: self.first, self.count - 1: self.last}
        chosen |= {self.least[0]: self.least[1], self.largest[0]: self.largest[1]}
        return [(self.x, chosen[at]) for at in sorted(chosen)]


def present(times: Sequence[float], values: Sequence[float | None]) -> list[tuple[float, float | None]]:
    """The points in order of time; NaN and infinity are gaps."""
    pairs = [
        (at, float(value) if value is not None and math.isfinite(value) else None)
        for at, value in zip(times, values, strict=True)
    ]
    return sorted(pairs, key=lambda pair: pair[0])


def usual_step(points: Sequence[tuple[float, float | None]]) -> float:
    """The median time between two points [s]; infinite for fewer than three."""
    steps = [later[0] - earlier[0] for earlier, later in pairwise(points)]
    steps = [step for step in steps if step > 0]
    return median(steps) if len(steps) >= 2 else math.inf


def thin(
    points: Sequence[tuple[float, float | None]], start: float, end: float, columns: int
) -> list[Segment]:
    """The points as unbroken segments of (pixel column, value), at most four points a column.

    `points` are (seconds, value) in order of time. A gap shorter than a pixel column does not break the line.
    """
    if end <= start:
        end = start + 1
    limit = GAP * usual_step(points)
    scale = columns / (end - start)
    segments: list[Segment] = []
    pixels: _Pixels | None = None
    before: float | None = None  # the instant that the line may go on from; None after a gap
    for at, value in points:
        if value is None:
            before = None
            continue
        x = round((at - start) * scale)
        if pixels is None:
            segments.append([])
            pixels = _Pixels(x, value)
        elif x == pixels.x:
            pixels.add(value)
        else:
            segments[-1] += pixels.points()
            broken = before is None or at - before > limit
            if broken and x - pixels.x > 1:
                segments.append([])
            pixels = _Pixels(x, value)
        before = at
    if pixels is not None:
        segments[-1] += pixels.points()
    return segments
