"""What the names of a runbook stand for: inputs, points of the devices given, points of the city, saved values.

Binds what is given to what the recipe asks for, and refuses what does not fit. Reads connectors, sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cityctl.city.model import City
from cityctl.errors import CityctlError, UsageProblem, listed, near
from cityctl.library import Library
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.targets import Shelf, named_device
from cityctl.runbook.dimension import IS_TEXT, IS_TRUTH, Kind
from cityctl.runbook.language import Input, Need, Runbook, Step
from cityctl.runbook.points import Ref, kind_of, quantity, ref, states
from cityctl.runbook.values import OFF, ON, Amount, State, Value, amount
from cityctl.units import unit

Given = Mapping[str, object]
Bound = Value | Ref | list[str]
_DASHED = str.maketrans("-", "_")


class Plant:
    """The devices of a city by name, with their models."""

    def __init__(self, city: City, library: Library) -> None:
        self.city, self.library = city, library
        self.shelf = Shelf(library)
        self.placed: dict[str, DeviceConnector] = {}
        """Models of devices that were found to have their SunSpec block elsewhere than the connector says."""

    def connector(self, device: str) -> DeviceConnector:
        """The model of a device. Raises UsageProblem with the near match."""
        entry = named_device(self.city, device)
        return self.placed.get(device) or self.shelf.connector(entry.connector)

    def point(self, at: Ref) -> DevicePoint:
        """The point of a device. Raises UsageProblem with the near match."""
        connector = self.connector(at.device)
        try:
            return connector.point(at.point)
        except UsageProblem as problem:
            raise UsageProblem(f"{at}: {problem.message}", hint=problem.hint) from None

    def has(self, at: Ref) -> bool:
        """Whether there is such a point."""
        device = self.city.devices.get(at.device)
        return device is not None and at.point in self.shelf.connector(device.connector).points

    def named(self, name: str) -> Ref | None:
        """A point by the city's own name, by `device/point`, or by `device.point` with _ for -."""
        own = self.city.points().get(name)
        if own is not None and own.device is not None:
            return ref(own.device)
        if "/" in name:
            at = ref(name)
            return at if self.has(at) else None
        device, dot, point = name.rpartition(".")
        if dot:
            for known in self.city.devices:
                if known.translate(_DASHED) == device.translate(_DASHED) and self.has(Ref(known, point)):
                    return Ref(known, point)
        return None

    def near(self, name: str) -> str | None:
        """The name of a point, as conditions have it, that is nearest to a name that none has."""
        device, dot, point = name.rpartition(".")
        devices = {known.translate(_DASHED): known for known in self.city.devices}
        match = near(device.translate(_DASHED), devices) if dot else None
        if match is None:
            return near(name, self.city.points())
        found = near(point, self.connector(devices[match]).points)
        return f"{match}.{found}" if found else None


@dataclass
class Scope:
    """Names at one place of a runbook; `inner` is the same with the variables of a for_each."""

    plant: Plant
    inputs: Mapping[str, Input]
    bound: dict[str, Bound]
    loop: dict[str, str] = field(default_factory=dict)
    saves: dict[str, Kind] = field(default_factory=dict)

    def inner(self, variables: Mapping[str, str]) -> Scope:
        """The same with a device for each variable."""
        return Scope(self.plant, self.inputs, self.bound, {**self.loop, **variables}, self.saves)

    def ref(self, name: str) -> Ref | None:
        """The point that a name stands for; None where it stands for none."""
        held = self.bound.get(name)
        if isinstance(held, Ref):
            return held
        head, dot, member = name.partition(".")
        if dot and head in self.loop:
            return Ref(self.loop[head], member)
        if name in self.saves or name in self.bound:
            return None
        return self.plant.named(name)

    def written(self, name: str) -> Ref:
        """The point that a `write` names. Raises UsageProblem."""
        at = self.ref(name)
        if at is None:
            raise UsageProblem(f"`{name}` names no point of a device")
        return at

    def value(self, name: str) -> Value | None:
        """The value of an input; None where it is something else."""
        if name in self.loop:
            return self.loop[name]
        held = self.bound.get(name)
        return None if isinstance(held, Ref | list) else held

    def kind(self, name: str) -> Kind | None:
        """The kind of a name's value; None where nothing has it."""
        if name in self.saves:
            return self.saves[name]
        at = self.ref(name)
        if at is not None:
            return kind_of(self.plant.point(at))
        value = self.value(name)
        if value is None:
            return None
        if isinstance(value, Amount):
            return Kind("amount", value.quantity)
        if isinstance(value, State):
            return states(frozenset({value.name}))
        if name in self.inputs and self.inputs[name].type == "choice":
            return states(frozenset(self.inputs[name].choices or ()))
        return IS_TRUTH if isinstance(value, bool) else IS_TEXT

    def rounds(self, step: Step) -> Iterator[tuple[str, Scope]]:
        """(suffix of the step's number, scope) for each round of a for_each; one without, where there is none."""
        if not step.for_each:
            yield "", self
            return
        lists = []
        for name, source in step.for_each.items():
            held = self.bound.get(source)
            if not isinstance(held, list):
                raise UsageProblem(f"for_each: `{source}` is no input of type devices")
            lists.append([(name, device) for device in held])
        for pairs in zip(*lists, strict=False):
            yield "@" + ",".join(device for _, device in pairs), self.inner(dict(pairs))


