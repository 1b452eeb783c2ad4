"""Looking around at devices, as results: scan, identify, diagnose. Sends reads only, stores nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace

from cityctl.city.project import Project
from cityctl.errors import ConfigInvalid, Unreachable, UsageProblem
from cityctl.glossary import column
from cityctl.library import Library
from cityctl.modbus.alone import Alone
from cityctl.modbus.careful import RATE, CarefulLine
from cityctl.modbus.line import Link
from cityctl.modbus.line.faults import Fault, NotConnected, Silent
from cityctl.modbus.look import MODEL, PORT, UNIT_ID
from cityctl.modbus.looking.calls import FIRST, Where, first_request, of_each
from cityctl.modbus.looking.diagnose import Stood, diagnosing
from cityctl.modbus.looking.diagnosis import BAD, Diagnosis
from cityctl.modbus.looking.identify import CERTAIN, Fit, Registers, fits
from cityctl.modbus.looking.scan import TIMEOUT, Scanned, Seen, look_at, scanning, units_of
from cityctl.modbus.looking.spot import Spot, neighbours, spot, spots
from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.modbus.memory import Memory
from cityctl.modbus.run import run_loop
from cityctl.modbus.targets import Shelf, link, targets
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.wording import counted

ANSWERS = Column("answers", "Answers", meaning="what it said to the first request", priority=6)
VENDOR = Column("vendor", "Vendor", meaning="who made it, in its own words (function 43)", priority=2)
PRODUCT = Column("product", "Product", meaning="what it is, in its own words (function 43)", priority=2)
REVISION = Column("revision", "Revision", meaning="its firmware, in its own words (function 43)", priority=5)
SERVER_ID = Column("server_id", "Server id", meaning="what it reports of itself (function 17)", priority=4)
MODELS = Column("sunspec_models", "SunSpec", meaning="the SunSpec models that it has", priority=3)
FIT = Column(
    "fit",
    "Fit",
    meaning="0 to 100: how well the connector fits; from 90 on the device itself says so",
    kind="integer",
    priority=1,
)
WHY = Column("why", "Why", meaning="what speaks for it and against it", priority=2)
STEP = Column("step", "Step", meaning="what was tried", priority=1)
OUTCOME = Column("outcome", "Outcome", meaning="ok, PROBLEM, or told where it is neither", priority=1)
DETAIL_TEXT = Column("came", "What came", meaning="what came of it", priority=2)

COLUMNS: tuple[Column, ...] = (
    *(ANSWERS, VENDOR, PRODUCT, REVISION, SERVER_ID, MODELS, FIT, WHY, STEP, OUTCOME, DETAIL_TEXT),
)
Say = Callable[[str], None]
SHOWN = 8
"""Connectors that `identify` shows."""


def scan(
    project: Project,
    library: Library,
    words: Sequence[str],
    *,
    units: str,
    timeout: float = TIMEOUT,
    rate: float = RATE,
    thorough: bool = False,
    on_unit: Callable[[str], None] | None = None,
    say: Say | None = None,
) -> Result:
    """Who answers at the places named (or at every line of the city), and what each says of itself.

    `thorough`: who says nothing to a read of address 0 is asked for a register of each connector. Raises
    UsageProblem for words that name nothing, Unreachable where no place can be connected to.
    """
    links = list(dict.fromkeys(each.link for each in spots(project, words)))

    def told(at: Link, unit: int) -> None:
        if on_unit is not None:
            on_unit(f"{at} unit {unit}")

    numbers = units_of(units)
    for each in links:
        for number in numbers:
            _refuse_all(each, number)
    alone = _alone(project, "scan", say)
    connectors = _connectors(library)[0]
    looking = scanning(
        links,
        numbers,
        timeout=timeout,
        rate=rate,
        on_unit=told,
        alone=alone,
        known=_known(project, library),
        also=of_each(connectors) if thorough else (),
    )
    places = run_loop(looking)
    if all(place.reason and not place.seen for place in places):
        names = ", ".join(str(place.link) for place in places)
        raise Unreachable(
            f"no unit answers at {names}",
            tried=[f"{place.link}: {place.reason}" for place in places],
            hint="`cityctl devices diagnose` looks at one device step by step",
        )
    by_model = {each.sunspec: each.connector for each in connectors if each.sunspec}
    rows = [_scanned_row(seen, by_model) for place in places for seen in place.seen]
    where = [column("host", priority=2), replace(PORT, priority=3), replace(UNIT_ID, priority=1)]
    said = [ANSWERS, VENDOR, PRODUCT, REVISION, SERVER_ID, MODELS, column("connector", priority=3)]
    sent = counted(sum(place.requests for place in places), "request")
    answer = "answers" if len(rows) == 1 else "answer"
    summary = f"{counted(len(rows), 'unit')} {answer} at {counted(len(links), 'place')}, {sent} sent"
    return Result(
        "Devices that answer",
        [Table("units", "Units", [*where, *said], rows)],
        completeness=_reached(places, len(numbers)),
        notes=_scan_notes(places, thorough) + (alone.notes if alone is not None else []),
        summary=summary,
    )


def _unit(at: Spot, said: int | None) -> int:
    """The unit to ask at a place. Raises UsageProblem for one that is every device's."""
    number = said if said is not None else at.unit if at.unit is not None else 1
    _refuse_all(at.link, number)
    return number


