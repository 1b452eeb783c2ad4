"""Slaves on a bus behind a gateway whose answers go to whoever is connected when they come.

`transparent`: a serial server, which hands bytes on and knows no requests. Otherwise a gateway to Modbus/TCP that
gives whatever comes from the bus the transaction number of the newest request, and throws away what comes when nobody
waits. Each register holds a number of its own: 1000 times the unit, and its address.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

from cityctl.modbus.line.framing import rtu_frame


class SharedBus:
    """`takes` says how long (s) the slaves think about the n-th request, one after the other."""

    def __init__(self, takes: Callable[[int], float], *, transparent: bool) -> None:
        self.takes = takes
        self.transparent = transparent
        self.asked = 0
        self._waiting: dict[
            asyncio.StreamWriter, int | None
        ] = {}  # the number of the request that waits there
        self._bus: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self._slaves = asyncio.create_task(self._answer())
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        self._slaves.cancel()
        self._server.close()
        for client in list(self._waiting):
            client.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._waiting[writer] = None
        try:
            while True:
                if self.transparent:  # each request here is 8 bytes long
                    frame = await reader.readexactly(8)
                    self._bus.put_nowait((frame[0], frame[1:-2]))
                else:
                    number, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                    self._waiting[writer] = number
                    self._bus.put_nowait((unit, await reader.readexactly(length - 1)))
        except (asyncio.IncompleteReadError, ConnectionError):
            del self._waiting[writer]
            writer.close()

    async def _answer(self) -> None:
        while True:
            unit, asked = await self._bus.get()
            self.asked += 1
            await asyncio.sleep(self.takes(self.asked))
            said = asked if asked[0] == 8 else _read(unit, asked)
            for client, number in list(self._waiting.items()):
                if self.transparent:
                    client.write(rtu_frame(unit, said))
                elif number is not None:
                    self._waiting[client] = None
                    client.write(struct.pack(">HHHB", number, 0, len(said) + 1, unit) + said)


def _read(unit: int, asked: bytes) -> bytes:
    code, address, count = struct.unpack(">BHH", asked)
    words = [1000 * unit + each for each in range(address, address + count)]
    return struct.pack(f">BB{count}H", code, 2 * count, *words)
