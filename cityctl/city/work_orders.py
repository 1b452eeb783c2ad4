"""Work orders: leaks that were repaired, one a row of a CSV beside city.yaml.

Columns: date (2026-05-01), zone, and where wanted what.
"""

from __future__ import annotations

from datetime import date

from cityctl.city.beside import known_zone, rows
from cityctl.city.model import City, WorkOrder
from cityctl.errors import ConfigInvalid

COLUMNS = ("date", "zone", "what")


def read_work_orders(city: City) -> list[WorkOrder]:
    """The orders of the city's file, by date; none where it names none. Raises ConfigInvalid with file:line."""
    if city.work_orders_file is None:
        return []
    found = []
    path = city.project / city.work_orders_file
    # Maintenance systems export more columns than these: the others are theirs.
    for cells, place in rows(path, "work_orders_file", COLUMNS, ("date", "zone"), others=True):
        try:
            day = date.fromisoformat(cells["date"])
        except ValueError:
            raise ConfigInvalid(
                f"{place}: `{cells['date']}` is no date", hint="write it as 2026-05-01"
            ) from None
        zone = known_zone(city, cells.get("zone", ""), place)
        found.append(WorkOrder(day, zone, cells.get("what", "")))
    return sorted(found, key=lambda one: one.date)
