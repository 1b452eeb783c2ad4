"""How old each point's last reading is, against how often it should come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cityctl.errors import UsageProblem, listed
from cityctl.report.checking.nagios import Checked, Figure, Range, State
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.city.points import Point
    from cityctl.city.project import Project

WARN_ROUNDS, WARN_LEAST = 4, timedelta(hours=2)
CRIT_ROUNDS, CRIT_LEAST = 24, timedelta(days=1)
"""Without --warn and --crit: so many of a point's own intervals, and no sooner than that."""
LOOK_BACK = timedelta(days=40)
"""Older readings are not searched: a point without one in this time is silent."""


def of_freshness(project: Project, *, now: datetime, warn: Range | None, crit: Range | None) -> Checked:
    """The points that devices, services and files bring; `warn` and `crit` bound each one's age in seconds.

    A point whose interval nobody knows is judged by the least times alone. Raises StoreProblem.
    """
    points = {name: point for name, point in project.city.points().items() if point.formula is None}
    if not points:
        raise UsageProblem("city.yaml names no point that readings are expected of")
    last = last_readings(project, list(points), now)
    checked = Checked()
    late: list[tuple[float, str, str]] = []
    ages: list[float] = []
    for name, point in points.items():
        allowed = (warn or _own(point, WARN_ROUNDS, WARN_LEAST), crit or _own(point, CRIT_ROUNDS, CRIT_LEAST))
        if name not in last:
            late.append((float("inf"), name, f"none in {LOOK_BACK.days} d"))
            checked.worse(State.CRITICAL)
            continue
        age = (now - last[name]).total_seconds()
        ages.append(age)
        state = (
            State.CRITICAL
            if allowed[1].alerts(age)
            else State.WARNING
            if allowed[0].alerts(age)
            else State.OK
        )
        checked.worse(state)
        if state is not State.OK:
            late.append((age, name, _said(age)))
    late.sort(reverse=True)
    if late:
        checked.words.append(
            f"{len(late)} of {len(points)} points late: "
            + listed([f"{name} ({said})" for _, name, said in late], 3)
        )
    else:
        checked.words.append(f"{counted(len(points), 'point')} fresh")
    checked.figures += [Figure("points", len(points)), Figure("late", len(late))]
    checked.figures += [Figure("silent", sum(age == float("inf") for age, _, _ in late))]
    if ages:
        checked.figures.append(Figure("oldest", round(max(ages)), "s", warn, crit))
    return checked


def last_readings(project: Project, points: list[str], now: datetime) -> Mapping[str, datetime]:
    """Instant of the last reading with a value of each point, UTC, within LOOK_BACK. Raises StoreProblem."""
    from cityctl.clock import Interval
    from cityctl.engine.duck import Engine
    from cityctl.store.choice import opened

    window = Interval(now - LOOK_BACK, now + timedelta(hours=1), project.city.zone_info)
    with opened(project) as store, Engine() as engine:
        store.attach(engine, None, points=points, interval=window)
        rows = engine.rows(
            "SELECT point, max(time) AS last FROM readings WHERE value IS NOT NULL GROUP BY point"
        )
    return {name: moment.replace(tzinfo=UTC) for name, moment in rows}


def _own(point: Point, rounds: int, least: timedelta) -> Range:
    expected = point.every * rounds if point.every is not None else least
    return Range(-float("inf"), max(expected, least).total_seconds())


def _said(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours / 24:.1f} d" if hours >= 48 else f"{hours:.1f} h"
