"""Requests understood and answers put into bytes, by pymodbus: the one module that touches it.

Its PDUs decode what is asked and encode what is said, so that every line of ours is held against another hand's
protocol. Its server is not used: that stamps an answer with the transaction number of the LAST request, so that
a slow answer would be taken for the next one's.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse
from pymodbus.pdu.other_message import ReportDeviceIdResponse

from cityctl.modbus.pretended.bank import Bank

GATEWAY_NO_RESPONSE, ILLEGAL_FUNCTION = int(ExcCodes.GATEWAY_NO_RESPONSE), int(ExcCodes.ILLEGAL_FUNCTION)
_DECODER = DecodePDU(True)
_TCP, _RTU = FramerSocket(_DECODER), FramerRTU(_DECODER)
TABLE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 1, 15: 1, 6: 3, 16: 3, 22: 3, 23: 3}
"""Which table a function code works on, by the code that reads it."""
# Without a handler of its own, what pymodbus logs would stand in the user's terminal.
logging.getLogger("pymodbus").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Request:
    """What a server was asked. `count` is how many registers or bits; `values` what is to be written."""

    unit: int
    function_code: int
    address: int
    count: int
    values: tuple[int, ...] = ()


class Silence(Exception):
    """Raised by a server's hook: this request gets no answer."""


class Answering(Protocol):
    """Who answers: the banks of a server, and its counts."""

    units: dict[int, Bank]
    requests: int
    counts: Counter[int]
    absent_units_are_silent: bool

    async def answer(self, request: Request) -> list[int] | int | None:
        """Registers, the number of an exception, or None for silence; [] for a write that was done."""


def framed(pdu: bytes, unit: int, transaction: int, *, rtu: bool) -> bytes:
    """An answer's PDU as it goes on the wire."""
    frame: bytes = (_RTU if rtu else _TCP).encode(pdu, unit, transaction)
    return frame


class _Unanswered(Exception):
    """Silence, on its way through pymodbus."""


class _Asked:
    """pymodbus' view of the banks for one request: it asks for values and sets them by function code."""

    def __init__(self, server: Answering) -> None:
        self._server = server
        self._set: list[int] | None = None

    async def async_getValues(  # noqa: N802 - pymodbus' name
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> Any:
        if func_code in (5, 6) and self._set is not None:
            return [bool(each) for each in self._set] if func_code == 5 else self._set
        if func_code in (22, 23):
            bank = self._server.units.get(device_id)
            if bank is None:  # the answer to the write says it
                return [0] * count
            said = bank.read(3, address, count)
            return ExcCodes(said) if isinstance(said, int) else said
        answer = await self._server.answer(Request(device_id, func_code, address, count))
        if answer is None:
            raise _Unanswered
        if isinstance(answer, int):
            return ExcCodes(answer)
        return [bool(bit) for bit in answer] if func_code in (1, 2) else answer

    async def async_setValues(self, device_id: int, func_code: int, address: int, values: Any) -> Any:  # noqa: N802 - pymodbus' name
        self._set = [int(value) for value in values]
        request = Request(device_id, func_code, address, len(self._set), tuple(self._set))
        answer = await self._server.answer(request)
        if answer is None:
            raise _Unanswered
        return ExcCodes(answer) if isinstance(answer, int) else None


async def answer_to(server: Answering, unit: int, pdu: bytes) -> bytes | None:
    """The PDU that answers one; None for silence."""
    code = pdu[0]
    bank = server.units.get(unit)
    if code in (8, 17, 43):
        server.requests += 1
        server.counts[code] += 1
        if bank is None:
            said = None if server.absent_units_are_silent else ExcCodes.GATEWAY_NO_RESPONSE
            return bytes((code | 0x80, said)) if said else None
        return _told(bank, pdu, server.counts)
    asked = _DECODER.decode(pdu)
    if asked is None:
        known = code in TABLE
        refusal = ExceptionResponse(code, ExcCodes.ILLEGAL_VALUE if known else ExcCodes.ILLEGAL_FUNCTION)
        return bytes((refusal.function_code,)) + cast("bytes", refusal.encode())
    try:
        response = await asked.datastore_update(_Asked(server), unit)
    except _Unanswered:
        return None
    except Exception as problem:
        # A live value that cannot be had is the pretended device's failure, and somebody's to repair.
        response = ExceptionResponse(code, ExcCodes.DEVICE_FAILURE)
        told = {"message": f"a request to unit {unit} failed", "exception": problem}
        asyncio.get_running_loop().call_exception_handler(told)
    return bytes((response.function_code,)) + cast("bytes", response.encode())


def _told(bank: Bank, pdu: bytes, counts: Counter[int]) -> bytes:
    """Diagnostics (8), server id (17) and device identification (43/14): who this is, and how it fares."""
    code = pdu[0]
    if code == 8 and len(pdu) >= 5:
        number = int.from_bytes(pdu[1:3], "big")
        if number == 0:
            return pdu
        if number in (11, 14):  # bus messages, messages of this server
            return pdu[:3] + (sum(counts.values()) & 0xFFFF).to_bytes(2, "big")
        if number in (12, 13, 15, 16, 17, 18):  # errors, exceptions, silences, refusals, busy, overruns
            return pdu[:3] + b"\0\0"
    if code == 17:
        said = f"{bank.connector.vendor} {bank.connector.model}".encode("ascii", "replace")
        return b"\x11" + cast("bytes", ReportDeviceIdResponse(said, True).encode())
    if code == 43 and len(pdu) >= 4 and pdu[1] == 14:
        names = (bank.connector.vendor, bank.connector.model, "simulated")
        objects = {at: name.encode("ascii", "replace")[:60] for at, name in enumerate(names)}
        answer = ReadDeviceInformationResponse(read_code=1, information=objects)
        return b"\x2b" + cast("bytes", answer.encode())
    return bytes((code | 0x80, ExcCodes.ILLEGAL_FUNCTION))
