"""A workbook's sheets as lines of text, one row after the other. openpyxl reads them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast
from zipfile import BadZipFile

from cityctl.errors import InputRefused
from cityctl.exports.workbook.looks import shown


def is_workbook(members: Sequence[str]) -> bool:
    """Whether an archive's members are those of an Office document."""
    return "[Content_Types].xml" in members


def sheets_of(file: Path | BinaryIO, name: str) -> list[str]:
    """The names of the sheets that are shown. Raises InputRefused where it is no workbook, or damaged."""
    with _opened(file, name) as book:
        return [page.title for page in book.worksheets if page.sheet_state == "visible"]


def open_sheet(file: Path | BinaryIO, name: str, sheet: str) -> BinaryIO:
    """A sheet as text: line N is row N, cells parted by tabs. Raises InputRefused, while it is read too."""
    return cast(BinaryIO, io.BufferedReader(_Lines(_lines(file, name, sheet)), 1 << 16))


def _lines(file: Path | BinaryIO, name: str, sheet: str) -> Iterator[bytes]:
    width = 0
    out = io.StringIO()
    write = csv.writer(out, delimiter="\t", lineterminator="\n").writerow
    with _opened(file, name) as book:
        page = book[sheet]
        page.reset_dimensions()  # what a sheet says of its own size is often wrong
        for row in page.iter_rows():
            cells = [" ".join(shown(cell.value, cell.number_format, book.epoch).split()) for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if len(cells) > 1:
                width = max(width, len(cells))
                cells += [""] * (width - len(cells))
            write(cells) if cells else out.write("\n")
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()


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
