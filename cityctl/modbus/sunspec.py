"""SunSpec: where the model blocks of a device begin, found by walking their chain; and the chain of a pretended one.

SunSpec Device Information Model Specification, section 6: "SunS" stands at 40000, 50000 or 0; behind it each
model is its id, its length and as many registers; the id 0xFFFF ends the chain. Some makers are off by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cityctl.modbus.ask import Answer
from cityctl.modbus.careful import Asks
from cityctl.modbus.line.faults import ExceptionAnswer
from cityctl.modbus.maps.connector import DeviceConnector

BASES = (40_000, 50_000, 0)
SUNS = (0x5375, 0x6E53)
FUNCTION = 3
END = 0xFFFF
MOST_MODELS = 200
COMMON = 1


@dataclass(frozen=True)
class Model:
    """One block of the chain: its address, and its registers without the two of its header."""

    id: int
    base: int
    length: int


async def chain(line: Asks, unit: int, *, timeout: float) -> list[Model]:
    """The models of a device in their order; empty where it is no SunSpec device.

    A chain that runs out of the addresses or is refused in its middle ends there. Raises Silent, Closed,
    BadAnswer, and ExceptionAnswer where a gateway says that nobody is there.
    """
    base = await _start(line, unit, timeout)
    if base is None:
        return []
    models: list[Model] = []
    at = base + len(SUNS)
    while len(models) < MOST_MODELS and at + 2 <= 65_536:
        header = await _two(line, unit, at, timeout)
        if header is None or header[0] in (END, 0):
            break
        models.append(Model(header[0], at, header[1]))
        at += 2 + header[1]
    return models


async def _start(line: Asks, unit: int, timeout: float) -> int | None:
    """Where "SunS" stands: at one of its three places, or one beside it, where a maker counted from 1."""
    for base in BASES:
        words = await _two(line, unit, base, timeout)
        if words == SUNS:
            return base
        beside = []
        if words is None or words[1] == SUNS[0]:
            beside.append(base + 1)
        if words is not None and words[0] == SUNS[1] and base > 0:
            beside.append(base - 1)
        for at in beside:
            if await _two(line, unit, at, timeout) == SUNS:
                return at
    return None


async def _two(line: Asks, unit: int, address: int, timeout: float) -> tuple[int, ...] | None:
    """Two holding registers; None where the device refuses them."""
    try:
        return (await line.read(unit, FUNCTION, address, 2, timeout=timeout)).registers
    except ExceptionAnswer as problem:
        if problem.is_absent or problem.is_passing:
            raise
        return None


def is_elsewhere(answer: Answer) -> bool:
    """Whether what answered is not the block that a SunSpec connector expects at its place."""
    connector = answer.target.connector
    if connector.sunspec is None or connector.identify is None:
        return False
    name, expected, _ = connector.identify
    return name not in answer.values or answer.values[name].value != expected


async def relocate(answer: Answer, line: Asks, *, timeout: float) -> bool:
    """Point an answer's target at the place where its device has the model block; whether it has one elsewhere.

    What was read at the wrong place is forgotten. Of several blocks of one model the first is taken. Raises
    as `chain`.
    """
    target = answer.target
    for model in await chain(line, target.unit, timeout=timeout):
        if model.id == target.connector.sunspec and model.base != target.connector.base:
            was = target.connector.base
            answer.tried.append(f"SunSpec model {model.id} found at {model.base}, not at {was}")
            answer.placed = (model.base, model.length)
            answer.target = replace(target, connector=target.connector.placed_at(*answer.placed))
            answer.values.clear()
            answer.failures.clear()
            return True
    return False


def close(answer: Answer) -> None:
    """Name the points that lie behind the end of this device's block."""
    model = answer.target.connector.sunspec
    if model is not None:
        answer.close(f"the device's block of SunSpec model {model} ends before it")


# The other side: what stands around a model block on a device that has it.


def block_length(connector: DeviceConnector) -> int:
    """Registers of a connector's model block without the two of its header: up to its last point."""
    return max(point.end for point in connector.points.values()) - connector.base - 2


def surroundings(connector: DeviceConnector) -> dict[int, int]:
    """The registers by which a device's block is found: "SunS", the common model, and the end of the chain.

    Between its points the block holds 0xFFFF, as what is not implemented. The common model names the
    connector's vendor and model (16 registers of text each, from its third on); a block that begins where the
    chain does has none before it.
    """
    begin = max((base for base in BASES if base + len(SUNS) <= connector.base), default=None)
    if begin is None:
        return {}
    at, end = begin + len(SUNS), connector.base + 2 + block_length(connector)
    words = dict.fromkeys(range(connector.base, end), 0xFFFF) | dict(enumerate(SUNS, begin))
    words |= {end: END, end + 1: 0}
    length = connector.base - at - 2
    if length > 0:
        words |= dict.fromkeys(range(at + 2, connector.base), 0) | {at: COMMON, at + 1: length}
        for first, text in ((at + 2, connector.vendor), (at + 18, connector.model)):
            data = text.encode("ascii", "replace")[:32].ljust(32, b"\0")
            pairs = {first + n: int.from_bytes(data[2 * n : 2 * n + 2], "big") for n in range(16)}
            words |= {where: word for where, word in pairs.items() if where < connector.base}
    return words
