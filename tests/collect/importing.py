"""A project with files of its own, and what an import of them told and left behind."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cityctl.city.project import Project
from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.console import Console
from cityctl.engine.duck import Engine
from cityctl.exports.shape import Shape
from cityctl.result import Result
from cityctl.store import Store

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
CITY = """
name: Test city
time_zone: Europe/Berlin
networks: {water: {kind: water}, power: {kind: power}}
zones: {north: {network: water, kind: dma}}
files:
  flows: {path: in/flows.csv, layout: wide, time: Timestamp, time_zone: UTC, unit: L/s}
points:
  p227: {unit: m3/h, every: 5m}
  p235: {unit: m3/h, every: 5m}
  pump_1: {unit: m3/h, every: 5m}
  level: {unit: mH2O, every: 5m}
  use: {unit: kWh, kind: interval, every: 1h, series: METER.7}
  net: {formula: p227 + p235, unit: m3/h}
"""
FLOWS = "Timestamp,p227,P235\n2021-01-01 00:00,1,2\n2021-01-01 00:05,3,\n"


def quiet() -> Console:
    return Console(quiet=True, out=io.StringIO(), error=io.StringIO())


def load(project: Project | None, files: Sequence[Path] = (), *, later: int = 0, **words: Any) -> Result:
    options = {
        name: words.pop(name) for name in ("mapping", "keep_all", "dry_run", "format") if name in words
    }
    now = NOW + timedelta(hours=later)
    return import_files(project, files, Options(Shape(**words), **options), now=now, console=quiet())


def rows(result: Result) -> dict[str, dict[str, Any]]:
    """The balance by series."""
    table = result.tables[0]
    keys = [column.key for column in table.columns]
    return {str(row[0]): dict(zip(keys, row, strict=True)) for row in table.rows}


def rejections(result: Result) -> list[tuple[Any, ...]]:
    """(line, series, reason, count) of each rejection."""
    table = next(table for table in result.tables if table.key == "rejections")
    return [(row[1], row[3], row[4], row[5]) for row in table.rows]


def stored(project: Project) -> list[tuple[Any, ...]]:
    """(point, time, value, quality) of everything in the store."""
    with Store.open(project.store_folder) as store, Engine() as engine:
        store.attach(engine, None)
        return engine.rows("SELECT point, time, value, quality FROM readings ORDER BY ALL")


def closes(result: Result) -> bool:
    kinds = ("new", "unchanged", "revised", "duplicate", "rejected")
    return all(row["received"] == sum(row[kind] for kind in kinds) for row in rows(result).values())
