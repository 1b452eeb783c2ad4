"""Plain text for pipes, mails and logs: aligned, never cut, no escape sequences, no box characters."""

from __future__ import annotations

from cityctl.report.render.cells import prose, shown
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
from cityctl.report.render.layout import BETWEEN, Block, lay_out, pad
from cityctl.report.render.view import View
from cityctl.result import Column, Result, Table


def render(result: Result, view: View) -> str:
    """The whole result as text; spark cells are written as their figures."""
    title, beside = title_words(result, view.zone)
    parts = [[part for part in (title, beside, completeness_words(result.completeness)) if part]]
    lines = ["   ".join(parts[0])]
    tables = tables_to_read(result)
    for table in tables:
        lines += ["", *_table(table, view, named=len(tables) > 1)]
    if result.findings and not has_findings_table(result):
        lines += ["", *_table(findings_table(result), view, named=False)]
    missing = missing_words(result.completeness)
    if missing:
        lines += ["", *(f"missing: {line}" for line in missing)]
    if said := remarks(result):
        lines += ["", *said]
    if summary := summary_words(result, view):
        lines += ["", summary]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _table(table: Table, view: View, *, named: bool) -> list[str]:
    def write(cell: object, column: Column) -> str:
        return shown(cell, column, view.zone)

    block = lay_out(table, write, None)
    lines = [prose(table.title)] if named and table.title else []
    lines.append(_line(block, block.heads))
    if block.has_units:
        lines.append(_line(block, block.units))
    lines += [_line(block, [cell[0] for cell in row]) for row in block.rows]
    if not block.rows:
        lines.append("(no rows)")
    if table.note:
        lines.append(prose(table.note))
    return lines


def _line(block: Block, texts: list[str]) -> str:
    return (" " * BETWEEN).join(
        pad(text, width, column)
        for text, width, column in zip(texts, block.widths, block.columns, strict=True)
    )
