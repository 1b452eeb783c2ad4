"""A plot as inline SVG: lines, bars, points and bands over local time, with axes, units, legend and marks.

The drawing stretches with the page while its words stay as large as the page's: axes and labels are HTML
around an SVG that holds geometry alone. It reads at 400 px and prints.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from html import escape

from cityctl.clock import Interval
from cityctl.report.render.as_html.draw import HEIGHT, Canvas, Points, bar_step, colours_of, drawings
from cityctl.report.render.as_html.thin import present
from cityctl.report.render.as_html.ticks import Scale, time_ticks, value_scale
from cityctl.report.render.cells import local_time, prose
from cityctl.result import Line, Plot
from cityctl.units import pretty

COLUMNS = 1000  # pixel columns of a drawing, and units of its width


def plot_html(plot: Plot, zone: tzinfo, columns: int = COLUMNS, interval: Interval | None = None) -> str:
    """A <figure>; `columns` pixel columns bound its size, and its axis holds the whole `interval`.

    A plot without a value says so.
    """
    drawn = [(line, present([at.timestamp() for at in line.times], line.values)) for line in plot.lines]
    values = [value for _, points in drawn for _, value in points if value is not None]
    title, unit = prose(plot.title), prose(pretty(plot.unit))
    caption = f"<figcaption>{escape(title)} <span class=unit>{escape(unit)}</span></figcaption>"
    if not values:
        return f"<figure class=plot>{caption}<p class=empty>no readings in this interval</p></figure>"
    start, end = _span(drawn, plot, interval)
    bars = any(line.style == "bars" for line in plot.lines)
    scale = value_scale(min(values), max(values), from_zero=bars)
    canvas = Canvas(start, end, scale, columns)
    times = time_ticks(_instant(start), _instant(end), zone)
    gutter = max(len(scale.written(tick)) for tick in scale.ticks)
    lines = [canvas.grid([moment.timestamp() for moment, _ in times])]
    lines += drawings(drawn, canvas)
    lines += [canvas.mark(moment.timestamp()) for moment, _ in plot.marks]
    said = escape(
        f"{title}, {unit}, {local_time(_instant(start), zone)} to {local_time(_instant(end), zone)}"
    )
    svg = (
        f'<svg viewBox="0 0 {columns} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{said}" '
        f'data-time="{start:.0f} {end:.0f}" data-value="{scale.low!r} {scale.high!r}" '
        f'data-digits="{scale.digits + 1}" data-unit="{escape(unit)}">{"".join(lines)}</svg>'
    )
    return (
        f'<figure class=plot style="--gutter:{gutter}ch">{caption}{_legend(drawn)}'
        f"<div class=frame><div class=y>{_value_labels(scale)}</div>"
        f"<div class=area>{svg}{_marks(plot, canvas)}</div>"
        f"<div class=x>{_time_labels(times, canvas)}</div></div></figure>"
    )


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _span(drawn: list[tuple[Line, Points]], plot: Plot, interval: Interval | None) -> tuple[float, float]:
    """The whole interval, and what lines and marks near it have beyond; a bar takes the room of its step."""
    firsts = [points[0][0] for _, points in drawn if points]
    lasts = [
        points[-1][0] + (bar_step(points) if line.style == "bars" else 0.0)
        for line, points in drawn
        if points
    ]
    start, end = min(firsts), max(lasts)
    if end <= start:
        start, end = start - 1800, end + 1800
    if interval is not None:
        start, end = min(start, interval.start.timestamp()), max(end, interval.end.timestamp())
    reach = (end - start) * 0.25
    marks = [at.timestamp() for at, _ in plot.marks]
    near = [at for at in marks if start - reach <= at <= end + reach]
    return min([start, *near]), max([end, *near])


def _value_labels(scale: Scale) -> str:
    span = scale.high - scale.low
    return "".join(
        f'<span style="bottom:{round((tick - scale.low) / span * 100, 2)}%">{scale.written(tick)}</span>'
        for tick in scale.ticks
    )


def _time_labels(times: list[tuple[datetime, str]], canvas: Canvas) -> str:
    many = len(times) > 5
    return "".join(
        f"<span{' class=odd' if many and at % 2 else ''} "
        f'style="left:{canvas.percent(moment.timestamp())}%">{escape(label)}</span>'
        for at, (moment, label) in enumerate(times)
    )


def _marks(plot: Plot, canvas: Canvas) -> str:
    labels: list[str] = []
    for row, (moment, words) in enumerate(plot.marks):
        at = canvas.percent(moment.timestamp())
        if not 0 <= at <= 100:
            continue
        side = f"right:{round(100 - at, 2)}%" if at > 50 else f"left:{at}%"
        text = escape(prose(words))
        labels.append(f'<span class=flag title="{text}" style="{side};top:{1.4 * (row % 4)}em">{text}</span>')
    return "".join(labels)


def _legend(drawn: list[tuple[Line, Points]]) -> str:
    """One entry a line; the lower edge of a band is named by the band, and a line without a value says so."""
    lines = [line for line, _ in drawn]
    entries: list[str] = []
    skip = False
    colours = colours_of(lines)
    for at, line in enumerate(lines):
        skip = not skip and line.style == "band" and at + 1 < len(lines) and lines[at + 1].style == "band"
        if skip:
            continue
        entries.append(f'<li class="{colours[at]} {line.style}"><i></i>{escape(prose(line.label))}</li>')
    return f"<ul class=legend>{''.join(entries)}</ul>"
