"""Meters in bulk: utilities keep 100 000 of them in a spreadsheet, one a row.

Columns: meter (its id), and where wanted name, zone, network, unit, quantity, kind, every, role, service,
series, asset, rollover. What a register's entry in city.yaml says holds for rows that leave a cell empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import get_args

from cityctl import clock, units
from cityctl.city.beside import known_zone, rows
from cityctl.city.kinds import kind_of
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.city.sources import MeterRegister, known_role
from cityctl.errors import ConfigInvalid, UsageProblem, near
from cityctl.reading import Kind

COLUMNS = (
    *("meter", "name", "zone", "network", "unit", "quantity", "kind", "every", "role"),
    *("service", "series", "asset", "rollover"),
)
_KINDS = get_args(Kind)


@cache
def _measure(unit: str, quantity: str) -> tuple[str, str, str]:
    """(quantity, canonical unit, shown unit) of a row's cells."""
    shown = units.unit(unit)
    if quantity and units.canonical(quantity).quantity != shown.quantity:
        raise UsageProblem(f"`{unit}` is a unit of {shown.quantity}, not of {quantity}")
    return shown.quantity, units.canonical(shown.quantity).symbol, shown.symbol


def _amount(text: str, shown: str, canonical: str) -> float:
    try:
        return float(text) * units.linear(shown, canonical)[0]
    except ValueError:
        raise UsageProblem(f"`rollover: {text}` is no number") from None


def read_register(city: City, entry: MeterRegister) -> Iterator[tuple[Point, str]]:
    """(point, file:line) of each meter. Raises ConfigInvalid with file:line."""
    path = city.project / entry.register_file
    durations = cache(clock.duration)
    roles = cache(known_role)
    for cells, place in rows(path, "register", COLUMNS, ("meter",)):
        meter = cells.get("meter", "")
        try:
            if not meter:
                raise UsageProblem("the meter has no id")
            unit = cells.get("unit") or entry.unit
            if not unit:
                raise UsageProblem(
                    f"meter `{meter}` has no unit", hint="add a column `unit`, or `unit:` to the register"
                )
            quantity, canonical, shown = _measure(unit, cells.get("quantity", ""))
            zone = cells.get("zone") or entry.zone
            if zone is not None:
                known_zone(city, zone, place)
            network = cells.get("network") or entry.network or (city.zones[zone].network if zone else None)
            if network is not None and network not in city.networks:
                match = near(network, city.networks)
                raise UsageProblem(
                    f"no network `{network}`", hint=f"did you mean `{match}`?" if match else None
                )
            said = (
                cells.get("kind") or entry.kind or ("interval" if quantity in ("energy", "volume") else None)
            )
            if said not in (None, *_KINDS):
                raise UsageProblem(f"no kind `{said}`", hint=f"one of: {', '.join(_KINDS)}")
            role = roles(cells.get("role") or entry.role or "consumption")
            kind = kind_of(quantity, role, said, shown)  # type: ignore[arg-type]  # checked against the Literal above
            every = durations(cells["every"]) if cells.get("every") else entry.every
            end = _amount(cells["rollover"], shown, canonical) if cells.get("rollover") else None
        except UsageProblem as problem:
            raise ConfigInvalid(f"{place}: {problem.message}", hint=problem.hint) from None
        service = cells.get("service") or entry.service
        series = cells.get("series") or None
        point = Point(
            id=meter,
            name=cells.get("name") or None,
            quantity=quantity,
            unit=canonical,
            shown_unit=shown,
            kind=kind,
            every=every,
            zone=zone,
            network=network,
            asset=cells.get("asset") or None,
            role=role,
            service=f"{service}/{series or meter}" if service else None,
            series=series,
            rollover=end,
        )
        yield point, place
