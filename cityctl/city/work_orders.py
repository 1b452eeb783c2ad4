"""Work orders: leaks that were repaired, one a row of a CSV beside city.yaml.

Columns: date, zone (its name in city.yaml, or what people call it), and where wanted what. A row that cannot be read
keeps no other row, and no other command, from its work: it is told with its line.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from cityctl.city.beside import rows
from cityctl.city.model import City
from cityctl.city.records import WorkOrder
from cityctl.errors import listed, near

COLUMNS = ("date", "zone", "what")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?")


def read_work_orders(city: City) -> tuple[list[WorkOrder], list[str]]:
    """The orders of the city's file by date, and what is wrong with its other rows; none where it names none.

    Raises ConfigInvalid for a file that cannot be read, or lacks a column.
    """
    if city.work_orders_file is None:
        return [], []
    path = city.project / city.work_orders_file
    found, faults = [], []
    names = {(entry.name or name).casefold(): name for name, entry in city.zones.items()}
    names |= {name.casefold(): name for name in city.zones}
    # Maintenance systems export more columns than these: the others are theirs.
    for cells, where in rows(path, "work_orders_file", COLUMNS, ("date", "zone"), others=True):
        place = where.removeprefix(f"{path.parent}/")
        day = read_day(cells.get("date", ""))
        zone = names.get(cells.get("zone", "").casefold())
        if day is None:
            faults.append(f"{place}: `{cells.get('date', '')}` is no date; write it as 2026-05-01")
        elif zone is None:
            match = near(cells.get("zone", ""), city.zones)
            hint = f"did you mean `{match}`?" if match else f"there are: {listed(city.zones)}"
            faults.append(f"{place}: no zone `{cells.get('zone', '')}`; {hint}")
        else:
            found.append(WorkOrder(day, zone, cells.get("what", "")))
    return sorted(found, key=lambda one: one.date), faults


def read_day(text: str) -> date | None:
    """2026-05-01 with or without a time behind it, 20260501 or 1.5.2026; None of anything else.

    1/5/2026 is the first of May in one country and the fifth of January in another: it is no date.
    """
    dotted = _DOTTED.fullmatch(text)
    try:
        if dotted is not None:
            return date(int(dotted[3]), int(dotted[2]), int(dotted[1]))
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None
