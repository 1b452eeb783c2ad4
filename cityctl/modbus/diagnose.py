"""What is wrong with a device that does not answer as it should: step by step, and what to do next. Reads only.

From the wire upwards: connection, unit, what it says of itself, its own error counters, how long it takes,
whether it allows a second connection, and each request of its connector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from cityctl.modbus.careful import CarefulLine
from cityctl.modbus.codec import decode
from cityctl.modbus.connector import DeviceConnector
from cityctl.modbus.faults import BadAnswer, Closed, ExceptionAnswer, Fault, NotConnected, Silent
from cityctl.modbus.line import Link
from cityctl.modbus.plan import Block, plan
from cityctl.modbus.plausible import guess_order
from cityctl.modbus.refused import why_refused
from cityctl.modbus.scan import who_is
from cityctl.modbus.sunspec import chain
from cityctl.modbus.who import COUNTERS, counter, echo
from cityctl.wording import counted

ROUNDS = 20
OTHER_UNITS = (1, 255, 2, 0, 247)
"""Units that are tried where the one asked for is silent: usual ones of meters and gateways."""
OK, BAD, TOLD = "ok", "PROBLEM", "told"
_NO_ANSWER = (Silent, Closed, BadAnswer, ExceptionAnswer)


@dataclass(frozen=True)
class Step:
    """One thing that was tried: `ok`, `PROBLEM`, or `told` where it is neither good nor bad."""

    name: str
    state: str
    text: str


@dataclass
class Diagnosis:
    """All steps in their order, what to do next, and the round trips in s."""

    link: Link
    unit: int
    steps: list[Step] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    round_trips: list[float] = field(default_factory=list)
    lost: int = 0
    answers: bool = False

    def tell(self, name: str, state: str, text: str) -> None:
        """Add a step."""
        self.steps.append(Step(name, state, text))

    def advise(self, text: str) -> None:
        """Add something to do next."""
        if text not in self.advice:
            self.advice.append(text)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


async def diagnosing(
    link: Link,
    unit: int,
    connector: DeviceConnector | None = None,
    *,
    timeout: float = 3.0,
    rounds: int = ROUNDS,
    name: str = "",
) -> Diagnosis:
    """Look at one device. Never raises for what it finds."""
    found = Diagnosis(link, unit)
    line = CarefulLine(link, connect_timeout=timeout)
    try:
        if await _connects(found, line) and await _unit_answers(found, line, connector, timeout):
            await _says(found, line, timeout)
            await _counts(found, line, timeout)
            where = await _asks_all(found, line, connector, timeout)
            await _times(found, line, where, rounds, timeout)
            await _second(found, line, where, connector, timeout)
    except NotConnected as problem:
        found.tell("connection", BAD, f"lost, and not opened again: {problem}")
        found.advise("another program may hold the device's only connection: stop it, or poll less often")
    finally:
        line.close()
    if found.answers and not found.advice:
        word = name or str(link)
        found.advise(
            f"nothing is wrong with it: `cityctl read {name}` shows its values"
            if name
            else (f"`cityctl devices identify {word} --unit {unit}` finds its connector")
        )
    return found


async def _connects(found: Diagnosis, line: CarefulLine) -> bool:
    begun = monotonic()
    try:
        await line.opened()
    except NotConnected as problem:
        found.tell("connection", BAD, str(problem))
        if "refused" in str(problem):
            found.advise(
                "the host is there and nothing listens on that port: is it 502, is Modbus/TCP switched on?"
            )
        elif found.link.is_serial:
            found.advise("is the adapter plugged in, and may this user open the port (group dialout)?")
        elif "TLS" in str(problem):
            found.advise("check the certificate authority and the host name under `tls:` of the device")
        else:
            found.advise(f"`ping {found.link.host}`: is the host there, does a firewall stand between?")
        return False
    found.tell("connection", OK, f"{found.link.connected} in {1000 * (monotonic() - begun):.1f} ms")
    return True


async def _unit_answers(
    found: Diagnosis, line: CarefulLine, connector: DeviceConnector | None, timeout: float
) -> bool:
    code, address, count = _first_request(connector)
    tries = 1 + (connector.wake if connector else 0)
    said, state = await _answer(line, found.unit, code, address, count, timeout, tries)
    found.answers = state != BAD
    found.tell("unit", state, f"unit {found.unit}: {said}")
    if found.answers:
        return True
    there = []
    for other in OTHER_UNITS:
        if other != found.unit:
            text, state = await _answer(line, other, code, address, count, min(timeout, 1.0), 1)
            if state != BAD:
                there.append(other)
                found.tell("other unit", TOLD, f"unit {other}: {text}")
    if there:
        found.advise(f"unit {found.unit} is silent and unit {there[0]} answers: set `unit: {there[0]}`")
    elif found.link.kind == "tcp":
        found.advise(
            f"connected, and no unit answers: `cityctl devices scan {found.link} --units 1-247`; "
            "a converter that speaks RTU over TCP needs `transport: rtu-tcp`"
        )
    else:
        found.advise(
            "connected, and no unit answers: compare baud rate, parity, wiring and unit with the device"
        )
    return False


def _first_request(connector: DeviceConnector | None) -> tuple[int, int, int]:
    if connector is not None:
        blocks = plan(connector, connector.polled() or connector.readable())
        if blocks:
            return blocks[0].function_code, blocks[0].address, blocks[0].count
    return 3, 0, 1


async def _answer(
    line: CarefulLine, unit: int, code: int, address: int, count: int, timeout: float, tries: int
) -> tuple[str, str]:
    try:
        await line.read(unit, code, address, count, timeout=timeout * tries, tries=tries)
    except ExceptionAnswer as problem:
        return str(problem), BAD if problem.is_absent else OK
    except (Silent, Closed, BadAnswer) as problem:
        return str(problem), BAD
    return f"answers in {1000 * line.waited[-1]:.1f} ms", OK


async def _says(found: Diagnosis, line: CarefulLine, timeout: float) -> None:
    identity = await who_is(line, found.unit, timeout)
    text = identity.text
    found.tell("identity", TOLD, text or "it answers neither function 43 nor function 17")
    try:
        models = await chain(line, found.unit, timeout=timeout)
    except _NO_ANSWER:
        return
    if models:
        said = ", ".join(f"{model.id} at {model.base}" for model in models)
        found.tell("SunSpec", TOLD, f"models {said}")


async def _counts(found: Diagnosis, line: CarefulLine, timeout: float) -> None:
    try:
        await echo(line, found.unit, timeout=timeout)
    except _NO_ANSWER as problem:
        found.tell("diagnostics", TOLD, f"function 8 is not answered: {problem}")
        return
    counts: dict[int, int] = {}
    for which in COUNTERS:
        try:
            counts[which] = await counter(line, found.unit, which, timeout=timeout)
        except _NO_ANSWER:
            continue
    said = ", ".join(f"{count} {COUNTERS[which]}" for which, count in counts.items() if count)
    if counts and not any(count for which, count in counts.items() if which not in (11, 14)):
        said = f"{said}, no errors" if said else "no errors"
    found.tell("diagnostics", TOLD, said or "function 8 echoes and has no counters")
    if counts.get(12) and counts[12] > 0.01 * max(1, counts.get(11, 0)):
        found.advise(
            f"{counts[12]} messages with a wrong checksum: look at wiring, shield, termination and earth of the line"
        )


async def _asks_all(
    found: Diagnosis, line: CarefulLine, connector: DeviceConnector | None, timeout: float
) -> tuple[int, int, int] | None:
    """Every request of the connector; gives one that was answered, if only by an exception."""
    if connector is None:
        return 3, 0, 1
    good: tuple[int, int, int] | None = None
    refused: list[tuple[Block, Fault]] = []
    held: dict[str, tuple[int, ...]] = {}
    blocks = plan(connector, connector.polled() or connector.readable())
    for block in blocks:
        where = (block.function_code, block.address, block.count)
        try:
            read = (await line.read(found.unit, *where, timeout=timeout)).registers
        except Fault as problem:
            if isinstance(problem, NotConnected):
                raise
            refused.append((block, problem))
            continue
        good = good or where
        for each in block.wanted:
            at = each.point.address - block.address
            held[each.point.name] = read[at : at + each.point.registers]
    state = BAD if refused else OK
    found.tell("requests", state, f"{len(blocks) - len(refused)} of {len(blocks)} answered")
    for block, why in refused:
        found.tell("request", BAD, f"{block}: {why}")
    first = None
    if refused:
        first = await _why_refused(found, line, connector, refused, timeout)
        if first is None:
            found.advise(
                f"{counted(len(refused), 'request')} refused: is `{connector.connector}` the right connector? "
                "`cityctl devices identify` tries all"
            )
    good = good or first
    _judge(found, connector, held)
    return good


async def _why_refused(
    found: Diagnosis,
    line: CarefulLine,
    connector: DeviceConnector,
    refused: Sequence[tuple[Block, Fault]],
    timeout: float,
) -> tuple[int, int, int] | None:
    """Tell why the first of them is refused; gives a part of it that is answered, None where none is."""
    block = next((each for each, why in refused if isinstance(why, ExceptionAnswer) and why.is_place), None)
    if block is None:
        return None
    why = await why_refused(line, found.unit, block, timeout=timeout)
    if why is None:
        return None
    if why.point is None:
        what = "bits" if block.function_code in (1, 2) else "registers"
        found.tell("length", BAD, f"{why.answered} {what} at once are answered, {why.refused} are not")
        found.advise(f"set `max_{what}: {why.answered}` in {connector.connector}: it answers no more at once")
    else:
        found.tell("point", BAD, f"{why.point} is refused alone too, what stands before it is answered")
        found.advise(f"it has no `{why.point}`: a poll asks around it, and keeps that in mind")
    return block.function_code, block.address, why.answered


def _judge(found: Diagnosis, connector: DeviceConnector, held: dict[str, tuple[int, ...]]) -> None:
    order = guess_order([connector.points[name] for name in held], held, connector.word_order)
    if order is not None and order.differs:
        found.tell(
            "word order",
            BAD,
            f"{order.own} makes {100 * order.own_share:.0f} % of {order.telling} values look real, "
            f"{order.order} {100 * order.share:.0f} %",
        )
        found.advise(f"word order: copy the connector into the project and set `word_order: {order.order}`")
    if connector.identify is not None and connector.identify[0] in held:
        name, expected, _ = connector.identify
        value = decode(connector.points[name], held[name]).value
        right = value == expected
        found.tell("kind", OK if right else BAD, f"{name} is {value}, expected {expected}")
        if not right:
            found.advise("it is another device than its connector says: `cityctl devices identify` tries all")


async def _times(
    found: Diagnosis,
    line: CarefulLine,
    where: tuple[int, int, int] | None,
    rounds: int,
    timeout: float,
) -> None:
    if where is None:
        return
    for _ in range(rounds):
        try:
            await line.read(found.unit, *where, timeout=timeout)
        except ExceptionAnswer:
            pass
        except (Silent, Closed, BadAnswer):
            found.lost += 1
            continue
        found.round_trips.append(line.waited[-1])
    if not found.round_trips:
        found.tell("round trip", BAD, f"none of {rounds} requests was answered")
        return
    shown = ", ".join(
        f"{label} {1000 * percentile(found.round_trips, share):.1f}"
        for label, share in (("median", 0.5), ("95 %", 0.95), ("longest", 1.0))
    )
    found.tell(
        "round trip", BAD if found.lost else OK, f"{shown} ms; {found.lost} of {rounds} without an answer"
    )
    if found.lost:
        found.advise(
            f"{found.lost} of {rounds} requests got no answer: give it a `pause`, a longer `timeout`, "
            "or look at the line"
        )
    elif percentile(found.round_trips, 0.95) > 0.5 * timeout:
        found.advise(f"answers take more than half of the timeout of {timeout:g} s: raise `timeout`")


async def _second(
    found: Diagnosis,
    line: CarefulLine,
    where: tuple[int, int, int] | None,
    connector: DeviceConnector | None,
    timeout: float,
) -> None:
    if found.link.kind not in ("tcp", "tls", "rtu-tcp") or where is None:
        return
    beside = CarefulLine(found.link, connect_timeout=timeout)
    problem: str | None = None
    try:
        for one in (beside, line):
            with suppress(ExceptionAnswer):
                await one.read(found.unit, *where, timeout=timeout)
    except Fault as fault:
        problem = str(fault)
    finally:
        beside.close()
    if problem is None:
        found.tell("second connection", OK, "allowed beside the first")
        return
    known = connector is not None and connector.connections == 1
    found.tell("second connection", TOLD if known else BAD, f"not allowed beside the first: {problem}")
    if not known:
        found.advise("it allows one connection at a time: no other program may poll it while cityctl does")
