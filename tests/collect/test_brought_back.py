"""What `data export` wrote, imported again: the same readings, and nothing revised."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CITY = """
name: Back
time_zone: Europe/Berlin
networks: {water: {kind: water}}
points:
  flow: {unit: L/s, every: 1h}
  warm: {unit: degF, every: 1h}
"""
HOURS = [f"2026-10-{day}T{hour:02}:00:00.123456Z" for day in (24, 25) for hour in range(24)]
READINGS = "time,flow,warm\n" + "".join(f"{when},{n / 7!r},{n / 3 + 50!r}\n" for n, when in enumerate(HOURS))
WHEN = ("--since", "2026-10", "--until", "2026-10")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_brought_back_changes_nothing(
    tmp_path: Path, cityctl: Callable[..., Any], project: Callable[[str], Path], form: str
) -> None:
    """The store holds m³/h and °C: some of these 96 values come back from L/s and °F with another last bit."""
    folder = project(CITY)
    (tmp_path / "first.csv").write_text(READINGS)
    here = ("--project", folder)
    assert cityctl("data", "import", tmp_path / "first.csv", *here).returncode == 0
    back = tmp_path / f"back.{form}"
    assert cityctl("data", "export", *WHEN, "-o", form, "--output-file", back, *here).returncode == 0
    for words in (["--dry-run"], []):
        told = json.loads(cityctl("data", "import", back, *words, *here, "-o", "json").stdout)["rows"]
        assert {(row["point"], row["unchanged"], row["revised"]) for row in told} == {
            ("flow", 48, 0),
            ("warm", 48, 0),
        }


def test_two_lists_of_other_readings_are_still_refused(tmp_path: Path, cityctl: Callable[..., Any]) -> None:
    rows = [{"time": when, "value": n} for n, when in enumerate(HOURS)]
    path = tmp_path / "two.json"
    path.write_text(json.dumps({"rows": rows, "tables": {"rows": [*rows[:-1], rows[-1] | {"value": 99}]}}))
    refused = cityctl("data", "import", path, "--dry-run", "--unit", "kWh")
    assert refused.returncode == 4
    assert "several lists hold times and values" in refused.stderr
