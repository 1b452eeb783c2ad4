"""Interruptions of supply: a CSV beside city.yaml, one interruption, or one step of its restoration, a row.

Columns: start and end (2026-05-01 14:30, local; `end` empty while it lasts), customers (without supply), and where
wanted zone and cause. A row that cannot be read keeps no other row, and no other command, from its work: it is told
with its line.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cityctl.city.beside import known_zone, read_moment, rows
from cityctl.city.model import City
from cityctl.city.records import Interruption
from cityctl.errors import ConfigInvalid

COLUMNS = ("start", "end", "customers", "zone", "cause")
_NEEDED = ("start", "end", "customers")


def read_interruptions(city: City) -> tuple[list[Interruption], list[tuple[str, str]]]:
    """The rows of the city's file in order of time, and (file:line, what is wrong) of those that cannot be read.

    None where it names no file. Raises ConfigInvalid for a file that cannot be read, or lacks a column.
    """
    if city.interruptions_file is None:
        return [], []
    path = city.project / city.interruptions_file
    found, faults = [], []
    for cells, place in rows(path, "interruptions_file", COLUMNS, _NEEDED):
        try:
            found.append(_interruption(city, cells, place))
        except ConfigInvalid as problem:
            why = problem.message.removeprefix(f"{place}: ")
            faults.append((place, f"{why}; {problem.hint}" if problem.hint else why))
    return sorted(found, key=lambda one: one.start), faults


def _interruption(city: City, cells: dict[str, str], place: str) -> Interruption:
    """One row. Raises ConfigInvalid."""
    start = _instant(city, cells.get("start", ""), place)
    end = _instant(city, cells["end"], place, start) if cells.get("end") else None
    if end is not None and end < start:
        raise ConfigInvalid(f"{place}: it ends before it starts", hint="the columns are start, end")
    said = cells.get("customers", "")
    try:
        customers = float(said)
    except ValueError:
        customers = -1.0
    if customers < 0 or not customers.is_integer():
        raise ConfigInvalid(f"{place}: `{said}` is no number of customers", hint="write it as 1250")
    zone = known_zone(city, cells["zone"], place) if cells.get("zone") else None
    return Interruption(start, end, int(customers), zone, cells.get("cause", ""), place)


def _instant(city: City, text: str, place: str, after: datetime | None = None) -> datetime:
    """A time of the city; in the hour that comes twice in autumn the later one where that is needed to be `after`."""
    said = read_moment(text)
    if said is None:
        raise ConfigInvalid(f"{place}: `{text}` is no time", hint="write it as 2026-05-01 14:30")
    if said.tzinfo is not None:
        return said.astimezone(UTC)
    local = said.replace(tzinfo=city.zone_info)
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(city.zone_info).replace(tzinfo=None) != said:
        raise ConfigInvalid(
            f"{place}: `{text}` does not exist in {city.time_zone}: the clocks skip it",
            hint="add an offset, such as 2026-03-29T03:30+02:00",
        )
    return second if after is not None and first < after <= second else first
