"""A workbook for the office: one sheet a table, a first sheet with findings, gaps and notes.

Texts are written as texts, so no name ever becomes a formula; numbers keep full precision under a display format,
and times are the city's local time, as a spreadsheet knows no zones.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from cityctl.report.render.as_json import as_json, dumped
from cityctl.report.render.cells import Cell, cell_of, clean, prose, shown_unit, text_width
from cityctl.report.render.heading import (
    completeness_words,
    findings_table,
    has_findings_table,
    missing_words,
    summary_words,
    title_words,
)
from cityctl.report.render.spark import spark
from cityctl.report.render.view import View
from cityctl.result import Code, Column, Result, Table
from cityctl.wording import counted

if TYPE_CHECKING:
    import xlsxwriter

MOST_ROWS = 1_048_575  # of a sheet, below its head
MOST_SIGNS = 32_767  # of a cell
MOST_NAME = 31  # signs of a sheet's name
WIDEST = 60  # characters of a column
_LARGEST = 9.99e307  # a spreadsheet's numbers end there
_FIRST_YEAR = 1900  # spreadsheets know no date before
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")


def render(result: Result, view: View) -> bytes:
    """The workbook's bytes. Rows that a sheet cannot hold are counted on the first sheet."""
    import xlsxwriter

    paper = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(paper, options) as book:
        book.set_properties({"title": prose(result.title)[:255], "comments": "made by cityctl"})
        looks = _Looks(book)
        tables = list(result.tables)
        if result.findings and not has_findings_table(result):
            tables.insert(0, findings_table(result))
        names = _names(tables)
        front = book.add_worksheet("Report")
        for table, name in zip(tables, names, strict=True):
            _sheet(book.add_worksheet(name), table, view, looks)
        _front(front, result, view, looks, list(zip(tables, names, strict=True)))
    return paper.getvalue()


class _Looks:
    """The formats of a workbook, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[str, Any] = {}
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.bold = book.add_format({"bold": True})
        self.head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})

    def number(self, code: str) -> Any:
        """The format of numbers that are shown so."""
        if code not in self._made:
            self._made[code] = self._book.add_format({"num_format": code, "valign": "top"})
        return self._made[code]


def _names(tables: list[Table]) -> list[str]:
    """A sheet name for each table: allowed signs, 31 at most, each once whatever its case."""
    taken = {"report", "history"}  # Excel keeps `History` for itself
    names = []
    for table in tables:
        said = _FORBIDDEN.sub(" ", prose(table.title) or table.key).strip() or "Table"
        name, count = said[:MOST_NAME].strip(), 1
        while name.lower() in taken:
            count += 1
            name = f"{said[: MOST_NAME - 1 - len(str(count))].strip()} {count}"
        taken.add(name.lower())
        names.append(name)
    return names


def _front(sheet: Any, result: Result, view: View, looks: _Looks, sheets: list[tuple[Table, str]]) -> None:
    title, beside = title_words(result, view.zone)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, title[:MOST_SIGNS], looks.title)
    lines = [
        ("Interval", beside),
        ("Completeness", completeness_words(result.completeness)),
        ("Summary", summary_words(result, view)),
        *(("Missing", line) for line in missing_words(result.completeness)),
    ]
    for table, name in sheets:
        left = len(table.rows) - MOST_ROWS
        cut = f" (the first {MOST_ROWS}; -o csv and -o parquet hold all)" if left > 0 else ""
        lines.append(
            (
                f"Sheet {name}",
                f"{counted(len(table.rows), 'row')}{cut}" + (f"; {table.note}" if table.note else ""),
            )
        )
    for note in result.notes:
        word, colon, rest = note.partition(":")
        lines.append((word, rest) if colon and " " not in word else ("Note", note))
    for row, (word, said) in enumerate((line for line in lines if line[1]), 2):
        sheet.write_string(row, 0, prose(word)[:MOST_SIGNS], looks.bold)
        sheet.write_string(row, 1, prose(said)[:MOST_SIGNS], looks.wrapped)


def _sheet(sheet: Any, table: Table, view: View, looks: _Looks) -> None:
    """Head with units, a comment with each column's meaning, rows, a filter, and the head kept in sight."""
    rows = table.rows[:MOST_ROWS]
    for at, column in enumerate(table.columns):
        unit = shown_unit(column)
        head = clean(f"{column.label} [{unit}]" if unit else column.label)
        sheet.write_string(0, at, head[:MOST_SIGNS], looks.head)
        if column.meaning:
            sheet.write_comment(0, at, clean(column.meaning)[:MOST_SIGNS])
        widest = max([text_width(head), *(_width(row[at], column) for row in rows[:200])])
        sheet.set_column(at, at, min(WIDEST, widest + 2))
        for place, row in enumerate(rows, 1):
            _cell(sheet, place, at, row[at], column, view, looks)
    if table.columns:
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, len(rows)), len(table.columns) - 1)


def _width(cell: object, column: Column) -> int:
    plain = cell_of(cell, column)
    if isinstance(plain, datetime):
        return 16
    return text_width(plain) if isinstance(plain, str) else 8


def _cell(sheet: Any, row: int, at: int, cell: object, column: Column, view: View, looks: _Looks) -> None:
    plain = cell_of(cell, column)
    if plain is None or plain == "":
        return
    if isinstance(plain, bool):
        sheet.write_boolean(row, at, plain)
    elif (isinstance(plain, float) and abs(plain) < _LARGEST) or (
        isinstance(plain, int) and abs(plain) < 10**15
    ):  # beyond it digits are lost
        sheet.write_number(row, at, plain, looks.number(_code(cell, column)))
    elif isinstance(plain, datetime) and plain.year > _FIRST_YEAR:
        local = plain.astimezone(view.zone).replace(tzinfo=None)
        sheet.write_datetime(
            row, at, local, looks.number("yyyy-mm-dd hh:mm:ss" if local.second else "yyyy-mm-dd hh:mm")
        )
    elif isinstance(plain, date) and not isinstance(plain, datetime) and plain.year > _FIRST_YEAR:
        sheet.write_datetime(row, at, plain, looks.number("yyyy-mm-dd"))
    else:
        sheet.write_string(row, at, _text(plain, column)[:MOST_SIGNS], looks.wrapped)


def _text(plain: Cell, column: Column) -> str:
    if column.kind == "spark":
        return spark(plain)
    if isinstance(plain, str):
        return clean(plain)
    said = as_json(plain)
    return said if isinstance(said, str) else dumped(said)


def _code(cell: object, column: Column) -> str:
    """The display format of a number: digits of its column; the cell itself keeps all."""
    if isinstance(cell, Code) or (column.kind == "integer" and not column.grouped):
        return "0"
    digits = "." + "0" * column.digits if column.digits else ""
    if column.kind == "share":
        return f"0{digits}%"
    if column.kind == "integer":
        return "#,##0"
    return f"#,##0{digits}" if column.kind == "number" else "General"
