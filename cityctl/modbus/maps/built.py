"""Points of a connector file as the room works with them: every default filled in. Knows no file and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cityctl.modbus.maps.point import UNCONFIRMED, Condition, DevicePoint, WriteFunction, WriteRule
from cityctl.modbus.maps.types import TYPES, Layout, Unrepresentable, invalid_codes

if TYPE_CHECKING:
    from cityctl.modbus.maps.entry import Entry, Write
    from cityctl.modbus.maps.language import ConnectorFile
    from cityctl.modbus.maps.places import Place


def built_point(place: Place, written: ConnectorFile) -> DevicePoint:
    """One point with every default filled in."""
    from cityctl.modbus.maps.places import registers_of

    entry = place.entry
    layout = TYPES[entry.type]
    confidence = written.confidence if entry.confidence is None else entry.confidence
    is_state = bool(entry.enum or entry.bits or layout.family in ("text", "bit"))
    return DevicePoint(
        name=place.name,
        address=place.address,
        type=entry.type,
        registers=registers_of(entry),
        function_code=place.function_code,
        word_order=entry.word_order or written.word_order,
        unit=entry.unit,
        scale=entry.scale,
        offset=entry.offset,
        scale_factor=place.scale_factor,
        factor=place.factor,
        times=place.times,
        over=place.over,
        plus=place.plus,
        bit=entry.bit,
        enum=entry.enum,
        bits=entry.bits,
        invalid=_invalid(entry, written),
        doubtful=None if is_state else _doubtful(entry, written),
        kind=entry.kind or ("state" if is_state else "gauge"),
        access=entry.access,
        write=_write_rule(entry.write, entry, place.function_code) if entry.write else None,
        polled=entry.polled
        and layout.family != "text"
        and entry.access != "write"
        and confidence > UNCONFIRMED,
        group=entry.group,
        minimum=entry.min,
        maximum=entry.max,
        confidence=confidence,
        source=entry.source,
        note=entry.note,
    )


def _invalid(entry: Entry, written: ConnectorFile) -> frozenset[int | float]:
    layout = TYPES[entry.type]
    if isinstance(entry.invalid, list):
        return frozenset(_as_held(layout, code) for code in entry.invalid)
    if entry.type == "bool" and entry.bit is not None:
        return invalid_codes("uint16", entry.invalid or written.invalid.unsigned)
    by_family = {"unsigned": written.invalid.unsigned, "signed": written.invalid.signed}
    return invalid_codes(entry.type, entry.invalid or by_family.get(layout.family, "none"))


def _as_held(layout: Layout, code: float) -> int | float:
    """A code as the registers hold it: what is written -9999.9 is -9999.900390625 in a float32."""
    if layout.family != "float":
        return code
    try:
        held = layout.unpack(layout.pack(code))
    except Unrepresentable:
        return code
    return held if isinstance(held, float) else code


def _doubtful(entry: Entry, written: ConnectorFile) -> int | None:
    """0x8000 and its like, where nobody says how the device says `no value`: no measurement ends just there."""
    layout = TYPES[entry.type]
    told = entry.invalid is not None or "signed" in written.invalid.model_fields_set
    if told or layout.family != "signed" or layout.bits < 16:
        return None
    (least,) = invalid_codes(entry.type, "min")
    return least


def _write_rule(rule: Write, entry: Entry, function_code: int) -> WriteRule:
    """The rule in the point's unit."""
    a, b = 1.0, 0.0
    if rule.unit is not None and entry.unit is not None:
        from cityctl.units import linear

        a, b = linear(rule.unit, entry.unit)
    conditions = [
        Condition(each) if isinstance(each, str) else Condition(each.point, each.equals)
        for each in rule.depends_on
    ]
    return WriteRule(
        function=rule.function or usual_function(entry, function_code),
        minimum=None if rule.min is None else rule.min * a + b,
        maximum=None if rule.max is None else rule.max * a + b,
        max_step=None if rule.max_step is None else rule.max_step * a,
        settle=rule.settle,
        tolerance=rule.tolerance * a,
        momentary=rule.momentary,
        depends_on=tuple(conditions),
    )


def usual_function(entry: Entry, function_code: int) -> WriteFunction:
    """The function code that writes a point where its rule names none: the narrowest that does."""
    from cityctl.modbus.maps.places import registers_of

    if function_code == 1:
        return 5
    if entry.bit is not None or TYPES[entry.type].mask is not None:
        return 22
    return 6 if registers_of(entry) == 1 else 16
