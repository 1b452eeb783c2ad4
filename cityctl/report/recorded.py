"""A report that is run and kept: its findings go into the project's book, and it says what is new since then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cityctl.city.model import City
from cityctl.city.project import Project
from cityctl.report.findings.book import Book
from cityctl.report.findings.record import record
from cityctl.report.findings.views import change_words, changes
from cityctl.result import Result


def keep(
    name: str, result: Result, project: Project, *, now: datetime, settings: Sequence[str] = ()
) -> Result:
    """The result with what changed since the last recorded run, which is kept. Raises StoreProblem."""
    change = record(Book(project.state), name, result, now=now, asked=settings, places=places(project.city))
    words = change_words(change, project.city.zone_info)
    table = changes(change, now=now)
    return replace(
        result,
        tables=[*result.tables, *([table] if table.rows else [])],
        summary=f"{result.summary}; {words}" if result.summary else words,
    )


def places(city: City) -> dict[str, set[str]]:
    """What else a missing name stands for: a point's zone and meter, a device's zones, an asset; by id and by name."""
    found: dict[str, set[str]] = {}
    for name, point in city.points().items():
        about = {name} | ({point.name} if point.name else set())
        if point.zone is not None:
            about |= _zone(city, point.zone)
        found.setdefault(name, set()).update(about)
        if point.device is not None:
            found.setdefault(point.device.partition("/")[0], set()).update(about)
    for name, asset in city.assets.items():
        found.setdefault(name, set()).update({name} | ({asset.name} if asset.name else set()))
    for name in city.zones:
        found.setdefault(name, set()).update(_zone(city, name))
        for said in _zone(city, name):
            found.setdefault(said, set()).add(name)
    return found


def _zone(city: City, name: str) -> set[str]:
    entry = city.zones.get(name)
    return {name} | ({entry.name} if entry is not None and entry.name else set())
