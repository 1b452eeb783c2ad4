"""CSV of the first table: full precision, units in the head, local times with their offset.

A text that a spreadsheet would take for a formula is made plain with a leading apostrophe; a number never is.
"""

from __future__ import annotations

import csv
from datetime import date, datetime, tzinfo
from io import StringIO

from cityctl.report.render.as_json import as_json, dumped
from cityctl.report.render.cells import Cell, cell_of, clean, keys_of, unit_of
from cityctl.report.render.view import View
from cityctl.result import Result


def render(result: Result, view: View) -> str:
    """A head such as `zone,mnf [m3/h]` and one line a row; a missing cell is empty."""
    if not result.tables:
        return ""
    table = result.tables[0]
    paper = StringIO()
    writer = csv.writer(paper, lineterminator="\n")
    units = [unit_of(column) for column in table.columns]
    heads = zip(keys_of(table), units, strict=True)
    writer.writerow([_text(f"{key} [{unit}]" if unit else key) for key, unit in heads])
    for row in table.rows:
        cells = (cell_of(cell, column) for cell, column in zip(row, table.columns, strict=True))
        writer.writerow([_written(cell, view.zone) for cell in cells])
    return paper.getvalue()


def _written(cell: Cell, zone: tzinfo) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return repr(cell)
    if isinstance(cell, datetime):
        return cell.astimezone(zone).isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, list):
        return dumped(as_json(cell))
    return _text(cell)


def _text(text: str) -> str:
    """A spreadsheet runs cells that begin with = + - or @, also after blanks (CWE-1236)."""
    said = clean(text)
    return f"'{said}" if said.lstrip()[:1] in ("=", "+", "-", "@") and said.strip() else said
