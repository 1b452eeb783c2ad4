"""Which requests bring the wanted points: few, on value edges, within what the device allows.

Pure: a connector and names of points in, blocks out. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint

_REQUEST_BYTES = 12  # Modbus/TCP: header of 7, function code, address, count
_ANSWER_HEADER = 9  # Modbus/TCP: header of 7, function code, byte count


@dataclass(frozen=True)
class Wanted:
    """A point, the register that holds its SunSpec scale factor, and what is added: all must come in one answer."""

    point: DevicePoint
    exponent: DevicePoint | None = None
    added: tuple[DevicePoint, ...] = ()

    @property
    def all(self) -> tuple[DevicePoint, ...]:
        """The points whose registers it needs."""
        return (
            (self.point, *self.added) if self.exponent is None else (self.point, self.exponent, *self.added)
        )

    @property
    def start(self) -> int:
        """First address."""
        if self.exponent is None and not self.added:
            return self.point.address
        return min(each.address for each in self.all)

    @property
    def end(self) -> int:
        """The address after the last."""
        if self.exponent is None and not self.added:
            return self.point.end
        return max(each.end for each in self.all)


@dataclass(frozen=True)
class Block:
    """One request: `count` registers (or bits) from `address` on, and the points whose values are in it."""

    function_code: int
    address: int
    count: int
    wanted: tuple[Wanted, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The points that it brings."""
        return tuple(each.point.name for each in self.wanted)

    @property
    def bytes_out(self) -> int:
        """Bytes of the request on Modbus/TCP."""
        return _REQUEST_BYTES

    @property
    def bytes_in(self) -> int:
        """Bytes of its answer on Modbus/TCP."""
        size = (self.count + 7) // 8 if self.function_code in (1, 2) else 2 * self.count
        return _ANSWER_HEADER + size

    @property
    def bridged(self) -> int:
        """Registers that are asked for only because they lie between two values."""
        used: set[int] = set()
        for each in self.wanted:
            for point in each.all:
                used.update(range(point.address, point.end))
        return self.count - len(used)

    def __str__(self) -> str:
        last = self.address + self.count - 1
        return f"function {self.function_code}, addresses {self.address} to {last}"


Cuts = frozenset[tuple[int, int]]
"""(function code, address): places that no request may reach across, since the device refused it before."""


def plan(connector: DeviceConnector, names: Iterable[str], *, cuts: Cuts = frozenset()) -> list[Block]:
    """The requests for the named points, by function code and address.

    A block begins and ends on value edges, holds at most the connector's `max_registers`, bridges at most
    its `gap` of unused registers, and reaches across none of `cuts`. Raises UsageProblem for a name that the
    connector does not have.
    """
    by_code: dict[int, list[Wanted]] = {}
    for name in dict.fromkeys(names):
        point = connector.point(name)
        wanted = Wanted(point, connector.exponent_of(point), connector.added_to(point))
        by_code.setdefault(point.function_code, []).append(wanted)
    blocks: list[Block] = []
    for code, here in sorted(by_code.items()):
        most = connector.max_bits if code in (1, 2) else connector.max_registers
        blocks += _coalesced(here, code, most, connector.gap, cuts)
    return blocks


def _coalesced(
    wanted: Sequence[Wanted], code: int, most: int, gap: int, cuts: Cuts = frozenset()
) -> list[Block]:
    blocks: list[Block] = []
    run: list[Wanted] = []
    start = end = 0
    for first, last, each in sorted(((w.start, w.end, w) for w in wanted), key=itemgetter(0, 1)):
        longer = max(end, last)
        cut = any((code, at) in cuts for at in range(end, first + 1)) if cuts else False
        if run and first - end <= gap and longer - start <= most and not cut:
            run.append(each)
            end = longer
            continue
        if run:
            blocks.append(Block(code, start, end - start, tuple(run)))
        run, start, end = [each], first, last
    if run:
        blocks.append(Block(code, start, end - start, tuple(run)))
    return blocks


def split(block: Block) -> list[Block]:
    """Smaller requests for the same points, where a device refuses the whole; empty where there is only one.

    First at the bridges, since an unused register is the likeliest reason; then in halves.
    """
    if len(block.wanted) < 2:
        return []
    parts = _coalesced(block.wanted, block.function_code, block.count, 0)
    if len(parts) > 1:
        return parts
    middle = len(block.wanted) // 2
    halves = (block.wanted[:middle], block.wanted[middle:])
    return [
        Block(block.function_code, start, max(each.end for each in half) - start, half)
        for half in halves
        for start in [min(each.start for each in half)]
    ]


def narrowed(blocks: Sequence[Block], times: int) -> list[Block]:
    """The same points in requests of which the first one is smaller, or another, with each number of `times`.

    For a device that said nothing so often in a row: all blocks get their turn to be the first, then their parts, and
    the parts of these, down to single values, and all begins anew. The rest of a block that is parted comes behind its
    part.
    """
    tree: list[tuple[Block, list[Block]]] = [
        (block, [*blocks[at + 1 :], *blocks[:at]]) for at, block in enumerate(blocks)
    ]
    for first, rest in tree:  # which grows meanwhile
        parts = split(first)
        tree += [(part, [*parts[at + 1 :], *parts[:at], *rest]) for at, part in enumerate(parts)]
    if not tree:
        return []
    first, rest = tree[times % len(tree)]
    return [first, *rest]
