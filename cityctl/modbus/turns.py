"""The devices behind one line, asked in turn: one request at a time, each device one block, then the next's turn.

Who must wait (a pause, a device that is busy, a retry) lets the others go first, and so does one that is
slow; those that did not answer in past runs come last. Every failure ends in its answer with its reason; nothing is
raised but bugs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from cityctl.modbus import sunspec
from cityctl.modbus.ask import Answer, Failure
from cityctl.modbus.batch import BlockReader
from cityctl.modbus.connecting import backoff, connect
from cityctl.modbus.line import Line
from cityctl.modbus.line.faults import Closed, ExceptionAnswer, Fault, NotConnected, ShortAnswer, Silent
from cityctl.modbus.memory import Known
from cityctl.modbus.pace import on_wire
from cityctl.modbus.plan import Block, split
from cityctl.modbus.turn import (
    ADDRESS,
    Device,
    GiveUp,
    Queue,
    Wanted,
    after_pause,
    check_identity,
    learn_cuts,
    lose,
    probed,
    unproven,
)
from cityctl.wording import counted


class Turns:
    """Asks the devices behind one link over a line that it opens, and reopens where it cannot be trusted."""

    def __init__(self, readers: dict[int, BlockReader]) -> None:
        self.line: Line | None = None
        self._readers = readers
        self._nobody: tuple[str, list[str]] | None = None
        self._heard = False

    def close(self) -> None:
        """Let go of the line."""
        if self.line is not None:
            self.line.close()
            self.line = None

    async def ask(
        self,
        answers: Sequence[Answer],
        blocks: Sequence[Sequence[Block]],
        known: Sequence[Known],
        on_answer: Callable[[Answer], None],
    ) -> None:
        """Fill every answer with all that its device gives."""
        devices = [Device(*each) for each in zip(answers, blocks, known, strict=True)]
        order = sorted(range(len(devices)), key=lambda at: known[at].silent_runs)
        for suspect in (False, True):
            queue = Queue(devices[at] for at in order if known[at].is_suspect is suspect)
            while queue:
                device = queue.take()
                if device is None:
                    await asyncio.sleep(max(0.0, queue.ready - monotonic()))
                    continue
                begun = monotonic()
                more = await self._turn(device, alone=not queue)
                device.held += monotonic() - begun
                if more:
                    queue.put(device)
                else:
                    device.answer.held = device.held - device.known.held
                    on_answer(device.answer)

    async def _turn(self, device: Device, *, alone: bool) -> bool:
        """One block of one device, or all while none need be waited for and nobody else; whether there is more."""
        answer = device.answer
        begun = monotonic()
        device.begun = device.begun or begun
        try:
            if self._nobody is not None:  # its neighbour found nobody listening there
                answer.tried = list(self._nobody[1])
                raise GiveUp(self._nobody[0])
            while device.pending:
                await self._one(device, device.pending[0])
                if device.ready or not alone:
                    break
            if device.pending or await self._moved(device):
                return True
            check_identity(answer)
            sunspec.close(answer)
            answer.gave_up = (
                answer.requests > 0 and not answer.answered
            )  # whatever came, nothing of it was an answer
        except GiveUp as problem:
            answer.gave_up = True
            why = unproven(answer) if answer.values else None
            answer.close(why or str(problem))
        answer.drop_unwanted()
        answer.seconds = monotonic() - device.begun
        learn_cuts(device)
        device.keep_narrow()
        return False

    async def _one(self, device: Device, wanted: Wanted) -> None:
        """One request for a block: its values, its failure, or another try later. Raises GiveUp."""
        block = wanted.block
        target, answer = device.target, device.answer
        extra = device.wakes
        left = device.timeout * (1 + extra) - device.spent
        tries = device.tries_within(left, block)
        begun = monotonic()
        try:
            line = self.line
            if line is None or not line.is_open or not line.trusts(target.unit, block.function_code):
                line = await self._ready_line(device, left, block.function_code)
            if device.resent and target.unit in line.late_units:
                device.slow = device.resent
                tries = device.tries_within(left, block)
            if target.connector.pause:
                line.pauses[target.unit] = target.connector.pause
            answer.requests += 1
            begun = monotonic()
            frame = await line.read(
                target.unit,
                block.function_code,
                block.address,
                block.count,
                timeout=left,
                tries=tries,
            )
        except NotConnected as problem:
            self._nobody = (str(problem), answer.tried)
            raise GiveUp(probed(device, str(problem))) from None
        except Silent as problem:
            reason = f"{target.link.connected}; unit {target.unit} {problem.how}"
            answer.tried.append(f"{reason}: {block}, {problem}, {counted(tries, 'try', 'tries')}")
            if not lose(device, block):
                raise GiveUp(probed(device, reason)) from None
            answer.failures.append(Failure(block.names, str(problem), str(block)))
            self._done(device, wanted, came=None)
            return
        except Fault as problem:
            self._failed(device, wanted, problem, tries, left - (monotonic() - begun))
            return
        took = line.took
        self._heard = True
        answer.answered += 1
        if took * tries < left:
            answer.timed += 1
            answer.waited += took
            answer.on_wire += on_wire(target, block) if device.is_paced else 0.0
        else:
            device.resent = max(device.resent, took)
        reader = self._readers.get(id(block))  # the reader keeps its block, so that the id stays its own
        if reader is None:
            reader = self._readers[id(block)] = BlockReader(block)
        answer.values.rows.append(reader.read(frame))
        answer.heard.append(block)
        self._done(device, wanted, came=True)

    async def _moved(self, device: Device) -> bool:
        """Whether a SunSpec device has its block elsewhere, so that it is asked again there; looked for once."""
        if device.moved or not sunspec.is_elsewhere(device.answer):
            return False
        device.moved = True
        try:
            line = await self._ready_line(device, device.timeout, sunspec.FUNCTION)
            found = await sunspec.relocate(device.answer, line, timeout=device.timeout)
        except Fault as problem:
            device.answer.tried.append(f"looking for its SunSpec models: {problem}")
            return False
        if found:
            device.target = device.answer.target
            device.pending = deque(Wanted(block) for block in device.target.blocks)
        return found

    async def _ready_line(self, device: Device, left: float, code: int) -> Line:
        """The line, open and trusted for this device and a function code.

        Raises NotConnected, or Silent where it cannot be.
        """
        target, line, begun = device.target, self.line, 0.0
        if line is None or not line.is_open:
            self.close()
            begun = monotonic()
            tried, tries = device.answer.tried, device.tries
            self.line = line = await connect(
                target, tried, tries=tries, timeout=device.timeout, patient=self._heard
            )
        if not line.trusts(target.unit, code):
            await line.settle(target.unit, timeout=left)
        if begun and device.answer.opening is None:
            device.answer.opening = monotonic() - begun
        return line

    def _failed(self, device: Device, wanted: Wanted, problem: Fault, tries: int, left: float) -> None:
        """Decide after an answer that brought nothing: split, try again later, lose the block or the device."""
        target, answer, block = device.target, device.answer, wanted.block
        device.attempts += 1
        device.spent = device.timeout * (1 + device.wakes) - left
        again = device.attempts < tries and left > 0
        if isinstance(problem, ExceptionAnswer):
            if problem.is_absent:
                if again and not device.is_probe:  # one frame lost on the wire behind it says so too
                    device.ready = monotonic() + backoff(device.attempts)
                    return
                answer.tried.append(f"the gateway says that unit {target.unit} does not answer: {problem}")
                raise GiveUp(f"{target.link.connected}; unit {target.unit}: {problem}")
            answer.answered += 1
            answer.heard.append(block)
            if problem.is_passing:
                if left > 0 and device.attempts < device.patience:
                    device.ready = monotonic() + backoff(device.attempts + 1)
                    return
                device.patience = tries  # it stays busy: its other blocks do not wait as long
            if problem.is_place and self._in_parts(device, wanted, problem):
                return
        else:
            answer.tried.append(f"{block}: {problem}")
            if not target.link.is_serial:
                self.close()
            if again:
                device.ready = monotonic() + backoff(device.attempts)
                return
            if isinstance(problem, ShortAnswer) and self._in_parts(device, wanted, problem):
                return
            if isinstance(problem, Closed) and not (lose(device, block) or answer.answered):
                raise GiveUp(f"{target.link.connected}; unit {target.unit}: {problem}")
        answer.failures.append(Failure(block.names, str(problem), str(block)))
        refused = isinstance(problem, ExceptionAnswer) and problem.code in ADDRESS
        self._done(device, wanted, came=False if refused else None)

    @staticmethod
    def _in_parts(device: Device, wanted: Wanted, problem: Fault) -> bool:
        """Ask for a block's parts in its place; whether it has any."""
        block = wanted.block
        smaller = split(block)
        if not smaller:
            return False
        device.answer.tried.append(f"{block}: {problem}; asking in smaller parts")
        device.pending.popleft()
        if wanted.parts is None:
            wanted.parts = []
            device.split.append(wanted.parts)
        if isinstance(problem, ExceptionAnswer) and problem.code not in ADDRESS:
            wanted.parts.append((block, None))
        device.pending.extendleft(Wanted(part, wanted.parts) for part in reversed(smaller))
        device.attempts, device.spent = 0, 0.0
        device.ready = after_pause(device.target)
        return True

    @staticmethod
    def _done(device: Device, wanted: Wanted, *, came: bool | None) -> None:
        device.pending.popleft()
        device.attempts, device.spent, device.wakes = 0, 0.0, 0
        if device.is_probe:
            device.lives()
        if wanted.parts is not None:
            wanted.parts.append((wanted.block, came))
        device.ready = after_pause(device.target)
