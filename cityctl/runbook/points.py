"""A point of the plant as conditions see it: which device and point, what kind of value, what was just read.

Knows device models; sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from cityctl.errors import UsageProblem
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.maps.types import TYPES
from cityctl.modbus.values import Value as Seen
from cityctl.reading import Quality
from cityctl.runbook.dimension import IS_TEXT, IS_TRUTH, Kind
from cityctl.runbook.values import OFF, ON, Amount, State, Told, Unknown, Value, amount
from cityctl.units import unit


@dataclass(frozen=True, order=True)
class Ref:
    """A point of a device of the city."""

    device: str
    point: str

    def __str__(self) -> str:
        return f"{self.device}/{self.point}"


def ref(text: str) -> Ref:
    """`device/point`. Raises UsageProblem."""
    device, slash, point = text.partition("/")
    if not slash or not device or not point or "/" in point:
        raise UsageProblem(
            f"`{text}` is no point of a device", hint="write DEVICE/POINT, such as pump-1/speed"
        )
    return Ref(device, point)


def quantity(point: DevicePoint) -> str:
    """What a point measures; "ratio" for a bare number."""
    return unit(point.unit).quantity if point.unit else "ratio"


def kind_of(point: DevicePoint) -> Kind:
    """What kind of value a point has, for the check of conditions."""
    if point.is_text:
        return IS_TEXT
    if point.enum:
        return states(frozenset(point.enum.values()), frozenset(point.enum))
    if is_truth(point):
        return IS_TRUTH
    return Kind("amount", quantity(point))


def states(names: frozenset[str], codes: frozenset[int] = frozenset()) -> Kind:
    """The kind of a state that has these names; one of two codes, or of on and off, counts as a truth too."""
    binary = (bool(codes) and codes <= {0, 1}) or {name.casefold() for name in names} <= ON | OFF
    return Kind("state", states=names, binary=binary)


def is_truth(point: DevicePoint) -> bool:
    """Whether a point is one bit without names."""
    one_bit = TYPES[point.type].family == "bit" or (point.bit is not None and point.bit[1] == 1)
    return one_bit and not point.enum


def told(at: Ref, point: DevicePoint, number: float | str | None, quality: Quality = Quality.GOOD) -> Told:
    """What a reading says; Unknown where it is not good: a condition is never true on a doubtful value."""
    if number is None or quality is not Quality.GOOD:
        seen = f" ({number:g})" if isinstance(number, float) else ""
        return Unknown(f"{at} is {quality.name.lower()}{seen}")
    if isinstance(number, str):
        return number
    if point.enum:
        name = point.enum.get(int(number))
        if name is None:
            return Unknown(f"{at} has the code {number:g}, which has no name")
        return State(name, number)
    if is_truth(point):
        return bool(number)
    return amount(number, point.unit)


def told_of(at: Ref, point: DevicePoint, seen: Seen) -> Told:
    """The same for a value of a run."""
    return told(at, point, seen.value, seen.quality)


def for_device(at: Ref, point: DevicePoint, value: Value) -> float | str:
    """A value as the codec takes it: a number in the point's unit, a state's name, a text.

    Raises UsageProblem where it is of another kind.
    """
    if point.is_text:
        if isinstance(value, str):
            return value
        raise UsageProblem(f"{at} takes a text, not {value}")
    if point.enum:
        name = ("on" if value else "off") if isinstance(value, bool) else str(value)
        names = list(point.enum.values())
        if isinstance(value, Amount):
            raise UsageProblem(f"{at} takes a state ({', '.join(names)}), not {value}")
        if name not in names and name.casefold() in ON | OFF:
            wanted = 1 if name.casefold() in ON else 0
            return point.enum.get(wanted, name)
        return name
    if is_truth(point):
        word = str(value).casefold() if not isinstance(value, bool) else ("on" if value else "off")
        if word in ON | OFF:
            return 1.0 if word in ON else 0.0
        raise UsageProblem(f"{at} takes on or off, not {value}")
    if not isinstance(value, Amount):
        raise UsageProblem(f"{at} takes an amount in {point.unit or 'no unit'}, not `{value}`")
    if value.quantity != quantity(point):
        raise UsageProblem(f"{at} takes {quantity(point)}, and {value} is {value.quantity}")
    return value.in_unit(point.unit or "")
