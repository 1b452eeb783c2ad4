"""A workbook's sheets, one row after the other: names, styles and shared texts first, cells while they are read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from cityctl.errors import InputRefused
from cityctl.exports.archive import member_names, open_member
from cityctl.exports.tree.xmls import attribute, child, events, forget, local, text
from cityctl.exports.workbook.looks import Look, look_of, shown

_CELL = re.compile(r"([A-Z]{1,3})\d+")
_LAST_ROW = 1_048_576
_PLAIN = Look()


@dataclass(frozen=True)
class Workbook:
    """What a workbook says about all of its sheets; `sheets` are those that are shown, by name, with their member."""

    file: Path | BinaryIO
    name: str
    sheets: dict[str, str]
    since_1904: bool = False
    looks: tuple[Look, ...] = ()
    texts: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, file: Path | BinaryIO, name: str, *, whole: bool = True) -> Workbook:
        """A workbook; without `whole`, its sheets' names alone. Raises InputRefused where it is none, or damaged."""
        members = member_names(file)
        path = next((one for one in members if one.endswith("workbook.xml")), None)
        if path is None:
            raise InputRefused(f"{name}: an Office document without sheets, no export", hint="save it as CSV")
        folder = path.rpartition("/")[0]
        book = _root(file, path, name)
        leads = {
            attribute(one, "Id"): _joined(folder, attribute(one, "Target"))
            for one in _root(file, f"{folder}/_rels/workbook.xml.rels".lstrip("/"), name)
        }
        sheets = {
            attribute(one, "name"): leads.get(attribute(one, "id"), "")
            for one in child(book, "sheets")
            if attribute(one, "state") not in ("hidden", "veryHidden")
        }
        found = {
            sheet: member for sheet, member in sheets.items() if member in members and "chart" not in member
        }
        if not whole:
            return cls(file, name, found)
        dated = attribute(child(book, "workbookPr"), "date1904") in ("1", "true")
        styles = next((one for one in members if one.endswith("/styles.xml")), None)
        strings = next((one for one in members if one.endswith("/sharedStrings.xml")), None)
        looks = _looks(_root(file, styles, name)) if styles else ()
        return cls(file, name, found, dated, looks, _texts(file, strings, name) if strings else [])

    def lines(self, sheet: str) -> Iterator[bytes]:
        """The rows of a sheet as lines of text, cells parted by tabs; line N is row N."""
        line, width = 0, 0
        out = io.StringIO()
        write = csv.writer(out, delimiter="\t", lineterminator="\n").writerow
        with open_member(self.file, self.sheets[sheet], self.name) as stream:
            for _, row in events(self.name, stream, tag="{*}row"):
                line += 1
                number = attribute(row, "r")
                while number.isdecimal() and line < min(int(number), _LAST_ROW):
                    out.write("\n")
                    line += 1
                cells = self._cells(row)
                if len(cells) > 1:
                    width = max(width, len(cells))
                    cells += [""] * (width - len(cells))
                write(cells) if cells else out.write("\n")
                forget(row)
                yield out.getvalue().encode()
                out.seek(0)
                out.truncate()

    def _cells(self, row: Any) -> list[str]:
        """The cells of a row, without the blank ones at its end."""
        cells: list[str] = []
        for cell in row:
            at = _column(cell.get("r"), len(cells))
            cells += [""] * (at - len(cells))
            cells.append(" ".join(self._shown(cell).split()))
        while cells and not cells[-1]:
            cells.pop()
        return cells

    def _shown(self, cell: Any) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _runs(child(cell, "is"))
        value = text(child(cell, "v"))
        if not value:
            return ""
        if kind == "s":
            return self.texts[int(value)] if value.isdecimal() and int(value) < len(self.texts) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind == "n":
            style = cell.get("s", "0")
            look = self.looks[int(style)] if style.isdecimal() and int(style) < len(self.looks) else _PLAIN
            return shown(value, look, self.since_1904)
        return value.replace("T", " ") if kind == "d" else value


class Lines(io.RawIOBase):
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


def open_sheet(file: Path | BinaryIO, name: str, sheet: str) -> BinaryIO:
    """A sheet as delimited text. Raises InputRefused."""
    return cast(BinaryIO, io.BufferedReader(Lines(Workbook.open(file, name).lines(sheet)), 1 << 16))


def is_workbook(members: Sequence[str]) -> bool:
    """Whether an archive's members are those of an Office document."""
    return "[Content_Types].xml" in members


def _root(file: Path | BinaryIO, member: str, name: str) -> Any:
    """The root element of a member, read whole."""
    root = None
    with open_member(file, member, name) as stream:
        for _, element in events(name, stream):
            root = element if root is None else root
    return root


def _joined(folder: str, target: str) -> str:
    """The member that a relation leads to: `worksheets/sheet1.xml`, `/xl/worksheets/sheet1.xml`."""
    return target.lstrip("/") if target.startswith("/") or not folder else f"{folder}/{target}"


def _looks(styles: Any) -> tuple[Look, ...]:
    """How the numbers of each style are shown."""
    formats, crossed = child(styles, "numFmts"), child(styles, "cellXfs")
    listed = formats if formats is not None else ()
    codes = {attribute(one, "numFmtId"): attribute(one, "formatCode") for one in listed}
    numbers = [attribute(one, "numFmtId") or "0" for one in (crossed if crossed is not None else ())]
    return tuple(look_of(int(number), codes.get(number, "")) for number in numbers)


def _texts(file: Path | BinaryIO, member: str, name: str) -> list[str]:
    """The texts that cells of all sheets share."""
    found: list[str] = []
    with open_member(file, member, name) as stream:
        for _, element in events(name, stream, tag="{*}si"):
            found.append(_runs(element))
            forget(element)
    return found


def _runs(element: Any) -> str:
    """A text with all of its runs, without what says how it is pronounced."""
    if element is None:
        return ""
    parts = (one if local(one) == "t" else child(one, "t") for one in element if local(one) in ("t", "r"))
    return "".join(part.text or "" for part in parts if part is not None)


def _column(place: str | None, after: int) -> int:
    """The column of a cell, from 0; cells that say none follow one another."""
    found = _CELL.fullmatch(place or "")
    if found is None:
        return after
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return max(number - 1, after)
