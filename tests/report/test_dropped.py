"""Reports over months whose readings were dropped say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

CITY = """
name: Old
time_zone: UTC
networks: {water: {kind: water}}
zones: {north: {network: water, kind: dma, inflow: flow}}
points: {flow: {unit: m3/h, every: 1h}}
"""


def test_a_report_of_dropped_months_names_them(
    tmp_path: Path, cityctl: Callable[..., Any], project: Callable[[str], Path]
) -> None:
    folder = project(CITY)
    hours = (datetime(2020, 1, 30) + timedelta(hours=n) for n in range(72))
    (tmp_path / "flow.csv").write_text("time,flow\n" + "".join(f"{when},{when.hour}\n" for when in hours))
    here = ("--project", folder)
    assert cityctl("data", "import", tmp_path / "flow.csv", *here).returncode == 0
    asked = ("report", "run", "night-flow", "--since", "2020-01", "--until", "2020-02", *here)
    assert "were dropped" not in cityctl(*asked).stdout
    assert cityctl("data", "retain", "--raw", "400d", *here).returncode == 0
    after = cityctl(*asked)
    assert "the readings of 2020-01, 2020-02 were dropped" in after.stdout
    assert after.returncode == 4
