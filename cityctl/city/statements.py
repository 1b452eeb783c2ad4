"""Bills as they came: a CSV beside city.yaml with a line of a bill a row.

Columns: meter, month (2026-05), line (the charge's name, or `total`), amount (in the city's currency).
"""

from __future__ import annotations

import csv
from datetime import date

from cityctl.city.model import City, Stated
from cityctl.errors import ConfigInvalid, listed, near

COLUMNS = ("meter", "month", "line", "amount")


def read_statements(city: City) -> list[Stated]:
    """The lines of the city's file; none where it names none. Raises ConfigInvalid with file:line."""
    if city.statements_file is None:
        return []
    path = city.project / city.statements_file
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as problem:
        hint = "`statements_file:` is a path beside city.yaml"
        raise ConfigInvalid(f"{path}: {problem.strerror}", hint=hint) from None
    except UnicodeDecodeError as problem:
        raise ConfigInvalid(f"{path}: {problem.reason}", hint="save it as UTF-8 CSV") from None
    reader = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count) if lines else ",")
    header = [cell.strip().casefold() for cell in next(reader, [])]
    if sorted(header) != sorted(COLUMNS):
        raise ConfigInvalid(
            f"{path}:1: columns {listed(header) or 'none'}", hint=f"columns: {listed(COLUMNS)}"
        )
    found = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        place = f"{path}:{reader.line_num}"
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
