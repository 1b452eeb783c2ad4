"""Bills as they came: a CSV beside city.yaml with a line of a bill a row.

Columns: meter, month (2026-05), line (the charge's name, or `total`), amount (in the city's currency).
"""

from __future__ import annotations

from datetime import date

from cityctl.city.beside import rows
from cityctl.city.model import City
from cityctl.city.records import Stated
from cityctl.errors import ConfigInvalid, near

COLUMNS = ("meter", "month", "line", "amount")


def read_statements(city: City) -> list[Stated]:
    """The lines of the city's file; none where it names none. Raises ConfigInvalid with file:line."""
    if city.statements_file is None:
        return []
    found = []
    for cells, place in rows(city.project / city.statements_file, "statements_file", COLUMNS, COLUMNS):
        if cells.get("meter") not in city.points():
            match = near(cells.get("meter", ""), city.points())
            raise ConfigInvalid(
                f"{place}: no point `{cells.get('meter', '')}`",
                hint=f"did you mean `{match}`?" if match else None,
            )
        try:
            month = date.fromisoformat(f"{cells.get('month', '')}-01")
            amount = float(cells.get("amount", ""))
        except ValueError:
            raise ConfigInvalid(
                f"{place}: no month and amount", hint="write them as 2026-05 and 1234.56"
            ) from None
        found.append(Stated(cells["meter"], month, cells.get("line", ""), amount))
    return found
