"""Measures in bulk: what was done to save, one a row of a CSV beside city.yaml.

Columns: date (2026-05-01), and where wanted zone, meters (point ids, several with spaces, `*` for any letters)
and what.
"""

from __future__ import annotations

from cityctl.city.accounts import Intervention
from cityctl.city.beside import known_zone, read_moment, rows
from cityctl.city.model import City
from cityctl.errors import ConfigInvalid

COLUMNS = ("date", "zone", "meters", "what")


def read_measures(city: City) -> list[Intervention]:
    """The interventions of the city's file; none where it names none. Raises ConfigInvalid with file:line."""
    if city.interventions_file is None:
        return []
    found = []
    for cells, place in rows(
        city.project / city.interventions_file, "interventions_file", COLUMNS, ("date",)
    ):
        day = read_moment(cells.get("date", ""))
        if day is None:
            raise ConfigInvalid(
                f"{place}: `{cells.get('date', '')}` is no date", hint="write it as 2026-05-01"
            )
        zone = known_zone(city, cells["zone"], place) if cells.get("zone") else None
        meters = cells.get("meters", "").split()
        found.append(Intervention(date=day.date(), zone=zone, meters=meters, what=cells.get("what", "")))
    return found
