"""One JSON document: rows as objects by column key, units named, NaN as null, times in UTC with a Z.

Keys are only ever added. A row stands on a line of its own, so that a large document still reads well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from cityctl.report.render.cells import Cell, cell_of, keys_of, settled, unit_of, utc_text
from cityctl.report.render.view import View
from cityctl.result import Column, Completeness, Finding, Result, Table

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_C1 = re.compile("[\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def render(result: Result, view: View) -> str:
    """The result as `{"title", "summary", "interval", "findings", "rows", "tables", ...}`.

    `rows` are those of the first table; each further table's rows stand under its own key as well.
    """
    named = _named(result.tables)
    rows = {key: [dumped(row) for row in rows_of(table)] for key, table in named.items()}
    first = next(iter(rows.values()), [])
    members: list[tuple[str, str]] = [
        ("title", dumped(result.title)),
        ("subtitle", dumped(result.subtitle)),
        ("summary", dumped(result.summary)),
        ("exit_code", dumped(int(view.exit_code))),
        ("interval", dumped(_interval(result, view))),
        ("completeness", dumped(_completeness(result.completeness))),
        ("findings", _array(map(dumped, map(_finding, result.findings)), "  ")),
        ("notes", _array(map(dumped, result.notes), "  ")),
        ("rows", _array(first, "  ")),
        ("tables", _tables(named, rows)),
    ]
    taken = {key for key, _ in members}
    # A second table is within reach too: `rejections` beside `rows`.
    members += [(key, _array(own, "  ")) for key, own in list(rows.items())[1:] if key not in taken]
    inside = ",\n".join(f'  "{key}": {text}' for key, text in members)
    return f"{{\n{inside}\n}}\n"


def rows_of(table: Table) -> list[dict[str, Any]]:
    """Each row as an object by column key, in types that JSON has."""
    keys = keys_of(table)
    return [
        {
            key: as_json(cell_of(cell, column))
            for key, cell, column in zip(keys, row, table.columns, strict=True)
        }
        for row in table.rows
    ]


def as_json(cell: Cell) -> Any:
    """A settled cell in types that JSON has: times as `2026-11-19T01:15:00Z`, dates as `2026-11-19`."""
    if cell is None or isinstance(cell, (str, int, float)):
        return cell
    if isinstance(cell, datetime):
        return utc_text(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    return [as_json(part) for part in cell]


def dumped(value: object) -> str:
    """One JSON value on one line, with every sign that could steer a terminal as a \\u escape."""
    text = _ENCODER.encode(value)
    return _C1.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def _array(values: Iterable[str], margin: str) -> str:
    """Values that are dumped already, each on a line."""
    lines = [f"{margin}  {value}" for value in values]
    return "[\n" + ",\n".join(lines) + f"\n{margin}]" if lines else "[]"


def _tables(named: Mapping[str, Table], rows: Mapping[str, list[str]]) -> str:
    if not named:
        return "{}"
    inside = ",\n".join(
        f"    {dumped(key)}: {{\n"
        f'      "title": {dumped(table.title)},\n'
        f'      "note": {dumped(table.note)},\n'
        f'      "columns": {_array(map(dumped, map(_column, table.columns, keys_of(table))), "      ")},\n'
        f'      "rows": {_array(rows[key], "      ")}\n'
        "    }"
        for key, table in named.items()
    )
    return f"{{\n{inside}\n  }}"


def _named(tables: list[Table]) -> dict[str, Table]:
    """The tables by key; a key that comes again gets a number."""
    named: dict[str, Table] = {}
    for table in tables:
        key, count = table.key, 1
        while key in named:
            count += 1
            key = f"{table.key}_{count}"
        named[key] = table
    return named


def _column(column: Column, key: str) -> dict[str, object]:
    return {
        "key": key,
        "label": column.label,
        "unit": unit_of(column),
        "kind": column.kind,
        "meaning": column.meaning,
    }


def _interval(result: Result, view: View) -> dict[str, object] | None:
    if result.interval is None:
        return None
    start, end = result.interval.start, result.interval.end
    return {
        "since": utc_text(start),
        "until": utc_text(end),
        "time_zone": getattr(view.zone, "key", None) or str(view.zone),
        "local": {
            "since": start.astimezone(view.zone).isoformat(),
            "until": end.astimezone(view.zone).isoformat(),
        },
    }


def _completeness(completeness: Completeness) -> dict[str, object]:
    return {
        "wanted": completeness.wanted,
        "had": completeness.had,
        "unit": completeness.unit,
        "share": completeness.share,
        "complete": completeness.complete,
        "missing": [{"what": one.what, "why": one.why} for one in completeness.missing],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "kind": finding.kind,
        "subject": finding.subject,
        "since": as_json(settled(finding.since)),
        "severity": finding.severity,
        "text": finding.text,
        "evidence": _nested(finding.evidence),
    }


def _nested(value: object) -> Any:
    """Evidence as it is: mappings stay objects."""
    if isinstance(value, Mapping):
        return {str(key): _nested(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_nested(part) for part in value]
    return as_json(settled(value))
