"""What stands inside a plot: grid, lines, dots, bars and bands as SVG paths in whole units.

Whole units keep a page small and are finer than a screen shows. Knows no words and no page.
"""

from __future__ import annotations

import math
from html import escape

from cityctl.report.render.as_html.thin import Segment, thin, usual_step
from cityctl.report.render.as_html.ticks import Scale
from cityctl.report.render.cells import prose
from cityctl.result import Line

HEIGHT = 1000  # units of a drawing's height
COLOURS = 8
BAR = 0.82  # share of its step that a bar takes

Points = list[tuple[float, float | None]]


def bar_step(points: Points) -> float:
    """The time that one bar stands for [s]."""
    step = usual_step(points)
    return 3600.0 if math.isinf(step) else step


class Canvas:
    """Turns instants [s since 1970] and values into the units of a drawing of `columns` by HEIGHT."""

    def __init__(self, start: float, end: float, scale: Scale, columns: int) -> None:
        self.start, self.end, self.scale, self.columns = start, end, scale, columns

    def x(self, at: float) -> int:
        return round((at - self.start) / (self.end - self.start) * self.columns)

    def y(self, value: float) -> int:
        share = (value - self.scale.low) / (self.scale.high - self.scale.low)
        return round(HEIGHT * (1 - min(1.0, max(0.0, share))))

    def percent(self, at: float) -> float:
        return round((at - self.start) / (self.end - self.start) * 100, 2)

    def grid(self, times: list[float]) -> str:
        across = "".join(f"M0 {self.y(tick)}H{self.columns}" for tick in self.scale.ticks)
        down = "".join(f"M{self.x(at)} 0V{HEIGHT}" for at in times)
        zero = f"M0 {self.y(0)}H{self.columns}" if self.scale.low < 0 < self.scale.high else ""
        return f'<path class=grid d="{across}{down}"/>' + (f'<path class=zero d="{zero}"/>' if zero else "")

    def mark(self, at: float) -> str:
        inside = self.start <= at <= self.end
        return f'<path class=mark d="M{self.x(at)} 0V{HEIGHT}"/>' if inside else ""


def colours_of(lines: list[Line]) -> list[str]:
    """The colour class of each line: bands stay grey behind the lines that they belong to."""
    names: list[str] = []
    used = 0
    for line in lines:
        names.append("s-band" if line.style == "band" else f"s{used % COLOURS}")
        used += line.style != "band"
    return names


def drawings(drawn: list[tuple[Line, Points]], canvas: Canvas) -> list[str]:
    """Bands first, so that lines lie over them; two bands in a row are the edges of one."""
    bands: list[str] = []
    others: list[str] = []
    edge: list[Segment] | None = None
    colours = colours_of([line for line, _ in drawn])
    for at, (line, points) in enumerate(drawn):
        segments = thin(points, canvas.start, canvas.end, canvas.columns)
        name = f'class="{colours[at]} {line.style}" data-name="{escape(prose(line.label))}"'
        if line.style == "band":
            following = drawn[at + 1][0].style if at + 1 < len(drawn) else ""
            if edge is None and following == "band":
                edge = segments
                continue
            bands.append(f'<path {name} d="{_band(edge, segments, canvas)}"/>')
            edge = None
        elif line.style == "bars":
            others.append(f'<path {name} d="{_bars(points, canvas)}"/>')
        elif line.style == "points":
            others.append(f'<path {name} d="{_dots(segments, canvas)}"/>')
        else:
            dense = sum(map(len, segments)) > 2 * canvas.columns
            name = name.replace(' line"', ' line dense"') if dense else name
            others.append(f'<path {name} d="{_line(segments, canvas)}"/>')
    return bands + others


def _line(segments: list[Segment], canvas: Canvas) -> str:
    parts: list[str] = []
    for segment in segments:
        x, value = segment[0]
        parts.append(f"M{x} {canvas.y(value)}")
        parts.append("".join(f"L{x} {canvas.y(value)}" for x, value in segment[1:]) or "h0")
    return "".join(parts)


def _dots(segments: list[Segment], canvas: Canvas) -> str:
    return "".join(f"M{x} {canvas.y(value)}h0" for segment in segments for x, value in segment)


def _bars(points: Points, canvas: Canvas) -> str:
    step = bar_step(points)
    tallest: dict[int, tuple[int, float]] = {}
    for at, value in points:
        if value is None:
            continue
        left = canvas.x(at)
        right = max(left + 1, canvas.x(at + step * BAR))
        known = tallest.get(left)
        if known is None or abs(value) > abs(known[1]):
            tallest[left] = (right, value)
    foot = canvas.y(0)
    return "".join(
        f"M{left} {foot}V{canvas.y(value)}H{right}V{foot}Z"
        for left, (right, value) in sorted(tallest.items())
    )


def _band(lower: list[Segment] | None, upper: list[Segment], canvas: Canvas) -> str:
    """The area between two edges, segment by segment; a lone edge reaches down to the axis."""
    parts: list[str] = []
    for segment in upper:
        first, last = segment[0][0], segment[-1][0]
        floor = [point for part in lower or [] for point in part if first <= point[0] <= last]
        if not floor:
            floor = [(first, canvas.scale.low), (last, canvas.scale.low)]
        edge = "L".join(f"{x} {canvas.y(value)}" for x, value in segment)
        back = "L".join(f"{x} {canvas.y(value)}" for x, value in reversed(floor))
        parts.append(f"M{edge}L{back}Z")
    return "".join(parts)
