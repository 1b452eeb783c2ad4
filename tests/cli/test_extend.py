"""A connector, a report and an analysis are new files, and touch no Python file of cityctl.

Each is added to a temporary project and used through the program: the connector is served, polled and its
readings are asked by the analysis through the report.
"""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.wire import Bank, Server

CITY = """\
name: Extended
time_zone: Europe/Berlin
networks: {{water: {{kind: water}}}}
zones: {{hill: {{network: water}}}}
devices: {{plc: {{connector: acme_flow, host: 127.0.0.1, port: {port}, zone: hill}}}}
points: {{hill_flow: {{device: plc/flow, unit: L/s, every: 15m, zone: hill}}}}
"""
CONNECTOR = """\
connector: acme_flow
vendor: ACME
model: Flow 1
class: water_meter
function_code: 3
points:
  flow: {address: 10, type: float32, unit: L/s, confidence: 2}
  total: {address: 12, type: uint32, unit: m3, scale: 0.01, kind: counter, confidence: 2}
sources: [made for this test]
"""
ANALYSIS = '''\
"""The mean of each point."""

from cityctl.analysis.question import Parameter, Question
from cityctl.glossary import column
from cityctl.result import Column, Completeness, Result, Table

TITLE = "Mean value"
SUMMARY = "The mean of each point over the interval."
COLUMNS = (column("point"), Column("mean", "Mean", unit="m3/h", meaning="mean of the readings", kind="number"))
PARAMETERS = (Parameter("factor", "number", 1.0, None, "what the mean is multiplied with"),)


def points(city, parameters):
    return ["hill_flow"]


def answer(question: Question) -> Result:
    rows = question.engine.rows(question.sql("means"), {"factor": question.parameters["factor"]})
    table = Table("means", "Means", list(COLUMNS), rows)
    return Result(TITLE, [table], interval=question.interval, completeness=Completeness(1, len(rows)))
'''
SQL = "-- name: means\nSELECT point, avg(value) * $factor FROM readings GROUP BY point ORDER BY point\n"
REPORT = """\
report: means
title: Means of the hill
analysis: water/mean
parameters: {factor: 2}
"""


@pytest.fixture
def extended(project):
    """A project with a device model, an analysis and a report of its own, and its PLC answering."""
    folder: Path = project(CITY.format(port=1))
    for name, text in {
        "connectors/devices/acme_flow.yaml": CONNECTOR,
        "analysis/water/mean.py": ANALYSIS,
        "analysis/water/mean.sql": SQL,
        "recipes/reports/means.yaml": REPORT,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    connector = load_connector(folder / "connectors/devices/acme_flow.yaml")
    bank = Bank.from_connector(connector, lambda point: {"flow": 5.0, "total": 1234.5}[point])
    loop = asyncio.new_event_loop()
    server = Server({1: bank})
    port = loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    (folder / "city.yaml").write_text(CITY.format(port=port), encoding="utf-8")
    yield folder
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_new_files_are_enough(extended, cityctl):
    assert cityctl("connectors", "lint", "acme_flow", "--project", extended).returncode == 0
    polled = cityctl("poll", "--project", extended)
    assert polled.returncode == 0, polled.stderr
    listed = json.loads(cityctl("report", "list", "--project", extended, "-o", "json").stdout)
    assert "means" in [row["report"] for row in listed["rows"]]
    ended = cityctl("report", "run", "means", "--last", "1h", "--project", extended, "-o", "json")
    assert ended.returncode == 0, ended.stderr
    # 5 L/s are 18 m³/h; the recipe doubles.
    assert json.loads(ended.stdout)["rows"] == [{"point": "hill_flow", "mean": pytest.approx(36.0)}]
    other = cityctl(
        "report", "run", "means", "--last", "1h", "--set", "factor=1", "--project", extended, "-o", "json"
    )
    assert json.loads(other.stdout)["rows"][0]["mean"] == pytest.approx(18.0)


def test_a_file_with_a_mistake_is_named_with_its_place(extended, cityctl):
    path = extended / "connectors/devices/acme_flow.yaml"
    path.write_text(CONNECTOR.replace("type: float32", "tpye: float32"), encoding="utf-8")
    ended = cityctl("poll", "--project", extended)
    assert ended.returncode == 10
    assert f"{path}:7:" in ended.stderr
    assert "hint: did you mean `type`?" in ended.stderr
    recipe = extended / "recipes/reports/means.yaml"
    recipe.write_text(REPORT.replace("factor: 2", "facter: 2"), encoding="utf-8")
    path.write_text(CONNECTOR, encoding="utf-8")
    ended = cityctl("report", "run", "means", "--project", extended)
    assert ended.returncode in (2, 10)
    assert "did you mean `factor`?" in ended.stderr
