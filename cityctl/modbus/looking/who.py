"""What a device says of itself: identification (function 43/14), server id (17), counters (8). Reads only.

One line in, facts out; a device that does not know a function says so by an exception, which is a Fault here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cityctl.modbus.careful import Asks
from cityctl.modbus.line.faults import BadAnswer

# MODBUS Application Protocol Specification V1.1b3, section 6.8: sub-functions of function 8 that count
COUNTERS = {
    11: "messages on the bus",
    12: "messages with a wrong checksum",
    13: "exceptions answered",
    14: "messages to this unit",
    15: "requests left without an answer",
    16: "negative acknowledgements",
    17: "times busy",
    18: "character overruns",
}
_MOST_PIECES = 8


@dataclass(frozen=True)
class Identity:
    """What a device says of itself; empty texts where it says nothing. `other` holds objects by number."""

    vendor: str = ""
    product: str = ""
    revision: str = ""
    server_id: str = ""
    other: dict[int, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All of it in one line, for comparing."""
        said = (self.vendor, self.product, self.revision, self.server_id, *self.other.values())
        return " ".join(part for part in said if part)


def _legible(data: bytes) -> str:
    return data.decode("latin-1").replace("\0", " ").strip()


async def identification(line: Asks, unit: int, *, timeout: float, level: int = 1) -> dict[int, str]:
    """The objects of Read Device Identification: 1 basic (vendor, product code, revision), 2 regular too.

    Asked again where the device says that more follows. Raises Silent, Closed, BadAnswer, ExceptionAnswer.
    """
    found: dict[int, str] = {}
    start = 0
    for _ in range(_MOST_PIECES):
        request = bytes((43, 14, level, start))
        answer = await line.exchange(unit, request, prefix=b"\x2b\x0e", size=None, timeout=timeout)
        if len(answer) < 7:
            raise BadAnswer("an identification that is cut off")
        more, following, count = answer[4], answer[5], answer[6]
        at = 7
        for _ in range(count):
            if len(answer) < at + 2 or len(answer) < at + 2 + answer[at + 1]:
                raise BadAnswer("an identification that is cut off")
            size = answer[at + 1]
            found[answer[at]] = _legible(answer[at + 2 : at + 2 + size])
            at += 2 + size
        if more != 0xFF or following <= start:
            break
        start = following
    return found


async def server_id(line: Asks, unit: int, *, timeout: float) -> str:
    """The text of Report Server ID, without its length and whatever is not legible. Raises as above."""
    answer = await line.exchange(unit, b"\x11", prefix=b"\x11", size=None, timeout=timeout)
    if len(answer) < 2 or len(answer) != 2 + answer[1]:
        raise BadAnswer("a server id that is cut off")
    body = answer[2:]
    # Behind the id stands one byte that says whether it runs (0x00 or 0xFF); makers put more behind it.
    text = "".join(sign if sign.isprintable() and sign.isascii() else " " for sign in _legible(body))
    return " ".join(text.split())


async def counter(line: Asks, unit: int, which: int, *, timeout: float) -> int:
    """One counter of function 8, by its number in COUNTERS. Raises as above."""
    request = bytes((8, 0, which, 0, 0))
    answer = await line.exchange(unit, request, prefix=request[:3], size=5, timeout=timeout)
    return int.from_bytes(answer[3:5], "big")


async def echo(line: Asks, unit: int, *, timeout: float, data: bytes = b"\x5a\xa5") -> None:
    """Function 8, sub-function 0: the device gives the request back. Raises as above."""
    request = b"\x08\x00\x00" + data
    await line.exchange(unit, request, prefix=request, size=5, timeout=timeout)
