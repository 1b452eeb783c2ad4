"""Writing to a device: exactly one request, never a second one, and the echo checked.

A write must not be repeated by a machine that does not know whether the first took effect. What a lost answer
means is for the caller to find out, by reading back.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from cityctl.modbus.line import Line
from cityctl.modbus.line.faults import BadAnswer, Closed, ExceptionAnswer, Fault, NotConnected, Silent

TIMEOUT = 3.0
MOST_WORDS, MOST_BITS = 123, 1968  # MODBUS Application Protocol Specification V1.1b3, sections 6.12 and 6.11
# Codes after which nobody can tell whether the write took effect: it broke off while it was carried out, it is
# still at work, and a gateway that did not hear its device's answer (section 7 of the same).
_UNCERTAIN = frozenset({4, 5, 11})


class Unconfirmed(Fault):
    """A write was sent and what came back does not tell whether it took effect: the state is unknown.

    `cause` is the Fault behind it: Silent, Closed, BadAnswer, or an ExceptionAnswer that leaves it open.
    """

    def __init__(self, cause: Fault) -> None:
        self.cause = cause
        super().__init__(f"the write was sent and not confirmed: {cause}")


async def write_coil(line: Line, unit: int, address: int, on: bool, *, timeout: float = TIMEOUT) -> None:
    """Function 5: one coil. Raises as `transmit`."""
    request = struct.pack(">BHH", 5, address, 0xFF00 if on else 0)
    await transmit(line, unit, request, echo=request, timeout=timeout)


async def write_register(line: Line, unit: int, address: int, word: int, *, timeout: float = TIMEOUT) -> None:
    """Function 6: one register, 0 to 65535. Raises as `transmit`."""
    request = struct.pack(">BHH", 6, address, word)
    await transmit(line, unit, request, echo=request, timeout=timeout)


async def write_coils(
    line: Line, unit: int, address: int, states: Sequence[bool | int], *, timeout: float = TIMEOUT
) -> None:
    """Function 15: 1 to 1968 coils. Raises as `transmit`, and ValueError for another number."""
    if not 1 <= len(states) <= MOST_BITS:
        raise ValueError(f"{len(states)} coils in one write, 1 to {MOST_BITS} are allowed")
    packed = bytearray((len(states) + 7) // 8)
    for at, state in enumerate(states):
        packed[at // 8] |= bool(state) << at % 8
    head = struct.pack(">BHH", 15, address, len(states))
    await transmit(line, unit, head + bytes((len(packed),)) + packed, echo=head, timeout=timeout)


async def write_registers(
    line: Line, unit: int, address: int, words: Sequence[int], *, timeout: float = TIMEOUT
) -> None:
    """Function 16: 1 to 123 registers in one request. Raises as `transmit`, and ValueError for another number."""
    if not 1 <= len(words) <= MOST_WORDS:
        raise ValueError(f"{len(words)} registers in one write, 1 to {MOST_WORDS} are allowed")
    head = struct.pack(">BHH", 16, address, len(words))
    data = struct.pack(f">B{len(words)}H", 2 * len(words), *words)
    await transmit(line, unit, head + data, echo=head, timeout=timeout)


async def mask_write(
    line: Line, unit: int, address: int, and_mask: int, or_mask: int, *, timeout: float = TIMEOUT
) -> None:
    """Function 22: register = (register AND and_mask) OR (or_mask AND NOT and_mask). Raises as `transmit`."""
    request = struct.pack(">BHHH", 22, address, and_mask, or_mask)
    await transmit(line, unit, request, echo=request, timeout=timeout)


async def transmit(line: Line, unit: int, request: bytes, *, echo: bytes, timeout: float) -> None:
    """Send one write PDU once, and come back when the device has repeated it.

    Raises NotConnected where nothing was sent; ExceptionAnswer where the device refused, so that nothing was
    written; Unconfirmed where it was sent and its effect is not known.
    """
    if not line.is_open:
        raise NotConnected("the line is not open: nothing was sent")
    if line.owes(unit):  # over a gateway that is one answer behind nobody would know what became of it
        try:
            await line.settle(unit, timeout=timeout)
        except Fault as problem:
            raise NotConnected(f"the line cannot be trusted, nothing was sent: {problem}") from None
        if line.owes(unit):
            raise NotConnected(
                "the line cannot be trusted, nothing was sent: an answer to an earlier request may still come"
            )
    try:
        await line.exchange(unit, request, prefix=echo, size=len(echo), timeout=timeout)
    except ExceptionAnswer as problem:
        if problem.code in _UNCERTAIN:
            raise Unconfirmed(problem) from None
        raise
    except (Silent, Closed, BadAnswer) as problem:
        raise Unconfirmed(problem) from None
