"""Work orders: leaks that were repaired, one a row of a CSV beside city.yaml.

Columns: date (2026-05-01), zone, and where wanted what.
"""

from __future__ import annotations

import csv
from datetime import date

from cityctl.city.model import City, WorkOrder
from cityctl.errors import ConfigInvalid, listed, near

COLUMNS = ("date", "zone", "what")


def read_work_orders(city: City) -> list[WorkOrder]:
    """The orders of the city's file, by date; none where it names none. Raises ConfigInvalid with file:line."""
    if city.work_orders_file is None:
        return []
    path = city.project / city.work_orders_file
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as problem:
        hint = "`work_orders_file:` is a path beside city.yaml"
        raise ConfigInvalid(f"{path}: {problem.strerror}", hint=hint) from None
    except UnicodeDecodeError as problem:
        raise ConfigInvalid(f"{path}: {problem.reason}", hint="save it as UTF-8 CSV") from None
    reader = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count) if lines else ",")
    header = [cell.strip().casefold() for cell in next(reader, [])]
    for lacking in ("date", "zone"):
        if lacking not in header:
            raise ConfigInvalid(f"{path}:1: no column `{lacking}`", hint=f"columns: {listed(COLUMNS)}")
    found = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        # Maintenance systems export more columns than these: the others are theirs.
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        place = f"{path}:{reader.line_num}"
        try:
            day = date.fromisoformat(cells["date"])
        except ValueError:
            raise ConfigInvalid(
                f"{place}: `{cells['date']}` is no date", hint="write it as 2026-05-01"
            ) from None
        zone = cells.get("zone", "")
        if zone not in city.zones:
            match = near(zone, city.zones)
            hint = f"did you mean `{match}`?" if match else f"there are: {listed(city.zones)}"
            raise ConfigInvalid(f"{place}: no zone `{zone}`", hint=hint)
        found.append(WorkOrder(day, zone, cells.get("what", "")))
    return sorted(found, key=lambda one: one.date)
