"""Parquet of the first table: typed columns, unit and meaning in each field's metadata."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from cityctl.report.render.as_json import as_json, dumped
from cityctl.report.render.cells import Cell, cell_of, keys_of, unit_of, utc_text
from cityctl.report.render.spark import figures
from cityctl.report.render.view import View
from cityctl.result import Column, Result, Table


def render(result: Result, view: View) -> bytes:  # noqa: ARG001 - every format is asked the same way
    """The file's bytes: numbers as double, times as timestamp[us, UTC], dates as date32, sparks as lists."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = result.tables[0] if result.tables else Table("empty", "", [], [])
    fields, arrays = [], []
    for at, (key, column) in enumerate(zip(keys_of(table), table.columns, strict=True)):
        cells = [cell_of(row[at], column) for row in table.rows]
        kind, values = _typed(column, cells)
        fields.append(pa.field(key, kind, metadata=_about_column(column)))
        arrays.append(pa.array(values, type=kind))  # noqa: TID251 - lists, and times with a zone
    schema = pa.schema(fields, metadata=_about_result(result))
    paper = BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), paper, compression="zstd")
    return paper.getvalue()


def _typed(column: Column, cells: list[Cell]) -> tuple[Any, list[Any]]:
    """The arrow type of a column and its values; cells that its kind does not allow make it a text column."""
    import datetime as dt

    import pyarrow as pa

    present = [cell for cell in cells if cell is not None]

    def all_are(*kinds: type) -> bool:
        return all(isinstance(cell, kinds) and not isinstance(cell, bool) for cell in present)

    if column.kind == "integer" and all_are(int) and all(abs(int(str(cell))) < 2**63 for cell in present):
        return pa.int64(), cells
    if column.kind in ("number", "integer", "share") and all_are(int, float):
        return pa.float64(), [None if cell is None else float(str(cell)) for cell in cells]
    if column.kind == "time" and all_are(dt.datetime):
        return pa.timestamp("us", tz="UTC"), cells
    if column.kind == "date" and all_are(dt.date) and not any(isinstance(c, dt.datetime) for c in present):
        return pa.date32(), cells
    if column.kind == "spark":
        return pa.list_(pa.float64()), [None if cell is None else figures(cell) for cell in cells]
    return pa.string(), [_as_text(cell) for cell in cells]


def _as_text(cell: Cell) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell.encode("utf-8", "backslashreplace").decode()  # a lone surrogate has no place in a file
    plain = as_json(cell)
    return plain if isinstance(plain, str) else dumped(plain)


def _about_column(column: Column) -> dict[str, str]:
    said = {"label": column.label, "unit": unit_of(column) or "", "meaning": column.meaning}
    return {key: text for key, text in said.items() if text}


def _about_result(result: Result) -> dict[bytes | str, bytes | str]:
    said = {"title": result.title, "summary": result.summary, "notes": dumped(result.notes)}
    if result.interval is not None:
        said |= {
            "since": utc_text(result.interval.start),
            "until": utc_text(result.interval.end),
            "time_zone": result.interval.zone_name,
        }
    return {key: _as_text(text) or "" for key, text in said.items()}