def bind(runbook: Runbook, plant: Plant, given: Given) -> Scope:
    """A runbook's inputs as they are given, by the city, or by default. Raises UsageProblem."""
    bound: dict[str, Bound] = {}
    members = {
        f"{name}.{member}": (name, need)
        for name, entry in runbook.inputs.items()
        if entry.type == "device"
        for member, need in entry.points.items()
    }
    for name in given:
        if name not in runbook.inputs and name not in members:
            match = near(name, [*runbook.inputs, *members])
            hint = f"did you mean `{match}`?" if match else f"it takes: {listed(runbook.inputs) or 'none'}"
            raise UsageProblem(f"{runbook.runbook} has no input `{name}`", hint=hint)
    for name, entry in runbook.inputs.items():
        value = given.get(name, entry.default)
        if value is None:
            raise UsageProblem(
                f"{runbook.runbook} needs `{name}`: {entry.meaning}", hint=f"add {name}={_example(entry)}"
            )
        try:
            bound[name] = _bound(name, entry, value, plant)
            if entry.type == "device":
                for member, need in entry.points.items():
                    word = f"{name}.{member}"
                    at = ref(str(given[word])) if word in given else Ref(str(value), member)
                    _fits(word, need, at, plant)
                    bound[word] = at
            elif entry.type == "devices":
                for device in bound[name]:  # type: ignore[union-attr]  # _bound gives a list for devices
                    for member, need in entry.points.items():
                        _fits(f"{name}: {device}", need, Ref(str(device), member), plant)
        except CityctlError as problem:
            if not isinstance(problem, UsageProblem):
                raise
            raise UsageProblem(f"input {name}: {problem.message}", hint=problem.hint) from None
    return Scope(plant, runbook.inputs, bound)


def _example(entry: Input) -> str:
    return {"amount": f'"{entry.min:g} {entry.unit}"' if entry.min is not None else "1", "device": "DEVICE",
            "devices": "DEVICE,DEVICE", "point": "DEVICE/POINT", "text": "TEXT",
            "choice": "|".join(entry.choices or ())}[entry.type]  # fmt: skip


def _bound(name: str, entry: Input, value: object, plant: Plant) -> Bound:
    if entry.type == "amount":
        return checked_amount(value, entry.unit or "", entry.min, entry.max)
    if entry.type == "device":
        named_device(plant.city, str(value))
        return str(value)
    if entry.type == "devices":
        devices = value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
        for device in devices:
            named_device(plant.city, str(device))
        if len(set(devices)) != len(devices):
            raise UsageProblem("a device is named twice")
        return [str(device) for device in devices]
    if entry.type == "point":
        at = plant.named(str(value)) or ref(str(value))
        need = Need(unit=entry.unit, states=entry.states, writable=entry.writable)
        _fits(name, need, at, plant)
        return at
    word = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    if entry.type == "choice" and word not in (entry.choices or ()):
        match = near(word, entry.choices or ())
        one_of = f"one of: {', '.join(entry.choices or ())}"
        raise UsageProblem(f"`{word}` is no choice", hint=f"did you mean `{match}`?" if match else one_of)
    return word


def checked_amount(value: object, symbol: str, low: float | None, high: float | None) -> Amount:
    """An amount as a person gives it, within its range. Raises UsageProblem: no number, wrong unit, outside."""
    from cityctl.units import amount as said

    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UsageProblem(f"`{value}` is no amount", hint=f"write for example 12.5 {symbol}")
    number = float(f"{said(value, symbol):.13g}")
    if not number == number or number in (float("inf"), float("-inf")):
        raise UsageProblem(f"`{value}` is no amount")
    if (low is not None and number < low) or (high is not None and number > high):
        raise UsageProblem(
            f"{number:g} {symbol} is outside {low:g} to {high:g} {symbol}".replace("None", "any")
        )
    return amount(number, symbol)


def _fits(word: str, need: Need, at: Ref, plant: Plant) -> None:
    """Raises UsageProblem where a point is not what the recipe asks for."""
    point = plant.point(at)
    found = kind_of(point)
    if need.unit is not None and (found.sort != "amount" or quantity(point) != unit(need.unit).quantity):
        raise UsageProblem(f"{word} must be {unit(need.unit).quantity}; {at} is {found}")
    if need.states is not None:
        known = found.states if found.sort == "state" else frozenset({"on", "off"})
        lacking = [name for name in need.states if name not in known and name.casefold() not in ON | OFF]
        if found.sort not in ("state", "truth") or lacking:
            raise UsageProblem(f"{word} must know the states {', '.join(need.states)}; {at} is {found}")
    if need.unit is None and need.states is None and found.sort not in ("truth", "state"):
        raise UsageProblem(f"{word} must be on or off; {at} is {found}")
    if need.writable and not point.can_be_written:
        raise UsageProblem(f"{word} must be writable; {at} can only be read")


def need_kind(need: Need) -> Kind:
    """The kind of a point before a city is there to look at: as the recipe says that it must be."""
    if need.unit is not None:
        return Kind("amount", unit(need.unit).quantity)
    return states(frozenset(need.states)) if need.states is not None else IS_TRUTH
