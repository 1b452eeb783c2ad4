"""Measures in bulk: what was done to save, one a row of a CSV beside city.yaml.

Columns: date (2026-05-01), and where wanted zone, meters (point ids, several with spaces, `*` for any letters)
and what.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from cityctl.city.model import City, Intervention
from cityctl.errors import ConfigInvalid, listed, near

COLUMNS = ("date", "zone", "meters", "what")


def read_measures(city: City) -> list[Intervention]:
    """The interventions of the city's file; none where it names none. Raises ConfigInvalid with file:line."""
    if city.interventions_file is None:
        return []
    path = city.project / city.interventions_file
    found = []
    for cells, place in _rows(path):
        try:
            day = date.fromisoformat(cells.get("date", ""))
        except ValueError:
            raise ConfigInvalid(
                f"{place}: `{cells.get('date', '')}` is no date", hint="write it as 2026-05-01"
            ) from None
        zone = cells.get("zone") or None
        if zone is not None and zone not in city.zones:
            match = near(zone, city.zones)
            raise ConfigInvalid(
                f"{place}: no zone `{zone}`", hint=f"did you mean `{match}`?" if match else None
            )
        meters = cells.get("meters", "").split()
        found.append(Intervention(date=day, zone=zone, meters=meters, what=cells.get("what", "")))
    return found


def _rows(path: Path) -> Iterator[tuple[dict[str, str], str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise ConfigInvalid(
            f"{path}: {problem.strerror}", hint="`interventions_file:` is a path beside city.yaml"
        ) from None
    except UnicodeDecodeError as problem:
        raise ConfigInvalid(f"{path}: {problem.reason}", hint="save it as UTF-8 CSV") from None
    lines = text.splitlines()
    delimiter = max(",;\t", key=lines[0].count) if lines else ","
    reader = csv.reader(lines, delimiter=delimiter)
    header = [cell.strip().casefold() for cell in next(reader, [])]
    for name in header:
        if name not in COLUMNS:
            match = near(name, COLUMNS)
            hint = f"did you mean `{match}`?" if match else f"columns: {listed(COLUMNS)}"
            raise ConfigInvalid(f"{path}:1: unknown column `{name}`", hint=hint)
    if "date" not in header:
        raise ConfigInvalid(f"{path}:1: no column `date`", hint=f"columns: {listed(COLUMNS)}")
    for row in reader:
        if any(cell.strip() for cell in row):
            cells = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
            yield cells, f"{path}:{reader.line_num}"
