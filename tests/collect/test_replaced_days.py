"""A re-issued day whose intervals have another length: what stood between its instants is withdrawn. By hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cityctl.city.project import Project
from cityctl.collect import withdraw as withdrawing
from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.collect.reparse import reparse
from cityctl.engine.duck import Engine
from cityctl.store import Store
from tests.collect.historian import NOW, console, go, stored
from tests.exports.samples import nem12
from tests.http_service import Service, send

QUARTERS = nem12({"20261120": [0.25] * 96}, length=15)
HALVES = nem12({"20261120": [0.5] * 48}, length=30)
CITY = """
name: T
time_zone: UTC
networks: {{power: {{kind: power}}}}
services: {{grid: {{connector: mine, url: "{url}"}}}}
points:
  used: {{unit: kWh, kind: interval, every: 30m, service: grid/NMI0000001#forward, series: NMI0000001/E1}}
"""
MINE = """
title: Days as NEM12
request: {path: '/{series}'}
auth: {kind: none}
window: {first: 7d, settle: 7d}
answer: {format: nem12, proof: format}
"""


@pytest.fixture
def grid(http: Service, project: Callable[[str], Path]) -> Project:
    folder = project(CITY.format(url=http.url))
    (folder / "connectors" / "services").mkdir(parents=True)
    (folder / "connectors" / "services" / "mine.yaml").write_text(MINE)
    return Project(folder)


def held(project: Project) -> list[tuple[Any, ...]]:
    """Readings with a value."""
    return [row for row in stored(project) if row[2] is not None]


def total(project: Project) -> float:
    return sum(row[2] for row in held(project))


def test_a_pull_withdraws_what_a_day_with_longer_intervals_replaces(http: Service, grid: Project) -> None:
    http.answer = lambda handler: send(handler, QUARTERS)
    go(grid)
    assert (len(held(grid)), total(grid)) == (96, 24.0)
    http.answer = lambda handler: send(handler, HALVES)
    result = go(grid, hours=1)
    # 48 half-hours of 0.5 kWh; the 48 quarters between them would have made it 36 kWh.
    assert (len(held(grid)), total(grid)) == (48, 24.0)
    assert "grid: 48 stored readings of days that it replaces were withdrawn" in result.notes
    again = go(grid, hours=2)
    assert not any("withdrawn" in note for note in again.notes)
    assert (len(held(grid)), total(grid)) == (48, 24.0)


def test_a_run_that_ended_before_it_withdrew_is_completed_by_the_next(
    http: Service, grid: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    http.answer = lambda handler: send(handler, QUARTERS)
    go(grid)
    http.answer = lambda handler: send(handler, HALVES)

    def broken(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("cityctl.collect.intake.withdraw", broken)
    with pytest.raises(KeyboardInterrupt):
        go(grid, hours=1)
    monkeypatch.setattr("cityctl.collect.intake.withdraw", withdrawing.withdraw)
    go(grid, hours=2)
    assert (len(held(grid)), total(grid)) == (48, 24.0)


def test_reading_again_what_landed_ends_the_same(http: Service, grid: Project) -> None:
    http.answer = lambda handler: send(handler, QUARTERS)
    go(grid)
    http.answer = lambda handler: send(handler, HALVES)
    go(grid, hours=1)
    reparse(grid, now=NOW + timedelta(hours=2), console=console())
    assert (len(held(grid)), total(grid)) == (48, 24.0)
    for path in sorted(grid.store_folder.rglob("*"), reverse=True):
        if path.is_file():
            path.unlink()
    reparse(grid, now=NOW + timedelta(hours=3), console=console())
    assert (len(held(grid)), total(grid)) == (48, 24.0)


def test_both_days_in_one_import(grid: Project, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(QUARTERS)
    (tmp_path / "b.csv").write_bytes(HALVES)
    import_files(grid, [tmp_path / "a.csv", tmp_path / "b.csv"], Options(), now=NOW, console=console())
    assert (len(held(grid)), total(grid)) == (48, 24.0)


def test_what_was_withdrawn_stays_in_the_history(http: Service, grid: Project) -> None:
    http.answer = lambda handler: send(handler, QUARTERS)
    go(grid)
    http.answer = lambda handler: send(handler, HALVES)
    go(grid, hours=1)
    with Store.open(grid.store_folder) as store, Engine() as engine:
        store.attach(engine, None)
        assert engine.row("SELECT count(*), count(value), max(quality) FROM readings") == (96, 48, 3)
