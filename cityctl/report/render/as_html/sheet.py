"""A table as HTML: heads that sort, units, sparks as SVG, verdicts as badges; what is left out is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, tzinfo
from html import escape

from cityctl.report.render.cells import Cell, cell_of, clean, is_right, prose, shown, shown_unit, utc_text
from cityctl.report.render.layout import lay_out
from cityctl.report.render.spark import figures
from cityctl.report.render.verdict import mood
from cityctl.result import Column, Table

THOUSANDS = "\u202f"
_LONG = 40  # signs of a cell, from which it is a sentence and wants room
_PAPER = 96  # signs that fit side by side on a printed page, A4 upright
_LOOKED_AT = 200  # rows that tell how wide a column is


def table_html(table: Table, zone: tzinfo, room: int) -> str:
    """A <figure> with the table; rows beyond `room` bytes are left out and counted under it."""
    if not table.columns:
        return f"<p class=under>{escape(prose(table.note) or 'no rows')}</p>"
    off = _off_paper(table, zone)
    heads = "".join(
        _head(column, _least_width(table, at), first=at == 0, off=at in off)
        for at, column in enumerate(table.columns)
    )
    rows: list[str] = []
    taken = 0
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        line = "".join(
            _cell(cell, column, zone, first=at == 0, off=at in off) for at, (cell, column) in enumerate(cells)
        )
        line = f"<tr>{line}</tr>"
        taken += len(line.encode())
        if taken > room:
            break
        rows.append(line)
    under: list[str] = []
    if len(rows) < len(table.rows):
        under.append(f"the first {len(rows)} of {len(table.rows)} rows; -o csv and -o parquet hold all")
    if not table.rows:
        under.append("no rows")
    if table.note:
        under.append(prose(table.note))
    notes = "".join(f"<p class=under>{escape(line)}</p>" for line in under)
    if off:
        names = " · ".join(escape(clean(table.columns[at].label)) for at in sorted(off))
        notes += f"<p class='under paper'>no room on this page: {names}</p>"
    return (
        f'<div class=sheet><div class=scroll tabindex="0"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></div>{notes}"
    )


def _off_paper(table: Table, zone: tzinfo) -> set[int]:
    """The columns that a printed page has no room for, by their priority: paper cannot be scrolled."""

    def write(cell: object, column: Column) -> str:
        return "x" * 14 if column.kind == "spark" else shown(cell, column, zone, group=" ")

    kept = lay_out(replace(table, rows=table.rows[:_LOOKED_AT]), write, _PAPER).columns
    return {at for at, column in enumerate(table.columns) if not any(column is one for one in kept)}


def _least_width(table: Table, at: int) -> int:
    """Room for the longest word of a text column [characters], so that none but very long ones are broken."""
    if table.columns[at].kind not in ("text", "verdict"):
        return 0
    words = (word for row in table.rows for word in str(row[at] or "").split())
    return min(20, max((len(word) for word in words), default=0))


def _head(column: Column, width: int, *, first: bool, off: bool) -> str:
    unit = shown_unit(column)
    under = f"<span class=unit>{escape(unit)}</span>" if unit else ""
    label = escape(clean(column.label))
    inside = label + under if column.kind == "spark" else _sorter(label) + under
    meaning = f' title="{escape(clean(column.meaning))}"' if column.meaning else ""
    # The head's letters are smaller than the cells', and a row's first cell is bold.
    style = f' style="min-width:calc({(1.3 if first else 1.15) * width + 1:.0f}ch + 24px)"' if width else ""
    return f"<th scope=col{_class(column, off=off)}{style}{meaning}>{inside}</th>"


def _sorter(label: str) -> str:
    """A head that sorts. No <button>: browsers leave those out of the heads they repeat on paper."""
    return f'<span class=sort role=button tabindex="0">{label}</span>'


def _class(column: Column, *, off: bool, long: bool = False) -> str:
    by_kind = {"time": "t", "date": "t", "verdict": "v"}
    kind = "n" if is_right(column) else by_kind.get(column.kind, "l" if long else "")
    words = [word for word in (kind, "off" if off else "") if word]
    return f' class="{" ".join(words)}"' if len(words) > 1 else f" class={words[0]}" if words else ""


def _cell(cell: object, column: Column, zone: tzinfo, *, first: bool, off: bool) -> str:
    if column.kind == "spark":
        return f"<td{_class(column, off=off)}>{spark_svg(figures(cell)) or '-'}</td>"
    plain = cell_of(cell, column)
    text = escape(shown(cell, column, zone, group=THOUSANDS))
    if column.kind == "verdict" and plain:
        badge = f'<span class="verdict {mood(str(plain))}">{text}</span>'
        return f"<td{_class(column, off=off)}>{badge}</td>"
    tag = "th scope=row" if first else "td"
    sort = _sort_value(plain)
    value = f' data-v="{escape(sort)}"' if sort is not None and sort != text else ""
    told = _class(column, off=off, long=len(text) > _LONG)
    return f"<{tag}{told}{value}>{text}</{tag.split(' ')[0]}>"


def _sort_value(plain: Cell) -> str | None:
    """What the column sorts by where the cell shows it rounded or in local time."""
    if plain is None or isinstance(plain, bool | str | list):
        return None if plain is not None else ""
    if isinstance(plain, int | float):
        return repr(plain)
    return utc_text(plain) if isinstance(plain, datetime) else plain.isoformat()


def spark_svg(values: list[float | None]) -> str:
    """The values as a small line with a dot at its end; gaps stay open."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    span = max(high - low, 0.5 * max(abs(low), abs(high))) or 1.0
    foot = low - (span - (high - low)) / 2
    step = 100 / max(1, len(values) - 1)
    path = ""
    pen_down = False
    dot = ""
    for at, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        spot = f"{at * step:.4g} {28 - (value - foot) / span * 24:.4g}"
        path += f"L{spot}" if pen_down else f"M{spot}h0"
        pen_down = True
        dot = f"M{spot}h0"
    said = f"{len(known)} of {len(values)} values, {low:.4g} to {high:.4g}, last {known[-1]:.4g}"
    return (
        f'<svg class=spark viewBox="-5 0 110 32" preserveAspectRatio="none" role="img" aria-label="{said}">'
        f'<title>{said}</title><path d="{path}"/><path class=dot d="{dot}"/></svg>'
    )
