"""Modbus/TCP on the wire: the one module that touches pymodbus.

pymodbus encodes requests and serves; the transactions are our own, because its client accepts short answers,
waits out its timeout when the peer has closed, and hides why a connection failed. Knows frames, no points.

Its server (3.16.1) stamps an answer with the transaction id of the LAST request received, so that a slow
answer is taken for the next one's: `_Handler` answers each request under its own id.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusIOException
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.simulator.simcore import SimCore
from pymodbus.transaction import TransactionManager

from cityctl.modbus.bank import Bank
from cityctl.modbus.faults import BadAnswer, Closed, ExceptionAnswer, NotConnected, Silent

__all__ = ["Bank", "Frame", "Line", "Request", "Server", "Silence"]

_REQUESTS: dict[int, Any] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_FRAMER = FramerSocket(DecodePDU(False))
# Without a handler of its own, what pymodbus logs would stand in the user's terminal.
logging.getLogger("pymodbus").addHandler(logging.NullHandler())
_HEADER = 7  # transaction (2), protocol (2), length (2), unit (1)


@dataclass(frozen=True)
class Frame:
    """An answer that passed every check: registers (bits as 0 and 1), and when it came (UTC, whole ms)."""

    registers: tuple[int, ...]
    received: datetime


class Line(asyncio.Protocol):
    """One TCP connection with one request outstanding at a time.

    Every answer is checked: protocol, transaction, unit, function, byte count. An answer to an earlier
    request is dropped and counted, never taken for the present one's. After a broken frame the line is
    closed, because nothing behind it can be trusted.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.late = 0
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._transaction = 0
        self._expected: set[int] = set()
        self._unit = self._function_code = self._count = 0
        self._answer: asyncio.Future[Frame] | None = None

    @classmethod
    async def open(cls, host: str, port: int, timeout: float) -> Line:
        """Connect within `timeout` seconds. Raises NotConnected with the reason."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                _, line = await loop.create_connection(lambda: cls(host, port), host, port)
        except TimeoutError:
            raise NotConnected(f"no answer to the TCP connect within {timeout:g} s") from None
        except ConnectionRefusedError:
            raise NotConnected("TCP connect refused: nothing listens on that port") from None
        except OSError as problem:
            raise NotConnected(f"TCP connect failed: {problem.strerror or problem}") from None
        return line

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def read(
        self, unit: int, function_code: int, address: int, count: int, *, timeout: float, tries: int = 1
    ) -> Frame:
        """Ask for `count` registers or bits and wait at most `timeout` seconds in all.

        The request is sent up to `tries` times, spread over the timeout; an answer to any of them counts,
        since all ask the same. Raises Silent, Closed, BadAnswer or ExceptionAnswer.
        """
        if self._answer is not None:
            raise RuntimeError("one request at a time on a line")
        if not self.is_open:
            raise Closed("the connection is closed")
        self._unit, self._function_code, self._count = unit, function_code, count
        self._expected.clear()
        self._answer = asyncio.get_running_loop().create_future()
        try:
            for _ in range(tries):
                self._send(unit, function_code, address, count)
                await asyncio.wait((self._answer,), timeout=timeout / tries)
                if self._answer.done():
                    return self._answer.result()
            raise Silent(f"no answer within {timeout:g} s")
        finally:
            if self._answer.done() and not self._answer.cancelled():
                self._answer.exception()
            self._answer = None
            self._expected.clear()

    def _send(self, unit: int, function_code: int, address: int, count: int) -> None:
        self._transaction = self._transaction % 0xFFFF + 1
        self._expected.add(self._transaction)
        pdu = _REQUESTS[function_code](
            address=address, count=count, dev_id=unit, transaction_id=self._transaction
        )
        frame: bytes = _FRAMER.buildFrame(pdu)
        if self._transport is None:
            raise Closed("the connection is closed")
        self._transport.write(frame)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio: whoever waits learns of it at once."""
        self._transport = None
        self._fail(Closed("the device closed the connection" + (f": {exc}" if exc else "")))

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: cut into frames by the length in each header."""
        self._buffer += data
        while len(self._buffer) >= _HEADER:
            transaction, protocol, length, unit = struct.unpack_from(">HHHB", self._buffer)
            if protocol != 0 or not 3 <= length <= 254:
                self._buffer.clear()
                self._fail(BadAnswer("the answer is no Modbus/TCP frame"))
                self.close()
                return
            if len(self._buffer) < 6 + length:
                return
            body = bytes(self._buffer[_HEADER : 6 + length])
            del self._buffer[: 6 + length]
            self._take(transaction, unit, body)

    def _take(self, transaction: int, unit: int, body: bytes) -> None:
        answer = self._answer
        if answer is None or answer.done() or transaction not in self._expected:
            self.late += 1
            return
        wanted, function_code = self._function_code, body[0]
        if unit != self._unit:
            self._fail(BadAnswer(f"unit {unit} answered a request to unit {self._unit}"))
        elif function_code == wanted | 0x80:
            if len(body) == 2:
                answer.set_exception(ExceptionAnswer(body[1]))
            else:
                self._fail(BadAnswer(f"an exception of {len(body)} bytes instead of 2"))
        elif function_code != wanted:
            self._fail(BadAnswer(f"function code {function_code} answered a request for {wanted}"))
        else:
            self._take_values(answer, body)

    def _take_values(self, answer: asyncio.Future[Frame], body: bytes) -> None:
        bits = self._function_code in (1, 2)
        size = (self._count + 7) // 8 if bits else 2 * self._count
        said, came = body[1], len(body) - 2
        if said != size or came != size:
            self._fail(BadAnswer(f"the answer holds {came} bytes and says {said}, {size} were asked for"))
            return
        if bits:
            values = tuple(body[2 + at // 8] >> at % 8 & 1 for at in range(self._count))
        else:
            values = struct.unpack_from(f">{self._count}H", body, 2)
        now = datetime.now(UTC)
        answer.set_result(Frame(values, now.replace(microsecond=now.microsecond // 1000 * 1000)))

    def _fail(self, fault: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(fault)


@dataclass(frozen=True)
class Request:
    """What a server was asked."""

    unit: int
    function_code: int
    address: int
    count: int


class Silence(Exception):
    """Raised by a server's hook: this request gets no answer."""


