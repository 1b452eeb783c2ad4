"""A city with one flow, and a report of its own that finds what a file beside it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from cityctl.city.project import Project
from cityctl.store.store import Store

CITY = """\
name: Testville
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hafen: {network: water, name: Hafen, inflow: hafen_inflow}}
points:
  hafen_inflow: {unit: L/s, every: 1h, zone: hafen}
  berg_level: {unit: m, every: 1h}
"""

RECIPE = """\
report: sheet
title: What the sheet says
analysis: water/sheet
last: 2d
parameters: {limit: 2 L/s}
words:
  method: a flow over the limit is high
  sources: [made up for this test]
"""

# The sheet beside the analysis stands for what a real one would work out:
# [kind, subject, since, text, severity, zone where it tells one].
ANALYSIS = '''\
"""Findings as sheet.json lists them; and the largest flow, with the statement `largest`."""

import json
from datetime import datetime
from pathlib import Path

from cityctl.analysis.question import Parameter
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table

TITLE = "Sheet"
SUMMARY = "what a sheet says"
COLUMNS = (Column("largest", "Largest", "m3/h", "the largest flow", "number", 1, 1),)
PARAMETERS = (Parameter("limit", "number", 5.0, "m3/h", "above it a flow is high"),)


def points(city, parameters):
    return ["hafen_inflow", "berg_level"]


def answer(question):
    said = json.loads((Path(__file__).parent / "sheet.json").read_text())
    ((largest,),) = question.engine.rows(question.sql("largest"))
    findings = [
        Finding(kind, subject, datetime.fromisoformat(since), text, severity,
                {"largest_m3_h": largest, "zone": zone[0] if zone else None})
        for kind, subject, since, text, severity, *zone in said["findings"]
    ]
    missing = [Missing(what, "silent") for what in said["missing"]]
    return Result(
        TITLE,
        [Table("sheet", "Sheet", list(COLUMNS), [(largest,)])],
        findings=findings,
        completeness=Completeness(2, 2 - len(missing), missing, "points"),
        summary=f"{len(findings)} found",
    )
'''

SQL = "-- name: largest\nselect max(r.value) as largest from readings as r where r.point = 'hafen_inflow'\n"

LEAK = ["leak", "Hafen", "2026-11-19T01:15+00:00", "night flow rose by 12.6 m³/h", "alarm"]
DRIFT = ["drift", "berg_level", "2026-11-20T00:00+00:00", "level drifts", "warning"]


class Sheet:
    """The city and its sheet: `says` what the next run will find."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def says(self, *findings: list[str], missing: tuple[str, ...] = ()) -> None:
        """What the next run of the report finds, and what it cannot judge."""
        path = self.folder / "analysis/water/sheet.json"
        path.write_text(json.dumps({"findings": findings, "missing": missing}), encoding="utf-8")


@pytest.fixture
def sheet(project: Callable[[str], Path]) -> Sheet:
    """The city with 48 hourly readings up to 23 Nov 2026 06:00 UTC: 1, 2, ... 48 L/s; a level of 3 m."""
    folder = project(CITY)
    for name, text in {
        "recipes/reports/sheet.yaml": RECIPE,
        "analysis/water/sheet.py": ANALYSIS,
        "analysis/water/sheet.sql": SQL,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    place = Project(folder)
    hours = [datetime(2026, 11, 21, 7, tzinfo=UTC) + timedelta(hours=at) for at in range(48)]
    flows = [round((at + 1) * 3.6, 6) for at in range(48)]  # m³/h
    with Store.open(place.store_folder) as store:
        store.add(
            pa.table(
                {
                    "point": ["hafen_inflow"] * 48 + ["berg_level"] * 48,
                    "time": pa.array(hours * 2, pa.timestamp("us", tz="UTC")),
                    "value": flows + [3.0] * 48,
                }
            ),
            source="test",
            received=hours[-1],
            points=place.city.points(),
        )
    made = Sheet(folder)
    made.says(LEAK)
    return made
