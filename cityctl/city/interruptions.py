"""Interruptions of supply: a CSV beside city.yaml, one interruption, or one step of its restoration, a row.

Columns: start and end (2026-05-01 14:30, local; `end` empty while it lasts), customers (without supply), and where
wanted zone and cause.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime

from cityctl.city.model import City, Interruption
from cityctl.errors import ConfigInvalid, listed, near

COLUMNS = ("start", "end", "customers", "zone", "cause")
_NEEDED = ("start", "end", "customers")


def read_interruptions(city: City) -> list[Interruption]:
    """The rows of the city's file in order of time; none where it names none. Raises ConfigInvalid with file:line."""
    if city.interruptions_file is None:
        return []
    found = []
    for cells, place in _rows(city):
        start = _instant(city, cells.get("start", ""), place)
        end = _instant(city, cells["end"], place) if cells.get("end") else None
        if end is not None and end < start:
            raise ConfigInvalid(f"{place}: it ends before it starts", hint="the columns are start, end")
        try:
            customers = int(cells.get("customers", ""))
        except ValueError:
            customers = -1
        if customers < 0:
            said = cells.get("customers", "")
            raise ConfigInvalid(f"{place}: `{said}` is no number of customers", hint="write it as 1250")
        zone = cells.get("zone") or None
        if zone is not None and zone not in city.zones:
            match = near(zone, city.zones)
            raise ConfigInvalid(
                f"{place}: no zone `{zone}`", hint=f"did you mean `{match}`?" if match else None
            )
        found.append(Interruption(start, end, customers, zone, cells.get("cause", ""), place))
    return sorted(found, key=lambda one: one.start)


def _instant(city: City, text: str, place: str) -> datetime:
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigInvalid(f"{place}: `{text}` is no time", hint="write it as 2026-05-01 14:30") from None
    if said.tzinfo is not None:
        return said.astimezone(UTC)
    local = said.replace(tzinfo=city.zone_info)
    if local.astimezone(UTC).astimezone(city.zone_info).replace(tzinfo=None) != said:
        raise ConfigInvalid(
            f"{place}: `{text}` does not exist in {city.time_zone}: the clocks skip it",
            hint="add an offset, such as 2026-03-29T03:30+02:00",
        )
    return local.astimezone(UTC)


def _rows(city: City) -> Iterator[tuple[dict[str, str], str]]:
    """(cells by column, file:line) of each row."""
    path = city.project / str(city.interruptions_file)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as problem:
        hint = "`interruptions_file:` is a path beside city.yaml"
        raise ConfigInvalid(f"{path}: {problem.strerror}", hint=hint) from None
    except UnicodeDecodeError as problem:
        raise ConfigInvalid(f"{path}: {problem.reason}", hint="save it as UTF-8 CSV") from None
    reader = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count) if lines else ",")
    header = [cell.strip().casefold() for cell in next(reader, [])]
    for name in header:
        if name not in COLUMNS:
            match = near(name, COLUMNS)
            hint = f"did you mean `{match}`?" if match else f"columns: {listed(COLUMNS)}"
            raise ConfigInvalid(f"{path}:1: unknown column `{name}`", hint=hint)
    lacking = [name for name in _NEEDED if name not in header]
    if lacking:
        raise ConfigInvalid(f"{path}:1: no column {listed(lacking)}", hint=f"columns: {listed(COLUMNS)}")
    for row in reader:
        if any(cell.strip() for cell in row):
            cells = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
            yield cells, f"{path}:{reader.line_num}"