def _refuse_all(link: Link, unit: int) -> None:
    if link.is_to_all(unit):
        raise UsageProblem(
            f"unit 0 speaks to all devices on {link}, and none of them answers",
            hint="a device's own unit is 1 to 247",
        )


def scan_steps(project: Project, words: Sequence[str], units: str) -> int:
    """How many requests for life a scan will send, for its progress."""
    return len({each.link for each in spots(project, words)}) * len(units_of(units))


def _scanned_row(seen: Seen, by_model: dict[int, str]) -> tuple[object, ...]:
    who = seen.identity
    models = " ".join(str(model.id) for model in seen.models)
    fitting = " ".join(by_model[model.id] for model in seen.models if model.id in by_model)
    product = who.product or who.other.get(4, "") or who.other.get(5, "")
    place = (seen.link.host, seen.link.port or None, seen.unit)
    return (*place, seen.first, who.vendor, product, who.revision, who.server_id, models, fitting)


def _reached(places: Sequence[Scanned], units: int) -> Completeness:
    missing = [
        Missing(str(place.link), f"{place.reason}; {place.asked} of {units} units asked")
        for place in places
        if place.reason
    ]
    missing += [
        Missing(f"{place.link} unit {unit}", why) for place in places for unit, why in place.unclear.items()
    ]
    told = sum(place.asked - len(place.unclear) for place in places)
    return Completeness(wanted=units * len(places), had=told, missing=missing, unit="units told")


def _scan_notes(places: Sequence[Scanned], thorough: bool) -> list[str]:
    notes = [
        f"{place.link} answers to every unit: it is one device, not a gateway"
        for place in places
        if len(place.seen) > 3 and len(place.seen) == place.asked
    ]
    if any(place.seen for place in places):
        notes.append("`cityctl devices identify HOST:PORT --unit N` finds the connector that fits")
    silent = sum(place.silent for place in places)
    if silent and not thorough:
        notes.append(
            f"{counted(silent, 'unit')} said nothing to a read of address 0, as some devices do that are there: "
            "`--thorough` asks for a register of each connector"
        )
    return notes


def _known(project: Project, library: Library) -> dict[tuple[Link, int], Where]:
    """What to ask the units of the city's devices for; nothing where no project is, and a place is looked at."""
    try:
        city = project.city
    except ConfigInvalid:
        return {}
    shelf = Shelf(library)
    return {
        (link(device, project.folder), device.unit): first_request(shelf.connector(device.connector))
        for device in city.devices.values()
    }


def _connectors(library: Library) -> tuple[list[DeviceConnector], list[str]]:
    """Every device connector that holds, and the names of those that do not."""
    found, broken = [], []
    for name, path in library.list("connectors/devices").items():
        try:
            found.append(load_connector(path))
        except ConfigInvalid:
            broken.append(name)
    return found, broken


