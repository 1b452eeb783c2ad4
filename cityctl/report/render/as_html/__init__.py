"""One self-contained HTML page: no network, light and dark, print, plots as inline SVG, tables that sort.

Everything that comes from a name or a sentence is escaped. A page stays below 2 MB: plots are thinned to
pixel columns, and rows that do not fit are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from html import escape
from importlib.resources import files

from cityctl.report.render.as_html.plot import COLUMNS, plot_html
from cityctl.report.render.as_html.section import section_html, words_html
from cityctl.report.render.cells import prose
from cityctl.report.render.heading import about, interval_words
from cityctl.report.render.view import View
from cityctl.result import Result
from cityctl.wording import counted

PLOT_ROOM = 900_000  # bytes of a page for all plots
TABLE_ROOM = 700_000  # bytes for all tables
BYTES_A_COLUMN = 32  # four points of about eight bytes
LEAST_COLUMNS = 60  # a plot that is coarser than this shows nothing

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def render(result: Result, view: View) -> str:
    """The page of one result."""
    return html_page([result], result.title, zone=view.zone, view=view)


def html_page(
    results: Sequence[Result],
    title: str,
    *,
    zone: tzinfo,
    intro: str = "",
    view: View | None = None,
) -> str:
    """Several results on one page, each a section with its findings first; `intro` stands under the title."""
    alone = len(results) == 1
    lines = sum(len(plot.lines) for result in results for plot in result.plots)
    columns = max(LEAST_COLUMNS, min(COLUMNS, PLOT_ROOM // (BYTES_A_COLUMN * max(1, lines))))
    tables = max(1, sum(len(result.tables) for result in results))
    sections = [
        section_html(
            result,
            view or View(zone, exit_code=result.exit_code()),
            anchor=f"part-{at}",
            headed=not alone,
            plots=_plots(result, zone, columns, PLOT_ROOM // len(results)),
            room=TABLE_ROOM // tables,
        )
        for at, result in enumerate(results, 1)
    ]
    lead = intro or (about(results[0]) if alone else "")
    beside = _beside(results[0], zone) if alone else ""
    head = f"<h1>{escape(prose(title))}</h1>"
    head += f"<p class=when>{escape(beside)}</p>" if beside else ""
    head += f"<p class=lead>{words_html(lead)}</p>" if lead else ""
    head += _contents(results, zone) if not alone else ""
    name = escape(getattr(zone, "key", None) or str(zone))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(prose(title))}</title>\n<style>\n{_part('page.css')}</style>\n</head>\n"
        f'<body data-zone="{name}">\n<header>{head}</header>\n'
        f"<main>\n{chr(10).join(sections)}\n</main>\n"
        f"<footer>made by cityctl; times in {name}</footer>\n"
        f"<script>\n{_part('page.js')}</script>\n</body>\n</html>\n"
    )


def _plots(result: Result, zone: tzinfo, columns: int, room: int) -> str:
    """The result's plots; those beyond `room` bytes are left out and counted."""
    drawn: list[str] = []
    taken = 0
    for plot in result.plots:
        drawn.append(plot_html(plot, zone, columns, result.interval))
        taken += len(drawn[-1].encode())
        if taken > room and len(drawn) > 1:
            drawn.pop()
            break
    left = len(result.plots) - len(drawn)
    if left:
        drawn.append(
            f"<p class=under>and {counted(left, 'more plot')}; ask for fewer zones or meters to see them</p>"
        )
    return "".join(drawn)


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _beside(result: Result, zone: tzinfo) -> str:
    words = [prose(result.subtitle)] if result.subtitle else []
    if result.interval is not None:
        words.append(interval_words(result.interval, zone))
    return ", ".join(words)


def _contents(results: Sequence[Result], zone: tzinfo) -> str:
    """What the page holds, with the number of findings of each part."""
    entries = []
    for at, result in enumerate(results, 1):
        count = len(result.findings)
        found = f"<b>{counted(count, 'finding')}</b>" if count else "<span>no findings</span>"
        when = f"<small>{escape(_beside(result, zone))}</small>" if _beside(result, zone) else ""
        entries.append(f'<li><a href="#part-{at}">{escape(prose(result.title))}</a> {found}{when}</li>')
    return f"<nav><ol>{''.join(entries)}</ol></nav>"


__all__ = ["html_page", "render"]
