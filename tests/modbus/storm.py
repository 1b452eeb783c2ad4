"""Many polls of a server that answers badly: what is booked as good must be what the registers held.

Every register holds a number of its own, so that an answer to another request, unit or poll is found out.
"""

from __future__ import annotations

from collections import Counter

from cityctl.modbus.ask import Target
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.memory import Memory
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.run import asking_all, run_loop
from cityctl.sim.faulty import Faulty

BLOCKS = 6
UNITS = (1, 2, 3)
# Same function and count everywhere: without a transaction number one answer looks like the other.
POINTS = {
    f"p{block}_{word}": DevicePoint(f"p{block}_{word}", 10 * block + word, "uint16", 1, 3)
    for block in range(BLOCKS)
    for word in range(4)
}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)


def expected(line: int, unit: int, point: str) -> int:
    """What a register holds: a number that no other register of the plant has."""
    return line * 1000 + unit * 200 + POINTS[point].address


def storm(
    kind: str,
    faults: dict[str, float],
    *,
    wanted: int,
    lines: int = 8,
    timeout: float = 0.05,
    late: float = 0.08,
) -> tuple[Counter[str], Counter[str]]:
    """Poll until `wanted` answers were spoilt and more values were right.

    Gives (faults by kind, booked values right, wrong and missing).
    """
    return run_loop(_storm(kind, faults, wanted, lines, timeout, late))


async def _storm(
    kind: str, shares: dict[str, float], wanted: int, lines: int, timeout: float, late: float
) -> tuple[Counter[str], Counter[str]]:
    servers, targets, faulties = [], [], []
    for line in range(lines):
        faulty = Faulty(shares, seed=line, late=late, slow=0.01)
        banks = {
            unit: Bank.from_connector(
                CONNECTOR, lambda name, line=line, unit=unit: expected(line, unit, name)
            )
            for unit in UNITS
        }
        server = Server(banks, kind=kind, outgoing=faulty)  # type: ignore[arg-type]  # one of its kinds
        await server.start()
        servers.append(server)
        faulties.append(faulty)
        link = server.link
        targets += [
            Target(
                f"{line}/{unit}", link.host, link.port, unit, CONNECTOR, tuple(POINTS), timeout=timeout,
                transport=link.kind, serial=link.serial,
            )
            for unit in UNITS
        ]  # fmt: skip
    memory = Memory()
    booked: Counter[str] = Counter()
    spoilt: Counter[str] = Counter()
    idle = 0
    try:
        while sum(spoilt.values()) < wanted or booked["right"] <= wanted:
            before = sum(spoilt.values()), booked["right"]
            for answer in await asking_all(targets, memory=memory):
                line, unit = map(int, answer.target.device.split("/"))
                for name, value in answer.values.items():
                    booked["right" if value.value == expected(line, unit, name) else "wrong"] += 1
                booked["missing"] += answer.wanted - answer.had
            spoilt = Counter()
            for faulty in faulties:
                spoilt.update({name: n for name, n in faulty.counts.items() if name != "good"})
            # A machine that stands still for a moment makes a round of nothing but timeouts.
            idle = 0 if sum(spoilt.values()) > before[0] and booked["right"] > before[1] else idle + 1
            assert idle < 50, "no faults come any more, or no right values"
    finally:
        for server in servers:
            await server.stop()
    return spoilt, booked
