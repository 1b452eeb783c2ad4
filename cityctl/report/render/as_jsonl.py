"""JSON lines: one row of the first table a line, for `jq` and log pipelines."""

from __future__ import annotations

from cityctl.report.render.as_json import dumped, rows_of
from cityctl.report.render.view import View
from cityctl.result import Result


def render(result: Result, view: View) -> str:  # noqa: ARG001 - every format is asked the same way
    """One object a line; nothing at all where there are no rows."""
    rows = rows_of(result.tables[0]) if result.tables else []
    return "".join(f"{dumped(row)}\n" for row in rows)
