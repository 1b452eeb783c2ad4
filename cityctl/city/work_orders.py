"""Work orders: leaks that were repaired, one a row of a CSV beside city.yaml.

Columns: date, zone (its name in city.yaml, or what people call it), and where wanted what; German lists and those of
maintenance systems call them by other words, which are known where one column alone fits. Dates such as 20/7/2026 are
read where all of the file can be read in one way only: a day behind the twelfth tells day from month. A row that cannot
be read keeps no other row, and no other command, from its work: it is told with its line.
"""

from __future__ import annotations

from cityctl.city.beside import order_of, read_moment, rows
from cityctl.city.model import City
from cityctl.city.records import WorkOrder
from cityctl.errors import listed, near

COLUMNS = ("date", "zone", "what")
_CALLED = {
    "date": (
        "repaired", "repair date", "date of repair", "completed", "completed on", "completion date", "closed", "datum",
        "reparaturdatum", "repariert am", "behoben am", "erledigt am", "abgeschlossen am", "fertig am",
    ),
    "zone": ("dma", "district", "bezirk", "messbezirk", "messzone", "versorgungszone", "druckzone"),
    "what": ("description", "work", "beschreibung", "maßnahme", "massnahme", "arbeit", "schaden", "was"),
}  # fmt: skip


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
    written = list(rows(path, "work_orders_file", COLUMNS, ("date", "zone"), others=True, called=_CALLED))
    order = order_of(cells.get("date", "") for cells, _ in written)
    for cells, where in written:
        place = where.removeprefix(f"{path.parent}/")
        said = cells.get("date", "")
        day, as_written = read_moment(said), ""
        if day is None and order is not None and (day := read_moment(said, order)) is not None:
            as_written = order
        zone = names.get(cells.get("zone", "").casefold())
        if day is None:
            faults.append(f"{place}: `{said}` is no date; write it as 2026-05-01")
        elif zone is None:
            match = near(cells.get("zone", ""), city.zones)
            hint = f"did you mean `{match}`?" if match else f"there are: {listed(city.zones)}"
            faults.append(f"{place}: no zone `{cells.get('zone', '')}`; {hint}")
        else:
            found.append(WorkOrder(day.date(), zone, cells.get("what", ""), as_written))
    return sorted(found, key=lambda one: one.date), faults
