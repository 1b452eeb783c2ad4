"""DSMR telegrams (P1 port, DSMR 2.2 to 5.0.2, e-MUCS-P1): registers, powers and the meters behind the meter.

From version 4 on a checksum proves a telegram; one that does not match is refused as a whole. Times are on
the wall of the Netherlands, Belgium and Luxembourg where no zone is said; S and W tell the doubled hour apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cityctl.exports import obis
from cityctl.exports.gather import Gather
from cityctl.exports.meaning import kind_of, known_unit
from cityctl.exports.parsed import Chunk, Series
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.telegram import Line, Telegram, WallStamps, telegrams
from cityctl.reading import Quality

SUMMARY = "DSMR P1 telegrams of smart meters"
SUFFIXES: tuple[str, ...] = (".telegram", ".dsmr", ".p1")

_MEASURED = re.compile(r"1-\d+:(?:[1-9]|[2-7]\d|1\d)\.(?:4|6|7|8)\.\d+")
_METER = re.compile(r"0-([1-9]):24\.2\.\d+")
_OLD_METER = re.compile(r"0-([1-9]):24\.3\.0")
_VALUE = re.compile(r"([-+]?\d+(?:\.\d+)?)(?:\*(\S+))?")
_LIMITS = frozenset({"1-0:31.4.0", "0-0:17.0.0", "1-1:31.4.0"})


def recognises(head: bytes) -> bool:
    """Whether the file begins with the identification of a telegram."""
    return bool(
        re.match(
            rb"\s*(?:\S{0,40}\s)?/[A-Za-z]{3}\d[^\r\n]*\r?\n\s*\r?\n\d-\d:",
            head[:400].removeprefix(b"\xef\xbb\xbf"),
        )
    )


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The readings of all telegrams of a file."""
    gather = Gather(source.name)
    stamps = WallStamps(shape.time_zone or "Europe/Amsterdam")
    with source.stream() as stream:
        for telegram in telegrams(source.name, stream):
            _Reader(gather, stamps, telegram).take()
            yield from gather.due()
    for note in stamps.notes:
        gather.note(f"{source.name}: {note}")
    yield from gather.rest()


@dataclass
class _Found:
    """A reading of a telegram, before its time is read."""

    line: Line
    code: str
    value: str
    unit: str
    stamp: str | None  # its own time; None: the telegram's
    meter: str


class _Reader:
    def __init__(self, gather: Gather, stamps: WallStamps, telegram: Telegram) -> None:
        self.gather = gather
        self.stamps = stamps
        self.telegram = telegram

    def take(self) -> None:
        """All readings of the telegram; none where its end is not proven."""
        telegram = self.telegram
        found = list(self._found())
        if telegram.why:
            self.gather.refuse_many(
                telegram.line, None, telegram.why, max(1, len(found)), f"the telegram at line {telegram.line}"
            )
            return
        for one in found:
            self._add(one)

    def _found(self) -> Iterator[_Found]:
        left_out: dict[str, None] = {}
        values = self.telegram.by_code()
        meter = _name(values.get("0-0:96.1.1") or values.get("0-0:42.0.0") or values.get("0-0:96.1.0") or "")
        for line in self.telegram.lines:
            code, cells = line.code, line.cells
            behind = _METER.fullmatch(code) or _OLD_METER.fullmatch(code)
            if behind:
                channel = behind[1]
                own = (
                    values.get(f"0-{channel}:96.1.0")
                    or values.get(f"0-{channel}:96.1.1")
                    or values.get(f"0-{channel}:96.1.2")
                    or ""
                )
                name = _name(own) or f"{meter}/{channel}" if meter else _name(own) or channel
                if _OLD_METER.fullmatch(
                    code
                ):  # (time)(00)(60)(1)(0-1:24.2.1)(m3) and (value) on a line of its own
                    unit = cells[5] if len(cells) > 5 else ""
                    yield _Found(
                        line,
                        cells[4] if len(cells) > 4 else code,
                        cells[-1] if len(cells) > 6 else "",
                        unit,
                        cells[0],
                        name,
                    )
                elif len(cells) >= 2:
                    value, unit = _parted(cells[-1])
                    yield _Found(line, code, value, unit, cells[0], name)
                continue
            if _MEASURED.fullmatch(code) and code not in _LIMITS and cells:
                value, unit = _parted(cells[-1])
                yield _Found(line, code, value, unit, cells[0] if len(cells) > 1 else None, meter)
            elif not re.match(r"\d-\d:(96\.|0\.2\.8|1\.0\.0|24\.[14]\.|0\.0\.0|42\.)", code):
                left_out[code] = None
        if left_out:
            self.gather.note(
                f"{self.gather.file}: limits, counts and logs are no readings, left out: {', '.join(left_out)}"
            )

    def _add(self, found: _Found) -> None:
        line = found.line.number
        series = self._series(found)
        place = f"line {line}"
        if not found.value:
            self.gather.blank()
            return
        if not _VALUE.fullmatch(found.value):
            self.gather.refuse(line, series.id, "is no number", f"`{found.value[:40]}`", place)
            return
        stamp = found.stamp if found.stamp is not None else self.telegram.stamp
        if stamp is None:
            self.gather.refuse(
                line, series.id, "the telegram says no time: those before version 4 have none", "", place
            )
            return
        try:
            micros = self.stamps.of(stamp)
        except ValueError as problem:
            self.gather.refuse(line, series.id, str(problem), "", place)
            return
        self.gather.add(series.id, micros, float(found.value), int(Quality.GOOD), line)

    def _series(self, found: _Found) -> Series:
        name = f"{found.meter}/{found.code}" if found.meter else found.code
        known = self.gather.known(name)
        unit = known_unit(found.unit)
        symbol = unit.symbol if unit else None
        if known is not None and (known.unit, known.said_unit) != (symbol, "" if unit else found.unit):
            name = f"{name} ({found.unit or 'no unit'})"
            known = self.gather.known(name)
        if known is not None:
            return known
        code = obis.read(found.code)
        quantity = unit.quantity if unit else None
        register = bool(_METER.fullmatch(found.code)) or kind_of(quantity) == "interval"
        return self.gather.declare(
            Series(
                name,
                unit=symbol,
                quantity=quantity,
                direction=code.direction if code is not None else "",
                kind="counter" if register else "gauge",
                usage_point=found.meter,
                said_unit="" if unit else found.unit,
            )
        )


def _parted(cell: str) -> tuple[str, str]:
    value, _, unit = cell.partition("*")
    return value.strip(), unit.strip()


def _name(said: str) -> str:
    """A meter's identifier; from version 4 on it is ASCII in hexadecimal figures."""
    said = said.strip()
    if len(said) >= 16 and len(said) % 2 == 0 and re.fullmatch(r"[0-9A-Fa-f]+", said):
        try:
            text = bytes.fromhex(said).decode("ascii")
        except (ValueError, UnicodeDecodeError):
            return said
        return text if text.isprintable() and text.strip() else said
    return said
