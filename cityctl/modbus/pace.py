"""How long requests take: their bytes at the speed of the line, silences, the device's answer, pauses. Pure.

MODBUS over Serial Line V1.02, section 2.5.1: a frame ends with a silence of 3.5 characters, the request's and
the answer's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from cityctl.modbus.ask import Target
from cityctl.modbus.line.link import SerialSettings
from cityctl.modbus.memory import Known
from cityctl.modbus.plan import Block

ASSUMED = 0.03
"""Seconds that a device takes to answer where no run has measured it."""
_SLACK = 0.25  # of the time on the wire: a first request has no silence before it, a device may wait for less
_QUIET = 0.02  # s without a byte that a serial port is listened to before the first request


def speed(target: Target) -> SerialSettings | None:
    """How fast the wire behind a target is; None where it is none, or a gateway's of which city.yaml says nothing."""
    return target.serial or (SerialSettings() if target.link.is_serial else None)


def data_bytes(block: Block) -> int:
    """Bytes of the values in an answer."""
    return (block.count + 7) // 8 if block.function_code in (1, 2) else 2 * block.count


def on_wire(target: Target, block: Block) -> float:
    """Seconds that a request and its answer spend on a serial wire: 8 bytes, 5 and the data, two silences."""
    serial = speed(target)
    return 0.0 if serial is None else serial.seconds(8 + 5 + data_bytes(block)) + 2 * serial.silence


def expected(target: Target, block: Block, known: Known) -> float:
    """Seconds from a request to the end of its answer; `known` says how long the device thought in past runs."""
    if known.thinking is not None and known.round_trip is not None:
        wire = known.round_trip - known.thinking
        if (
            known.thinking < -_SLACK * wire
        ):  # no wire brings answers so fast: it is not as slow as city.yaml says
            return known.round_trip
        return max(0.0, known.thinking + on_wire(target, block))
    return (target.connector.answer_time or ASSUMED) + on_wire(target, block)


def opening(target: Target, known: Known) -> float:
    """Seconds before the first request of a line, as past runs measured it.

    Where none did: a bus is listened to, so that nothing is said into other talk; elsewhere nothing.
    """
    if known.opening is not None:
        return known.opening
    serial = speed(target)
    return max(_QUIET, 2 * serial.silence) if serial is not None and target.link.is_serial else 0.0


@dataclass(frozen=True)
class Asked:
    """A device on a line: seconds of each of its requests, and the pause that it wants after each."""

    requests: Sequence[float]
    pause: float = 0.0


def in_turn(devices: Sequence[Asked]) -> float:
    """Seconds that a line takes: one request at a time, each device one, who pauses lets the others go first."""
    queue = deque((0.0, deque(each.requests), each.pause) for each in devices if each.requests)
    now = 0.0
    while queue:
        at = next((at for at, (ready, _, _) in enumerate(queue) if ready <= now), None)
        if at is None:
            now = min(ready for ready, _, _ in queue)
            continue
        _, requests, pause = queue[at]
        del queue[at]
        now += requests.popleft()
        if requests:
            queue.append((now + pause, requests, pause))
    return now
