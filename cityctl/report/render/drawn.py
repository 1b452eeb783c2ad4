"""Plots and heat maps in the letters of a terminal: braille dots for lines, shades for the hours of a week.

A column of dots spans from the least to the largest of its readings, so no peak is lost. Plain text, no colour.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from itertools import pairwise

from cityctl.report.render.as_html.ticks import Scale, time_ticks, value_scale
from cityctl.report.render.cells import clean, prose, shown, text_width
from cityctl.report.render.layout import fold
from cityctl.report.render.spark import GAP, figures
from cityctl.result import Column, Line, Plot, Table
from cityctl.units import pretty

HEIGHT = 10  # lines of text: 40 dots
WIDEST = 160  # cells; a plot is no better for being wider
LEAST = 20  # cells of room, below which a plot shows nothing
SHADES = " ░▒▓█"
_Spot = tuple[datetime, float]
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # Unicode's braille: row, then column


def plot_lines(plot: Plot, zone: tzinfo, width: int) -> list[str]:
    """The plot in lines of at most `width` cells, title and legend too; bands are drawn in every third column."""
    title = f"{prose(plot.title)} [{pretty(plot.unit)}]" if plot.unit else prose(plot.title)
    drawn = [(line, _points(line)) for line in plot.lines]
    values = [value for _, points in drawn for _, value in points]
    if not values:
        return [*fold(title, width), "(no values)"]
    scale = value_scale(min(values), max(values), from_zero=any(line.style == "bars" for line in plot.lines))
    names = [scale.written(tick).replace("\u202f", " ") for tick in scale.ticks]
    margin = max(map(len, names)) + 1
    room = min(width, WIDEST) - margin - 1
    if room < LEAST:
        return [*fold(title, width), f"(no room for a plot in {width} columns)"]
    times = [at for _, points in drawn for at, _ in points]
    start, end = min(times), max(times)
    grid = [[0] * room for _ in range(HEIGHT)]
    for line, points in drawn:
        _draw(grid, line, points, (start, end), scale)
    at_row = {round((scale.high - tick) / (scale.high - scale.low) * (HEIGHT - 1)): name
              for tick, name in zip(scale.ticks, names, strict=True)}  # fmt: skip
    lines = fold(title, width)
    lines += [f"{at_row.get(row, ''):>{margin - 1}} |" + _braille(cells) for row, cells in enumerate(grid)]
    lines += [" " * margin + "|" + label for label in _axis(start, end, zone, room)]
    told = [clean(line.label) for line in plot.lines if line.label]
    if len(told) > 1:
        lines += fold("lines: " + ", ".join(told), width)
    for moment, words in sorted(plot.marks):
        lines += fold(f"{moment.astimezone(zone):%Y-%m-%d %H:%M}  {prose(words)}", width)
    return lines


def _points(line: Line) -> list[_Spot]:
    return [
        (at.replace(tzinfo=UTC) if at.tzinfo is None else at, float(value))
        for at, value in zip(line.times, line.values, strict=True)
        if value is not None and math.isfinite(value)
    ]


def _draw(
    grid: list[list[int]],
    line: Line,
    points: list[_Spot],
    span: tuple[datetime, datetime],
    scale: Scale,
) -> None:
    """Set the dots of one line: in each column of dots from its least to its largest value."""
    start, seconds = span[0], (span[1] - span[0]).total_seconds() or 1.0
    across, down = 2 * len(grid[0]), 4 * len(grid)

    def height(value: float) -> int:
        return round((scale.high - value) / (scale.high - scale.low) * (down - 1))

    def place(at: datetime) -> int:
        return min(across - 1, int((at - start).total_seconds() / seconds * (across - 1)))

    reach: dict[int, tuple[int, int]] = {}

    def cover(column: int, *rows: int) -> None:
        top, low = reach.get(column, (rows[0], rows[0]))
        reach[column] = (min(top, *rows), max(low, *rows))

    for at, value in points:
        cover(place(at), height(value))
    if line.style in ("line", "band"):
        for (at, value), (after, following) in _neighbours(line, points):
            first, last = place(at), place(after)
            rows = [
                height(value + (following - value) * step / (last - first)) for step in range(last - first + 1)
            ] if last > first else []  # fmt: skip
            for step in range(
                1, len(rows)
            ):  # each column down to the row of the one before: a stroke, no loose dots
                cover(first + step, rows[step], rows[step - 1])
    foot = height(max(scale.low, min(0.0, scale.high)))
    for column, (top, low) in reach.items():
        if line.style == "band" and column % 3:
            continue
        for row in range(min(top, foot), max(low, foot) + 1) if line.style == "bars" else range(top, low + 1):
            grid[row // 4][column // 2] |= _DOTS[row % 4][column % 2]


def _neighbours(line: Line, points: list[_Spot]) -> list[tuple[_Spot, _Spot]]:
    """Points that follow each other without a missing value between them."""
    after: list[bool] = []
    whole = False
    for value in line.values:
        if value is not None and math.isfinite(value):
            after.append(whole)
            whole = True
        else:
            whole = False
    return [pair for pair, joined in zip(pairwise(points), after[1:], strict=True) if joined]


def _braille(cells: list[int]) -> str:
    return "".join(chr(0x2800 + dots) if dots else " " for dots in cells).rstrip()


def _axis(start: datetime, end: datetime, zone: tzinfo, room: int) -> list[str]:
    """The line of times under a plot: a label stands where its instant is, one that finds no room is left out."""
    seconds = (end - start).total_seconds() or 1.0
    text = [" "] * room
    free = 0
    for moment, label in time_ticks(start, end, zone, most=max(2, room // 12)):
        at = int((moment - start).total_seconds() / seconds * (room - 1))
        if at >= free and at + len(label) <= room:
            text[at : at + len(label)] = label
            free = at + len(label) + 2
    return ["".join(text).rstrip()]


def heat_lines(table: Table, zone: tzinfo, width: int) -> list[str]:
    """Each row whose spark cell has the 24 hours of a day as shades, all of one meter on one scale; [] without any.

    Two cells an hour where there is room. A missing hour is `·`.
    """
    place = next((at for at, column in enumerate(table.columns) if column.kind == "spark"), None)
    if place is None:
        return []
    rows = [(row, figures(row[place])) for row in table.rows]
    rows = [(row, hours) for row, hours in rows if len(hours) == 24]
    if not rows:
        return []
    names = [_row_name(row, table.columns, place, zone) for row, _ in rows]
    margin = max(text_width(name) for _, name in names) + 2
    wide = 2 if margin + 48 <= width else 1
    if margin + 24 > width:
        return [f"(no room for a heat map in {width} columns)"]
    lines, group = [], None
    for (row, hours), (meter, name) in zip(rows, names, strict=True):
        if meter != group:
            group = meter
            present = [value for each, values in zip(names, rows, strict=True) if each[0] == meter
                       for value in values[1] if value is not None]  # fmt: skip
            low, high = (min(present), max(present)) if present else (0.0, 1.0)
            lines += fold(
                f"{meter}: {low:g} to {high:g} {pretty(table.columns[place].unit or '')}".rstrip(), width
            )
            lines.append(" " * margin + "".join(f"{hour:<{6 * wide}}" for hour in (0, 6, 12, 18)).rstrip())
        shades = "".join(_shade(value, low, high) * wide for value in hours)
        lines.append(name + " " * (margin - text_width(name)) + shades)
        del row
    return lines


def _row_name(row: tuple[object, ...], columns: list[Column], place: int, zone: tzinfo) -> tuple[str, str]:
    """(what the rows of one scale share: the first cell, what tells them apart: the others before the hours)."""
    told = [shown(cell, column, zone) for cell, column in zip(row[:place], columns[:place], strict=True)]
    return (told[0], " ".join(told[1:]) or told[0]) if told else ("", "")


def _shade(value: float | None, low: float, high: float) -> str:
    if value is None:
        return GAP
    share = (value - low) / (high - low) if high > low else 0.0
    return SHADES[min(len(SHADES) - 1, int(share * len(SHADES)))]
