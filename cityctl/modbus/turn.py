"""One device within a run: what is still to be asked, how patient to be, and what its refusals teach."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from time import monotonic

from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.memory import SHARE, Known
from cityctl.modbus.pace import expected, on_wire, speed
from cityctl.modbus.plan import Block, narrowed, split

ADDRESS = (2, 3)
"""Exceptions that speak of the addresses asked for."""
_PROBE = 1.0  # s that a device is given which has not answered for several runs
_ROOM = 1.5
"""Times what an answer takes on a serial wire, that a device is given at least, whatever its timeout is."""
_BUSY_TRIES = 5
"""Requests for one block while a device says that it is busy (exceptions 5 and 6): 1.5 s between first and last."""
Parts = list[tuple[Block, bool | None]]
"""What a refused block fell into: part, and whether it came; None where it was lost for another reason."""


class GiveUp(Exception):
    """The device will not answer this run's further requests either."""


class Wanted:
    """A block to ask for. `parts` gathers what became of the parts of one planned block that was refused."""

    __slots__ = ("block", "parts")

    def __init__(self, block: Block, parts: Parts | None = None) -> None:
        self.block = block
        self.parts = parts


class Device:
    """One device's turn: its blocks, and when it may be asked again."""

    def __init__(self, answer: Answer, blocks: Sequence[Block], known: Known) -> None:
        target = answer.target
        self.answer = answer
        self.target = target
        self._narrowed: set[tuple[int, int]] = set()  # the requests, where they are not as planned
        if known.mute and known.silent_runs:
            blocks = narrowed(blocks, known.silent_runs)
            self._narrowed = {_place(block) for block in blocks}
        else:
            blocks = _behind(blocks, known.mute)
        self.pending = deque(Wanted(block) for block in blocks)
        self.is_probe = known.is_open
        self.known = known
        self.is_paced = speed(target) is not None
        slowest = (
            max((expected(target, block, known) for block in blocks), default=0.0) if self.is_paced else 0.0
        )
        self._least = _ROOM * slowest
        self.timeout = max(min(target.timeout, _PROBE) if self.is_probe else target.timeout, self._least)
        self.tries = 1 if self.is_probe else target.tries
        self.wakes = target.connector.wake
        self.usual = max(target.connector.answer_time or 0.0, known.round_trip or 0.0, known.held)
        self.resent = 0.0  # s that an answer took in this run, and its request was sent again meanwhile
        self.slow = 0.0  # the same, where the second answer came too: the device is slow, no frame was lost
        self.held = known.held  # s of the line, so far
        self.ready = 0.0
        self.begun = 0.0
        self.attempts = 0
        self.patience = max(_BUSY_TRIES, self.tries)
        self.spent = 0.0
        self.moved = False
        self.split: list[Parts] = []  # of each refused block: (part, whether it came)

    def lives(self) -> None:
        """It answered a probe: from here on it is asked as any other."""
        self.is_probe = False
        self.timeout, self.tries = max(self.target.timeout, self._least), self.target.tries

    def keep_narrow(self) -> None:
        """Ask so from now on, where a device that had said nothing answers some of its smaller requests and not all."""
        if self.answer.answered and self.answer.mute:
            self.answer.cuts |= self._narrowed

    def tries_within(self, seconds: float, block: Block) -> int:
        """How often a request is sent within so many seconds: none of them while its answer is usually on its way."""
        usual = self.usual
        if self.is_paced:
            measured = self.known.round_trip is not None
            takes = expected(self.target, block, self.known) if measured else on_wire(self.target, block)
            usual = max(self.target.connector.answer_time or 0.0, takes)
        usual = max(usual, self.slow)
        longest = int(seconds / usual) if usual else self.tries
        return max(1 + self.wakes, min(self.tries, longest))


class Queue:
    """The devices that wait for their turn on a line: a block of each, but who held it long lets others go first."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self._free: list[tuple[int, int, Device]] = []
        self._waiting: list[Device] = []
        self._put = 0
        for device in devices:
            self.put(device)

    def __bool__(self) -> bool:
        return bool(self._free or self._waiting)

    @property
    def ready(self) -> float:
        """When the first of those that must wait may be asked (monotonic)."""
        return min(device.ready for device in self._waiting)

    def put(self, device: Device) -> None:
        """Behind all that held the line about as long."""
        if device.ready:
            self._waiting.append(device)
        else:
            self._put += 1
            heappush(self._free, (int(device.held / SHARE), self._put, device))

    def take(self) -> Device | None:
        """The device whose turn it is; None where all must wait."""
        if self._waiting:
            now = monotonic()
            waiting, self._waiting = self._waiting, []
            for device in waiting:
                if device.ready <= now:
                    device.ready = 0.0
                self.put(device)
        return heappop(self._free)[2] if self._free else None


def after_pause(target: Target) -> float:
    """When a device may be asked again (monotonic; 0 for at once)."""
    pause = target.connector.pause
    return monotonic() + pause if pause else 0.0


def _behind(blocks: Sequence[Block], mute: Sequence[tuple[int, int]]) -> Sequence[Block]:
    """The same blocks, those last that were left without an answer: they may be ones that the device does not know."""
    return sorted(blocks, key=lambda block: mute.index(_place(block)) if _place(block) in mute else -1)


def _place(block: Block) -> tuple[int, int]:
    return block.function_code, block.address


def lose(device: Device, block: Block) -> bool:
    """Note that a block was left without an answer: it is asked last from now on. Tells whether it is lost alone.

    It is where it is the first of a device that answers others, which are asked still. Of such a device one that was
    left so before is asked in parts from the next run on.
    """
    answer, is_alive = device.answer, device.answer.answered > 0
    is_alone = is_alive and not answer.mute
    parts = split(block) if is_alive and _place(block) in device.known.mute else []
    answer.cuts |= {_place(part) for part in parts[1:]}
    answer.mute += [_place(part) for part in parts or [block]]
    return is_alone


def probed(device: Device, reason: str) -> str:
    """A reason, with the word that only a probe was spent."""
    return f"{reason} (probed once: it was silent in the last runs)" if device.is_probe else reason


def learn_cuts(device: Device) -> None:
    """Where requests must end: around points that are refused, or where none is, between the parts that came.

    Learnt only where some part came, and from refusals of addresses (exceptions 2 and 3): a device failure
    (exception 4) may pass.
    """
    for parts in device.split:
        if not any(came for _, came in parts) or any(came is None for _, came in parts):
            continue
        code = parts[0][0].function_code
        refused = [part for part, came in parts if not came]
        if refused:
            for part in refused:
                device.answer.cuts |= {(code, part.address), (code, part.address + part.count)}
        else:
            first = min(part.address for part, _ in parts)
            device.answer.cuts |= {(code, part.address) for part, _ in parts if part.address != first}


def check_identity(answer: Answer) -> None:
    """Drop everything where the device is not what its connector takes it for. Raises GiveUp.

    A device that does not have the point at all is only refused where its connector requires it.
    """
    why = unproven(answer)
    if why is not None:
        raise GiveUp(why)


def unproven(answer: Answer) -> str | None:
    """Why what came is not its device's, and is dropped; None where it is, or nothing speaks against it."""
    identify = answer.target.connector.identify
    if identify is None or not (identify[2] or answer.target.proves):
        return None
    found = answer.values[identify[0]].value if identify[0] in answer.values else None
    why = answer.target.connector.stranger(found)
    if why is not None:
        answer.values.clear()
        answer.failures.clear()
        answer.is_stranger = True
    return why
