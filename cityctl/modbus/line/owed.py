"""Answers that were given up and may still come: of which unit, to what, since when.

A gateway's or serial server's late answer goes to whoever is connected then. So what one line leaves owing is known
to the next line to the same place, and may be written down for another process.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from struct import Struct
from time import monotonic
from typing import Any

READ = Struct(">BHH")  # function code, address, count
READS = (1, 2, 3, 4)
LASTS = 180.0
"""Seconds after which no lost answer comes any more: a gateway works off what it was asked for dead units meanwhile."""
_LATEST = 3
"""Timeouts after the last sign of it for which an answer is looked for under other units' numbers."""
_COUNTS = (1, 2, 4, 8, 16, 32)  # registers: some devices refuse a read that ends within a value
_LEFT: dict[tuple[str, int], dict[int, Owed]] = {}
"""What closed lines of this process left: host (serial port) and port -> unit -> what it owes."""

_DOUBTED: dict[tuple[str, int], set[int]] = {}
"""Lines whose last user was killed, so that any unit there may owe anything; those of them that were settled since."""


def read_prefix(code: int, count: int) -> bytes:
    """What the answer to a read of so many registers or bits begins with."""
    return bytes((code, (count + 7) // 8 if code < 3 else 2 * count))


class Owed:
    """Answers of one unit that may still come: to what, what they begin with, and the last read that was given up.

    `since`: when the last of them was given up, or one strayed (monotonic, which all processes share). `echoed`: the
    adapter gives back what it sends, so that an echo tells nothing of the device. `stays`: none of them came under
    another unit's number for so long that none will. `is_guess`: nobody knows whether any is owed.
    """

    def __init__(self, since: float | None = None, *, is_guess: bool = False) -> None:
        self.is_guess = is_guess
        self.since = monotonic() if since is None else since
        self.requests: set[bytes] = set()
        self.prefixes: set[bytes] = set()
        self.read: bytes | None = None
        self.echoed = False
        self.stays = False
        self._transactions: set[int] = set()
        self._is_numbered = True

    def take(self, request: bytes, prefix: bytes, transactions: Collection[int] = (), sent: int = 1) -> None:
        """Add the answers to a request that was `sent` so often; `transactions`: the numbers that they should bear."""
        self.since = monotonic()
        self.stays = False
        self.requests.add(request)
        self.prefixes.add(prefix)
        self._transactions.update(transactions)
        self._is_numbered = self._is_numbered and sent <= len(transactions)
        if request[0] in READS:
            self.read = request

    def may_pass_for(self, request: bytes, prefix: bytes) -> bool:
        """Whether one of them looks like the answer to a request, and is to another one."""
        return prefix in self.prefixes and self.requests != {request}

    def is_of_function(self, code: int) -> bool:
        """Whether one of them answers a request with that function code, or refuses it."""
        return any(prefix[0] == code for prefix in self.prefixes)

    def may_stray(self, prefix: bytes) -> bool:
        """Whether one of them may come as another unit's answer that begins so."""
        return prefix in self.prefixes and not (self.stays or self.is_past)

    def stay(self, timeout: float) -> None:
        """Another unit was heard alone: believed where the last of them was given up so many timeouts (s) ago."""
        self.stays = monotonic() - self.since >= _LATEST * timeout

    def stray(self) -> None:
        """One of them may have come as another unit's: those behind it come as late."""
        self.since = monotonic()

    def carried_over(self) -> Owed:
        """The same on another connection, whose numbers begin anew."""
        self._transactions.clear()
        self._is_numbered = False
        return self

    def came(self, transaction: int) -> bool:
        """Whether an answer under a number of its own was the last one that is owed."""
        self._transactions.discard(transaction)
        return self._is_numbered and not self._transactions

    @property
    def is_past(self) -> bool:
        """Whether none of them comes any more; also where the computer was started anew since."""
        return not 0 <= monotonic() - self.since < LASTS

    @property
    def probes(self) -> list[tuple[bytes, bytes]]:
        """Reads at the same place whose answers are of other lengths than all of these: (request, its prefix)."""
        if self.read is None:
            return []
        code, address, _ = READ.unpack(self.read)
        counts = _COUNTS if code > 2 else tuple(8 * count for count in _COUNTS)
        reads = [(READ.pack(code, address, count), read_prefix(code, count)) for count in counts]
        return [each for each in reads if each[1] not in self.prefixes]


def leave(host: str, port: int, owed: Mapping[int, Owed]) -> None:
    """Keep what a line owes that is closed."""
    if owed:
        _LEFT.setdefault((host, port), {}).update(owed)


def inherit(host: str, port: int) -> dict[int, Owed]:
    """What earlier lines to a place left owing, for a new one; it is in that one's care then."""
    left = _LEFT.pop((host, port), {})
    return {unit: owed.carried_over() for unit, owed in left.items() if not owed.is_past}


def doubt(host: str, port: int) -> None:
    """Whoever had the line before was killed, and wrote down nothing."""
    _DOUBTED[host, port] = set()


def doubted(host: str, port: int, unit: int) -> bool:
    """Whether a unit may owe an answer to somebody who was killed."""
    settled = _DOUBTED.get((host, port))
    return settled is not None and unit not in settled


def believe(host: str, port: int, unit: int) -> None:
    """What a unit may owe is known from here on."""
    _DOUBTED.get((host, port), set()).add(unit)


def written(host: str, port: int) -> list[dict[str, Any]]:
    """What is left owing at a place, for another process."""
    return [
        {
            "unit": unit,
            "since": owed.since,
            "requests": sorted(each.hex() for each in owed.requests),
            "prefixes": sorted(each.hex() for each in owed.prefixes),
            "read": owed.read.hex() if owed.read else None,
            "echoed": owed.echoed,
            "stays": owed.stays,
        }
        for unit, owed in sorted(_LEFT.get((host, port), {}).items())
        if not owed.is_past
    ]


def recall(host: str, port: int, entries: Iterable[Mapping[str, Any]]) -> None:
    """Take in what another process left owing at a place. Raises ValueError, KeyError, TypeError."""
    left = _LEFT.setdefault((host, port), {})
    for entry in entries:
        owed = Owed(float(entry["since"]))
        owed.requests = {bytes.fromhex(each) for each in entry["requests"]}
        owed.prefixes = {bytes.fromhex(each) for each in entry["prefixes"]}
        owed.read = bytes.fromhex(entry["read"]) if entry["read"] else None
        owed.echoed = bool(entry.get("echoed"))
        owed.stays = bool(entry.get("stays"))
        unit = int(entry["unit"])
        if unit not in left or left[unit].since < owed.since:
            left[unit] = owed
