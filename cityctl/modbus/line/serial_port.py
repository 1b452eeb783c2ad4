"""A serial port as a transport of a line. A thread waits for bytes, so that it is one way for POSIX and Windows."""

from __future__ import annotations

import asyncio
import contextlib
import os
from threading import Thread
from typing import TYPE_CHECKING, Any

from cityctl.modbus.line.faults import NotConnected
from cityctl.modbus.line.link import Link, SerialSettings

if TYPE_CHECKING:
    import serial

_WRITE_TIMEOUT = 2.0  # s, for a port whose flow is stopped


class SerialPort(asyncio.Transport):
    """An open serial port; a protocol is told of its bytes in its own event loop."""

    def __init__(self, port: serial.Serial, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._port = port
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._thread = Thread(target=self._listen, name=f"serial-{port.port}", daemon=True)

    @classmethod
    def opened(cls, link: Link, protocol: asyncio.Protocol) -> SerialPort:
        """Open a link's port exclusively, drop what lies in its buffer, and begin. Raises NotConnected."""
        import serial

        settings = link.serial or SerialSettings()
        try:
            port = serial.Serial(
                link.host,
                settings.baud,
                bytesize=settings.data_bits,
                parity="N" if _is_pretended(link.host) else settings.parity[0].upper(),
                stopbits=settings.stop_bits,
                timeout=None,
                write_timeout=_WRITE_TIMEOUT,
                exclusive=True,
            )
            port.reset_input_buffer()
        except (OSError, ValueError) as problem:
            raise NotConnected(f"serial port {link.host}: {_said(problem)}") from None
        except Exception as problem:
            if type(problem).__module__ != "termios":
                raise
            raise NotConnected(f"serial port {link.host} cannot be set to {settings}: {problem}") from None
        opened = cls(port, protocol)
        protocol.connection_made(opened)
        opened._thread.start()
        return opened

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send; a frame fits into the system's buffer."""
        try:
            self._port.write(bytes(data))
        except (OSError, ValueError) as problem:
            self._gone(problem)

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._closing

    def close(self) -> None:
        """Close the port and end its thread; safe to call twice."""
        if self._closing:
            return
        self._closing = True
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._port.cancel_read()
        self._thread.join(timeout=1)
        with contextlib.suppress(OSError, ValueError):
            self._port.close()
        if not self._loop.is_closed():
            self._loop.call_soon(self._protocol.connection_lost, None)

    def _listen(self) -> None:
        while not self._closing:
            try:
                data = self._port.read(1)
                if data and self._port.in_waiting:
                    data += self._port.read(self._port.in_waiting)
            except (OSError, ValueError, TypeError) as problem:
                if not self._closing:
                    self._tell(self._gone, problem)
                return
            if data:
                self._tell(self._protocol.data_received, data)

    def _tell(self, what: Any, argument: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(what, argument)

    def _gone(self, problem: Exception) -> None:
        if self._closing:
            return
        self._closing = True
        with contextlib.suppress(OSError, ValueError):
            self._port.close()
        lost = ConnectionError(f"serial port {self._port.port}: {_said(problem)}")
        self._loop.call_soon(self._protocol.connection_lost, lost)


def _is_pretended(port: str) -> bool:
    """Whether a port is a pseudo terminal, such as socat and serial servers make: it has no parity."""
    return os.path.realpath(port).startswith("/dev/pts/")


def _said(problem: Exception) -> str:
    """Without the wrapping that pyserial puts around the system's words."""
    number = getattr(problem, "errno", None)
    text = str(problem)
    if number == 2 or "No such file" in text or "FileNotFoundError" in text:
        return "no such port"
    if number == 13 or "Permission" in text or "PermissionError" in text:
        return "no permission, or another program has it open"
    if number == 11 or "exclusively lock" in text:
        return "another program has it open"
    return text