Hook = Callable[[Request], Awaitable[int | None]]


class Server:
    """Banks behind one TCP port, as units of a gateway. Reads only: writes are answered with an exception.

    `units` maps a unit id to its bank. A unit that is not there is answered as a gateway does (exception
    11), or with silence. `hook` is awaited before each request: it may sleep, return the number of an
    exception, or raise Silence. `rewrite` may change the bytes of an answer, or return b"" to send none.
    """

    def __init__(
        self,
        units: Mapping[int, Bank],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        absent_units_are_silent: bool = False,
        hook: Hook | None = None,
        rewrite: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.units = dict(units)
        self.host, self.port = host, port
        self.requests = 0
        self._absent_units_are_silent = absent_units_are_silent
        self._hook = hook
        self._rewrite = rewrite
        self._server: _Listener | None = None

    async def start(self) -> int:
        """Listen, and give the port (the system's choice where `port` was 0). Raises NotConnected."""
        server = _Listener(self, (self.host, self.port))
        if not await server.listen():
            raise NotConnected(f"cannot listen on {self.host}:{self.port}: the port is in use or not allowed")
        self._server = server
        self.port = int(server.transport.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.end()

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def answer(self, request: Request) -> list[int] | int | None:
        """Registers, the number of an exception, or None for silence."""
        self.requests += 1
        if self._hook is not None:
            try:
                code = await self._hook(request)
            except Silence:
                return None
            if code is not None:
                return code
        bank = self.units.get(request.unit)
        if bank is None:
            return None if self._absent_units_are_silent else int(ExcCodes.GATEWAY_NO_RESPONSE)
        return bank.read(request.function_code, request.address, request.count)

    def outgoing(self, sending: bool, data: bytes) -> bytes:
        """pymodbus' trace of packets: the place where answers can be spoilt."""
        return self._rewrite(data) if sending and self._rewrite is not None else data


class _Unanswered(Exception):
    """Silence, on its way through pymodbus."""


class _Units(SimCore):  # type: ignore[misc]  # pymodbus has no types
    """pymodbus' view of the banks: SimCore keeps registers of its own, ours are made at each request."""

    def __init__(self, server: Server) -> None:
        self._served = server

    def device_ids(self) -> list[int]:
        return list(self._served.units)

    async def async_getValues(  # noqa: N802 - pymodbus' name
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> Any:
        answer = await self._served.answer(Request(device_id, func_code, address, count))
        if answer is None:
            raise _Unanswered
        if isinstance(answer, int):
            return ExcCodes(answer)
        return [bool(bit) for bit in answer] if func_code in (1, 2) else answer

    async def async_setValues(self, *_: Any) -> Any:  # noqa: N802 - pymodbus' name
        return ExcCodes.ILLEGAL_FUNCTION


class _Listener(ModbusTcpServer):  # type: ignore[misc]  # pymodbus has no types
    def __init__(self, served: Server, address: tuple[str, int]) -> None:
        placeholder = SimDevice(0, [SimData(0, datatype=DataType.REGISTERS)])
        super().__init__(placeholder, address=address, trace_packet=served.outgoing)
        self.context = _Units(served)

    def callback_new_connection(self) -> _Handler:
        return _Handler(self, self.trace_packet, self.trace_pdu, self.trace_connect)

    async def end(self) -> None:
        for handler in list(self.active_connections.values()):
            handler.drop_work()
        listening = self.transport
        await self.shutdown()
        if listening is not None:
            await listening.wait_closed()


class _Handler(ServerRequestHandler):  # type: ignore[misc]  # pymodbus has no types
    """Answers each request under its own transaction id, however long the answer takes."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._work: set[asyncio.Task[None]] = set()

    def callback_data(self, data: bytes, addr: Any = None) -> int:
        try:
            used: int = TransactionManager.callback_data(self, data, addr)
        except ModbusIOException as problem:
            asked = data[_HEADER] if len(data) > _HEADER else 0
            refusal = ExceptionResponse(asked, ExcCodes.ILLEGAL_FUNCTION, problem.dev_id)
            refusal.transaction_id = problem.transaction_id
            self.server_send(refusal, addr)
            return len(data)
        if self.last_pdu is not None:
            task = asyncio.get_running_loop().create_task(self._serve(self.last_pdu))
            self._work.add(task)
            task.add_done_callback(self._work.discard)
        return used

    async def _serve(self, pdu: Any) -> None:
        try:
            response = await pdu.datastore_update(self.server.context, pdu.dev_id)
        except _Unanswered:
            return
        except Exception as problem:
            # A live value that cannot be had is the pretended device's failure, and somebody's to repair.
            response = ExceptionResponse(pdu.function_code, ExcCodes.DEVICE_FAILURE)
            said = f"a request to unit {pdu.dev_id} failed"
            asyncio.get_running_loop().call_exception_handler({"message": said, "exception": problem})
        response.transaction_id, response.dev_id = pdu.transaction_id, pdu.dev_id
        self.server_send(response, None)

    def callback_disconnected(self, exc: Exception | None) -> None:
        super().callback_disconnected(exc)
        self.drop_work()

    def drop_work(self) -> None:
        """Stop what is still being answered: nobody is there to read it."""
        for task in self._work:
            task.cancel()
