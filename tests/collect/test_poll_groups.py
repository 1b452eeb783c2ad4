"""Fast and slow points, and points that nobody confirmed: which of them a poll asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.city.project import Project
from cityctl.collect import poll as polling
from cityctl.errors import UsageProblem

CONNECTOR = """\
connector: acme
vendor: ACME
model: F1
class: water_meter
points:
  flow: {address: 0, type: float32, unit: m3/h}
  total: {address: 2, type: uint32, unit: m3, kind: counter, group: slow}
  guess: {address: 4, type: uint16, unit: bar, confidence: 0}
sources: [a page]
"""
CITY = """\
name: Town
time_zone: Europe/Berlin
devices:
  a: {connector: acme, host: 127.0.0.1, port: 1}
  b: {connector: acme, host: 127.0.0.1, port: 1, unit: 2, poll: [flow]}
points:
  named: {device: b/guess, unit: bar, every: 15m}
"""


@pytest.fixture
def town(project) -> Project:
    folder: Path = project(CITY)
    devices = folder / "connectors" / "devices"
    devices.mkdir(parents=True)
    (devices / "acme.yaml").write_text(CONNECTOR, encoding="utf-8")
    return Project(folder)


def asked(town: Project, group: str | None = None) -> dict[str, list[str]]:
    return {target.device: list(target.points) for target in polling.chosen(town, None, group)}


def test_a_guess_is_polled_only_where_city_yaml_names_it(town):
    assert asked(town) == {"a": ["flow", "total"], "b": ["flow", "guess"]}


def test_groups_are_polled_apart(town):
    assert asked(town, "fast") == {"a": ["flow"], "b": ["flow", "guess"]}
    assert asked(town, "slow") == {"a": ["total"]}
    with pytest.raises(UsageProblem, match="no such group"):
        asked(town, "slwo")


def test_explain_shows_the_group_alone(town):
    result = polling.explain(town, None, "slow")
    assert result.tables[0].cells("names") == ["total"]
