"""One result on the page: summary, findings, tables, plots, what is missing, how it was made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from cityctl.report.render.as_html.sheet import THOUSANDS, table_html
from cityctl.report.render.cells import local_time, prose, settled, shown
from cityctl.report.render.heading import (
    FINDINGS,
    about,
    completeness_words,
    missing_words,
    reference,
    title_words,
)
from cityctl.report.render.view import View
from cityctl.result import Column, Completeness, Finding, Result
from cityctl.wording import counted

MISSING_LINES = 200
MOST_FINDINGS = 200


def section_html(result: Result, view: View, *, anchor: str, headed: bool, plots: str, room: int) -> str:
    """A <section>; `headed` repeats the result's title, `room` [bytes] bounds each of its tables."""
    parts: list[str] = []
    if headed:
        title, beside = title_words(result, view.zone)
        parts.append(f"<h2>{escape(title)}</h2>")
        parts += [f"<p class=when>{escape(beside)}</p>"] if beside else []
        parts += [f"<p class=lead>{words_html(about(result))}</p>"] if about(result) else []
    parts.append(_state(result))
    if result.findings:
        shown_first = result.findings[:MOST_FINDINGS]
        many = " many" if len(result.findings) > 4 else ""
        parts.append(f"<ul class='findings{many}'>{''.join(_finding(one, view) for one in shown_first)}</ul>")
        if len(result.findings) > MOST_FINDINGS:
            more = len(result.findings) - MOST_FINDINGS
            parts.append(f"<p class=under>and {counted(more, 'more finding')}; -o json holds all</p>")
    tables = [table for table in result.tables if table.key != FINDINGS]
    for at, table in enumerate(tables):
        if table.title and (len(tables) > 1 or table.title != result.title):
            parts.append(f"<h3>{escape(prose(table.title))}</h3>")
        parts.append(table_html(table, view.zone, room))
        if at == 0 and plots:  # the first table answers, the plots show why
            parts.append(f"<div class=plots>{plots}</div>")
    if plots and not tables:
        parts.append(f"<div class=plots>{plots}</div>")
    parts.append(_missing(result.completeness))
    parts.append(_reference(result))
    return f'<section id="{anchor}">{"".join(parts)}</section>'


def words_html(text: str) -> str:
    """A sentence for the page: what stands between backticks is code, and no line breaks between thousands."""
    whole = re.sub(r"(?<=\d) (?=\d{3}\b)", THOUSANDS, prose(text))
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(whole))


def _state(result: Result) -> str:
    """The summary line, and how much of the readings it rests on."""
    summary = prose(result.summary)
    present = completeness_words(result.completeness)
    kind = "found" if result.findings else "doubt" if not result.completeness.complete else "fine"
    words = f"<p class='summary {kind}'>{words_html(summary)}</p>" if summary else ""
    if not present:
        return words
    share = result.completeness.share or 0.0
    meter = f'<span class=bar><i style="width:{min(100.0, share * 100):.1f}%"></i></span>'
    return f"{words}<p class=present>{meter} {escape(present)}</p>"


def _finding(finding: Finding, view: View) -> str:
    since = f"<span class=since>since {local_time(finding.since, view.zone)}</span>" if finding.since else ""
    evidence = "".join(_evidence(finding.evidence.items(), view))
    return (
        f"<li class={escape(finding.severity)}><p><b class=badge>{escape(finding.severity)}</b> "
        f"<strong>{escape(prose(finding.subject))}</strong> {since}</p>"
        f"<p>{words_html(finding.text)}</p>"
        f"<p class=evidence><code>{finding.id}</code> {evidence}</p></li>"
    )


def _evidence(items: Iterable[tuple[str, object]], view: View) -> Iterable[str]:
    """The figures behind a finding that fit in a line; -o json holds all of them."""
    for key, value in items:
        plain = settled(value)
        if plain is None or isinstance(plain, list):
            continue
        column = Column(key, key)
        text = _figure(plain) if isinstance(plain, float) else shown(plain, column, view.zone)
        if len(text) <= 80:
            yield f"<span>{escape(prose(key))} <b>{escape(text)}</b></span> "


def _figure(value: float) -> str:
    """Four figures, and all those before the point."""
    return f"{value:,.0f}".replace(",", THOUSANDS) if abs(value) >= 1000 else f"{value:.4g}"


def _missing(completeness: Completeness) -> str:
    lines = missing_words(completeness)
    if not lines:
        return ""
    shown_lines = lines[:MISSING_LINES]
    if len(lines) > MISSING_LINES:
        shown_lines.append(f"and {len(lines) - MISSING_LINES} more; -o json holds all")
    entries = "".join(f"<li>{words_html(line)}</li>" for line in shown_lines)
    return f"<div class=missing><h3>Missing</h3><ul>{entries}</ul></div>"


def _reference(result: Result) -> str:
    entries = reference(result)
    if not entries:
        return ""
    said = "".join(f"<dt>{escape(word)}</dt><dd>{words_html(text)}</dd>" for word, text in entries)
    return f"<div class=method><h3>How this was made</h3><dl>{said}</dl></div>"
