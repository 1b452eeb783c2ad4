"""Several answers on one page: a report of parts as one result, each part's tables and plots under its title.

Knows results alone; no analysis, no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cityctl.clock import Interval
from cityctl.report.recipe import Part
from cityctl.report.render.heading import REFERENCE, completeness_words, interval_words
from cityctl.result import Completeness, Finding, Missing, Plot, Result, Table


@dataclass(frozen=True)
class Answer:
    """What one part gave: its result, or why there is none."""

    part: Part
    title: str
    result: Result | None
    lacks: str = ""


def composed(answers: Sequence[Answer], *, title: str, interval: Interval, notes: Sequence[str]) -> Result:
    """One result: tables `part_table`, plots `part_plot:..`, findings each once, every gap with its part.

    A part without an answer is missing, or where it is optional named in a note. Nights and readings are not
    added up: where the parts count different things, each says its share under its own table.
    """
    tables: list[Table] = []
    plots: list[Plot] = []
    findings: dict[str, Finding] = {}
    missing: dict[Missing, None] = {}
    said = [*notes]
    summary = []
    for one in answers:
        if one.result is None:
            if one.part.optional:
                said.append(f"{one.title} is left out: {one.lacks}")
            else:
                missing[Missing(one.title, one.lacks)] = None
            continue
        tables += _tables(one, one.result, interval)
        plots += [_plot(one, plot) for plot in one.result.plots]
        for finding in one.result.findings:
            findings.setdefault(finding.id, _marked(finding, one.part.part))
        missing.update(dict.fromkeys(one.result.completeness.missing))
        said += [_noted(one.title, note) for note in one.result.notes]
        summary += [f"{one.title}: {one.result.summary}"] if one.result.summary else []
    return Result(
        title=title,
        tables=tables,
        interval=interval,
        findings=list(findings.values()),
        completeness=_completeness(answers, list(missing)),
        plots=plots,
        notes=list(dict.fromkeys(said)),
        summary="; ".join(summary),
    )


def _marked(finding: Finding, part: str) -> Finding:
    """The finding with the part that found it in its evidence: what explains it must know."""
    return replace(finding, evidence={**finding.evidence, "part": part})


def _tables(one: Answer, result: Result, interval: Interval) -> list[Table]:
    about = [result.subtitle] if result.subtitle else []
    if result.interval is not None and result.interval != interval:
        about.append(interval_words(result.interval, interval.zone))
    if present := completeness_words(result.completeness):
        about.append(present)
    tables = []
    for at, table in enumerate(result.tables):
        named = one.title if at == 0 or table.title in ("", one.title) else f"{one.title}: {table.title}"
        note = "; ".join(word for word in (*(about if at == 0 else ()), table.note) if word)
        tables.append(replace(table, key=f"{one.part.part}_{table.key}", title=named, note=note))
    return tables


def _plot(one: Answer, plot: Plot) -> Plot:
    return replace(plot, key=f"{one.part.part}_{plot.key}", title=f"{one.title}: {plot.title}")


def _noted(title: str, note: str) -> str:
    """A part's note with its title: behind the word of reference, where it begins with one."""
    word, colon, rest = note.partition(":")
    if colon and word in REFERENCE:
        return f"{word}: {title}: {rest.strip()}"
    if colon and word == "About":
        return f"Method: {title}: {rest.strip()}"
    return f"{title}: {note}"


def _completeness(answers: Sequence[Answer], missing: list[Missing]) -> Completeness:
    counted = [one for one in answers if one.result is not None or not one.part.optional]
    units = {one.result.completeness.unit for one in counted if one.result and one.result.completeness.wanted}
    if len(units) == 1 and all(one.result for one in counted):
        parts = [one.result.completeness for one in counted if one.result]
        return Completeness(
            sum(part.wanted for part in parts), sum(part.had for part in parts), missing, units.pop()
        )
    return Completeness(missing=missing)
