"""Where each point of a connector file stands: addresses in any notation become those of the protocol.

The protocol counts from 0 in each of four tables. Pure; raises nothing: what cannot be placed is told as
a sentence for `lint`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cityctl.modbus.maps.entry import Entry
from cityctl.modbus.maps.language import ConnectorFile, Repeat
from cityctl.modbus.maps.types import TYPES

_TABLES = {0: 1, 1: 2, 3: 4, 4: 3}
"""The first digit of a reference number (Modicon notation), and the function code that reads its table."""


@dataclass(frozen=True)
class Place:
    """One entry under its own name, with its protocol address and function code.

    `trail` is where it is written in the file; `problems` are (key, sentence) for what it says wrongly.
    """

    name: str
    entry: Entry
    trail: tuple[str, ...]
    address: int
    function_code: int
    scale_factor: int | None = None
    factor: str | None = None
    times: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = field(default=())


def registers_of(entry: Entry) -> int:
    """How many registers (or bits) an entry takes."""
    return TYPES[entry.type].registers or ((entry.length or 2) + 1) // 2


def reference(number: int) -> tuple[int, int] | None:
    """(function code, protocol address) of a reference such as 40001 or 400001; None where it is none.

    Five digits reach 9999 registers a table, six reach 65536.
    """
    size = 100_000 if number >= 100_000 else 10_000
    table, index = divmod(number, size)
    if table not in _TABLES or not 1 <= index <= 65_536:
        return None
    return _TABLES[table], index - 1


def places(written: ConnectorFile) -> Iterator[Place]:
    """Every point of a file, those of `repeats` once for each of their numbers."""
    every = list(_counted(written))
    addresses = {place.name: place.address for place in every}
    for place in every:
        yield replace(place, scale_factor=addresses.get(place.factor, -1)) if place.factor else place


def _counted(written: ConnectorFile) -> Iterator[Place]:
    for name, entry in written.points.items():
        factor = entry.scale_factor if isinstance(entry.scale_factor, str) else None
        found = _place(name, entry, ("points", name), written, 0, factor)
        yield replace(found, times=tuple(entry.times), over=tuple(entry.over), plus=tuple(entry.plus))
    for pattern, repeat in written.repeats.items():
        for number in range(repeat.count):
            prefix = pattern.replace("{n}", str(repeat.first + number))
            for name, entry in repeat.points.items():
                trail = ("repeats", pattern, "points", name)
                factor = entry.scale_factor if isinstance(entry.scale_factor, str) else None
                if factor in repeat.points:
                    factor = f"{prefix}_{factor}"
                found = _place(f"{prefix}_{name}", entry, trail, written, number * repeat.stride, factor)
                yield replace(
                    found,
                    times=_of_number(entry.times, repeat, prefix),
                    over=_of_number(entry.over, repeat, prefix),
                    plus=_of_number(entry.plus, repeat, prefix),
                )


def _of_number(names: list[str], repeat: Repeat, prefix: str) -> tuple[str, ...]:
    """Names of points, those of a repeat as the ones of one number."""
    return tuple(f"{prefix}_{name}" if name in repeat.points else name for name in names)


def _place(
    name: str, entry: Entry, trail: tuple[str, ...], written: ConnectorFile, shift: int, named: str | None
) -> Place:
    problems: list[tuple[str, str]] = []
    code: int = entry.function_code or written.function_code
    address, factor = 0, None
    if (entry.address is None) == (entry.parameter is None):
        problems.append(("address", "needs its `address`, or its `parameter`: one of them"))
    elif entry.parameter is not None:
        address = _by_rule(entry, written, problems)
    elif written.address_base == "4xxxx":
        found = reference(entry.address or 0)
        if found is None:
            said = f"{entry.address} is no reference such as 40001 (holding), 30001 (input), 10001 or 1"
            problems.append(("address", said))
        else:
            if entry.function_code not in (None, found[0]):
                said = f"{entry.address} is read by function {found[0]}, not {entry.function_code}"
                problems.append(("function_code", said))
            code, address = found
    else:
        address = (entry.address or 0) + written.base - written.address_base
    if isinstance(entry.scale_factor, int):
        if written.address_base == "4xxxx":
            held = reference(entry.scale_factor)
            factor = held[1] if held else -1
        else:
            factor = entry.scale_factor + written.base - written.address_base
    if not problems and not 0 <= address + shift <= address + shift + registers_of(entry) <= 65_536:
        problems.append(("address", f"is outside the addresses 0 to 65535{_meant(entry, written)}"))
    return Place(name, entry, trail, address + shift, code, factor, named, problems=tuple(problems))


def _meant(entry: Entry, written: ConnectorFile) -> str:
    """What an address that cannot be was perhaps meant as."""
    if entry.address is None or written.address_base == "4xxxx":
        return ""
    if entry.address < written.address_base:
        return f": `address_base: {written.address_base}` calls the first register {written.address_base}"
    found = reference(entry.address)
    if found is not None and entry.address >= 100_000:
        return f"; as a reference it is {found[1]} of function {found[0]}: `address_base: 4xxxx`"
    return ""


def _by_rule(entry: Entry, written: ConnectorFile, problems: list[tuple[str, str]]) -> int:
    rule = written.parameters
    if rule is None or entry.parameter is None:
        problems.append(("parameter", "has a `parameter`, and the device has no `parameters` rule"))
        return 0
    if rule.wide is not None and registers_of(entry) > 1:
        rule = rule.wide
    group, index = entry.parameter
    return rule.group * group + rule.index * index + rule.plus
