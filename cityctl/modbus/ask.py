"""One device asked for its points: what it answered, and by name what it did not and why.

Retries are spread over the timeout; a silent device costs its run one timeout and the rest of its requests
are left out. A refused block is split, so that one illegal address loses one point. Nothing is stored here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from cityctl.modbus.codec import decode, raw_value
from cityctl.modbus.connector import DeviceConnector
from cityctl.modbus.faults import BadAnswer, Closed, ExceptionAnswer, Fault, NotConnected, Silent
from cityctl.modbus.plan import Block, plan, split
from cityctl.modbus.wire import Frame, Line
from cityctl.reading import Quality

TRIES = 2
CONNECTED = "TCP connect ok"
_BUSY_WAIT = 0.1  # s, before a device that is busy is asked again
_RECONNECT_WAIT = 0.05  # s, for devices that free their one connection a moment late


@dataclass(frozen=True)
class Target:
    """A device to ask: where it is, what it is, and which of its points are wanted."""

    device: str
    host: str
    port: int
    unit: int
    connector: DeviceConnector
    points: tuple[str, ...]
    timeout: float = 3.0
    tries: int = TRIES

    @property
    def endpoint(self) -> tuple[str, int]:
        """Devices with the same endpoint share one connection and are asked one after another."""
        return self.host, self.port

    @property
    def asked_points(self) -> tuple[str, ...]:
        """The wanted points, and the one that must tell that this is the right kind of device."""
        identify = self.connector.identify
        if identify is None or not identify[2] or identify[0] in self.points:
            return self.points
        return (identify[0], *self.points)

    @property
    def blocks(self) -> list[Block]:
        """The requests that will be sent."""
        return plan(self.connector, self.asked_points)


@dataclass(frozen=True)
class Value:
    """A point's value in the connector's unit, or its text; and the time of its frame (UTC)."""

    point: str
    value: float | str | None
    quality: Quality
    time: datetime


@dataclass(frozen=True)
class Failure:
    """Points that did not come, and why."""

    points: tuple[str, ...]
    reason: str


@dataclass
class Answer:
    """What one device gave in one run."""

    target: Target
    values: dict[str, Value] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0

    @property
    def wanted(self) -> int:
        """How many points were asked for."""
        return len(self.target.points)

    @property
    def had(self) -> int:
        """How many came, those included that the device itself calls invalid."""
        return len(self.values)

    @property
    def is_dead(self) -> bool:
        """Whether nothing at all came."""
        return self.wanted > 0 and not self.values

    def close(self, reason: str) -> None:
        """Give every point that has neither a value nor a reason this one."""
        told = {name for failure in self.failures for name in failure.points}
        left = tuple(name for name in self.target.points if name not in self.values and name not in told)
        if left:
            self.failures.append(Failure(left, reason))

    @property
    def reason(self) -> str:
        """Why points are missing, in one line; empty where none is."""
        return "; ".join(dict.fromkeys(failure.reason for failure in self.failures))


class _GiveUp(Exception):
    """The device will not answer this run's further requests either."""


async def connect(target: Target, tried: list[str]) -> Line:
    """A connection to a device's endpoint, refused ones tried again. Raises NotConnected."""
    ends = monotonic() + target.timeout
    for attempt in range(1, target.tries + 1):
        try:
            line = await Line.open(target.host, target.port, max(0.05, ends - monotonic()))
        except NotConnected as problem:
            if attempt == target.tries or ends - monotonic() < 2 * _RECONNECT_WAIT:
                tried.append(f"{problem} ({attempt} {'try' if attempt == 1 else 'tries'})")
                raise
            await asyncio.sleep(_RECONNECT_WAIT * attempt)
        else:
            tried.append(CONNECTED)
            return line
    raise AssertionError("a loop over tries ends in a line or an error")


