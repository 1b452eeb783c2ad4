"""A report, from its name to its result: recipe, interval, parameters, readings, analysis, answer.

Opens the store and the engine; knows no formula, and prints nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cityctl import clock
from cityctl.analysis.question import Question
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.report.asking import analysis_of, sentence, settled
from cityctl.report.dress import dress, only_findings
from cityctl.report.recipe import load
from cityctl.result import Result
from cityctl.store.choice import opened
from cityctl.store.city_tables import attach_city
from cityctl.store.counters import attach_counted
from cityctl.store.store import Store


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
    analysis = analysis_of(loaded, project.folder)
    parameters = settled(loaded, analysis, settings)
    city = project.city
    interval = clock.interval(since, until, last, zone=city.zone_info, now=now, default=loaded.recipe.last)
    wanted = analysis.points(city, parameters)
    window = analysis.window(interval, parameters, city)
    with opened(project) as store, Engine() as engine:
        store.attach(engine, city, points=wanted, interval=window)
        attach_city(engine, city, window)
        attach_counted(engine, city.points())
        result = analysis.answer(Question(city, interval, parameters, engine, project.library))
        notes = [*_elsewhere(store, interval), *result.notes]
    result = replace(result, interval=result.interval or interval, notes=notes)
    result = dress(result, loaded, parameters=sentence(analysis, parameters))
    return only_findings(result) if findings_alone else result


def _elsewhere(store: Store, interval: Interval) -> list[str]:
    """A note where the store's readings all lie outside the interval: what to ask for instead."""
    span = store.span()
    if span is None or (span[0] < interval.end and span[1] >= interval.start):
        return []
    first, last = (moment.astimezone(interval.zone).date() for moment in span)
    return [
        f"no readings in this interval: the store's run from {first} to {last} "
        f"(try --since {first} --until {last})"
    ]
