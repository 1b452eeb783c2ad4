"""What a person sees of the city's devices: the list, one device's points, live values, planned requests.

Results only; nothing is stored, and only `live` sends anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from cityctl.city.model import City
from cityctl.errors import Unreachable, listed
from cityctl.glossary import column
from cityctl.library import Library
from cityctl.modbus.alone import Alone
from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.run import ask_all
from cityctl.modbus.targets import Shelf, asked_for, link, named_device, targets
from cityctl.result import Code, Column, Completeness, Missing, Result, Table
from cityctl.units import convert, pretty
from cityctl.wording import counted

PORT = Column("port", "Port", meaning="TCP port", kind="integer", priority=6, grouped=False)
UNIT_ID = Column(
    "unit_id",
    "Unit id",
    meaning="Modbus unit behind the host and port",
    kind="integer",
    priority=5,
    grouped=False,
)
MODEL = Column("device_model", "Model", meaning="vendor and model of the device", priority=6)
POINTS = Column("points", "Points", meaning="how many points", kind="integer", priority=3)
STATE = Column(
    "state_name", "State", meaning="the name of a state's code, the bits that are set, or a text", priority=2
)
ADDRESS = Column(
    "address",
    "Address",
    meaning="protocol address, the first is 0",
    kind="integer",
    priority=3,
    grouped=False,
)
FUNCTION = Column(
    "function_code",
    "Function",
    meaning="Modbus function code: 1 coils, 2 inputs, 3 holding, 4 input registers",
    kind="integer",
    priority=4,
)
TYPE = Column("type", "Type", meaning="how the value is coded in its registers", priority=4)
KIND = column("kind")
POLLED = Column("polled", "Polled", meaning="whether a poll asks for it", priority=5)
ACCESS = Column(
    "access",
    "Access",
    meaning="read, write or readwrite, and what its rule lets be written",
    priority=6,
)
GROUP = Column("group", "Group", meaning="fast or slow: which poll asks for it", priority=7)
CONFIDENCE = Column(
    "confidence",
    "Sources",
    meaning="2: two independent sources agree on it; 1: one source; 0: unconfirmed",
    kind="integer",
    priority=6,
)
COUNT = Column("registers", "Registers", meaning="registers or bits asked for", kind="integer", priority=2)
BRIDGED = Column(
    "bridged",
    "Bridged",
    meaning="registers between values, asked for to save a request",
    kind="integer",
    priority=6,
)
OUT = Column("bytes_out", "Sent", unit="B", meaning="bytes of the request", kind="integer", priority=4)
IN = Column("bytes_in", "Received", unit="B", meaning="bytes of the answer", kind="integer", priority=4)
NAMES = Column("names", "Points", meaning="the points that the request brings", priority=3)
REQUEST = Column(
    "request_number", "Request", meaning="number of the request to its device", kind="integer", priority=2
)

COLUMNS: tuple[Column, ...] = (
    *(PORT, UNIT_ID, MODEL, POINTS, STATE, ADDRESS, FUNCTION, TYPE, KIND, POLLED, CONFIDENCE, ACCESS, GROUP),
    *(COUNT, BRIDGED, OUT, IN, NAMES, REQUEST),
)


def place(target: Target) -> str:
    """Where a device is asked, as people say it."""
    return target.place


def shown_state(point: DevicePoint, value: float | str | None) -> str:
    """The words for a state or a text; empty for a number that speaks for itself."""
    return (point.state_name(value) or "") if value is not None else ""


def device_list(city: City, library: Library) -> Result:
    """Every device of the city: what it is and where. Raises ConfigInvalid for a broken connector."""
    rows: list[tuple[object, ...]] = []
    for target in targets(city, library):
        device, connector = city.devices[target.device], target.connector
        model = f"{connector.vendor} {connector.model}"
        where = (target.host, target.port or None, device.unit, device.zone or "")
        rows.append((target.device, connector.connector, model, *where, len(target.points)))
    columns = [
        column("device"),
        column("connector"),
        MODEL,
        column("host"),
        PORT,
        UNIT_ID,
        column("zone"),
        POINTS,
    ]
    said = counted(len(rows), "device") if rows else "no devices yet: add them under `devices:` in city.yaml"
    return Result("Devices", [Table("devices", "Devices", columns, rows)], summary=said)


def device(city: City, library: Library, name: str) -> Result:
    """One device with its points, and the city's own name of each. Raises UsageProblem, ConfigInvalid."""
    entry = named_device(city, name)
    connector = Shelf(library).connector(entry.connector)
    polled = set(entry.poll or connector.polled())
    own = {point.device: point.id for point in city.points().values() if point.device}
    rows = [
        (own.get(f"{name}/{p.name}", f"{name}/{p.name}"), *cells, "yes" if p.name in polled else "no")
        for p, cells in point_rows(connector)
    ]
    table = Table("points", "Points", [column("point"), *POINT_COLUMNS, POLLED], rows)
    where = f"{link(entry)} unit {entry.unit}"
    return Result(
        f"{name}: {connector.vendor} {connector.model}",
        [table],
        notes=[*connector.notes, f"Sources: {'; '.join(connector.sources)}"],
        summary=f"{where}, connector {connector.connector}, {len(polled)} of {len(rows)} points polled",
    )


