"""P1 telegrams as a stream: identification, lines of objects, end and checksum; and their times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO

import numpy as np

from cityctl.clock import zone_named
from cityctl.errors import InputRefused
from cityctl.exports.table.clock.zone import DOUBLED, GAP, WallClock

_LONGEST = 1 << 16  # bytes of a line, and lines of a telegram
_OBJECT = re.compile(r"(\d+-\d+:\d+\.\d+\.\d+)((?:\([^()]*\))+)")
_MICRO = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock's


@dataclass(frozen=True)
class Line:
    """One object: its code and what stands in its brackets."""

    number: int
    code: str
    cells: list[str]


@dataclass
class Telegram:
    """One telegram. `why` says why nothing of it can be taken; empty where it can."""

    line: int
    lines: list[Line] = field(default_factory=list)
    why: str = ""

    def by_code(self) -> dict[str, str]:
        """The first cell of each object."""
        return {line.code: line.cells[0] for line in reversed(self.lines)}

    @property
    def stamp(self) -> str | None:
        """The telegram's own time, as it is written."""
        return self.by_code().get("0-0:1.0.0")


def telegrams(name: str, stream: BinaryIO) -> Iterator[Telegram]:
    """The telegrams of a file; what stands between them is passed over. Raises InputRefused."""
    raw: list[bytes] = []
    begun = number = found = 0
    while line := stream.readline(_LONGEST + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > _LONGEST or len(raw) > _LONGEST:
            raise InputRefused(
                f"{name}:{number}: a telegram that does not end", hint="is this a log of telegrams?"
            )
        if re.match(rb"(?:[^/]{0,40}\s)?/[A-Za-z]{3}\d", line):
            if raw:
                yield _telegram(raw, begun, None)
            raw, begun, found = [line[line.index(b"/") :]], number, found + 1
        elif raw and line.startswith(b"!"):
            yield _telegram(raw, begun, line[1:].strip())
            raw = []
        elif raw:
            raw.append(line)
    if raw:
        yield _telegram(raw, begun, None)
    if not found:
        raise InputRefused(
            f"{name}: no telegram in it: none begins with `/`", hint="name the format with --format"
        )


def _telegram(raw: list[bytes], begun: int, said: bytes | None) -> Telegram:
    telegram = Telegram(begun)
    held: Line | None = None
    for offset, line in enumerate(raw[1:], 1):
        text = line.decode("latin-1").strip()
        found = _OBJECT.fullmatch(text)
        if found:
            held = Line(begun + offset, found[1], re.findall(r"\(([^()]*)\)", found[2]))
            telegram.lines.append(held)
        elif held is not None and re.fullmatch(r"(?:\([^()]*\))+", text):  # goes on, in versions 2 and 3
            held.cells.extend(re.findall(r"\(([^()]*)\)", text))
        elif text and not telegram.why:
            telegram.why = f"line {begun + offset} is no object of a telegram: `{text[:40]}`"
    if said is None:
        telegram.why = "the telegram is cut short: it does not end with `!`"
    elif said:
        body = b"".join(raw) + b"!"
        sums = {_crc(body), _crc(body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))}
        if not re.fullmatch(rb"[0-9A-Fa-f]{4}", said):
            telegram.why = f"its checksum `{said[:12].decode('latin-1')}` is none"
        elif int(said, 16) not in sums:
            telegram.why = (
                f"its checksum {said.decode()} does not match its content ({_crc(body):04X}): cut or damaged"
            )
    elif telegram.stamp is not None or "1-3:0.2.8" in telegram.by_code():
        telegram.why = "its checksum is missing, which telegrams of version 4 and later end with"
    return telegram


def _crc(data: bytes) -> int:
    """CRC16 of the P1 companion standard, 5.2: polynomial x^16 + x^15 + x^2 + 1, least significant bit first."""
    crc = 0
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_TABLE = [_remainder(byte) for byte in range(256)]


class WallStamps:
    """Times such as `230202132747W` as instants."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.notes: dict[str, None] = {}
        self._clock = WallClock(zone_named(zone))

    def of(self, text: str) -> int:
        """µs since 1970. Raises ValueError with the reason."""
        found = re.fullmatch(r"(\d{12})([SW])?", text.strip())
        if found is None:
            raise ValueError(f"`{text[:40]}` is no time of a telegram")
        try:
            wall = datetime.strptime(found[1], "%y%m%d%H%M%S")  # noqa: DTZ007  a wall clock's
        except ValueError:
            raise ValueError(f"`{text[:40]}` is no time of a telegram") from None
        micros = np.array([(wall - _EPOCH) // _MICRO], np.int64)
        moments, states = self._clock.to_utc(micros)
        if states[0] == GAP:
            raise ValueError(f"`{text[:40]}` does not exist in {self.zone}: the clocks skip it")
        if states[0] == DOUBLED:
            if not found[2]:
                raise ValueError(f"`{text[:40]}` lies in the hour that comes twice in {self.zone}: ambiguous")
            return int(moments[0] if found[2] == "S" else self._clock.second_pass(micros)[0])
        hours = (int(micros[0]) - int(moments[0])) // 3_600_000_000
        if self.zone == "Europe/Amsterdam" and found[2] and hours != {"S": 2, "W": 1}[found[2]]:
            self.notes["a time's mark (S summer, W winter) contradicts the calendar; the calendar holds"] = (
                None
            )
        return int(moments[0])
