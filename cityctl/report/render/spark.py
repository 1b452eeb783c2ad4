"""Spark lines in one line of text: ▂▂▃▆▇█, with `·` where a value is missing."""

from __future__ import annotations

from cityctl.report.render.cells import Cell, settled

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = "·"


def figures(cell: object) -> list[float | None]:
    """The numbers of a spark cell; anything that is no number is a gap."""
    plain: Cell = settled(cell)
    if not isinstance(plain, list):
        return []
    return [
        float(part) if isinstance(part, int | float) and not isinstance(part, bool) else None
        for part in plain
    ]


def spark(cell: object) -> str:
    """The cell as blocks between its own least and largest value.

    Values that move by less than half of their level are drawn on a scale of that half, so that a steady line
    looks steady and its noise is not blown up.
    """
    values = figures(cell)
    present = [value for value in values if value is not None]
    if not present:
        return GAP * len(values)
    low, high = min(present), max(present)
    steady = 0.5 * max(abs(low), abs(high))
    span = max(high - low, steady) or 1.0
    foot = 1.0 if high - low < steady else 0.0

    def block(value: float) -> str:
        return BLOCKS[min(7, round(1 + foot + (value - low) / span * 6))]

    return "".join(GAP if value is None else block(value) for value in values)