POINT_COLUMNS = [
    *(column("name"), column("unit"), KIND, FUNCTION, ADDRESS, TYPE, ACCESS, GROUP, CONFIDENCE),
    column("note"),
]


def point_rows(connector: DeviceConnector) -> Iterable[tuple[DevicePoint, tuple[object, ...]]]:
    """Each point with its cells under POINT_COLUMNS; SunSpec scale factors are part of other points."""
    for name, p in connector.points.items():
        if connector.is_factor(p):
            continue
        unit = pretty(p.unit) if p.unit else ""
        asked = (p.function_code, p.address, coded(p), allowed(p), p.group, p.confidence)
        yield p, (name, unit, p.kind, *asked, p.note or "")


def coded(p: DevicePoint) -> str:
    """How a point is coded, as the connector writes it: its type, and the bits it has of it."""
    if p.bit is None:
        return p.type
    low, many = p.bit
    return f"{p.type}, bit {low}" if many == 1 else f"{p.type}, bits {low}-{low + many - 1}"


def allowed(p: DevicePoint) -> str:
    """What may be done with a point: `readwrite 1 to 6`, in the point's unit."""
    rule = p.write
    if rule is None or (rule.minimum is None and rule.maximum is None):
        return p.access
    low, high = ("any" if end is None else f"{end:g}" for end in (rule.minimum, rule.maximum))
    return f"{p.access} {low} to {high}"


def live(
    city: City,
    library: Library,
    wanted: Sequence[str],
    *,
    on_answer: Callable[[Answer], None] | None = None,
    alone: Alone | None = None,
) -> Result:
    """Live values of `device` and `device/point` words; stores nothing.

    In the unit that city.yaml gives a point, the device's own where it gives none. Raises UsageProblem for
    unknown words and Unreachable where no device answers. `alone` keeps other processes off each line meanwhile.
    """
    answers = ask_all(asked_for(city, library, wanted), on_answer=on_answer, alone=alone)
    refuse_silence(answers)
    found = values(city, answers)
    found.notes += alone.notes if alone is not None else []
    return found


