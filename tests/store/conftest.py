"""Readings in short notation, and a store in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cityctl.city.project import Project
from cityctl.engine.duck import Engine
from cityctl.store import Store
from tests.store.quarters import CITY, DAY1

Row = tuple[Any, ...]


def arrow(rows: Iterable[Row]) -> pa.Table:
    """(point, time, value[, quality]) as the columns that a store takes."""
    listed = [(*row, 0)[:4] for row in rows]
    return pa.table(
        {
            "point": pa.array([row[0] for row in listed], pa.string()),
            "time": pa.array([row[1] for row in listed], pa.timestamp("us", "UTC")),
            "value": pa.array([row[2] for row in listed], pa.float64()),
            "quality": pa.array([row[3] for row in listed], pa.uint8()),
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder) as opened:
        yield opened


@pytest.fixture
def table() -> Callable[[Iterable[Row]], pa.Table]:
    return arrow


@pytest.fixture
def rows() -> Callable[..., list[Row]]:
    """All readings as queries see them: (point, aware time, value, quality), in order."""

    def ask(store: Store, city: Any = None, **choice: Any) -> list[Row]:
        with Engine(threads=1) as engine:
            store.attach(engine, city, **choice)
            found = engine.rows("SELECT point, time, value, quality FROM readings ORDER BY point, time")
        return [(point, time.replace(tzinfo=UTC), value, quality) for point, time, value, quality in found]

    return ask


@pytest.fixture
def at() -> Callable[..., datetime]:
    """Hours (and minutes) after 2026-01-31 22:00 UTC: the first of them lie in January, the others in February."""

    def moment(hours: float, **more: float) -> datetime:
        return datetime(2026, 1, 31, 22, tzinfo=UTC) + timedelta(hours=hours, **more)

    return moment


@pytest.fixture
def made(project, monkeypatch, table):
    """Make a project whose store holds the given rows of (point, local time, value[, quality])."""
    monkeypatch.delenv("CITYCTL_STORE", raising=False)

    def make(rows=(), city=CITY):
        found = Project(project(city))
        if rows:
            with Store.open(found.store_folder) as store:
                store.add(table(rows), source="x", received=DAY1, points=found.city.points())
        return found

    return make
