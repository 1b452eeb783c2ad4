"""Which question `cityctl check NAME` asks: freshness, devices, store, or a report of that name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cityctl.report.checking.nagios import Checked, read_range

if TYPE_CHECKING:
    from cityctl.city.project import Project

QUESTIONS = ("freshness", "devices", "store")


def check(
    name: str,
    project: Project,
    *,
    now: datetime,
    fresh: timedelta,
    warn: str | None = None,
    crit: str | None = None,
) -> Checked:
    """The answer. Raises UsageProblem, ConfigInvalid (no such report) and StoreProblem."""
    bounds = read_range("--warn", warn), read_range("--crit", crit)
    if name == "freshness":
        from cityctl.report.checking.of_freshness import of_freshness

        return of_freshness(project, now=now, warn=bounds[0], crit=bounds[1])
    if name == "devices":
        from cityctl.report.checking.of_devices import of_devices

        return of_devices(project, warn=bounds[0], crit=bounds[1])
    if name == "store":
        from cityctl.report.checking.of_store import of_store

        return of_store(project, now=now, warn=bounds[0], crit=bounds[1])
    from cityctl.report.checking.of_report import of_report

    return of_report(name, project, now=now, fresh=fresh, warn=bounds[0], crit=bounds[1])
