"""Interruptions of supply: a CSV beside city.yaml, one interruption, or one step of its restoration, a row.

Columns: start and end (2026-05-01 14:30, local; `end` empty while it lasts), customers (without supply), and where
wanted zone and cause.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cityctl.city.beside import known_zone, rows
from cityctl.city.model import City
from cityctl.city.records import Interruption
from cityctl.errors import ConfigInvalid

COLUMNS = ("start", "end", "customers", "zone", "cause")
_NEEDED = ("start", "end", "customers")


def read_interruptions(city: City) -> list[Interruption]:
    """The rows of the city's file in order of time; none where it names none. Raises ConfigInvalid with file:line."""
    if city.interruptions_file is None:
        return []
    path = city.project / city.interruptions_file
    found = []
    for cells, place in rows(path, "interruptions_file", COLUMNS, _NEEDED):
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
        zone = known_zone(city, cells["zone"], place) if cells.get("zone") else None
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
