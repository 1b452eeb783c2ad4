"""A dry run of several files without a project: one balance over all of them, as an import would end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.exports.shape import Shape
from tests.collect.historian import NOW, console, counts

FIRST = "time,meter,value\n2026-11-01 00:00,a,1.5\n2026-11-01 01:00,a,2\n2026-11-01 00:00,b,3\n"
SECOND = "time,meter,value\n2026-11-01 01:00,a,2\n2026-11-01 02:00,a,4\n2026-11-01 00:00,b,5\n"
SHAPE = Shape(unit="kWh", time_zone="UTC")


def test_what_two_files_share_is_new_once(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text(FIRST)
    (tmp_path / "2.csv").write_text(SECOND)
    files = [tmp_path / "1.csv", tmp_path / "2.csv"]
    result = import_files(None, files, Options(SHAPE, dry_run=True), now=NOW, console=console())
    told = [(row[0], *row[5:11]) for row in result.tables[0].rows]
    # received, new, unchanged, revised, duplicate, rejected; received together, the larger value of b counts.
    assert told == [
        ("a", 2, 2, 0, 0, 0, 0), ("b", 1, 1, 0, 0, 0, 0),
        ("a", 2, 1, 1, 0, 0, 0), ("b", 1, 0, 0, 1, 0, 0),
    ]  # fmt: skip
    (alone,) = files[:1]
    single = import_files(None, [alone], Options(SHAPE, dry_run=True), now=NOW, console=console())
    assert counts(single) == {"a": (2, 2, 0, 0, 0, 0), "b": (1, 1, 0, 0, 0, 0)}


def test_it_tells_what_an_import_then_does(
    tmp_path: Path, cityctl: Callable[..., Any], project: Callable[[str], Path]
) -> None:
    (tmp_path / "1.csv").write_text(FIRST)
    (tmp_path / "2.csv").write_text(SECOND)
    words = ("data", "import", tmp_path / "1.csv", tmp_path / "2.csv", "--unit", "kWh", "--time-zone", "UTC")
    looked = json.loads(cityctl(*words, "--dry-run", "-o", "json", cwd=tmp_path).stdout)
    folder = project("name: T\ntime_zone: UTC\nnetworks: {power: {kind: power}}\n")
    came = json.loads(cityctl(*words, "--all", "--project", folder, "-o", "json").stdout)
    assert looked["rows"] == came["rows"]
    assert sum(row["new"] for row in looked["rows"]) == 4
