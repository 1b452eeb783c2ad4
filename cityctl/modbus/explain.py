"""What a poll would send, how much comes back and how long it will take, before a byte is sent.

How long the device thinks is as past runs measured it, otherwise an assumption that the result names.
"""

from __future__ import annotations

from collections.abc import Sequence

from cityctl.errors import listed
from cityctl.glossary import column
from cityctl.modbus.ask import Target
from cityctl.modbus.line import Link
from cityctl.modbus.look import ADDRESS, BRIDGED, COUNT, FUNCTION, IN, NAMES, OUT, PORT, REQUEST, UNIT_ID
from cityctl.modbus.memory import Memory
from cityctl.modbus.pace import ASSUMED, Asked, data_bytes, expected, in_turn, opening
from cityctl.modbus.plan import Block
from cityctl.result import Column, Result, Table
from cityctl.wording import counted

PREDICTED = Column(
    "predicted",
    "Time",
    unit="ms",
    meaning="how long the request will take: bytes on the serial wire, silences, the device's answer, its pause",
    kind="number",
    digits=1,
    priority=3,
)
COLUMNS: tuple[Column, ...] = (PREDICTED,)


def bytes_of(target: Target, block: Block) -> tuple[int, int]:
    """(bytes of the request, bytes of its answer) on the target's wire: 5 of a PDU; 2 and the data."""
    overhead = target.link.overhead
    return 5 + overhead, 2 + data_bytes(block) + overhead


def explain(chosen: Sequence[Target], memory: Memory | None = None) -> Result:
    """The requests that would be sent, their bytes and how long they will take. Sends nothing."""
    memory = memory or Memory()
    rows: list[tuple[object, ...]] = []
    out = back = assumed = 0
    lines: dict[Link, list[Asked]] = {}
    opened: dict[Link, float] = {}
    impatient: list[str] = []
    for target in memory.planned(chosen):
        known, pause = memory.known(target), target.connector.pause
        times: list[float] = []
        for number, block in enumerate(target.blocks, 1):
            asked = (block.function_code, block.address, block.count, block.bridged)
            size = bytes_of(target, block)
            seconds = expected(target, block, known)
            assumed += known.thinking is None
            names = ", ".join(block.names)
            port = target.port or None
            where = (target.device, target.host, port, target.unit, number)
            rows.append((*where, *asked, *size, (seconds + pause) * 1000, names))
            out, back = out + size[0], back + size[1]
            times.append(seconds)
        lines.setdefault(target.link, []).append(Asked(times, pause))
        opened[target.link] = max(opened.get(target.link, 0.0), opening(target, known))
        if max(times, default=0.0) > target.timeout:
            impatient.append(target.device)
    columns = [column("device"), column("host"), PORT, UNIT_ID, REQUEST, FUNCTION, ADDRESS, COUNT, BRIDGED]
    table = Table("requests", "Requests", [*columns, OUT, IN, PREDICTED, NAMES], rows)
    longest = max((opened[link] + in_turn(devices) for link, devices in lines.items()), default=0.0)
    said = f"{counted(len(rows), 'request')} to {counted(len(chosen), 'device')} on {counted(len(lines), 'line')}"
    said += f": {out} B out, {back} B back"
    notes = [
        "Lines are asked at once, the requests of one line one after another: the slowest line sets the time.",
        "Bytes are those of Modbus without the headers of TCP and IP.",
    ]
    if assumed:
        notes.append(
            f"{counted(assumed, 'request')} to devices that were not measured yet: "
            f"{ASSUMED * 1000:.0f} ms assumed for each answer"
        )
    if impatient:
        notes.append(
            f"{listed(impatient, most=5)}: a request takes longer than the timeout: it cannot be answered in time"
        )
    return Result(
        "Planned requests", [table], notes=notes, summary=f"{said}, about {_said(longest)}. Nothing was sent."
    )


def _said(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
