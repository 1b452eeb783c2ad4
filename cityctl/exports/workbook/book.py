"""A workbook's sheets as lines of text, one row after the other. openpyxl reads them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, cast
from zipfile import BadZipFile

from cityctl.errors import InputRefused
from cityctl.exports.workbook.exchanged import Exchanged
from cityctl.exports.workbook.formulas import never_worked_out
from cityctl.exports.workbook.hidden import hidden_parts
from cityctl.exports.workbook.looks import shown

_LOOKED_AT = 100  # rows that tell how wide a sheet is


def is_workbook(members: Sequence[str]) -> bool:
    """Whether an archive's members are those of an Office document."""
    return "[Content_Types].xml" in members


def sheets_of(file: Path | BinaryIO, name: str) -> tuple[dict[str, bool], bool]:
    """({name of a sheet: whether it is shown}, whether days count from 1904).

    Raises InputRefused where it is no workbook, or damaged.
    """
    with _opened(file, name) as book:
        shown_ones = {page.title: page.sheet_state == "visible" for page in book.worksheets}
        return shown_ones, book.epoch.year == 1904


def open_sheet(file: Path | BinaryIO, name: str, sheet: str) -> BinaryIO:
    """A sheet as text: line N is row N, cells parted by tabs. Raises InputRefused, while it is read too."""
    return cast(BinaryIO, io.BufferedReader(_Lines(_lines(file, name, sheet)), 1 << 16))


def hidden_in(file: Path | BinaryIO, name: str, sheet: str, width: int) -> str:
    """Which rows and columns of a sheet are not shown; those beyond its `width` hold nothing. Raises InputRefused."""
    with _opened(file, name) as book, book._archive.open(book[sheet]._worksheet_path) as part:
        return hidden_parts(part, width)


def _lines(file: Path | BinaryIO, name: str, sheet: str) -> Iterator[bytes]:
    out = io.StringIO()
    write = csv.writer(out, delimiter="\t", lineterminator="\n").writerow
    with _opened(file, name) as book:
        rows = _rows(book, sheet)
        first = list(islice(rows, _LOOKED_AT))
        width = max(map(len, first), default=0)
        for cells in chain(first, rows):
            if len(cells) > 1:
                width = max(width, len(cells))
                cells += [""] * (width - len(cells))
            write(cells) if cells else out.write("\n")
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()


def _rows(book: Any, sheet: str) -> Iterator[list[str]]:
    """The cells of each row as they are shown, without the blank ones at its end."""
    from openpyxl.utils import get_column_letter

    page = book[sheet]
    page.reset_dimensions()  # what a sheet says of its own size is often wrong
    # openpyxl tells a formula or its value, never both.
    with book._archive.open(page._worksheet_path) as part:
        formulas = never_worked_out(part)
    exchanged = Exchanged()
    for row in page.iter_rows():
        for column, cell in enumerate(row):
            if isinstance(cell.value, str | date):
                exchanged.watch(column, cell.value)
        cells = [" ".join(shown(cell.value, cell.number_format, book.epoch).split()) for cell in row]
        if formulas:
            places = (getattr(cell, "coordinate", "") for cell in row)  # cells that are not there have none
            cells = [formulas.get(place, text) for place, text in zip(places, cells, strict=True)]
        while cells and not cells[-1]:
            cells.pop()
        yield cells
    for column in exchanged.columns():
        raise InputRefused(
            f"{sheet}: column {get_column_letter(column + 1)} holds days up to the 12th as dates and later ones as "
            "texts: a spreadsheet exchanged day and month of the former when it opened the table",
            hint="import the file that the sheet was made from",
        )


@contextmanager
def _opened(file: Path | BinaryIO, name: str) -> Iterator[Any]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with file.open("rb") if isinstance(file, Path) else file as stream:  # its name may end as it likes
            book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
            yield book
    except (
        InvalidFileException,
        BadZipFile,
        SyntaxError,
        KeyError,
        TypeError,
        ValueError,
        OSError,
    ) as problem:
        # SyntaxError is what parsers of XML say; the others come of parts that are missing, or hold other things.
        if isinstance(problem, OSError) and problem.errno is not None:
            raise
        raise InputRefused(
            f"{name}: a workbook that cannot be read: {problem or type(problem).__name__}",
            hint="save its sheet as CSV",
        ) from None


class _Lines(io.RawIOBase):
    """Lines that come one after the other, as a file that is read from its beginning."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._left or next(self._lines, b"")
        room = min(len(buffer), len(piece))
        buffer[:room] = piece[:room]
        self._left = piece[room:]
        return room