def values(city: City, answers: Sequence[Answer]) -> Result:
    """What devices answered, in the units of city.yaml; points that nobody confirmed are warned of."""
    named = {point.device: point for point in city.points().values() if point.device}
    rows: list[tuple[object, ...]] = []
    for answer in answers:
        for name, value in answer.values.items():
            p = answer.target.connector.points[name]
            point = named.get(f"{answer.target.device}/{name}")
            number: float | None = value.value if not isinstance(value.value, str) else None
            unit = p.unit
            if point is not None and point.shown_unit != (p.unit or ""):
                unit = point.shown_unit
                if number is not None and p.unit is not None:
                    number = convert(number, p.unit, unit)
            if number is not None and p.kind == "state":
                number = Code(number)
            words = (shown_state(p, value.value), pretty(unit or ""), value.quality.name.lower())
            rows.append((answer.target.device, name, number, *words, value.time))
    # They are of now: a unit is worth more than the second.
    told_unit, told_time = replace(column("unit"), priority=1), replace(column("time"), priority=4)
    columns = [*map(column, ("device", "point", "value")), STATE, told_unit, column("quality"), told_time]
    table = Table("values", "Values", columns, rows)
    return Result(
        "Live values",
        [table],
        completeness=completeness(answers),
        notes=unconfirmed(answers),
        summary=f"{counted(len(rows), 'value')}, none stored",
    )


def unconfirmed(answers: Sequence[Answer]) -> list[str]:
    """A warning for each device of which points were read that no source states in full."""
    said = []
    for answer in answers:
        connector = answer.target.connector
        names = connector.unconfirmed(answer.values)
        if names:
            shown = listed(names, most=5)
            said.append(
                f"{answer.target.device}: UNCONFIRMED map of {connector.connector}, "
                f"compare with the display before using: {shown}"
            )
    return said


def completeness(answers: Sequence[Answer]) -> Completeness:
    """How many of the wanted points came; what did not is named with its reason."""
    missing = []
    for answer in answers:
        for failure in answer.failures:
            all_of_it = set(failure.points) >= set(answer.target.points)
            what = answer.target.device
            if not all_of_it:
                what += "/" + ", ".join(failure.points)
            missing.append(Missing(what, f"{place(answer.target)}: {failure.reason}"))
        if answer.is_empty or answer.swapped:
            missing.append(Missing(answer.target.device, f"{place(answer.target)}: {answer.trouble}"))
    return Completeness(
        wanted=sum(answer.wanted for answer in answers),
        had=sum(answer.had for answer in answers),
        missing=missing,
    )


def refuse_silence(answers: Sequence[Answer]) -> None:
    """Raises Unreachable, naming each device, where not one of them gave a value; LockHeld where none was asked."""
    if not answers or not all(answer.is_dead for answer in answers):
        return
    if all(answer.locked_out for answer in answers) and answers[0].locked_out is not None:
        raise answers[0].locked_out
    if len(answers) == 1:
        (answer,) = answers
        target = answer.target
        silent = answer.reason.endswith(" silent")
        heard = any(failure.where for failure in answer.failures)  # something came, and did not fit
        how = "gave no value" if answer.answered else "gave no good answer" if heard else "did not answer"
        said = f"{target.device} {how} at {target.link}"
        raise Unreachable(
            f"{said} within {target.timeout:g} s ({target.tries} tries)"
            if silent
            else f"{said}: {answer.reason}",
            tried=[f"reached: {answer.reason}", *answer.tried] if silent else answer.tried,
            hint=_next_step(answer),
        )
    names = ", ".join(answer.target.device for answer in answers)
    raise Unreachable(
        f"none of {len(answers)} devices {'gave a value' if any(a.answered for a in answers) else 'answered'}: {names}",
        tried=[f"{answer.target.device} at {place(answer.target)}: {answer.reason}" for answer in answers],
        hint="`cityctl devices list` shows where each is looked for",
    )


def _next_step(answer: Answer) -> str:
    """What to do about one device that gave nothing: it depends on how far a request came."""
    name = answer.target.device
    if answer.answered:
        return (
            f"is `{answer.target.connector.connector}` what stands there? `cityctl devices identify {name}`"
        )
    if answer.requests and not answer.target.link.is_serial:
        return f"`cityctl devices diagnose {name}`; a gateway often needs another unit id"
    return f"`cityctl devices diagnose {name}`"
