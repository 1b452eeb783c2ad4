"""A gateway that answers each request with the answer before: unit 1 alone is behind it, and knows function 3 only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cityctl.modbus.line import Link
from cityctl.modbus.line.framing import HEADER, tcp_frame, tcp_head


@asynccontextmanager
async def one_behind(head: str) -> AsyncIterator[tuple[Link, list[int]]]:
    """Where it listens, and the function codes that came.

    `head`: its answers bear the number and unit of the newest request (`new`), its number alone (`unit`), or those of
    the request that they belong to (`old`).
    """
    codes: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        before: tuple[int, int, bytes] | None = None
        while len(begun := await reader.read(HEADER)) == HEADER:
            number, _, length, unit = tcp_head(begun)
            pdu = await reader.readexactly(length - 1)
            codes.append(pdu[0])
            due, before = before, None
            if unit == 1:
                size = 2 * pdu[4]
                answer = bytes((3, size)) + bytes(size) if pdu[0] == 3 else bytes((pdu[0] | 0x80, 1))
                before = (number, unit, answer)
            if due is not None:
                old_number, old_unit, answer = due
                told = {"new": (number, unit), "unit": (number, old_unit), "old": (old_number, old_unit)}[
                    head
                ]
                writer.write(tcp_frame(*told, answer))
        writer.close()

    door = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Link("127.0.0.1", door.sockets[0].getsockname()[1]), codes
    finally:
        door.close()
