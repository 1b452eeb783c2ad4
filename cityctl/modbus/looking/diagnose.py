"""What is wrong with a device that does not answer as it should: step by step, and what to do next. Reads only.

From the wire upwards: connection, unit, what it says of itself, its own error counters, how long it takes,
whether it allows a second connection, and each request of its connector.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress

from cityctl.modbus.careful import CarefulLine
from cityctl.modbus.line import Link
from cityctl.modbus.line.faults import BadAnswer, Closed, ExceptionAnswer, Fault, NotConnected, Silent
from cityctl.modbus.looking.diagnosis import BAD, OK, TOLD, Diagnosis
from cityctl.modbus.looking.plausible import guess_order
from cityctl.modbus.looking.reached import connects, unit_answers
from cityctl.modbus.looking.refused import why_refused
from cityctl.modbus.looking.resting import rests
from cityctl.modbus.looking.scan import who_is
from cityctl.modbus.looking.who import COUNTERS, counter, echo
from cityctl.modbus.maps.codec import decode
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.plan import Block, plan
from cityctl.modbus.sunspec import chain
from cityctl.modbus.swapped import Registers, shows
from cityctl.wording import counted

ROUNDS = 20
Held = dict[str, tuple[int, ...]]
"""Points with their registers, as they were read."""
Stood = tuple[Registers, Mapping[str, Registers]]
"""Where a device's counters stood, and those of others by device."""
_NO_ANSWER = (Silent, Closed, BadAnswer, ExceptionAnswer)


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
    neighbours: Mapping[int, str] | None = None,
    stood: Stood | None = None,
) -> Diagnosis:
    """Look at one device. Never raises for what it finds.

    `neighbours` are the units of the city's other devices on its line, with their names; `stood` is where its
    registers and those of others of its model were seen last.
    """
    found = Diagnosis(link, unit)
    line = _careful(link, connector, timeout)
    try:
        if await connects(found, line) and await unit_answers(
            found, line, connector, neighbours or {}, timeout
        ):
            await _says(found, line, timeout)
            await _counts(found, line, timeout)
            where, held = await _asks_all(found, line, connector, timeout)
            if connector is not None:
                _judge(found, connector, held)
                if stood is not None:
                    _compare(found, connector, held, stood)
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
) -> tuple[tuple[int, int, int] | None, Held]:
    """Every request of the connector; gives one that was answered, if only by an exception, and what points hold."""
    held: Held = {}
    if connector is None:
        return (3, 0, 1), held
    good: tuple[int, int, int] | None = None
    refused: list[tuple[Block, Fault]] = []
    blocks = plan(connector, connector.polled() or connector.readable())
    paced, line.interval = line.interval, 0.0  # one straight behind the other, as a poll asks
    for block in blocks:
        where = (block.function_code, block.address, block.count)
        try:
            read = await _read(found, line, where, None if refused else connector, timeout)
        except Fault as problem:
            if isinstance(problem, NotConnected):
                raise
            refused.append((block, problem))
            continue
        good = good or where
        for each in block.wanted:
            at = each.point.address - block.address
            held[each.point.name] = read[at : at + each.point.registers]
    line.interval = paced
    state = BAD if refused else OK
    found.tell("requests", state, f"{len(blocks) - len(refused)} of {len(blocks)} answered")
    for block, why in refused:
        found.tell("request", BAD, f"{block}: {why}")
    first = None
    if refused:
        first = await _why_refused(found, line, connector, refused, timeout)
        if first is None:
            found.advise(await _next(found, line, connector, refused, timeout))
    return good or first, held


async def _read(
    found: Diagnosis,
    line: CarefulLine,
    where: tuple[int, int, int],
    connector: DeviceConnector | None,
    timeout: float,
) -> tuple[int, ...]:
    """One request. Where it is lost and the `connector` names no pause, whether one is lacking is tried."""
    try:
        return (await line.read(found.unit, *where, timeout=timeout)).registers
    except _NO_ANSWER as problem:
        if connector is None or line.pause:
            raise
        if not await rests(found, line, where, problem, connector, timeout):
            raise
    return (await line.read(found.unit, *where, timeout=timeout)).registers


async def _why_refused(
    found: Diagnosis,
    line: CarefulLine,
    connector: DeviceConnector,
    refused: Sequence[tuple[Block, Fault]],
    timeout: float,
) -> tuple[int, int, int] | None:
    """Tell why the first of them is refused; gives a part of it that is answered, None where none is."""
    block = next((each for each, why in refused if _may_be_long(why)), None)
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


def _may_be_long(why: Fault) -> bool:
    """Whether a request may have failed for its length: some devices say nothing then, or only a part."""
    return why.is_place if isinstance(why, ExceptionAnswer) else isinstance(why, Silent | Closed | BadAnswer)


async def _next(
    found: Diagnosis,
    line: CarefulLine,
    connector: DeviceConnector,
    refused: Sequence[tuple[Block, Fault]],
    timeout: float,
) -> str:
    """What to do about requests that fail, whatever their length."""
    codes = {why.code for _, why in refused if isinstance(why, ExceptionAnswer)}
    if codes and codes <= {5, 6}:
        return "it says that it is busy: see who else asks it, poll it less often, or give it a `pause`"
    block = refused[0][0]
    other = {3: 4, 4: 3}.get(block.function_code)
    if codes == {1} and other is not None:
        with suppress(*_NO_ANSWER):
            await line.read(found.unit, other, block.address, 1, timeout=timeout)
            return (
                f"it does not know function {block.function_code} and answers function {other} there: "
                f"set `function_code: {other}` in {connector.connector}, and compare values with the display"
            )
    if not codes:
        return (
            f"{counted(len(refused), 'request')} without a good answer while others are answered: give it a `pause`, "
            "a longer `timeout`, or look at the line"
        )
    return (
        f"{counted(len(refused), 'request')} refused: is `{connector.connector}` the right connector? "
        "`cityctl devices identify` tries all"
    )


def _compare(found: Diagnosis, connector: DeviceConnector, held: Held, stood: Stood) -> None:
    """Whether its registers are its own, or another meter's of the same model."""
    own, others = stood
    points = [connector.points[name] for name in held if name in own]
    alone = [p for p in points if p.scale_factor is None and not p.has_ratio]
    read = {p.name: decode(p, held[p.name]).value for p in alone}
    now = {name: float(value) for name, value in read.items() if isinstance(value, int | float)}
    for name, registers in others.items():
        if shows(now, own, registers) == "other":
            found.tell("registers", BAD, f"they are where those of {name} stood at the last poll")
            found.advise(
                f"is it exchanged with {name}? `cityctl devices diagnose {name}`, and compare displays"
            )
            return


def _judge(found: Diagnosis, connector: DeviceConnector, held: Held) -> None:
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


def _careful(link: Link, connector: DeviceConnector | None, timeout: float) -> CarefulLine:
    if connector is None:
        return CarefulLine(link, connect_timeout=timeout)
    return CarefulLine(link, connect_timeout=timeout, wait=connector.after_connect, pause=connector.pause)


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
    beside = _careful(found.link, connector, timeout)
    beside.pause = line.pause
    problem: str | None = None
    try:
        for one in (beside, line):
            await asyncio.sleep(line.pause)  # they do not know of each other
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
