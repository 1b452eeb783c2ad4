"""Meters in bulk: utilities keep 100 000 of them in a spreadsheet, one a row.

Columns: meter (its id), and where wanted name, zone, network, unit, quantity, kind, every, role, service,
series, asset, rollover. What a register's entry in city.yaml says holds for rows that leave a cell empty.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, get_args

from cityctl import clock, units
from cityctl.city.model import City, MeterRegister
from cityctl.city.points import Point
from cityctl.errors import ConfigInvalid, UsageProblem, listed, near
from cityctl.reading import Kind

COLUMNS = (
    *("meter", "name", "zone", "network", "unit", "quantity", "kind", "every", "role"),
    *("service", "series", "asset", "rollover"),
)
_KINDS = get_args(Kind)


class _Row(NamedTuple):
    cells: dict[str, str]
    place: str


def _rows(path: Path) -> Iterator[_Row]:
    try:
        handle = path.open(encoding="utf-8-sig", newline="")
    except OSError as problem:
        raise ConfigInvalid(
            f"{path}: {problem.strerror}", hint="`register:` is a path beside city.yaml"
        ) from None
    with handle:
        sample = handle.readline()
        handle.seek(0)
        delimiter = max(",;\t", key=sample.count)
        reader = csv.reader(handle, delimiter=delimiter)
        try:
            header = [cell.strip().casefold() for cell in next(reader, [])]
            if "meter" not in header:
                raise ConfigInvalid(
                    f"{path}:1: no column `meter`",
                    tried=[f"columns there: {listed(header)}"],
                    hint=f"columns of a meter register: {', '.join(COLUMNS)}",
                )
            for name in header:
                if name not in COLUMNS:
                    match = near(name, COLUMNS)
                    hint = f"did you mean `{match}`?" if match else f"columns: {', '.join(COLUMNS)}"
                    raise ConfigInvalid(f"{path}:1: unknown column `{name}`", hint=hint)
            for row in reader:
                if any(cell.strip() for cell in row):
                    cells = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
                    yield _Row(cells, f"{path}:{reader.line_num}")
        except (csv.Error, UnicodeDecodeError) as problem:
            raise ConfigInvalid(f"{path}:{reader.line_num}: {problem}", hint="save it as UTF-8 CSV") from None


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
    for cells, place in _rows(path):
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
            if zone is not None and zone not in city.zones:
                match = near(zone, city.zones)
                raise UsageProblem(f"no zone `{zone}`", hint=f"did you mean `{match}`?" if match else None)
            network = cells.get("network") or entry.network or (city.zones[zone].network if zone else None)
            if network is not None and network not in city.networks:
                match = near(network, city.networks)
                raise UsageProblem(
                    f"no network `{network}`", hint=f"did you mean `{match}`?" if match else None
                )
            kind = (
                cells.get("kind")
                or entry.kind
                or ("interval" if quantity in ("energy", "volume") else "gauge")
            )
            if kind not in _KINDS:
                raise UsageProblem(f"no kind `{kind}`", hint=f"one of: {', '.join(_KINDS)}")
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
            kind=kind,  # type: ignore[arg-type]  # checked against the Literal's members above
            every=every,
            zone=zone,
            network=network,
            asset=cells.get("asset") or None,
            role=cells.get("role") or entry.role or "consumption",
            service=f"{service}/{series or meter}" if service else None,
            series=series,
            rollover=end,
        )
        yield point, place
