"""A report, from its name to its result: recipe, interval, parameters, readings, analysis, answer.

Opens the store and the engine; knows no formula, and prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from cityctl import clock
from cityctl.analysis.catalog import Analysis
from cityctl.analysis.question import Memory, Question
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.errors import UsageProblem
from cityctl.report.asking import analysis_of, check_words, sentence, settled
from cityctl.report.compose import Answer, composed
from cityctl.report.dress import dress, only_findings, said_words
from cityctl.report.memory import Remembered
from cityctl.report.recipe import Loaded, load
from cityctl.result import Result
from cityctl.store.choice import opened
from cityctl.store.segments.quarantine import dropped_note
from cityctl.store.segments.scan import micros
from cityctl.store.store import Store
from cityctl.store.views.city_tables import attach_city
from cityctl.store.views.counters import attach_counted
from cityctl.store.views.shown import attach_none


def run(
    name: str,
    project: Project,
    *,
    now: datetime,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
    settings: Sequence[str] = (),
    findings_alone: bool = False,
) -> Result:
    """Ask the report of that name; `settings` are `parameter=value` texts in place of the recipe's own.

    The result carries the interval that `since`, `until` and `last` (or the recipe) resolve to. Raises
    ConfigInvalid for an unknown report, analysis, column or parameter with the place and the near match,
    UsageProblem for the command's own words, StoreProblem for a store without a reading.
    """
    loaded = load(project.library, name)
    city = project.city

    def resolved(default: str) -> Interval:
        return clock.interval(since, until, last, zone=city.zone_info, now=now, default=default)

    if loaded.recipe.parts:
        result = _of_parts(loaded, project, resolved, settings)
    else:
        (asked,) = _questions(loaded, project, resolved, settings)
        result = _answered(asked, project)
    return only_findings(result) if findings_alone else result


@dataclass(frozen=True)
class _Asked:
    """A question of a report, ready to be asked: its parameters are read, nothing else is touched."""

    loaded: Loaded
    analysis: Analysis
    parameters: dict[str, object]
    interval: Interval


def _questions(
    loaded: Loaded, project: Project, resolved: Callable[[str], Interval], settings: Sequence[str]
) -> list[_Asked]:
    """Every question of a report. Raises ConfigInvalid and UsageProblem before anything is worked out."""
    analyses = [(one, analysis_of(one, project.folder)) for one in loaded.parts]
    if loaded.recipe.parts:
        check_words({one.part.part: analysis for one, analysis in analyses if one.part}, settings)
    return [
        _Asked(one, analysis, settled(one, analysis, settings), resolved(one.recipe.last))
        for one, analysis in analyses
    ]


def _of_parts(
    loaded: Loaded, project: Project, resolved: Callable[[str], Interval], settings: Sequence[str]
) -> Result:
    """The report's parts one after the other; one that the city cannot answer does not keep the others."""
    answers = []
    for one in _questions(loaded, project, resolved, settings):
        part = one.loaded.part
        assert part is not None
        title = part.title or one.analysis.title
        try:
            answers.append(Answer(part, title, _answered(one, project)))
        except UsageProblem as problem:
            lacks = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
            answers.append(Answer(part, title, None, lacks))
    recipe = loaded.recipe
    return composed(
        answers, title=recipe.title, interval=resolved(recipe.last), notes=said_words(recipe.words)
    )


def _answered(asked: _Asked, project: Project) -> Result:
    """One question's answer in its recipe's clothes."""
    analysis, parameters, interval, city = asked.analysis, asked.parameters, asked.interval, project.city
    wanted = analysis.points(city, parameters)
    window = analysis.window(interval, parameters, city)
    with ExitStack() as held, Engine() as engine:
        notes: list[str] = []
        memory: Memory | None = None
        if analysis.reads and not wanted:  # a water balance of given volumes, say
            attach_none(engine)
            attach_counted(engine, city.points())
        elif analysis.reads:
            store = held.enter_context(opened(project))
            notes = _not_there(store, interval)
            if analysis.remembers:
                memory = Remembered(project, store, engine, analysis.name, wanted)
            else:
                store.attach(engine, city, points=wanted, interval=window)
                attach_counted(engine, city.points())
        attach_city(engine, city, window)
        result = analysis.answer(Question(city, interval, parameters, engine, project.library, memory=memory))
    result = replace(result, interval=result.interval or interval, notes=[*notes, *result.notes])
    return dress(result, asked.loaded, parameters=sentence(analysis, parameters))


def _not_there(store: Store, interval: Interval) -> list[str]:
    """Notes of what the store no longer has of an interval, or has elsewhere alone: what to ask for instead."""
    dropped = dropped_note(store.list.snapshot(landing=False), micros(interval.start), micros(interval.end))
    if dropped is not None:
        return [dropped]
    span = store.span()
    if span is None or (span[0] < interval.end and span[1] >= interval.start):
        return []
    first, last = (moment.astimezone(interval.zone).date() for moment in span)
    return [
        f"no readings in this interval: the store's run from {first} to {last} "
        f"(try --since {first} --until {last})"
    ]
