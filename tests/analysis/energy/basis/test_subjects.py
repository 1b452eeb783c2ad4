"""Findings bear the name that people know, and tell the asset or point that they are about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cityctl.analysis.energy.basis.subjects import of_assets, of_points, of_zones
from cityctl.city.load import load
from cityctl.result import Result
from tests.analysis.conftest import slots

CITY = """
name: Twins
time_zone: UTC
networks: {power: {kind: power}}
zones: {north: {network: power}, hill: {network: power, name: north}}
assets:
  t1: {kind: transformer, name: Mill Lane, zone: north, transformer: {rated: 100, no_load_loss: 100, load_loss: 900}}
  t2: {kind: transformer, name: Mill Lane, zone: north, transformer: {rated: 100, no_load_loss: 100, load_loss: 900}}
  t3: {kind: transformer, name: Quay, zone: north, transformer: {rated: 100, no_load_loss: 100, load_loss: 900}}
points:
  t1-load: {unit: kVA, every: 15m, asset: t1, role: load}
  t3-load: {unit: kVA, every: 15m, asset: t3, role: load, name: Quay load}
"""


def test_a_name_that_two_bear_goes_with_the_id(project: Callable[[str], Path]) -> None:
    city = load(project(CITY))
    assert of_assets(city) == {"t1": "Mill Lane, t1", "t2": "Mill Lane, t2", "t3": "Quay"}
    assert of_points(city) == {"t1-load": "t1-load", "t3-load": "Quay load"}
    assert of_zones(city) == {"north": "north", "hill": "north, hill"}


def test_a_finding_names_its_asset(ask: Callable[..., Result]) -> None:
    times = slots("2026-01-05", "2026-01-06", 15)
    series = {"t1-load": (times, np.full(96, 50.0)), "t3-load": (times, np.full(96, 180.0))}
    found = ask("energy/transformers", CITY, series, "2026-01-05", "2026-01-06", ambient=20.0)
    (one,) = found.findings
    assert (one.subject, one.evidence["asset"], one.evidence["highest_load"]) == ("Quay", "t3", 1.8)
