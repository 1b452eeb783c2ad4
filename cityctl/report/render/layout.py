"""Columns side by side in fixed-width text: widths, folding of long cells, and which columns find no room.

Used by the terminal table and by plain text. Knows no colours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cityctl.report.render.cells import MISSING, clean, is_right, shown_unit, text_width
from cityctl.result import Column, Table

BETWEEN = 3  # cells between two columns
SOFT = 30  # a text column is folded to this before another column is dropped for it
HARD = 12  # and to no less than this when nothing is left to drop
_FIGURE = re.compile(
    r"(?:^|[(±~<>])[-+]?\d[\d.,]*$|\d \d{3}$|^[±<>~]$"
)  # a word that ends with a figure, or begins one
_BELONGS = re.compile(
    r"(?:\d{3}[.,;)]*|%|[a-zA-Zµ°]{1,3}[²³]?(?:/[a-zA-Z]+[²³]?)?)[.,;)]*$"
)  # thousands, a unit


@dataclass
class Block:
    """A table laid out: per column its name and unit, its cells as folded lines, and its width."""

    columns: list[Column]
    heads: list[str]
    units: list[str]
    rows: list[list[list[str]]]
    widths: list[int]
    dropped: list[str] = field(default_factory=list)

    @property
    def has_units(self) -> bool:
        """Whether any column has a unit."""
        return any(self.units)

    @property
    def width(self) -> int:
        """Cells from the first column's left edge to the last one's right."""
        return sum(self.widths) + BETWEEN * max(0, len(self.widths) - 1)


def lay_out(table: Table, write: Callable[[object, Column], str], room: int | None) -> Block:
    """Lay a table out within `room` cells (None: as wide as it is, nothing folded or dropped).

    Columns go by priority: those without a value first, then the largest number, of equals the rightmost;
    priority 1 stays and is folded.
    """
    heads = [clean(column.label).upper() for column in table.columns]
    units = [shown_unit(column) for column in table.columns]
    texts = [
        [write(cell, column) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows
    ]
    natural = [
        max([text_width(heads[at]), text_width(units[at]), *(text_width(row[at]) for row in texts)])
        for at in range(len(heads))
    ]
    kept = list(range(len(heads)))
    widths = dict(enumerate(natural))
    if room is not None:
        empty = {at for at in kept if texts and all(row[at] == MISSING for row in texts)}
        kept, widths = _fit(table.columns, heads, natural, room, empty)
    return Block(
        columns=[table.columns[at] for at in kept],
        heads=[heads[at] for at in kept],
        units=[units[at] for at in kept],
        rows=[[fold(row[at], widths[at]) for at in kept] for row in texts],
        widths=[widths[at] for at in kept],
        dropped=[heads[at] for at in range(len(heads)) if at not in kept],
    )


def _fit(
    columns: list[Column], heads: list[str], natural: list[int], room: int, empty: set[int]
) -> tuple[list[int], dict[int, int]]:
    kept = list(range(len(columns)))

    def foldable(at: int) -> bool:
        return columns[at].kind in ("text", "verdict")

    def least(at: int, floor: int) -> int:
        return min(natural[at], max(floor, text_width(heads[at]))) if foldable(at) else natural[at]

    def total(floor: int) -> int:
        return sum(least(at, floor) for at in kept) + BETWEEN * (len(kept) - 1)

    while total(SOFT) > room:
        droppable = [at for at in kept if columns[at].priority > 1]
        if not droppable or len(kept) == 1:
            break
        kept.remove(max(droppable, key=lambda at: (at in empty, columns[at].priority, at)))
    floor = SOFT
    while total(floor) > room and floor > HARD:
        floor -= 1
    widths = {at: least(at, floor) for at in kept}
    spare = room - sum(widths.values()) - BETWEEN * (len(kept) - 1)
    # What is left over goes to the folded columns, the one that lacks most first.
    while spare > 0 and (short := [at for at in kept if widths[at] < natural[at]]):
        at = max(short, key=lambda one: natural[one] - widths[one])
        widths[at] += 1
        spare -= 1
    return kept, widths


def fold(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at spaces, but not between a figure and its unit.

    Only a longer word is broken inside: behind a `/`, `-`, `_` or `.` where there is one.
    """
    if text_width(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in _words(text, width):
        candidate = f"{line} {word}" if line else word
        if text_width(candidate) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        line = word
        while text_width(line) > width:
            cut = _cut(line, width)
            lines.append(line[:cut])
            line = line[cut:]
    if line:
        lines.append(line)
    return lines


def _words(text: str, width: int) -> list[str]:
    """The text's words; a figure with its thousands and its unit is one, where a line has room for it."""
    words: list[str] = []
    for word in text.split(" "):
        joined = f"{words[-1]} {word}" if words else word
        if words and _FIGURE.search(words[-1]) and _BELONGS.match(word) and text_width(joined) <= width:
            words[-1] = joined
        else:
            words.append(word)
    return words


def _cut(text: str, width: int) -> int:
    """How many signs of the text go into a line of `width` cells: to a joint in its second half, or all that fit."""
    taken = 0
    for at, sign in enumerate(text):
        taken += text_width(sign)
        if taken > width:
            joint = max(text.rfind(sign, 0, at) for sign in "/-_.") + 1
            return joint if joint > at // 2 else max(at, 1)
    return len(text)


def pad(text: str, width: int, column: Column) -> str:
    """The text at its column's width: figures to the right."""
    spaces = " " * max(0, width - text_width(text))
    return spaces + text if is_right(column) else text + spaces
