"""Which wire a link leads over: two names of one port or one host are one place."""

from __future__ import annotations

import asyncio
import os
from ipaddress import IPv6Address, ip_address

from cityctl.modbus.line.link import Link

_LOOK_UP = 3.0  # s for a name; who cannot be looked up cannot be reached either


async def place(link: Link) -> str:
    """What two links have in common that lead over one wire: a port's file, a host's address whatever is spoken there.

    A name that has several addresses goes by the lowest, of version 4 where there is one; one that has none by itself.
    """
    if link.is_serial:
        return os.path.realpath(link.host)
    return f"{_address(link.host) or await _looked_up(link.host) or link.host.lower()}:{link.port}"


def _address(host: str) -> str | None:
    """A host that is an address already, as it is written in one way."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(address)


async def _looked_up(name: str) -> str | None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOK_UP):
            found = await loop.getaddrinfo(name, None)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return None
    addresses = {_address(str(each[4][0])) for each in found} - {None}
    return min(addresses, key=lambda each: (":" in str(each), str(each)), default=None)
