"""What a poll would send, how much comes back and how long it will take, before a byte is sent.

The time of a request is its bytes on the serial wire, the silences that RTU asks for around frames, and how
long the device thinks: as past runs measured it, otherwise an assumption that the result names.
"""

from __future__ import annotations

from collections.abc import Sequence

from cityctl.glossary import column
from cityctl.modbus.ask import Target
from cityctl.modbus.look import ADDRESS, BRIDGED, COUNT, FUNCTION, IN, NAMES, OUT, PORT, REQUEST, UNIT_ID
from cityctl.modbus.memory import Memory
from cityctl.modbus.plan import Block
from cityctl.result import Column, Result, Table

ASSUMED = 0.03
"""Seconds that a device takes to answer where no run has measured it."""
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
    size = (block.count + 7) // 8 if block.function_code in (1, 2) else 2 * block.count
    overhead = target.link.overhead
    return 5 + overhead, 2 + size + overhead


def predicted(target: Target, block: Block, round_trip: float | None) -> float:
    """Seconds that one request will take, its pause included; `round_trip` as past runs measured it.

    A measured round trip holds the bytes of a usual request already; an assumed one is the device alone.
    """
    pause = target.connector.pause
    if round_trip is not None:
        return round_trip + pause
    serial = target.serial
    if serial is None and target.link.is_serial:
        from cityctl.modbus.line import SerialSettings

        serial = SerialSettings()
    on_wire = 0.0
    if serial is not None:
        size = (block.count + 7) // 8 if block.function_code in (1, 2) else 2 * block.count
        on_wire = serial.seconds(8 + 5 + size) + 2 * serial.silence  # RTU frames: unit, PDU, CRC
    return on_wire + (target.connector.answer_time or ASSUMED) + pause


def explain(chosen: Sequence[Target], memory: Memory | None = None) -> Result:
    """The requests that would be sent, their bytes and how long they will take. Sends nothing."""
    memory = memory or Memory()
    rows: list[tuple[object, ...]] = []
    out = back = assumed = 0
    by_line: dict[object, float] = {}
    for target in memory.planned(chosen):
        known = memory.known(target)
        for number, block in enumerate(target.blocks, 1):
            asked = (block.function_code, block.address, block.count, block.bridged)
            size = bytes_of(target, block)
            seconds = predicted(target, block, known.round_trip)
            assumed += known.round_trip is None
            names = ", ".join(block.names)
            port = target.port or None
            where = (target.device, target.host, port, target.unit, number)
            rows.append((*where, *asked, *size, seconds * 1000, names))
            out, back = out + size[0], back + size[1]
            by_line[target.link] = by_line.get(target.link, 0.0) + seconds
    columns = [column("device"), column("host"), PORT, UNIT_ID, REQUEST, FUNCTION, ADDRESS, COUNT, BRIDGED]
    table = Table("requests", "Requests", [*columns, OUT, IN, PREDICTED, NAMES], rows)
    longest = max(by_line.values(), default=0.0)
    said = (
        f"{len(rows)} requests to {len(chosen)} devices on {len(by_line)} lines: {out} B out, {back} B back"
    )
    notes = [
        "Lines are asked at once, the requests of one line one after another: the slowest line sets the time.",
        "Bytes are those of Modbus without the headers of TCP and IP.",
    ]
    if assumed:
        notes.append(
            f"{assumed} requests to devices that were not measured yet: {ASSUMED * 1000:.0f} ms assumed for each answer"
        )
    return Result(
        "Planned requests", [table], notes=notes, summary=f"{said}, about {_said(longest)}. Nothing was sent."
    )


def _said(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
