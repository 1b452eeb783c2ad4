"""Where a person wants to look: a device of the city, every line of it, or a place that it does not know."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cityctl.city.project import Project
from cityctl.errors import UsageProblem
from cityctl.modbus.line import Link
from cityctl.modbus.targets import link, named_device

_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:]+)\]|(?P<host>[^:\s/]+))(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Spot:
    """Where to look: a line, the unit and the connector where a device of the city names them."""

    link: Link
    unit: int | None = None
    device: str = ""
    connector: str = ""
    timeout: float | None = None


def spot(project: Project, word: str) -> Spot:
    """A device of city.yaml, or HOST[:PORT]: the city needs not know it. Raises UsageProblem, ConfigInvalid."""
    found = _HOST.fullmatch(word)
    place, _, unit = word.rpartition("/")
    if unit.isdecimal() and "." in place and _HOST.fullmatch(place):
        raise UsageProblem(
            f"`{word}`: a place has no unit", hint=f"`{place}` and `--unit {unit}` (`--units` for a scan)"
        )
    if found is None and word.count(":") > 1:
        raise UsageProblem(
            f"`{word}`: an IPv6 address stands in brackets", hint=f"write [{word}] or [{word}]:502"
        )
    named = "." not in word and ":" not in word and word != "localhost"
    if named or found is None:
        city = project.city
        device = named_device(city, word)
        return Spot(link(device, project.folder), device.unit, word, device.connector, device.timeout)
    port = int(found["port"] or 502)
    if not 1 <= port <= 65_535:
        raise UsageProblem(f"`{word}`: a port is 1 to 65535")
    return Spot(Link(found["six"] or found["host"], port))


def spots(project: Project, words: Sequence[str]) -> list[Spot]:
    """The places named; all lines of the city where none is."""
    if words:
        return [spot(project, word) for word in words]
    city = project.city
    lines: dict[Link, Spot] = {}
    for device in city.devices.values():
        line = link(device, project.folder)
        lines.setdefault(line, Spot(line))
    if not lines:
        raise UsageProblem("no devices in city.yaml", hint="name a place: `cityctl devices scan 10.0.0.5`")
    return list(lines.values())


def neighbours(project: Project, at: Spot) -> dict[int, str]:
    """The units of the city's other devices on a device's line, with their names."""
    return {
        device.unit: name
        for name, device in project.city.devices.items()
        if name != at.device and link(device, project.folder) == at.link
    }
