"""The table on a terminal: title left, completeness right, units under the heads, sparks, coloured verdicts.

Colour only underlines what the words say: a verdict in capitals asks for attention with or without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

from cityctl.report.render.cells import MISSING, prose, shown, text_width
from cityctl.report.render.heading import (
    completeness_words,
    findings_table,
    has_findings_table,
    missing_words,
    remarks,
    summary_words,
    tables_to_read,
    title_words,
)
from cityctl.report.render.layout import BETWEEN, Block, fold, lay_out, pad
from cityctl.report.render.spark import spark
from cityctl.report.render.verdict import Mood, mood
from cityctl.report.render.view import View
from cityctl.result import Column, Completeness, Result, Table
from cityctl.wording import counted

if TYPE_CHECKING:
    from rich.text import Text

INDENT = 2
MISSING_LINES = 8
MISSING_NAMES = 12
TITLE, HEAD, FAINT = "bold", "bold", "dim"
ALARM, DOUBT = "bold red", "yellow"
MOODS: dict[Mood, str] = {"alarm": ALARM, "doubt": DOUBT, "fine": "green"}
SEVERITY = {"alarm": ALARM, "warning": "bold yellow", "note": "cyan"}


def render(result: Result, view: View) -> str:
    """The whole result for a terminal of `view.width` cells; what finds no room is named under its table."""
    from rich.console import Console
    from rich.text import Text

    room = None if view.width is None else max(20, view.width - INDENT)
    blocks = [(table, lay_out(_beginning(table), _writer(view), room)) for table in tables_to_read(result)]
    page = _heading(result, view, max((block.width for _, block in blocks), default=0))
    for table, block in blocks:
        page += [Text(), *_table(table, block, view, named=len(blocks) > 1)]
    if result.findings and not has_findings_table(result):
        found = findings_table(result)
        page += [Text(), *_table(found, lay_out(found, _writer(view), room), view, named=False)]
    page += _pictures(result, view) if view.drawn else []
    page += _missing(result.completeness, view)
    if said := remarks(result):
        page += [Text(), *(line for note in said for line in _folded(note, view, FAINT))]
    if summary := summary_words(result, view):
        page += [Text(), *_folded(summary, view, TITLE if result.findings else "")]

    paper = StringIO()
    console = Console(
        file=paper,
        force_terminal=view.colour,
        color_system="standard" if view.colour else None,
        no_color=not view.colour,
        width=view.width or 10_000,
        height=1_000,
        legacy_windows=False,
        _environ={},  # whether colours are wanted was decided by the caller
    )
    for line in page:
        line.rstrip()
        console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
    return paper.getvalue()


def _beginning(table: Table) -> Table:
    """The table with the rows that a terminal shows."""
    return table if table.most is None else replace(table, rows=table.rows[: table.most])


def _pictures(result: Result, view: View) -> list[Text]:
    """Heat maps of the weeks, then the plots, each after an empty line."""
    from rich.text import Text

    from cityctl.report.render.drawn import heat_lines, plot_lines

    width = (view.width or 100) - INDENT
    drawings = [heat_lines(table, view.zone, width) for table in tables_to_read(result)]
    drawings += [plot_lines(plot, view.zone, width) for plot in result.plots]
    lines: list[Text] = []
    for drawing in filter(None, drawings):
        lines += [Text(), Text(drawing[0], TITLE), *(Text(" " * INDENT + line) for line in drawing[1:])]
    return lines


def _writer(view: View) -> Callable[[object, Column], str]:
    """Writes a cell for a terminal: sparks as blocks, thousands apart."""

    def write(cell: object, column: Column) -> str:
        if column.kind == "spark":
            return spark(cell) or MISSING
        return shown(cell, column, view.zone, group=" ")

    return write


def _heading(result: Result, view: View, table_width: int) -> list[Text]:
    from rich.text import Text

    title, beside = title_words(result, view.zone)
    present = completeness_words(result.completeness)
    left = title + ("   " + beside if beside else "")
    taken = text_width(left) + 4 + text_width(present)
    if view.width is None or taken <= view.width:
        width = max(taken, table_width + INDENT)
        gap = " " * (width - text_width(left) - text_width(present)) if present else ""
        return [
            Text.assemble((title, TITLE), left[len(title) :], gap, (present, _presence(result.completeness)))
        ]
    lines = [Text(line, TITLE) for line in fold(title, view.width)]
    lines += [Text(line) for line in fold(beside, view.width) if line]
    lines += [Text(line, _presence(result.completeness)) for line in fold(present, view.width) if line]
    return lines


def _presence(completeness: Completeness) -> str:
    return FAINT if completeness.complete else DOUBT


def _table(table: Table, block: Block, view: View, *, named: bool) -> list[Text]:
    from rich.text import Text

    margin = " " * INDENT
    lines = [Text(line, TITLE) for line in fold(prose(table.title), view.width or 10_000)] if named else []
    lines.append(Text(margin).append(_joined(block, block.heads), HEAD))
    if block.has_units:
        lines.append(Text(margin).append(_joined(block, block.units), FAINT))
    for row in block.rows:
        height = max((len(cell) for cell in row), default=1)
        for at in range(height):
            line = Text(margin)
            for place, (cell, width, column) in enumerate(zip(row, block.widths, block.columns, strict=True)):
                text = cell[at] if at < len(cell) else ""
                line.append(" " * BETWEEN if place else "")
                line.append(pad(text, width, column), _style(column, " ".join(cell)))
            lines.append(line)
    if not block.rows:
        lines.append(Text(margin).append("(no rows)", FAINT))
    if left := len(table.rows) - len(block.rows):
        lines += _folded(f"and {counted(left, 'more row')} (-o plain shows all)", view, FAINT, INDENT)
    if block.dropped:
        names = " · ".join(block.dropped)  # a name may hold a comma
        lines += _folded(f"not shown at this width: {names} (-o plain shows all)", view, FAINT, INDENT)
    if table.note:
        lines += _folded(prose(table.note), view, FAINT, INDENT)
    return lines


def _joined(block: Block, texts: list[str]) -> str:
    return (" " * BETWEEN).join(
        pad(text, width, column)
        for text, width, column in zip(texts, block.widths, block.columns, strict=True)
    )


def _style(column: Column, text: str) -> str:
    if text.strip() == MISSING:
        return FAINT
    if column.kind == "verdict":
        return MOODS[mood(text)]
    return SEVERITY.get(text.strip(), "") if column.key == "severity" else ""


def _missing(completeness: Completeness, view: View) -> list[Text]:
    from rich.text import Text

    said = missing_words(completeness, most=MISSING_NAMES)
    if not said:
        return []
    lines: list[Text] = [Text()]
    for one in said[:MISSING_LINES]:
        lines += _folded(f"missing: {one}", view, DOUBT)
    if len(said) > MISSING_LINES:
        more = len(said) - MISSING_LINES
        lines += _folded(f"missing: and {counted(more, 'more reason')} (-o plain shows all)", view, DOUBT)
    return lines


def _folded(text: str, view: View, style: str, indent: int = 0) -> list[Text]:
    from rich.text import Text

    margin = " " * indent
    lines = fold(text, max(20, (view.width or 10_000) - indent))
    return [Text(margin).append(line, style) for line in lines]
