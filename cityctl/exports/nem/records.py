"""The records of a NEM12 or NEM13 file: one a line, a 300 record also over several; only 900 proves the end.

A file that does not begin with 100 and end with 900 is refused as a whole: what is missing cannot be seen.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from cityctl.errors import InputRefused
from cityctl.exports.parsed import Direction
from cityctl.exports.source import Source
from cityctl.reading import Quality

KINDS = frozenset(["100", "200", "250", "300", "400", "500", "550", "900"])
_LONGEST = 1 << 20  # bytes of one line
_MICRO = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  market time, shifted below
_MARKET = 10 * 3_600_000_000  # market time is UTC+10 the whole year

# First letter of an interval data stream's suffix (NMI Procedure, table of data streams): from the network to
# the customer is "export" there, and forward here.
_SUFFIXES: dict[str, Direction] = {
    **dict.fromkeys("DEFPQR", "forward"), **dict.fromkeys("ABCJKL", "reverse"), **dict.fromkeys("NX", "net"),
}  # fmt: skip
_QUALITIES = {
    "A": Quality.GOOD, "S": Quality.ESTIMATED, "E": Quality.ESTIMATED, "F": Quality.ESTIMATED, "N": Quality.BAD,
}  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One record: the line on which it begins, and its cells; cell 0 is the record indicator."""

    line: int
    cells: list[str]

    @property
    def kind(self) -> str:
        """The record indicator."""
        return self.cells[0]

    def cell(self, index: int) -> str:
        """A cell, empty where the record is shorter."""
        return self.cells[index].strip() if index < len(self.cells) else ""


def begins(head: bytes, word: str) -> bool:
    """Whether a file begins with the header of that version, or with records that lack it."""
    plain = head.removeprefix(codecs.BOM_UTF8).lstrip()[:400]
    if re.match(rb'"?100"?\s*,\s*"?' + word.encode() + rb'"?\b', plain, re.I):
        return True
    first = rb"200,[^,\n]{1,12},[^,\n]*," if word == "NEM12" else rb"250,[^,\n]{1,12},[^,\n]*,"
    return bool(re.match(first, plain)) and plain.split(b"\n")[0].count(b",") >= 8


def records(source: Source, version: str) -> Iterator[Record]:
    """The records between 100 and 900, 900 left out. Raises InputRefused where the file is not whole."""
    ended = False
    begun = False
    line = 0
    with source.stream() as stream:
        for record in _joined(source.name, _lines(source.name, stream)):
            line = record.line
            where = f"{source.name}:{record.line}"
            if record.kind == "100":
                if begun and not ended:
                    raise _refused(f"{where}: a second header (100) before the end (900) of the first part")
                if record.cell(1).upper() != version:
                    raise _refused(f"{where}: the header says `{record.cell(1)[:20]}`, not {version}")
                begun, ended = True, False
            elif not begun:
                raise _refused(f"{where}: no header: the first record is `{record.kind[:20]}`, not 100")
            elif ended:
                raise _refused(
                    f"{where}: a record `{record.kind[:20]}` after the end (900), without a new header (100)"
                )
            elif record.kind == "900":
                ended = True
            elif record.kind not in KINDS:
                raise _refused(f"{where}: no record of {version} begins with `{record.kind[:20]}`")
            else:
                yield record
    if not begun:
        raise _refused(f"{source.name}: the file is empty")
    if not ended:
        raise InputRefused(
            f"{source.name}: cut short after line {line}: only a record 900 proves the end; nothing of it was taken",
            hint="fetch it again",
        )


def _refused(message: str) -> InputRefused:
    return InputRefused(
        f"{message}; nothing of the file was taken", hint="ask the data provider for a sound file"
    )


def _lines(name: str, stream: BinaryIO) -> Iterator[tuple[int, str]]:
    number = 0
    while line := stream.readline(_LONGEST + 1):
        number += 1
        if len(line) > _LONGEST:
            raise _refused(f"{name}:{number}: the line does not end")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        text = line.decode("latin-1").strip("\r\n\x1a\x00")
        if text.strip(" \t,"):
            yield number, text


