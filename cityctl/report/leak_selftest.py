"""The leak watch's own promise on a city: opens its store, and has leaks put into its history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from cityctl import clock
from cityctl.analysis.catalog import find
from cityctl.analysis.question import Question
from cityctl.city.project import Project
from cityctl.engine.duck import Engine
from cityctl.result import Result
from cityctl.store.choice import opened
from cityctl.store.views.city_tables import attach_city
from cityctl.store.views.counters import attach_counted

ANALYSIS = "water/night_flow"


def run(
    project: Project,
    *,
    now: datetime,
    since: str | None,
    until: str | None,
    last: str | None,
    zones: str,
    trials: int,
    seed: int,
    advance: Callable[[int, int], None] | None = None,
) -> Result:
    """What selftest.tried finds in the readings of an interval, the last year where none is given.

    `advance(done, of)` is called as the work goes on. Raises UsageProblem and StoreProblem as a report does.
    """
    from cityctl.analysis.water.selftest import tried

    analysis = find(ANALYSIS, project.folder)
    parameters = analysis.settle({"zones": zones} if zones else {})
    city = project.city
    interval = clock.interval(since, until, last, zone=city.zone_info, now=now, default="365d")
    wide = analysis.window(interval, parameters, city)
    with opened(project) as store, Engine() as engine:
        store.attach(engine, city, points=analysis.points(city, parameters), interval=wide)
        attach_city(engine, city, wide)
        attach_counted(engine, city.points())
        question = Question(city, interval, parameters, engine, project.library, analysis.statements)
        result = tried(question, trials=trials, seed=seed, advance=advance)
    return replace(result, interval=interval)
