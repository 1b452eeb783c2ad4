"""Whether a device can be reached at all: its connection, its unit; and what to do where it cannot. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from cityctl.modbus.careful import CarefulLine
from cityctl.modbus.line.faults import (
    BadAnswer,
    Closed,
    CutOff,
    Echoed,
    ExceptionAnswer,
    Fault,
    Misfit,
    Misnumbered,
    NotConnected,
    Silent,
    Strayed,
    WideAnswer,
    WrongUnit,
)
from cityctl.modbus.looking.calls import Where, first_request
from cityctl.modbus.looking.diagnosis import BAD, OK, TOLD, Diagnosis
from cityctl.modbus.looking.lagging import answer_of, lags
from cityctl.modbus.maps.connector import DeviceConnector

OTHER_UNITS = (1, 255, 2, 0, 247)
"""Units that are tried where the one asked for is silent: usual ones of meters and gateways."""
_NEIGHBOURS = 3  # at most, of the devices that city.yaml has on the same line


async def connects(found: Diagnosis, line: CarefulLine) -> bool:
    """Whether the line can be opened."""
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


async def unit_answers(
    found: Diagnosis,
    line: CarefulLine,
    connector: DeviceConnector | None,
    neighbours: Mapping[int, str],
    timeout: float,
) -> bool:
    """Whether the unit answers to its first point, if only by an exception; otherwise who else is there.

    `neighbours` are the units of the city's other devices on that line, with their names.
    """
    where = first_request(connector)
    tries = 1 + (connector.wake if connector else 0)
    said, problem = await answer_of(line, found.unit, where, timeout, tries)
    found.answers = problem is None
    found.tell("unit", BAD if problem else OK, f"unit {found.unit}: {said}")
    if problem is None:
        return True
    there, strayed = await _others(line, found.unit, problem, where, neighbours, timeout)
    late = strayed or found.unit in line.late_units
    advice = None
    if isinstance(problem, Silent) and not isinstance(problem, Misnumbered) and (there or late):
        advice = await lags(found, line, where, timeout, late=late)
    if advice is None:
        for other, text in there.items():
            name = f" ({neighbours[other]})" if other in neighbours else ""
            found.tell("other unit", TOLD, f"unit {other}{name}: {text}")
        advice = _next(found, problem, list(there), neighbours)
    found.advise(advice)
    return False


async def _others(
    line: CarefulLine,
    unit: int,
    problem: Fault,
    where: Where,
    neighbours: Mapping[int, str],
    timeout: float,
) -> tuple[dict[int, str], bool]:
    """Other units that answer, with what they say; and whether an answer of `unit` came to one of them."""
    there: dict[int, str] = {}
    strayed = False
    if isinstance(problem, Closed | CutOff | Echoed | Misnumbered):
        return there, strayed
    others = dict.fromkeys([*list(neighbours)[:_NEIGHBOURS], *OTHER_UNITS])
    if isinstance(problem, WrongUnit):
        others = {problem.unit: None} | others
    for other in others:
        if other != unit and not line.link.is_to_all(other):
            text, lost = await answer_of(line, other, where, min(timeout, 1.0), 1)
            strayed |= isinstance(lost, Strayed) or (isinstance(lost, WrongUnit) and lost.unit == unit)
            if lost is None:
                there[other] = text
    return there, strayed


def _next(found: Diagnosis, problem: Fault, there: list[int], neighbours: Mapping[int, str]) -> str:
    """What to do about a unit that gives no good answer; `there` are the units that do."""
    unit, link = found.unit, found.link
    free = [other for other in there if other not in neighbours]
    if isinstance(problem, Closed):
        return "it closes the connection: another program may hold the only one that it allows: stop that one"
    if isinstance(problem, Misnumbered):
        return (
            "its answers do not repeat the number of their request, so that nobody can tell them apart: "
            "look for newer firmware of the device or gateway"
        )
    if isinstance(problem, Echoed):
        return (
            "switch off the local echo of the adapter: it gives back what is sent, and answers drown in that"
        )
    if isinstance(problem, CutOff):
        return "its answer comes in pieces, and not to an end in time: give it a longer `timeout`, look at the line"
    if isinstance(problem, WideAnswer):
        return (
            "it gives twice the bytes: are its registers of 32 bits each, as flow computers have them (Enron, Daniel)? "
            "cityctl reads registers of 16 bits: set the device to these, or read another range of its map"
        )
    if isinstance(problem, Misfit) and not isinstance(problem, WrongUnit):
        return (
            "it speaks Modbus, and its answers do not fit what they answer: look for newer firmware, and for another "
            "program whose answers the gateway mixes up with these"
        )
    if isinstance(problem, BadAnswer) and not isinstance(problem, WrongUnit):
        return (
            f"what answers speaks no Modbus as `transport: {link.kind}` has it: are port and transport right?"
        )
    if len(there) > len(free):
        more = f"; unit {free[0]} answers too and is no device of city.yaml" if free else ""
        return (
            f"unit {unit} is silent and its neighbours answer, so that the gateway is well: look at the device's "
            f"power and wiring, and at the unit that is set on it{more}"
        )
    if free:
        return f"unit {unit} is silent and unit {free[0]} answers: set `unit: {free[0]}`"
    if isinstance(problem, WrongUnit):
        return (
            f"unit {problem.unit} answers for unit {unit}, and not when it is asked itself: "
            "look at the unit numbers that are set on device and gateway"
        )
    if isinstance(problem, ExceptionAnswer):
        return (
            f"the gateway is well and says that unit {unit} does not answer: look at the device's power, wiring and "
            f"unit, and at the gateway's baud rate and parity; `cityctl devices scan {link} --units 1-247`"
        )
    if link.kind == "tcp":
        return (
            f"connected, and no unit answers: `cityctl devices scan {link} --units 1-247`; "
            "a converter that speaks RTU over TCP needs `transport: rtu-tcp`"
        )
    return "connected, and no unit answers: compare baud rate, parity, wiring and unit with the device"
