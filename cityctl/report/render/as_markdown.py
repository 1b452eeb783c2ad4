"""Markdown of the whole result: all tables, findings and notes, for tickets, wikis and mails."""

from __future__ import annotations

import re

from cityctl.report.render.cells import clean, is_right, prose, shown, shown_unit
from cityctl.report.render.heading import (
    about,
    completeness_words,
    findings_table,
    has_findings_table,
    missing_words,
    reference,
    title_words,
)
from cityctl.report.render.spark import spark
from cityctl.report.render.view import View
from cityctl.result import Column, Result, Table

# An underscore inside a word (a point's id) is no emphasis in Markdown and stays as it is.
_MARKS = re.compile(r"[\\`*\[\]<>|~#&]|(?<![^\W_])_|_(?![^\W_])")


def render(result: Result, view: View) -> str:
    """A page of GitHub-flavoured Markdown; every sign that could be markup is escaped."""
    title, beside = title_words(result, view.zone)
    under = [escaped(part) for part in (beside, completeness_words(result.completeness)) if part]
    parts = [f"# {escaped(title)}", "  \n".join(under), escaped(about(result))]
    if summary := prose(result.summary):
        parts.append(f"**{escaped(summary)}**")
    if result.findings and not has_findings_table(result):
        parts += ["## Findings", _table(findings_table(result), view)]
    for table in result.tables:
        named = len(result.tables) > 1 or bool(result.findings)
        if named and table.title:
            parts.append(f"## {escaped(prose(table.title))}")
        parts += [_table(table, view), escaped(prose(table.note))]
    if missing := missing_words(result.completeness):
        parts += ["## Missing", "\n".join(f"- {escaped(line)}" for line in missing)]
    if notes := reference(result):
        parts += ["## Notes", "\n".join(f"- **{word}:** {escaped(text)}" for word, text in notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """The text as itself: no sign of it is read as markup."""
    return _MARKS.sub(lambda sign: "\\" + sign[0], clean(text))


def _table(table: Table, view: View) -> str:
    heads = [_head(column) for column in table.columns]
    rules = ["---:" if is_right(column) else "---" for column in table.columns]
    lines = [_line(heads), _line(rules)]
    lines += [
        _line([_cell(cell, column, view) for cell, column in zip(row, table.columns, strict=True)])
        for row in table.rows
    ]
    if not table.rows:
        lines += ["", "(no rows)"]
    return "\n".join(lines) if table.columns else ""


def _head(column: Column) -> str:
    unit = shown_unit(column)
    return escaped(f"{column.label} ({unit})" if unit else column.label)


def _cell(cell: object, column: Column, view: View) -> str:
    text = spark(cell) if column.kind == "spark" else shown(cell, column, view.zone)
    return escaped(text) or "-"


def _line(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"