class Asking:
    """Asks the devices behind one endpoint, one request at a time, over a connection that it reopens."""

    def __init__(self) -> None:
        self.line: Line | None = None

    def close(self) -> None:
        """Let go of the connection."""
        if self.line is not None:
            self.line.close()
            self.line = None

    async def ask(self, answer: Answer) -> None:
        """Fill an answer with all that its device gives. Raises no Fault: failures stand in the answer."""
        target = answer.target
        begun = monotonic()
        pending: list[Block] = target.blocks
        wake = True
        try:
            while pending:
                block = pending.pop(0)
                if answer.requests and target.connector.pause:
                    await asyncio.sleep(target.connector.pause)
                try:
                    frame = await self._one(target, block, answer, wake=wake)
                except Fault as problem:
                    refused = isinstance(problem, ExceptionAnswer) and problem.is_place
                    smaller = split(block) if refused else []
                    if smaller:
                        answer.tried.append(f"{block}: {problem}; asking in smaller parts")
                        pending[:0] = smaller
                    else:
                        answer.failures.append(Failure(block.names, f"{block}: {problem}"))
                else:
                    _take(answer, block, frame)
                wake = False
            _check_identity(answer)
        except _GiveUp as problem:
            answer.close(str(problem))
        finally:
            answer.values = {name: answer.values[name] for name in target.points if name in answer.values}
            answer.seconds = monotonic() - begun

    async def _one(self, target: Target, block: Block, answer: Answer, *, wake: bool) -> Frame:
        """One block's frame. Raises a Fault where this block is lost, _GiveUp where the device is."""
        extra = target.connector.wake if wake else 0
        tries = max(target.tries, 1 + extra)
        ends = monotonic() + target.timeout * (1 + extra)
        lost: Fault = Silent("no answer")
        for _ in range(tries):
            left = ends - monotonic()
            if left <= 0:
                break
            try:
                if self.line is None or not self.line.is_open:
                    self.line = await connect(target, answer.tried)
                answer.requests += 1
                return await self.line.read(
                    target.unit, block.function_code, block.address, block.count, timeout=left, tries=tries
                )
            except ExceptionAnswer as problem:
                if problem.is_absent:
                    answer.tried.append(
                        f"the gateway says that unit {target.unit} does not answer: {problem}"
                    )
                    raise _GiveUp(f"{CONNECTED}; unit {target.unit}: {problem}") from None
                if not problem.is_passing:
                    raise
                lost = problem
                await asyncio.sleep(min(_BUSY_WAIT, max(0.0, ends - monotonic())))
            except NotConnected as problem:
                raise _GiveUp(str(problem)) from None
            except Silent as problem:
                reason = f"{CONNECTED}; unit {target.unit} silent"
                answer.tried.append(f"{reason}: {block}, {problem}, {tries} tries")
                raise _GiveUp(reason) from None
            except (Closed, BadAnswer) as problem:
                lost = problem
                answer.tried.append(f"{block}: {problem}")
                self.close()
                await asyncio.sleep(_RECONNECT_WAIT)
        if isinstance(lost, Closed) and not answer.values:
            raise _GiveUp(f"{CONNECTED}; unit {target.unit}: {lost}")
        raise lost


def _check_identity(answer: Answer) -> None:
    """Drop everything where the device is not what its connector takes it for. Raises _GiveUp."""
    identify = answer.target.connector.identify
    if identify is None or not identify[2]:
        return
    name, expected, _ = identify
    found = answer.values[name].value if name in answer.values else None
    if found != expected:
        answer.values.clear()
        said = f"{found:g}" if isinstance(found, float) else "not readable" if found is None else found
        raise _GiveUp(f"{name} is {said}, not {expected}: this is no {answer.target.connector.connector}")


def _take(answer: Answer, block: Block, frame: Frame) -> None:
    for each in block.wanted:
        exponent = None
        if each.exponent is not None:
            at = each.exponent.address - block.address
            raw = raw_value(each.exponent, frame.registers[at : at + each.exponent.registers])
            exponent = raw if isinstance(raw, int) else None
        at = each.point.address - block.address
        value, quality = decode(
            each.point, frame.registers[at : at + each.point.registers], exponent=exponent
        )
        answer.values[each.point.name] = Value(each.point.name, value, quality, frame.received)