def identify(
    project: Project,
    library: Library,
    word: str,
    *,
    unit: int | None = None,
    timeout: float = 1.0,
    rate: float = RATE,
    on_connector: Callable[[str], None] | None = None,
    say: Say | None = None,
) -> Result:
    """Which connectors fit the device at a place, the best first, with reasons.

    Raises Unreachable where it does not answer.
    """
    at = spot(project, word)
    number = _unit(at, unit)
    connectors, broken = _connectors(library)
    alone = _alone(project, "identify", say)
    own = _known(project, library).get((at.link, number), FIRST)
    calls = list(dict.fromkeys([own, FIRST, *of_each(connectors)]))

    async def look() -> tuple[Seen | None, list[Fit], int]:
        line = CarefulLine(at.link, rate=rate)
        async with alone.on(at.link) if alone is not None else nullcontext():
            try:
                seen = None
                with suppress(Silent):
                    seen = await look_at(line, at.link, number, timeout, calls)
                if seen is None:
                    return None, [], line.requests
                registers = Registers(line, number, timeout)
                found = await fits(connectors, registers, seen.identity, seen.models, on_connector)
                return seen, found, line.requests
            finally:
                line.close()

    hint = (
        f"`cityctl devices scan {word} --units 1-247` finds units, `cityctl devices diagnose {word}` reasons"
    )
    try:
        seen, found, requests = run_loop(look())
    except NotConnected as problem:
        raise Unreachable(f"{word} cannot be connected to: {problem}", hint=hint) from None
    except Fault as problem:
        raise Unreachable(f"unit {number} at {at.link} gives no good answer: {problem}", hint=hint) from None
    if seen is None:
        raise Unreachable(f"unit {number} at {at.link} does not answer", hint=hint)
    rows: list[tuple[object, ...]] = []
    for fit in [fit for fit in found if fit.score > 0][:SHOWN]:
        made = fit.connector
        rows.append((made.connector, fit.score, f"{made.vendor} {made.model}", "; ".join(fit.reasons)))
    table = Table("connectors", "Connectors", [column("connector", priority=1), FIT, MODEL, WHY], rows)
    notes = [f"It says of itself: {seen.identity.text}"] if seen.identity.text else []
    notes += [f"connectors that do not hold, and were left out: {', '.join(broken)}"] if broken else []
    notes += alone.notes if alone is not None else []
    return Result(
        f"What is at {at.link} unit {number}",
        [table],
        notes=notes,
        summary=f"{_verdict(found)} "
        f"({counted(len(connectors), 'connector')} tried with {counted(requests, 'request')})",
    )


def _verdict(found: Sequence[Fit]) -> str:
    best = [fit for fit in found if fit.score > 0]
    if not best:
        return "no connector fits: `cityctl connectors new` begins one"
    if best[0].score >= CERTAIN:
        sure = [fit.connector.connector for fit in best if fit.score >= CERTAIN]
        return f"it is {' and '.join(sure)}: the device itself says so"
    if len(best) > 1 and best[0].score - best[1].score < 10:
        names = " or ".join(fit.connector.connector for fit in best[:2])
        return f"perhaps {names}: compare values with the display"
    return f"perhaps {best[0].connector.connector}: compare its values with the display"


def diagnose(
    project: Project,
    library: Library,
    word: str,
    *,
    unit: int | None = None,
    timeout: float | None = None,
    rounds: int,
    say: Say | None = None,
) -> tuple[Result, bool]:
    """What is wrong with a device, and what to do next; and whether it answers at all."""
    at = spot(project, word)
    number = _unit(at, unit)
    connector = Shelf(library).connector(at.connector) if at.connector else None
    seconds = timeout or at.timeout or 3.0
    beside = neighbours(project, at) if at.device else {}
    stood = _stood(project, library, at.device) if at.device and number == at.unit else None
    alone = _alone(project, "diagnose", say)

    async def look() -> Diagnosis:
        async with alone.on(at.link) if alone is not None else nullcontext():
            return await diagnosing(
                at.link,
                number,
                connector,
                timeout=seconds,
                rounds=rounds,
                name=at.device,
                neighbours=beside,
                stood=stood,
            )

    found = run_loop(look())
    result = _diagnosed(found, word)
    result.notes += alone.notes if alone is not None else []
    return result, found.answers


def _stood(project: Project, library: Library, device: str) -> Stood:
    """Where polls saw the registers of a device last, and those of others of its model."""
    memory, asked = Memory.load(project.state), {each.device: each for each in targets(project.city, library)}
    own = asked.pop(device)
    alike = [each for each in asked.values() if each.connector is own.connector]
    return memory.known(own).registers, {each.device: memory.known(each).registers for each in alike}


def _alone(project: Project, doing: str, say: Say | None) -> Alone | None:
    """The locks of the city's lines; none where no project is, and a place is looked at."""
    try:
        return Alone.looking(project.state, f"cityctl devices {doing}", say)
    except ConfigInvalid:
        return None


def _diagnosed(found: Diagnosis, word: str) -> Result:
    rows: list[tuple[object, ...]] = [(step.name, step.state, step.text) for step in found.steps]
    problems = sum(step.state == BAD for step in found.steps)
    # Where it does not answer at all the command says so by its exit code; nothing is then "incomplete".
    missing = [Missing(step.name, step.text) for step in found.steps if step.state == BAD and found.answers]
    return Result(
        f"{found.link} unit {found.unit}"
        if word in str(found.link)
        else f"{word}: {found.link} unit {found.unit}",
        [Table("steps", "Steps", [STEP, OUTCOME, DETAIL_TEXT], rows)],
        completeness=Completeness(missing=missing),
        notes=[f"next: {text}" for text in found.advice],
        summary=f"{counted(problems, 'problem')} found" if problems else "no problem found",
    )
