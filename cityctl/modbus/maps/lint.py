"""What a connector file says on its own and contradicts as a whole: each with file:line:column.

`language` refuses what cannot be read at all; here parts are held against each other. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cityctl.city.connected import FACTOR_TYPES
from cityctl.errors import UsageProblem, near
from cityctl.modbus.maps.built import built_point, usual_function
from cityctl.modbus.maps.codec import encode
from cityctl.modbus.maps.point import UNCONFIRMED, DevicePoint
from cityctl.modbus.maps.raw import own_bits
from cityctl.modbus.maps.types import TYPES, Unrepresentable

if TYPE_CHECKING:
    from cityctl.document import Document
    from cityctl.modbus.maps.entry import Entry, Write
    from cityctl.modbus.maps.language import ConnectorFile
    from cityctl.modbus.maps.places import Place

Said = Iterator[tuple[str, str]]
"""(key of the entry, what is wrong with it)"""
_WRITES = {1: (5, 15), 3: (6, 16, 22)}


def contradictions(written: ConnectorFile, placed: Sequence[Place], document: Document) -> Iterator[str]:
    """Every contradiction of a file, as `file:line:column: what is wrong`."""
    if written.connector != document.path.stem:
        at, name = document.place("connector"), document.path.name
        yield f"{at}: `{written.connector}` stands in a file named {name}"
    if not placed:
        yield f"{document.place('points')}: no points"
    if written.confidence == UNCONFIRMED and not written.notes:
        yield f"{document.place('confidence')}: confidence 0 needs `notes` that say what is not confirmed"
    points: dict[str, DevicePoint] = {}
    sound: list[Place] = []
    for place in placed:
        if place.name in points:
            yield f"{document.place(*place.trail)}: `{place.name}` is there twice"
            continue
        faults = [*place.problems, *_of_type(place.entry, place.function_code, written)]
        points[place.name] = built_point(place, written) if not faults else _stand_in(place)
        yield from (_sentence(document, place, key, text) for key, text in faults)
        if not faults:
            sound.append(place)
    for place in sound:
        said = (
            *_of_scale_factor(place, points, written),
            *_of_ratio(place, points, written.max_registers),
            *_of_write(place, points),
        )
        for key, text in said:
            yield _sentence(document, place, key, text)
    yield from _overlaps(sound, points, document)
    yield from _of_identity(written, points, document)


def _sentence(document: Document, place: Place, key: str, text: str) -> str:
    return f"{document.place(*place.trail, *key.split('.'))}: `{place.name}`: {text}"


def _stand_in(place: Place) -> DevicePoint:
    """A point of the name, so that what refers to it is not told as a second mistake."""
    return DevicePoint(place.name, place.address, "uint16", 1, place.function_code, access=place.entry.access)


def _of_type(entry: Entry, function_code: int, written: ConnectorFile) -> Said:
    from cityctl.modbus.maps.places import registers_of

    layout = TYPES[entry.type]
    family = layout.family
    if (family == "text") != (entry.length is not None):
        word = "needs its `length` in characters" if family == "text" else "has no `length`"
        yield "length", f"a {entry.type} {word}"
    coil = function_code in (1, 2)
    if coil and (family != "bit" or entry.bit is not None):
        if written.address_base == "4xxxx":
            table = "coil" if function_code == 1 else "discrete input"
            yield "address", f"{entry.address} is a {table} by its digits, and a {entry.type} is none"
        else:
            yield "type", "function codes 1 and 2 read a bool, 3 and 4 everything else"
    if family == "bit" and not coil and (entry.bit is None or entry.bit[1] != 1):
        yield "type", "function codes 1 and 2 read a bool; of a register say which one bit: `bit: 0`"
    if registers_of(entry) > written.max_registers:
        yield "type", "needs more than max_registers"
    number = family in ("unsigned", "signed")
    yield from _of_bits(entry, 1 if coil else 16 if family == "bit" else layout.bits, number)
    if entry.enum and not number and family != "bit":
        yield "enum", f"states have codes, and a {entry.type} is none"
    if family in ("text", "bit"):
        for key in ("unit", "scale", "offset", "min", "max", "scale_factor"):
            if key in entry.model_fields_set and getattr(entry, key) is not None:
                yield key, f"a {entry.type} has no `{key}`"
    if entry.enum and ("scale" in entry.model_fields_set or "offset" in entry.model_fields_set):
        yield "scale", "the codes of `enum` are not scaled"
    if entry.scale_factor is not None and not number:
        yield "scale_factor", "SunSpec scales whole numbers only"
    if entry.min is not None and entry.max is not None and entry.min >= entry.max:
        yield "min", "min is not below max"
    yield from _of_write_unit(entry)
    if isinstance(entry.invalid, list) and number:
        for code in entry.invalid:
            if not layout.low <= code <= layout.high:
                yield "invalid", f"{code} is no {entry.type}: {layout.low} to {layout.high}"


def _of_write_unit(entry: Entry) -> Said:
    if entry.write is None or entry.write.unit is None:
        return
    if entry.unit is None:
        yield "write.unit", "the point itself has no unit"
        return
    from cityctl.units import linear

    try:
        linear(entry.write.unit, entry.unit)
    except UsageProblem as problem:
        yield "write.unit", problem.message


def _of_bits(entry: Entry, width: int, number: bool) -> Said:
    layout = TYPES[entry.type]
    if entry.bit is not None:
        low, many = entry.bit
        if layout.family not in ("unsigned", "bit") or not width:
            yield "bit", f"bits are taken from an unsigned type or a bool, not from {entry.type}"
        elif layout.mask is not None or low + many > width:
            yield "bit", f"{entry.type} has the bits 0 to {width - 1}"
        width = many
    if entry.bits and not (number and width):
        yield "bits", f"a {entry.type} has no bits with names"
    elif any(not 0 <= bit < width for bit in entry.bits):
        yield "bits", f"bit {max(entry.bits)}: there are the bits 0 to {width - 1}"
    if entry.bits and entry.enum:
        yield "bits", "either `enum` or `bits`"
    if entry.enum and number:
        low_code, high_code = layout.low, layout.high
        if entry.bit is not None:
            low_code, high_code = 0, (1 << width) - 1
        for code in entry.enum:
            if not low_code <= code <= high_code:
                yield "enum", f"no {entry.type} is {code}: {low_code} to {high_code}"


def _of_scale_factor(place: Place, points: Mapping[str, DevicePoint], written: ConnectorFile) -> Said:
    if place.scale_factor is None:
        return
    if place.factor is not None and place.factor not in points:
        match = near(place.factor, points)
        yield (
            "scale_factor",
            f"no point is named `{place.factor}`" + (f", did you mean `{match}`?" if match else ""),
        )
        return
    holders = [
        p
        for p in points.values()
        if p.address == place.scale_factor and p.function_code == place.function_code
        if place.factor in (None, p.name)
    ]
    if not holders or not _is_power(holders[0]):
        at = place.entry.scale_factor
        yield (
            "scale_factor",
            f"`{at}` is no power of ten: {', '.join(FACTOR_TYPES)}, of the same function code, as it stands there, "
            "or with `scale: -1` where it counts decimals, or with a whole `offset`"
            if place.factor is not None
            else f"no int16 point stands at {at}, where its scale factor should be",
        )
        return
    point, holder = points[place.name], holders[0]
    if "decimal" in holder.name and holder.plain and holder.layout.low == 0:
        yield (
            "scale_factor",
            f"`{holder.name}` reads as a number of decimals: give it `scale: -1` (2 is then 0.01), or a name that says "
            "what it is",
        )
    span = max(point.end, holder.end) - min(point.address, holder.address)
    if span > written.max_registers:
        yield "scale_factor", f"its scale factor is {span} registers away: both must fit into one request"


def _is_power(holder: DevicePoint) -> bool:
    """Whether a point holds a power of ten, a number of decimals (`scale: -1`), or a code that is one plus a number."""
    if holder.type not in FACTOR_TYPES or holder.bit:
        return False
    return holder.scale in (1.0, -1.0) and holder.offset.is_integer() and abs(holder.offset) <= 20


def _of_ratio(place: Place, points: Mapping[str, DevicePoint], most: int) -> Said:
    point = points[place.name]
    if point.has_ratio and (point.layout.family in ("text", "bit") or point.bit or point.enum or point.bits):
        key = "times" if point.times else "over" if point.over else "plus"
        yield key, "a state or a text is not multiplied, and nothing is added to it"
    elif point.has_ratio and point.can_be_written:
        yield "access", "what other points multiply is not written: give the point of the registers alone"
    for key, names in (("times", place.times), ("over", place.over), ("plus", place.plus)):
        for name in names:
            other = points.get(name)
            if other is None:
                match = near(name, points)
                yield key, f"no point is named `{name}`" + (f", did you mean `{match}`?" if match else "")
            elif other.is_text or other.enum or other.bits or other.layout.family == "bit":
                yield key, f"`{name}` is no number"
            elif other.has_ratio:
                yield key, f"`{name}` is made with others itself (`times`, `over`, `plus`): name these here"
            elif not other.can_be_read:
                yield key, f"`{name}` cannot be read"
            elif key == "plus" and other.function_code != point.function_code:
                yield (
                    key,
                    f"`{name}` comes by function {other.function_code}, and both must come in one request",
                )
            elif key == "plus" and max(point.end, other.end) - min(point.address, other.address) > most:
                yield key, f"`{name}` is too far away: both must fit into one request of {most} registers"


def _of_write(place: Place, points: Mapping[str, DevicePoint]) -> Said:
    entry, rule, point = place.entry, place.entry.write, points[place.name]
    if point.can_be_written and place.function_code in (2, 4):
        yield "access", f"what function {place.function_code} reads cannot be written"
        return
    if rule is None:
        return
    if not point.can_be_written:
        yield "write", "has a write rule, and `access: read`"
        return
    function = rule.function or usual_function(entry, place.function_code)
    if function not in _WRITES[place.function_code]:
        fit = " or ".join(map(str, _WRITES[place.function_code]))
        yield "write.function", f"function {function} does not write it: {fit}"
    elif function in (6, 22) and point.registers > 1:
        yield "write.function", f"function {function} writes one register, this has {point.registers}"
    yield from _of_limits(rule, point)
    yield from _of_dependence(rule, place.name, points)


def _of_limits(rule: Write, point: DevicePoint) -> Said:
    limits = {"min": rule.min, "max": rule.max, "max_step": rule.max_step}
    given = [key for key, limit in limits.items() if limit is not None]
    if given and (point.is_text or point.kind == "state" or point.layout.family == "bit"):
        yield f"write.{given[0]}", "a state has no limits: its codes say what may be written"
        return
    if rule.min is not None and rule.max is not None and rule.min > rule.max:
        yield "write.min", "min is above max"
        return
    if point.write is None or point.scale_factor is not None:
        return
    for key, limit in (("min", point.write.minimum), ("max", point.write.maximum)):
        if limit is None:
            continue
        try:
            encode(point, limit, current=[0] * point.registers)
        except Unrepresentable as problem:
            yield f"write.{key}", f"the point cannot say its own limit: {problem}"


def _of_dependence(rule: Write, name: str, points: Mapping[str, DevicePoint]) -> Said:
    for each in rule.depends_on:
        other, equals = (each, None) if isinstance(each, str) else (each.point, each.equals)
        if other not in points:
            match = near(other, points)
            yield (
                "write.depends_on",
                f"no point is named `{other}`" + (f", did you mean `{match}`?" if match else ""),
            )
        elif other == name:
            yield "write.depends_on", "it depends on itself"
        elif not points[other].can_be_read:
            yield "write.depends_on", f"`{other}` cannot be read"
        elif isinstance(equals, str) and not points[other].is_text:
            known = points[other].enum.values()
            if equals not in known:
                match = near(equals, known)
                yield (
                    "write.depends_on",
                    f"`{other}` has no state named `{equals}`"
                    + (f", did you mean `{match}`?" if match else ""),
                )


def _overlaps(sound: Sequence[Place], points: Mapping[str, DevicePoint], document: Document) -> Iterator[str]:
    """Two points that claim the same bit of the same register; a bit beside its whole word is a view of it."""
    taken: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for place in sorted(sound, key=lambda p: (p.function_code, p.address)):
        point = points[place.name]
        clash: str | None = None
        for offset, mine in enumerate(own_bits(point)):
            there = taken.setdefault((point.function_code, point.address + offset), [])
            clash = clash or next(
                (name for bits, name in there if bits & mine and not _is_view(point, points[name])), None
            )
            there.append((mine, place.name))
        if clash is not None:
            yield f"{document.place(*place.trail, 'address')}: `{place.name}` overlaps `{clash}`"


def _is_view(one: DevicePoint, other: DevicePoint) -> bool:
    same = (one.address, one.registers) == (other.address, other.registers)
    return same and (one.bit is None) != (other.bit is None)


def _of_identity(
    written: ConnectorFile, points: Mapping[str, DevicePoint], document: Document
) -> Iterator[str]:
    identify = written.identify
    if identify is not None:
        yield from _no_such_reading(identify.point, points, document.place("identify", "point"))
        point = points.get(identify.point)
        if point is not None and point.can_be_read and point.is_text != isinstance(identify.equals, str):
            kind = "a text" if point.is_text else "a number"
            yield f"{document.place('identify', 'equals')}: `{identify.point}` is {kind}"
    for name in written.device_id.points if written.device_id else ():
        yield from _no_such_reading(name, points, document.place("device_id", "points", name))
    if written.sunspec is not None and (identify is None or identify.equals != written.sunspec):
        yield (
            f"{document.place('sunspec')}: a SunSpec model is told by its id: "
            f"`identify: {{point: model_id, equals: {written.sunspec}, required: true}}`"
        )
    if written.address_base == "4xxxx" and written.base:
        yield f"{document.place('base')}: `base` goes with addresses that are counted, not with references"


def _no_such_reading(name: str, points: Mapping[str, DevicePoint], place: str) -> Iterator[str]:
    if name not in points:
        match = near(name, points)
        yield f"{place}: no point is named `{name}`" + (f", did you mean `{match}`?" if match else "")
    elif not points[name].can_be_read:
        yield f"{place}: `{name}` cannot be read"
