"""received = new + unchanged + revised + duplicate + rejected, whatever a file holds."""

from __future__ import annotations

import io
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.city.project import Project
from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.console import Console
from cityctl.exports.shape import Shape

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("new", "unchanged", "revised", "duplicate", "rejected")
CELLS = st.tuples(
    st.sampled_from(["m1", "m2", "m3", ""]),
    st.sampled_from(["2021-01-01 00:00", "2021-01-01 01:00", "2021-03-28 02:30", "2021-10-31 02:15", "0001-01-01 00:00",
                     "2300-01-01", "soon", ""]),
    st.sampled_from(["1.5", "2.25", "-3.5", "", "x", "inf", "1e999", "0.0"]),
    st.sampled_from(["A", "E", "bad", "missing", "??", ""]),
)  # fmt: skip


def rows(project: Project | None, path: Path, dry_run: bool) -> list[dict[str, Any]]:
    shape = Shape(time_zone="Europe/Berlin", unit="kWh", layout="long", time="time", point="meter", value="value",
                  quality="quality", decimal=".", kind="interval")  # fmt: skip
    options = Options(shape, "csv", keep_all=True, dry_run=dry_run)
    quiet = Console(quiet=True, out=io.StringIO(), error=io.StringIO())
    result = import_files(project, [path], options, now=NOW, console=quiet)
    keys = [column.key for column in result.tables[0].columns]
    found = [dict(zip(keys, row, strict=True)) for row in result.tables[0].rows]
    told: Counter[str] = Counter()
    for row in result.tables[1].rows:
        told[str(row[3])] += int(str(row[5]))
    for one in found:
        assert one["received"] == sum(one[kind] for kind in KINDS)
        assert one["rejected"] == told[one["series"]]
    return found


@settings(max_examples=12)
@given(st.lists(CELLS, max_size=30))
def test_the_balance_closes_with_a_store_without_one_and_again(cells: list[tuple[str, ...]]) -> None:
    text = "meter,time,value,quality\n" + "".join(",".join(row) + "\n" for row in cells)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "a.csv").write_text(text)
        (folder / "city.yaml").write_text("name: A\ntime_zone: UTC\nnetworks: {power: {kind: power}}\n")
        looked = rows(None, folder / "a.csv", True)
        stored = rows(Project(folder), folder / "a.csv", False)
        # Looking without a store tells the same as an import into an empty one.
        key = ("series", "received", "new", "duplicate", "rejected", "sum")
        assert [[one[name] for name in key] for one in looked] == [
            [one[name] for name in key] for one in stored
        ]
        again = rows(Project(folder), folder / "a.csv", False)
        assert [one["new"] + one["revised"] for one in again] == [0] * len(again)
        assert [one["sum"] for one in again] == [one["sum"] for one in stored]