def _joined(name: str, lines: Iterator[tuple[int, str]]) -> Iterator[Record]:
    """Records; a 300 record goes on in the lines below it until its values and their quality are there."""
    held: Record | None = None
    wanted = 0
    for number, text in lines:
        cells = [cell.strip().strip('"') for cell in text.split(",")]
        if held is not None and (cells[0] not in KINDS or not _may_begin(cells)):
            cells = _rejoined(held.cells, cells, wanted)
            held.cells.extend(cells)
            if len(held.cells) > 4096:
                raise _refused(f"{name}:{held.line}: a 300 record without end")
        else:
            if held is not None:
                yield held
                held = None
            if cells[0] == "200":
                wanted = _count(cells[8] if len(cells) > 8 else "")
            if cells[0] != "300":
                yield Record(number, cells)
                continue
            held = Record(number, cells)
        if wanted and len(held.cells) > wanted + 2 and held.cells[wanted + 2]:
            yield held
            held = None
    if held is not None:
        yield held


def _count(length: str) -> int:
    """How many intervals of that many minutes a day has; 0 where it has no whole number of them."""
    return 1440 // int(length) if length.isdecimal() and int(length) and 1440 % int(length) == 0 else 0


def _rejoined(held: list[str], cells: list[str], wanted: int) -> list[str]:
    """The cells of a line that goes on with `held`: the line was cut behind a comma, before one, or in a number."""
    if held[-1] == "":
        held.pop()
        return cells
    if cells[0] == "" and len(cells) > 1:
        return cells[1:]
    end = next((at for at, cell in enumerate(cells) if cell[:1].isalpha()), None)
    if end is not None and len(held) + end - 1 == wanted + 2:
        return [held.pop() + cells[0], *cells[1:]]
    return cells


def _may_begin(cells: Sequence[str]) -> bool:
    """Whether a line that begins with a record indicator is a record, and not the rest of a 300 record."""
    second = cells[1] if len(cells) > 1 else ""
    match cells[0]:
        case "900":
            return not any(cells[1:])
        case "300":
            return bool(re.fullmatch(r"\d{8}", second))
        case "400":
            return second.isdecimal() and len(cells) > 3 and cells[2].isdecimal() and cells[3][:1].isalpha()
        case "100":
            return second[:3].upper() == "NEM"
        case "200" | "250":
            return len(cells) > 8 and not cells[8][:1].isalpha()
        case _:
            return len(cells) > 1 and (second[:1].isalpha() or not second)


def day(text: str) -> int:
    """The start of a day (YYYYMMDD) in market time, as µs since 1970 UTC. Raises ValueError."""
    if not re.fullmatch(r"\d{8}", text):
        raise ValueError(f"`{text[:20]}` is no date")
    moment = datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007  market time
    return (moment - _EPOCH) // _MICRO - _MARKET


def moment(text: str) -> int:
    """An instant (YYYYMMDDhhmmss, or a date) in market time, as µs since 1970 UTC. Raises ValueError."""
    if re.fullmatch(r"\d{8}", text):
        return day(text)
    if not re.fullmatch(r"\d{12}(\d\d)?", text):
        raise ValueError(f"`{text[:20]}` is no date and time")
    read = datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007  market time
    return (read - _EPOCH) // _MICRO - _MARKET


def direction(suffix: str) -> Direction:
    """The direction of a data stream, by the first letter of its suffix."""
    return _SUFFIXES.get(suffix[:1].upper(), "")


def quality(method: str) -> Quality | None:
    """The quality of a quality method such as `A` or `S53`; None for one that the format does not know."""
    return _QUALITIES.get(method[:1].upper()) if re.fullmatch(r"[A-Za-z](\d\d)?", method) else None
