"""Opening a line: connects, and says by name why it could not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import ExitStack, closing

from cityctl.modbus.line.faults import NotConnected
from cityctl.modbus.line.line import Line
from cityctl.modbus.line.link import Link
from cityctl.modbus.line.tls import client_context, said_of_tls


async def open_tcp(host: str, port: int, timeout: float) -> Line:
    """A Modbus/TCP line within `timeout` seconds. Raises NotConnected with the reason."""
    return await open_line(Link(host, port), timeout)


async def open_line(link: Link, timeout: float) -> Line:
    """A line to a link within `timeout` seconds. Raises NotConnected with the reason."""
    what = "TLS" if link.kind == "tls" else "TCP"
    with ExitStack() as made:
        try:
            async with asyncio.timeout(timeout):
                line = await _opened(link, lambda: made.enter_context(closing(Line(link))))
            made.pop_all()  # what is not given to anybody is closed, and knows what it inherited
            return line
        except TimeoutError:
            raise NotConnected(f"no answer to the {what} connect within {timeout:.3g} s") from None
        except ConnectionRefusedError:
            raise NotConnected("TCP connect refused: nothing listens on that port") from None
        except ssl.SSLError as problem:
            raise NotConnected(said_of_tls(problem, link)) from None
        except OSError as problem:
            if link.kind == "tls" and isinstance(problem, ConnectionError):
                raise NotConnected("TLS failed: the peer closed the connection in the handshake") from None
            raise NotConnected(f"TCP connect failed: {problem.strerror or problem}") from None


async def _opened(link: Link, made: Callable[[], Line]) -> Line:
    """The line that was `made`, connected; serial ports at once."""
    loop = asyncio.get_running_loop()
    if link.kind == "rtu":
        from cityctl.modbus.line.serial_port import SerialPort

        line = made()
        SerialPort.opened(link, line)
        return line
    if link.kind == "udp":
        _, line = await loop.create_datagram_endpoint(made, remote_addr=(link.host, link.port))
        return line
    if link.kind == "tls":
        name = (link.tls.host_name if link.tls else None) or link.host
        context = client_context(link.tls)
        _, line = await loop.create_connection(made, link.host, link.port, ssl=context, server_hostname=name)
        return line
    _, line = await loop.create_connection(made, link.host, link.port)
    return line
